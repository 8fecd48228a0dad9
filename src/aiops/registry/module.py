"""The registry as a module."""

from aiops.core import migrations
from aiops.core.http import AddressPolicy
from aiops.core.infra import Infra
from aiops.core.module import Check, Module
from aiops.core.peer import port_router
from aiops.core.periodic import RETENTION, Periodic
from aiops.core.tasks import Task
from aiops.ports.registry import Registry
from aiops.registry.cadence import Cadence
from aiops.registry.clusters import Clusters
from aiops.registry.credentials import Credentials, Vault
from aiops.registry.fleet import Fleet
from aiops.registry.health import HealthLoop
from aiops.registry.probes import Prober
from aiops.registry.retention import Retention
from aiops.registry.routes import router
from aiops.registry.service import RegistryService
from aiops.registry.trail import Trail
from aiops.settings import Settings


def build(settings: Settings, infra: Infra) -> tuple[Module, Registry]:
    """The module, and its port for others in this process."""
    mine = settings.registry
    cadence = Cadence(mine.interval_scale, mine.claim_margin_s)
    vault = Vault(infra.secrets)
    prober = Prober(infra.members, infra.clock)
    loop = HealthLoop(infra.db, prober, vault, infra.clock, cadence, max_concurrent=mine.max_concurrent_checks)
    credentials = Credentials(infra.db, vault, prober, infra.clock, loop.wake)
    policy = AddressPolicy(allow_loopback=mine.allow_loopback_targets)
    clusters = Clusters(infra.db, credentials, policy, infra.clock, cadence, loop.wake)
    fleet = Fleet(infra.db, infra.clock)
    service = RegistryService(infra.db, vault)
    retention = Retention(infra.db, infra.clock, history_days=mine.history_days, audit_days=mine.audit_days)
    module = Module(
        name="registry",
        routes=(router(clusters, credentials, fleet, Trail(infra.db), settings.http.public_url),),
        internal=(port_router("registry", service.targets, service.credential, service.webhook),),
        tasks=(Task("registry.health", loop.run),),
        jobs=(Periodic("registry.retention", RETENTION, retention.expire),),
        checks=(
            Check("postgresql", lambda: migrations.check(infra.db)),
            Check("redis", infra.redis.check, critical=False),
        ),
    )
    return module, service
