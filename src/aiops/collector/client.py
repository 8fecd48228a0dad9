"""The collector's port, asked over HTTP: the twin of `MetricsService` in a process that does not load the collector."""

from typing import Final

from aiops.core.peer import Peer
from aiops.ports.collector import MetricsAnswer, RangeQuery

# On top of the query's own timeout, for the way there and back.
MARGIN_S: Final = 5.0


class CollectorClient:
    """Implements `ports.collector.Collector`."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    async def query_range(self, request: RangeQuery) -> MetricsAnswer:
        """The labelled union of every cluster's answer; errors are those of the service."""
        return await self._peer.call(
            "collector", "query_range", request, MetricsAnswer, timeout_s=request.timeout_s + MARGIN_S
        )
