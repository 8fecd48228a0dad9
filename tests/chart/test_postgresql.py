"""The start script and settings of the embedded PostgreSQL, as rendered, run by real servers: alone and as two."""

import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest

from aiops.core.embedded.programs import postgres_installations, usable_postgres
from tests.chart.cases import DEFAULT, PROD
from tests.chart.helm import Case, get
from tests.servers import stores
from tests.servers.loopback import free_port
from tests.servers.processes import Process
from tests.servers.waiting import until

ADDRESSES: Final = ("127.0.0.1", "127.0.0.2")
NOBODY: Final = ("--reuid=65534", "--regid=65534", "--clear-groups", "--pdeathsig=KILL")
SECRETS: Final = {
    "POSTGRES_USER": "aiops",
    "POSTGRES_PASSWORD": "it's $ecret",
    "POSTGRES_DB": "aiops",
    "POSTGRES_ADMIN_PASSWORD": "of-the-administrator",
    "POSTGRES_REPLICATION_PASSWORD": "of-the-standby",
}
SYNCHRONOUS: Final = Case("synchronous", {"postgresql": {"synchronous": True}}, files=("values-prod.yaml",))


def _program(name: str) -> str:
    found = shutil.which(name)
    assert found, f"{name} is not installed"
    return found


class Pod:
    """One pod of the StatefulSet: its volume, its sockets and the rendered files, on an address of its own."""

    def __init__(self, case: Case, folder: Path, programs: Path, ordinal: int, port: int) -> None:
        self.address = ADDRESSES[ordinal]
        self.port = port
        self.folder = folder / f"postgresql-{ordinal}"
        self.programs = programs
        for name in ("data", "sockets", "settings"):
            (self.folder / name).mkdir(parents=True)
        config = get(case, "ConfigMap", "postgresql")["data"]
        for name, text in config.items():
            # One address for each pod, as their network would give them.
            own = text.replace("listen_addresses = '*'", f"listen_addresses = '{self.address}'")
            (self.folder / "settings" / name).write_text(own)
        replicas = get(case, "StatefulSet", "postgresql")["spec"]["replicas"]
        self.environment = {
            **SECRETS,
            "HOSTNAME": f"postgresql-{ordinal}",
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "PGDATA": str(self.folder / "data" / "userdata"),
            "POSTGRES_SOCKETS": str(self.folder / "sockets"),
            "POSTGRES_SETTINGS": str(self.folder / "settings"),
            "POSTGRES_PORT": str(port),
            "POSTGRES_REPLICAS": str(replicas),
            "POSTGRES_PEER": ADDRESSES[1 - ordinal],
            "HOME": str(self.folder),
        }
        script = str(self.folder / "settings" / "start.sh")
        as_nobody = [_program("setpriv"), *NOBODY] if os.geteuid() == 0 else []
        self.process = Process([*as_nobody, _program("bash"), script], log=self.folder / "log", env=self.environment)
        if as_nobody:
            subprocess.run(["chown", "-R", "65534:65534", str(self.folder)], check=True)

    def start(self) -> None:
        self.process.start()

    def ready(self) -> None:
        """Wait until it answers."""
        until(self._answers, what=f"{self.folder.name} to answer: {self.process.output()}", timeout_s=90)

    def _answers(self) -> bool:
        if not self.process.running:
            raise AssertionError(f"{self.folder.name} ended: {self.process.output(lines=20)}")
        try:
            return bool(self.ask("select true"))
        except psycopg.Error:
            return False

    def ask(self, sql: str, *, user: str = "aiops") -> Any:
        with self.connect(user=user) as connection:
            return connection.execute(sql.encode()).fetchone()

    def connect(self, *, host: str | None = None, user: str = "aiops", **more: Any) -> psycopg.Connection[Any]:
        return psycopg.connect(
            host=host or self.address,
            port=self.port,
            user=user,
            password=SECRETS["POSTGRES_PASSWORD"] if user == "aiops" else SECRETS["POSTGRES_ADMIN_PASSWORD"],
            dbname="aiops",
            connect_timeout=3,
            autocommit=True,
            **more,
        )

    def write(self, number: int) -> None:
        with self.connect() as connection:
            connection.execute("create table if not exists numbers (number int)")
            connection.execute("insert into numbers values (%s)", [number])

    def numbers(self) -> list[int]:
        with self.connect() as connection:
            if connection.execute("select to_regclass('numbers')").fetchone() == (None,):
                return []  # on its way to a standby
            return [row[0] for row in connection.execute("select number from numbers order by number")]

    @property
    def leads(self) -> bool:
        return bool(self.ask("select pg_is_in_recovery()") == (False,))

    def crash(self) -> None:
        """End it as a lost node would, its children too."""
        main = self.folder / "data" / "userdata" / "postmaster.pid"
        self.process.kill()
        if main.exists():
            subprocess.run(["pkill", "-9", "-P", main.read_text().split()[0]], check=False)

    def promote(self) -> None:
        """What a person does when the primary is lost."""
        assert self.ask("select pg_promote()", user="postgres") == (True,)


