"""A real Alertmanager that tells one webhook at once."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.servers.loopback import HOST, LoopbackServer


class Alertmanager(LoopbackServer):
    """Sends every alert, firing and resolved, to `webhook_url` with `Authorization: Bearer <token>`.

    It is alone: gossip between Alertmanagers is off. Groups are told within about a second.
    """

    binary = "alertmanager"
    ready_path = "/-/ready"

    def __init__(self, folder: Path, *, webhook_url: str, token: str, group_by: Sequence[str] = ("alertname",)) -> None:
        super().__init__(folder)
        self._webhook_url = webhook_url
        self._token = token
        self._group_by = list(group_by)

    @property
    def address(self) -> str:
        """`host:port`, as Prometheus wants it."""
        return f"{HOST}:{self.port}"

    def argv(self) -> list[str]:
        """The arguments; writes the configuration."""
        (self.folder / "alertmanager.yml").write_text(yaml.safe_dump(self._config(), sort_keys=False))
        return [
            f"--config.file={self.folder / 'alertmanager.yml'}",
            f"--storage.path={self.folder / 'data'}",
            f"--web.listen-address={self.address}",
            "--cluster.listen-address=",
            "--log.level=warn",
        ]

    def alerts(self) -> list[dict[str, Any]]:
        """The alerts that it holds, in the form of its API v2."""
        return self.get("/api/v2/alerts")  # type: ignore[no-any-return]

    def post(self, *alerts: dict[str, Any]) -> None:
        """Give it alerts as Prometheus does (`labels`, `annotations`, `startsAt`, `endsAt`)."""
        self.send("POST", "/api/v2/alerts", list(alerts))

    def _config(self) -> dict[str, Any]:
        webhook = {
            "url": self._webhook_url,
            "send_resolved": True,
            "http_config": {"authorization": {"type": "Bearer", "credentials": self._token}},
        }
        return {
            # An alert whose Prometheus went away is resolved after this.
            "global": {"resolve_timeout": "10s"},
            "route": {
                "receiver": "webhook",
                "group_by": self._group_by,
                "group_wait": "1s",
                "group_interval": "1s",
                "repeat_interval": "1h",
            },
            "receivers": [{"name": "webhook", "webhook_configs": [webhook]}],
        }
