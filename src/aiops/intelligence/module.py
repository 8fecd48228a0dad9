"""Intelligence as a module."""

from aiops.core.infra import Infra
from aiops.core.module import Check, Module
from aiops.intelligence.anomaly.service import AnomalyService
from aiops.intelligence.routes import router
from aiops.ports.collector import Collector
from aiops.settings import Settings


def build(settings: Settings, infra: Infra, collector: Collector) -> tuple[Module, AnomalyService]:
    """The module, and its service."""
    mine = settings.intelligence
    service = AnomalyService(collector, infra.clock, max_series=mine.max_series, timeout_s=mine.query_timeout_s)
    # Reports are kept there; everything else works without.
    checks = (Check("objects", infra.objects.check, critical=False),) if infra.objects else ()
    return Module(name="intelligence", routes=(router(service),), checks=checks), service