class Pods:
    """As many pods as the case renders."""

    def __init__(self, folder: Path, programs: Path, stack: ExitStack) -> None:
        self._folder, self._programs, self._stack = folder, programs, stack
        self._port = free_port()

    def of(self, case: Case) -> list[Pod]:
        replicas = get(case, "StatefulSet", "postgresql")["spec"]["replicas"]
        pods = [Pod(case, self._folder, self._programs, number, self._port) for number in range(replicas)]
        for pod in pods:
            self._stack.callback(pod.process.stop)
        return pods


@pytest.fixture
def pods() -> Iterator[Pods]:
    # Not pytest's own folder, which nobody but the test's user may enter; in memory where there is such a folder.
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - the folder below it is private
    with (
        stores.data_dir() as folder,
        tempfile.TemporaryDirectory(prefix="pods-", dir=memory) as volumes,
        ExitStack() as stack,
    ):
        Path(volumes).chmod(0o711)
        installations = postgres_installations()
        programs = usable_postgres(installations[max(installations)], folder)
        yield Pods(Path(volumes), programs, stack)


def streaming(primary: Pod) -> bool:
    found = primary.ask("select count(*) from pg_stat_replication where state = 'streaming'", user="postgres")
    return bool(found == (1,))


def started(pods: list[Pod]) -> tuple[Pod, Pod]:
    """A primary and a standby that streams from it."""
    first, second = pods
    second.start()
    first.start()
    first.ready()
    second.ready()
    until(lambda: streaming(first), what="the standby to stream")
    return first, second


def test_one_pod_makes_its_database_once_and_finds_it_again(pods: Pods) -> None:
    (only,) = pods.of(DEFAULT)
    only.start()
    only.ready()
    only.write(1)
    assert only.ask("show max_connections") == ("450",)
    assert only.ask("show data_checksums") == ("on",)
    only.crash()
    only.start()
    only.ready()
    assert only.numbers() == [1]


def test_a_volume_that_was_opened_to_the_pod_s_group_starts_again(pods: Pods) -> None:
    """The kubelet does so at every mount where the pod has an fsGroup, as every pod on OpenShift has."""
    (only,) = pods.of(DEFAULT)
    only.start()
    only.ready()
    only.write(1)
    only.crash()
    subprocess.run(["chmod", "-R", "g+rwX,g+s", str(only.folder / "data")], check=True)
    only.start()
    only.ready()
    assert only.numbers() == [1]


def test_a_first_start_that_was_cut_off_begins_anew(pods: Pods) -> None:
    (only,) = pods.of(DEFAULT)
    half_made = only.folder / "data" / "userdata.new"
    half_made.mkdir()
    (half_made / "PG_VERSION").write_text("17")
    if os.geteuid() == 0:
        subprocess.run(["chown", "-R", "65534:65534", str(half_made)], check=True)
    only.start()
    only.ready()
    assert not half_made.exists()


