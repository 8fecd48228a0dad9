"""One simulated cluster site made of real parts: a Prometheus, a node-exporter, and a fault that a test can switch."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from tests.servers.loopback import HOST
from tests.servers.node_exporter import NodeExporter
from tests.servers.prometheus import Prometheus, scrape
from tests.servers.waiting import until

FAULT_METRIC: Final = "aiops_test_fault"
FAULT_ALERT: Final = "AiopsTestFault"
FAULT_RULES: Final[Mapping[str, Any]] = {
    "name": "aiops-test",
    "rules": [
        {
            "alert": FAULT_ALERT,
            "expr": f"{FAULT_METRIC} == 1",
            "for": "0s",
            "labels": {"severity": "critical"},
            "annotations": {"summary": "{{ $labels.service }} is failing"},
        }
    ],
}


class Site:
    """A running Prometheus that scrapes a node-exporter, both ended with the `with` block of `running`."""

    def __init__(self, name: str, prometheus: Prometheus, node_exporter: NodeExporter) -> None:
        self.name = name
        self.prometheus = prometheus
        self.node_exporter = node_exporter

    @classmethod
    @contextmanager
    def running(cls, folder: Path, name: str, *, traces_to: str | None = None) -> Iterator["Site"]:
        """Start both servers; the external labels are `cluster=<name>` and `region`, equal for all sites.

        Prometheus makes its first scrape some 5 s later: `wait_for_data`.
        """
        with ExitStack() as stack:
            node = stack.enter_context(NodeExporter(folder / "node-exporter"))
            prometheus = Prometheus(
                folder / "prometheus",
                scrape_configs=[scrape("node", f"{HOST}:{node.port}")],
                rules=[FAULT_RULES],
                external_labels={"cluster": name, "region": "loopback"},
                traces_to=traces_to,
            )
            stack.enter_context(prometheus)
            yield cls(name, prometheus, node)

    @contextmanager
    def fault(self, *, service: str) -> Iterator[None]:
        """Let the alert `AiopsTestFault{service=...}` fire; at the end of the block its cause is gone."""
        self.node_exporter.expose("fault", f'{FAULT_METRIC}{{service="{service}"}} 1')
        try:
            yield
        finally:
            self.node_exporter.withdraw("fault")

    def wait_for_data(self) -> None:
        """Wait until both targets have been scraped."""
        until(self._scraped, what=f"the Prometheus of {self.name} has scraped its targets")

    def _scraped(self) -> bool:
        return {row["metric"]["job"] for row in self.prometheus.query("up == 1")} == {"node", "prometheus"}
