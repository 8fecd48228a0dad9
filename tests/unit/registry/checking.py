"""Replicas of the health loop over one database, with a clock that stands still until a test moves it.

Only what a test makes due is checked: intervals are the contract's, so nothing comes due by itself meanwhile.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from prometheus_client import CollectorRegistry
from sqlalchemy import text

from aiops.core.db import Database
from aiops.core.http import AddressPolicy, HttpClient, HttpMetrics
from aiops.core.secretbox import SecretBox
from aiops.registry.cadence import Cadence
from aiops.registry.clusters import Clusters
from aiops.registry.credentials import Credentials, Vault
from aiops.registry.health import HealthLoop
from aiops.registry.model import ClusterCreate, Endpoints
from aiops.registry.probes import Prober
from tests.servers.waiting import eventually
from tests.unit.registry.conftest import who

NOON = datetime(2030, 1, 2, 12, 0, tzinfo=UTC)


class Clock:
    """Stands still; counts how often it was read."""

    def __init__(self) -> None:
        self.now = NOON
        self.reads = 0

    def __call__(self) -> datetime:
        self.reads += 1
        return self.now


class Replica:
    """One process' health loop, with a pool of its own."""

    def __init__(self, loop: HealthLoop, db: Database, clock: Clock) -> None:
        self.loop = loop
        self.db = db
        self.clock = clock
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to check."""
        self._task = asyncio.create_task(self.loop.run())

    async def kill(self) -> None:
        """End it wherever it is. It gives nothing back, so for the database this is a lost machine."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    @property
    def running(self) -> bool:
        """Whether the loop goes on."""
        return self._task is not None and not self._task.done()

    @property
    def lent(self) -> int:
        """Database connections that somebody holds."""
        held: int = self.db.engine.pool.checkedout()  # type: ignore[attr-defined]
        return held


class Fleet:
    """Clusters, and whoever checks them."""

    def __init__(self, url: str, stack: AsyncExitStack) -> None:
        self._url = url
        self._stack = stack
        self._vault = Vault(SecretBox((b"k" * 32,)))
        self._policy = AddressPolicy(allow_loopback=True)
        self.clock = Clock()

    async def open(self) -> None:
        """Connect."""
        self._db = await self._stack.enter_async_context(Database(self._url, application_name="registry-test"))
        metrics = HttpMetrics(CollectorRegistry())
        client = HttpClient(user_agent="test", policy=self._policy, metrics=metrics)
        self._http = await self._stack.enter_async_context(client)

    async def replica(
        self, *, max_concurrent: int = 10, scale: float = 1.0, margin_s: float = 10.0, clock: Clock | None = None
    ) -> Replica:
        """A replica that has not begun."""
        db = await self._stack.enter_async_context(Database(self._url, application_name="replica"))
        clock = clock or self.clock
        prober, cadence = Prober(self._http, clock), Cadence(scale, margin_s)
        loop = HealthLoop(db, prober, self._vault, clock, cadence, max_concurrent=max_concurrent)
        replica = Replica(loop, db, clock)
        self._stack.push_async_callback(replica.kill)
        return replica

    async def add(self, name: str, url: str, *, api_server: str | None = None) -> UUID:
        """Register a cluster with a Prometheus, due at once."""
        prober = Prober(self._http, self.clock)
        credentials = Credentials(self._db, self._vault, prober, self.clock, lambda: None)
        cadence = Cadence(1.0, 10.0)
        clusters = Clusters(self._db, credentials, self._policy, self.clock, cadence, lambda: None)
        body = ClusterCreate(name=name, api_server_url=api_server, endpoints=Endpoints(prometheus_url=url))
        return (await clusters.register(who(), body, "http://hub")).id

    async def rows(self, statement: str, **values: Any) -> list[Any]:
        """What a SELECT finds."""
        async with self._db.read() as connection:
            return list(await connection.execute(text(statement), values))

    async def change(self, statement: str, **values: Any) -> None:
        """Change the database behind everybody's back."""
        async with self._db.begin() as tx:
            await tx.execute(text(statement), values)

    async def round(self, replica: Replica, *, after_s: float = 30) -> dict[str, Any]:
        """One more round of checks of the only cluster, so many seconds after the last; its status afterwards."""
        self.clock.now += timedelta(seconds=after_s)
        await self.change("UPDATE clusters SET next_due_at = now(), claimed_until = NULL")
        replica.loop.wake()

        async def checked() -> dict[str, Any] | None:
            ((status,),) = await self.rows("SELECT status::text FROM clusters")
            found: dict[str, Any] = json.loads(status)
            at = found["last_check_at"]
            return found if at is not None and datetime.fromisoformat(at) == self.clock.now else None

        return await eventually(checked, what="the round to be written down")

    async def checked(self, *names: str) -> None:
        """Wait until these clusters have been checked at least once."""

        async def all_of_them() -> bool:
            query = "SELECT 1 FROM clusters WHERE name = ANY(:names) AND recent <> '[]'"
            return len(await self.rows(query, names=list(names))) == len(names)

        await eventually(all_of_them, what=f"checks of {', '.join(names)}")


@asynccontextmanager
async def fleet(url: str) -> AsyncIterator[Fleet]:
    """A fleet whose replicas end with the block."""
    async with AsyncExitStack() as stack:
        found = Fleet(url, stack)
        await found.open()
        yield found
