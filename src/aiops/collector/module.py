"""The collector as a module."""

import socket
from uuid import uuid4

from aiops.collector.alerts.apply import AlertIntake
from aiops.collector.alerts.filters import ScopeFilter
from aiops.collector.alerts.keeper import AlertKeeper
from aiops.collector.alerts.views import AlertViews
from aiops.collector.backends.prometheus import PrometheusApi
from aiops.collector.catalogue import CatalogueService
from aiops.collector.fanout import Fanout
from aiops.collector.internal import router as internal_router
from aiops.collector.inventory import InventoryService
from aiops.collector.members import Members
from aiops.collector.meters import Meters
from aiops.collector.metrics import MetricsService
from aiops.collector.prometheus_api import PrometheusFacade
from aiops.collector.routes.alerts import router as alerts_router
from aiops.collector.routes.metrics import router as metrics_router
from aiops.collector.routes.prometheus import router as prometheus_router
from aiops.collector.settled import SettledAnswers
from aiops.collector.turns import UserTurns
from aiops.core import migrations
from aiops.core.infra import Infra
from aiops.core.module import Check, Module
from aiops.core.periodic import RETENTION, Periodic
from aiops.core.tasks import Task
from aiops.ports.collector import Collector
from aiops.ports.registry import Registry
from aiops.settings import Settings


def build(settings: Settings, infra: Infra, registry: Registry) -> tuple[Module, Collector]:
    """The module, and its port for others in this process."""
    mine = settings.collector
    meters = Meters(infra.metrics)
    members = Members(registry)
    api = PrometheusApi(infra.members, max_response_bytes=mine.max_member_response_bytes)
    fanout = Fanout(
        max_total=mine.max_concurrent_members, max_per_cluster=mine.max_concurrent_per_member, meters=meters
    )
    settled = SettledAnswers(mine.max_settled_bytes, infra.clock, meters)
    metrics = MetricsService(members, api, fanout, mine, infra.clock, settled)
    catalogue = CatalogueService(members, api, fanout, mine.cluster_label, infra.clock)
    turns = UserTurns(mine.max_concurrent_per_user, meters)
    inventory = InventoryService(members, api, fanout, mine.cluster_label)
    facade = PrometheusFacade(metrics, catalogue, inventory, members, turns)
    keeper = AlertKeeper(
        infra.db,
        infra.bus,
        infra.clock,
        history_days=mine.alert_history_days,
        consumer=f"{socket.gethostname()}-{uuid4().hex[:8]}",
    )
    views = AlertViews(infra.db, ScopeFilter(registry))
    intake = AlertIntake(infra.db, infra.clock, meters)
    module = Module(
        name="collector",
        routes=(
            metrics_router(metrics, catalogue, turns, infra.clock),
            prometheus_router(facade),
            alerts_router(views, intake, registry, meters, infra.clock),
        ),
        internal=(internal_router(metrics),),
        tasks=(Task("collector.deletions", keeper.follow_deletions),),
        jobs=(Periodic("collector.retention", RETENTION, keeper.expire),),
        checks=(
            Check("postgresql", lambda: migrations.check(infra.db)),
            Check("redis", infra.redis.check, critical=False),
        ),
    )
    return module, metrics
