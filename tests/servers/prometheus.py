"""A real Prometheus server with its own store, rules and labels."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import yaml

from tests.servers.loopback import HOST, LoopbackServer
from tests.servers.processes import missing, require

Labels = Mapping[str, str]
# The smallest that Prometheus takes without rounding; tests wait for the next one.
INTERVAL: Final = "1s"


def scrape(job: str, *targets: str, labels: Labels | None = None) -> dict[str, Any]:
    """A scrape configuration of fixed targets (`host:port`)."""
    return {"job_name": job, "static_configs": [{"targets": list(targets), "labels": dict(labels or {})}]}


def require_tracing() -> None:
    """Skip, or fail where real parts are required, unless Prometheus reports spans; Debian builds it without."""
    binary = require(Prometheus.binary)
    if b"otlptrace" not in binary.read_bytes():
        missing(f"{binary} is built without OpenTelemetry; `.ci/run` builds one with it")


class Prometheus(LoopbackServer):
    """A Prometheus that scrapes itself and what it is told to.

    `rules` are rule groups in Prometheus's own form. `traces_to` is the `host:port` of an OTLP/HTTP receiver: a
    Prometheus that can trace reports its requests there. Alertmanagers can come and go while it runs.
    """

    binary = "prometheus"
    ready_path = "/-/ready"

    def __init__(
        self,
        folder: Path,
        *,
        scrape_configs: Sequence[Mapping[str, Any]] = (),
        rules: Sequence[Mapping[str, Any]] = (),
        external_labels: Labels | None = None,
        traces_to: str | None = None,
        flags: Sequence[str] = (),
    ) -> None:
        super().__init__(folder)
        self._scrape_configs = [dict(config) for config in scrape_configs]
        self._rules = [dict(group) for group in rules]
        self._external_labels = dict(external_labels or {})
        self._traces_to = traces_to
        self._flags = tuple(flags)
        self._alertmanagers: tuple[str, ...] = ()

    def argv(self) -> list[str]:
        """The arguments; writes configuration, rules and the list of Alertmanagers."""
        (self.folder / "rules.yml").write_text(yaml.safe_dump({"groups": self._rules}))
        (self.folder / "prometheus.yml").write_text(yaml.safe_dump(self._config(), sort_keys=False))
        self.send_alerts_to(*self._alertmanagers)
        return [
            f"--config.file={self.folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={self.folder / 'tsdb'}",
            f"--web.listen-address={HOST}:{self.port}",
            "--web.enable-remote-write-receiver",
            # Else an alert that fired before its Alertmanager was known is not told again for a minute.
            "--rules.alert.resend-delay=1s",
            *self._flags,
        ]

    def send_alerts_to(self, *alertmanagers: str) -> None:
        """From now on notify these Alertmanagers (`host:port`); Prometheus takes up a change within about 5 s."""
        self._alertmanagers = alertmanagers
        fresh = self.folder / "alertmanagers.json.new"
        fresh.write_text(json.dumps([{"targets": list(alertmanagers)}]))
        fresh.replace(self.folder / "alertmanagers.json")

    def query(self, promql: str) -> list[dict[str, Any]]:
        """The `result` of an instant query, for now. Raises `RuntimeError` when Prometheus refuses it."""
        return self._data("query", {"query": promql})["result"]  # type: ignore[no-any-return]

    def alerts(self, name: str) -> list[dict[str, Any]]:
        """The pending and firing alerts of one rule."""
        return [alert for alert in self._data("alerts", {})["alerts"] if alert["labels"]["alertname"] == name]

    def _data(self, endpoint: str, parameters: Mapping[str, str]) -> dict[str, Any]:
        return self.get(f"/api/v1/{endpoint}?{urlencode(parameters)}")["data"]  # type: ignore[no-any-return]

    def _config(self) -> dict[str, Any]:
        notified = {"file_sd_configs": [{"files": [str(self.folder / "alertmanagers.json")]}]}
        config: dict[str, Any] = {
            "global": {
                "scrape_interval": INTERVAL,
                "scrape_timeout": INTERVAL,
                "evaluation_interval": INTERVAL,
                "external_labels": self._external_labels,
            },
            "rule_files": [str(self.folder / "rules.yml")],
            "scrape_configs": [scrape("prometheus", f"{HOST}:{self.port}"), *self._scrape_configs],
            "alerting": {"alertmanagers": [notified]},
        }
        if self._traces_to is not None:
            config["tracing"] = {
                "client_type": "http",
                "endpoint": self._traces_to,
                "insecure": True,
                "sampling_fraction": 1.0,
            }
        return config
