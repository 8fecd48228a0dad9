"""The routes of analysis."""

from litestar import Router, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from aiops.core.identity import Identity
from aiops.core.web import requires
from aiops.intelligence.anomaly.service import AnomalyAnswer, AnomalyRequest, AnomalyService


def router(anomalies: AnomalyService) -> Router:
    """Everything under /api/v1/analysis."""

    @post("/anomaly", guards=[requires("analysis:read")], status_code=200)
    async def find_anomalies(data: JSONBody[AnomalyRequest], identity: NamedDependency[Identity]) -> AnomalyAnswer:
        return await anomalies.detect(identity, data)

    return Router("/api/v1/analysis", route_handlers=[find_anomalies], tags=["analysis"])
