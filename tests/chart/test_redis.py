"""The start script and settings of the embedded Redis, as rendered, run by real servers: alone, and with Sentinel.

Each pod has a name and an address of its own.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Final

import pytest
from redis import Redis
from redis.exceptions import AuthenticationError, RedisError

from tests.chart.cases import DEFAULT, PROD
from tests.chart.helm import Case, get
from tests.servers.loopback import free_port
from tests.servers.processes import Process, missing, require
from tests.servers.waiting import until

pytestmark = pytest.mark.real

PASSWORD: Final = "it's-$ecret"
DOMAIN: Final = "redis-nodes"
# In a mount namespace of its own, the process finds the pods by their names.
WITH_HOSTS: Final = 'mount --bind "$HOSTS" /etc/hosts && exec "$@"'


class Pod:
    """One pod of the StatefulSet: its volume, its name and its containers."""

    def __init__(self, case: Case, folder: Path, ordinal: int, ports: tuple[int, int]) -> None:
        self.name = f"redis-{ordinal}"
        self.address = f"127.0.0.{ordinal + 1}"
        self.ports = ports
        workload = get(case, "StatefulSet", "redis")["spec"]
        config = get(case, "ConfigMap", "redis")["data"]
        place = folder / self.name
        (place / "data").mkdir(parents=True)
        (place / "settings").mkdir()
        for file, text in config.items():
            (place / "settings" / file).write_text(text.replace("/var/lib/redis/data", str(place / "data")))
        hosts = folder / "hosts"
        self.processes = {}
        for container in workload["template"]["spec"]["containers"]:
            scratch = place / container["name"]
            scratch.mkdir()
            environment = {
                "HOSTNAME": self.name,
                "HOSTS": str(hosts),
                "REDIS_ADDRESS": self.address,
                "REDIS_DOMAIN": DOMAIN,
                "REDIS_FOLDER": str(scratch),
                "REDIS_PASSWORD": PASSWORD,
                "REDIS_PORT_NUMBER": str(ports[0]),
                "REDIS_REPLICAS": str(workload["replicas"]),
                "REDIS_SETTINGS": str(place / "settings"),
                "SENTINEL_PORT_NUMBER": str(ports[1]),
            }
            kind = container["command"][-1]
            command = [require("sh"), "-c", WITH_HOSTS, "sh", require("sh"), str(place / "settings" / "start.sh"), kind]
            program = [require("unshare"), "--mount", *command]
            self.processes[kind] = Process(program, log=place / f"{kind}.log", env=environment)

    def start(self) -> None:
        for process in self.processes.values():
            process.start()

    def stop(self) -> None:
        for process in self.processes.values():
            process.stop()

    def crash(self) -> None:
        for process in self.processes.values():
            process.kill()

    def client(self, *, port: int = 0) -> Any:
        """A client of the server or, on port 1, of the Sentinel."""
        return Redis(self.address, self.ports[port], password=PASSWORD, socket_timeout=3, protocol=2)

    @property
    def role(self) -> str | None:
        """`master` or `slave`, as the server calls it; None while it does not answer."""
        try:
            return str(self.client().role()[0].decode())
        except RedisError:
            return None


@pytest.fixture
def folder() -> Iterator[Path]:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        missing("pods get their names in a mount namespace, which takes root and unshare")
    require("redis-server")
    require("redis-cli")
    with tempfile.TemporaryDirectory(prefix="redis-pods-") as made:
        yield Path(made)


def pods_of(case: Case, folder: Path, stack: ExitStack) -> list[Pod]:
    replicas = get(case, "StatefulSet", "redis")["spec"]["replicas"]
    names = "".join(f"127.0.0.{number + 1} redis-{number}.{DOMAIN}\n" for number in range(replicas))
    (folder / "hosts").write_text(f"127.0.0.1 localhost\n{names}")
    ports = (free_port(), free_port())
    pods = [Pod(case, folder, number, ports) for number in range(replicas)]
    for pod in pods:
        stack.callback(pod.crash)
        pod.start()
    return pods


def test_alone_it_wants_its_password_keeps_what_it_was_given_and_evicts_nothing(folder: Path) -> None:
    with ExitStack() as stack:
        (only,) = pods_of(DEFAULT, folder, stack)
        until(lambda: only.role == "master", what="Redis to answer")
        with Redis(only.address, only.ports[0], protocol=2) as stranger, pytest.raises(AuthenticationError):
            stranger.ping()
        only.client().set("key", "value")
        settings = only.client().config_get("maxmemory*")
        assert settings["maxmemory-policy"] == "noeviction"
        assert int(settings["maxmemory"]) == 256 * 2**20 * 75 // 100
        only.stop()
        only.start()
        until(lambda: only.role == "master", what="Redis to answer again")
        assert only.client().get("key") == b"value"


def test_three_elect_a_leader_when_theirs_is_lost_and_take_it_back_as_a_follower(folder: Path) -> None:
    with ExitStack() as stack:
        pods = pods_of(PROD, folder, stack)
        first, *others = pods
        until(lambda: [pod.role for pod in pods] == ["master", "slave", "slave"], what="the first pod to lead")

        def watched() -> bool:
            with suppress(RedisError):
                found = [pod.client(port=1).sentinel_master("aiops") for pod in pods]
                return all((one["num-slaves"], one["num-other-sentinels"]) == (2, 2) for one in found)
            return False

        until(watched, what="each Sentinel to know both followers and both others", timeout_s=40)
        until(lambda: _written(first), what="a follower to have the write")
        first.crash()
        until(lambda: "master" in [pod.role for pod in others], what="another pod to lead", timeout_s=60)
        (leader,) = [pod for pod in others if pod.role == "master"]
        assert leader.client().get("key") == b"value"
        first.start()
        until(lambda: first.role == "slave", what="the lost leader to follow", timeout_s=40)
        known, _ = leader.client(port=1).sentinel_get_master_addr_by_name("aiops")
        assert known.decode() == f"{leader.name}.{DOMAIN}"


def _written(leader: Pod) -> bool:
    """Write, and see it on both followers."""
    with suppress(RedisError):
        leader.client().set("key", "value")
        return int(leader.client().wait(2, 1000)) == 2
    return False
