"""A real node-exporter, with a folder in which a test writes metrics of its own."""

from pathlib import Path

from tests.servers.loopback import HOST, LoopbackServer


class NodeExporter(LoopbackServer):
    """Exports this machine's load, processor and memory, and what `expose` was given."""

    binary = "node_exporter"
    ready_path = "/metrics"

    def argv(self) -> list[str]:
        """The arguments; makes the folder of the test's own metrics."""
        self._texts.mkdir(exist_ok=True)
        return [
            f"--web.listen-address={HOST}:{self.port}",
            "--collector.disable-defaults",
            "--collector.cpu",
            "--collector.loadavg",
            "--collector.meminfo",
            "--collector.textfile",
            f"--collector.textfile.directory={self._texts}",
            "--log.level=warn",
        ]

    def expose(self, name: str, text: str) -> None:
        """Export `text` (Prometheus's text format) from the next scrape on, in place of what `name` exported before."""
        fresh = self._texts / f"{name}.new"
        fresh.write_text(text.rstrip("\n") + "\n")
        fresh.replace(self._texts / f"{name}.prom")

    def withdraw(self, name: str) -> None:
        """Stop exporting what `name` exposed; harmless when it exposed nothing."""
        (self._texts / f"{name}.prom").unlink(missing_ok=True)

    @property
    def _texts(self) -> Path:
        return self.folder / "metrics"
