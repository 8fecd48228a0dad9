"""What modules are given to work with. Plain data: `compose` makes it, nothing in here starts by itself."""

from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from aiops.core.bus import Bus
from aiops.core.clock import Clock
from aiops.core.db import Database
from aiops.core.http import HttpClient
from aiops.core.identity import HopSigner
from aiops.core.objects import ObjectStore
from aiops.core.redis import RedisConnection
from aiops.core.secretbox import SecretBox


@dataclass(frozen=True)
class Infra:
    """Stores, clients and the clock of one process.

    `members` asks clusters, under the address policy of the settings; `peers` asks the other roles. `objects` is None
    where no object store is set.
    """

    db: Database
    redis: RedisConnection
    bus: Bus
    members: HttpClient
    peers: HttpClient
    hop: HopSigner
    secrets: SecretBox
    clock: Clock
    metrics: CollectorRegistry
    objects: ObjectStore | None = None
