"""The data dir: one hub at a time, secrets that only we can read, nothing changed outside."""

import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from aiops.core.embedded.data_dir import DataDir, DataDirInUse, EmbeddedServerError
from aiops.core.embedded.log_file import LogFile

HOLDER = """
import sys
from pathlib import Path
from aiops.core.embedded.data_dir import DataDir
data_dir = DataDir(Path(sys.argv[1]))
with data_dir.locked():
    print(data_dir.scratch(0o700), flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def path() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="aiops-test-", dir="/tmp") as folder:
        yield Path(folder) / "data"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_constructing_touches_nothing(path: Path) -> None:
    DataDir(path)
    assert not path.exists()


def test_a_new_data_dir_is_closed_to_others(path: Path) -> None:
    with DataDir(path).locked():
        assert mode(path) == 0o700
        assert mode(path / "lock") == 0o600


def test_a_second_hub_is_refused_and_told_of_the_first(path: Path) -> None:
    first = DataDir(path)
    with first.locked():
        with pytest.raises(DataDirInUse, match=rf"in use by process {os.getpid()}; stop that one"):
            ExitStack().enter_context(DataDir(path).locked())
        first.announce("http://127.0.0.1:9999")
        with pytest.raises(DataDirInUse, match=rf"process {os.getpid()} \(http://127\.0\.0\.1:9999\)"):
            ExitStack().enter_context(DataDir(path).locked())
    with DataDir(path).locked():
        pass


def test_a_killed_hub_leaves_no_lock_and_its_temporary_folder_goes_with_the_next(path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout is not None
        scratch = Path(holder.stdout.readline().strip())
        with pytest.raises(DataDirInUse, match=f"process {holder.pid}"):
            ExitStack().enter_context(DataDir(path).locked())
        holder.send_signal(signal.SIGKILL)
    assert scratch.is_dir()
    with DataDir(path).locked():
        assert not scratch.exists()


def test_temporary_folders_go_with_the_lock(path: Path) -> None:
    data_dir = DataDir(path)
    with data_dir.locked():
        scratch = data_dir.scratch(0o700)
        assert mode(scratch) == 0o700
    assert not scratch.exists()


def test_the_record_of_temporary_folders_removes_nothing_else(path: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (tmp_path / "aiops-link").symlink_to(precious)
    with DataDir(path).locked():
        pass
    (path / "scratch").write_text(f"{precious}\n{tmp_path / 'aiops-link'}\n{tmp_path / 'aiops-gone'}\n")
    with DataDir(path).locked():
        assert precious.is_dir()


def test_a_secret_is_made_once_and_only_we_can_read_it(path: Path) -> None:
    secret = DataDir(path).secret("encryption")
    assert len(secret) == 32
    assert DataDir(path).secret("encryption") == secret
    assert DataDir(path).secret("internal") != secret
    assert len(DataDir(path).secret("short", 16)) == 16
    assert mode(path / "secrets") == 0o700
    assert mode(path / "secrets" / "encryption") == 0o600
    assert sorted(found.name for found in (path / "secrets").iterdir()) == ["encryption", "internal", "short"]


def test_a_secret_that_others_could_read_is_closed(path: Path) -> None:
    secret = DataDir(path).secret("encryption")
    (path / "secrets" / "encryption").chmod(0o644)
    assert DataDir(path).secret("encryption") == secret
    assert mode(path / "secrets" / "encryption") == 0o600


def test_a_damaged_secret_is_never_replaced(path: Path) -> None:
    DataDir(path).secret("encryption")
    (path / "secrets" / "encryption").write_bytes(b"")
    with pytest.raises(EmbeddedServerError, match="holds 0 bytes where 32 are needed"):
        DataDir(path).secret("encryption")


@pytest.mark.parametrize("name", ["", "../escape", "UPPER", "a/b"])
def test_a_secret_s_name_stays_inside(path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="no name for a secret"):
        DataDir(path).secret(name)


def test_somebody_s_folder_given_by_mistake_keeps_its_rights(path: Path) -> None:
    path.mkdir(mode=0o755)
    path.chmod(0o755)
    (path / "thesis.tex").touch()
    with DataDir(path).locked():
        assert mode(path) == 0o755
        assert mode(DataDir(path).log("valkey").path.parent) == 0o700


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedServerError, match="cannot make the data dir"):
        ExitStack().enter_context(DataDir(tmp_path / "file" / "data").locked())


def test_servers_are_started_only_under_the_lock(path: Path) -> None:
    with pytest.raises(EmbeddedServerError, match="is not locked"):
        DataDir(path).server_folder("postgres")


def test_a_log_stays_bounded_while_a_writer_appends(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "server.log", max_bytes=100)
    writer = log.open()
    try:
        for number in range(20):
            os.write(writer, f"line {number:03} of the log\n".encode())
            log.bound()
    finally:
        os.close(writer)
    assert mode(log.path) == 0o600
    assert mode(tmp_path / "server.log.1") == 0o600
    assert log.path.stat().st_size + (tmp_path / "server.log.1").stat().st_size < 300
    assert log.tail(1) == "line 019 of the log"
