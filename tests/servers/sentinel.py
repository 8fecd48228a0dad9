"""A primary, its replica and three sentinels from the wheel, on loopback: any of them may be killed and come back."""

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from redis import Redis
from redis.exceptions import RedisError

from aiops.core.embedded.programs import valkey_server
from tests.servers.loopback import HOST, free_port
from tests.servers.processes import Process
from tests.servers.waiting import until

MASTER: Final = "aiops"
PASSWORD: Final = "of the servers/?#@%+"
SENTINEL_PASSWORD: Final = "of+the sentinels&="


class SentinelSite:
    """`servers` are the two data servers' ports, the primary's first; `sentinels` the three others'."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self.servers = [free_port(), free_port()]
        self.sentinels = [free_port() for _ in range(3)]
        self.processes: dict[int, Process] = {}

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.callback(self._stack.close)
            for port in self.servers:
                self._run(port, self._server_config(port))
            until(lambda: self.replicas() == 1, what="the replica is in step")
            for port in self.sentinels:
                self._run(port, self._sentinel_config(port), "--sentinel")
            until(self._complete, what="the sentinels know each other and the replica")
            stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def client(self, port: int) -> "Redis":
        password = SENTINEL_PASSWORD if port in self.sentinels else PASSWORD
        return Redis(host=HOST, port=port, password=password, socket_timeout=2)

    def primary(self) -> int:
        """The port that the sentinels name now."""
        for port in self.sentinels:
            if self.processes[port].running:
                with self.client(port) as client:
                    found = client.sentinel_get_master_addr_by_name(MASTER)
                return int(found[1]) if found else 0
        raise RuntimeError("no sentinel runs")

    def replicas(self) -> int:
        """How many replicas the first server has in step."""
        try:
            with self.client(self.servers[0]) as client:
                info = client.info("replication")
        except RedisError:
            return 0
        return sum(info.get(f"slave{n}", {}).get("state") == "online" for n in range(info.get("connected_slaves", 0)))

    def _complete(self) -> bool:
        try:
            for port in self.sentinels:
                with self.client(port) as client:
                    state = client.sentinel_master(MASTER)
                if state["num-other-sentinels"] != 2 or state["num-slaves"] != 1:
                    return False
        except RedisError:
            return False
        return True

    def _run(self, port: int, config: str, *words: str) -> None:
        folder = self._folder / str(port)
        folder.mkdir(parents=True)
        file = folder / "server.conf"
        file.write_text(f'bind {HOST}\nport {port}\ndir "{folder}"\n{config}')
        process = Process([valkey_server(), file, *words], log=folder / "output.log")
        self.processes[port] = self._stack.enter_context(process)

    def _server_config(self, port: int) -> str:
        following = "" if port == self.servers[0] else f"replicaof {HOST} {self.servers[0]}\n"
        return (
            f'save ""\nappendonly no\nrepl-diskless-sync-delay 0\nrequirepass "{PASSWORD}"\n'
            f'masterauth "{PASSWORD}"\n{following}'
        )

    def _sentinel_config(self, _: int) -> str:
        return (
            f"sentinel monitor {MASTER} {HOST} {self.servers[0]} 2\n"
            f'sentinel auth-pass {MASTER} "{PASSWORD}"\n'
            f"sentinel down-after-milliseconds {MASTER} 2000\nsentinel failover-timeout {MASTER} 6000\n"
            f'requirepass "{SENTINEL_PASSWORD}"\nsentinel sentinel-pass "{SENTINEL_PASSWORD}"\n'
        )
