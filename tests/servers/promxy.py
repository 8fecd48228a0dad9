"""promxy, a peer that is measured on the same members in the same run; its binary is given by whoever measures."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

import yaml

from tests.servers.loopback import HOST, LoopbackServer
from tests.servers.processes import cpu_s


class Promxy(LoopbackServer):
    """promxy over members, with the cluster's label put on each."""

    ready_path = "/-/ready"

    def __init__(self, binary: Path, members: Mapping[str, str], label: str) -> None:
        super().__init__(Path(tempfile.mkdtemp(prefix="aiops-peer-")))
        self.binary = str(binary)  # type: ignore[misc]  # where it is, is an argument
        self._members = members
        self._label = label

    def argv(self) -> list[str]:
        """The arguments; writes the configuration."""
        groups = [
            {"static_configs": [{"targets": [url.removeprefix("http://")]}], "labels": {self._label: name}}
            for name, url in self._members.items()
        ]
        config = self.folder / "promxy.yml"
        config.write_text(yaml.safe_dump({"promxy": {"server_groups": groups}}))
        return [f"--config={config}", f"--bind-addr={HOST}:{self.port}", "--log-level=error"]

    def cpu_s(self) -> float:
        """Seconds of CPU that it has taken so far."""
        return cpu_s(self.process.pid)