def test_connections_need_the_password_and_those_of_the_pods_own_containers_do_not(pods: Pods) -> None:
    """`oc exec postgresql-0 -- pg_dump -U aiops aiops` works as the specification writes it."""
    (only,) = pods.of(DEFAULT)
    only.start()
    only.ready()
    only.write(7)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(host=only.address, port=only.port, user="aiops", password="wrong", dbname="aiops")
    dump = subprocess.run(
        [only.programs / "pg_dump", "-h", only.folder / "sockets", "-p", str(only.port), "-U", "aiops", "aiops"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "numbers" in dump.stdout


def test_a_dump_restores_as_the_guide_says(pods: Pods) -> None:
    (only,) = pods.of(DEFAULT)
    only.start()
    only.ready()
    only.write(7)
    place = ["-h", str(only.folder / "sockets"), "-p", str(only.port)]

    def run(program: str, *arguments: str, given: str | None = None) -> str:
        words = [str(only.programs / program), *place, *arguments]
        done = subprocess.run(words, input=given, capture_output=True, text=True, check=True, timeout=60)
        return str(done.stdout)

    dump = run("pg_dump", "-U", "aiops", "aiops")
    only.write(8)
    with only.connect():  # as of a role that was not stopped
        run("dropdb", "-U", "postgres", "--force", "aiops")
    run("createdb", "-U", "postgres", "--owner", "aiops", "aiops")
    run("psql", "-v", "ON_ERROR_STOP=1", "-q", "-U", "aiops", "aiops", given=dump)
    assert only.numbers() == [7]


def test_a_standby_copies_streams_and_takes_no_writes(pods: Pods) -> None:
    first, second = started(pods.of(PROD))
    first.write(1)
    until(lambda: second.numbers() == [1], what="the row to arrive at the standby")
    assert (first.leads, second.leads) == (True, False)
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        second.write(2)
    with first.connect(host=",".join(reversed(ADDRESSES)), target_session_attrs="read-write") as found:
        assert found.info.host == first.address


def test_both_pods_lost_at_once_come_back_as_they_were(pods: Pods) -> None:
    first, second = started(pods.of(PROD))
    first.write(1)
    for pod in (first, second):
        pod.crash()
    for pod in (second, first):
        pod.start()
    for pod in (first, second):
        pod.ready()
    until(lambda: streaming(first), what="the standby to stream again")
    assert (first.leads, second.leads, first.numbers()) == (True, False, [1])


def test_a_former_primary_follows_the_promoted_standby_and_nothing_is_wiped(pods: Pods) -> None:
    first, second = started(pods.of(PROD))
    first.write(1)
    until(lambda: second.numbers() == [1], what="the row to arrive at the standby")
    first.crash()
    second.promote()
    second.write(2)
    marker = first.folder / "data" / "kept"
    marker.touch()
    first.start()
    first.ready()
    until(lambda: streaming(second), what="the former primary to stream")
    assert (first.leads, second.leads) == (False, True)
    assert first.numbers() == [1, 2]
    assert marker.exists()


def test_a_standby_alone_waits_and_never_makes_itself_primary(pods: Pods) -> None:
    first, second = started(pods.of(PROD))
    for pod in (first, second):
        pod.crash()
    second.start()
    second.ready()
    assert not second.leads


def test_two_primaries_on_one_timeline_are_refused(pods: Pods) -> None:
    """Somebody took the standby's mark away: better one pod that does not start than two truths."""
    first, second = started(pods.of(PROD))
    second.crash()
    (second.folder / "data" / "userdata" / "standby.signal").unlink()
    second.start()
    until(lambda: not second.process.running, what="the second pod to refuse", timeout_s=30)
    assert "two primaries" in second.process.output()
    assert first.leads


def test_a_synchronous_primary_waits_for_its_standby(pods: Pods) -> None:
    first, second = started(pods.of(SYNCHRONOUS))
    first.write(1)
    assert second.numbers() == [1]
    second.crash()
    with first.connect() as connection:
        writing = threading.Thread(target=connection.execute, args=["insert into numbers values (2)"])
        writing.start()
        waits = "select count(*) from pg_stat_activity where wait_event = 'SyncRep'"
        until(lambda: first.ask(waits, user="postgres") == (1,), what="the commit to wait for the standby")
        second.start()
        writing.join(60)
        assert not writing.is_alive()
    second.ready()
    assert second.numbers() == [1, 2]
