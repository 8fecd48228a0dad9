"""The registry as a module."""

from aiops.core import migrations
from aiops.core.addresses import AddressPolicy
from aiops.core.infra import Infra
from aiops.core.module import Check, Module
from aiops.core.peer import port_router
from aiops.core.tasks import Task
from aiops.ports.registry import Registry
from aiops.registry.clusters import Clusters
from aiops.registry.credentials import Credentials
from aiops.registry.fleet import Fleet
from aiops.registry.health import HealthLoop
from aiops.registry.routes import router
from aiops.settings import Settings


def build(settings: Settings, infra: Infra) -> tuple[Module, Registry]:
    """The module, and its port for others in this process."""
    mine = settings.registry
    loop = HealthLoop(
        infra.db,
        infra.members,
        infra.secrets,
        infra.clock,
        interval_scale=mine.interval_scale,
        claim_margin_s=mine.claim_margin_s,
        max_concurrent=mine.max_concurrent_checks,
        history_days=mine.history_days,
    )
    policy = AddressPolicy(allow_loopback=mine.allow_loopback_targets)
    clusters = Clusters(infra.db, infra.secrets, policy, infra.clock, loop.wake)
    credentials = Credentials(infra.db, infra.secrets, infra.clock)
    module = Module(
        name="registry",
        routes=(router(clusters, credentials, Fleet(infra.db), settings.http.public_url),),
        internal=(port_router("registry", clusters.targets, clusters.credential, clusters.webhook),),
        tasks=(Task("registry.health", loop.run),),
        checks=(
            Check("postgresql", lambda: migrations.check(infra.db)),
            Check("redis", infra.redis.check, critical=False),
        ),
    )
    return module, clusters
