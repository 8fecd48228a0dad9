"""Prometheus servers of either generation that hold given samples and scrape nothing: what PromQL is measured against.

Servers of a distribution are of generation 2, newer builds of generation 3; a build by `go install` tells no version
and is taken for a new one. Neither is ever replaced by the other: a missing one skips, or fails where real parts are
required.
"""

import json
import subprocess
from collections.abc import Iterable, Mapping
from enum import IntEnum
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from tests.servers.loopback import HOST, LoopbackServer, request
from tests.servers.processes import FOLDERS, find, missing
from tests.servers.remote_write import AnySeries, write

# What a newer one knows and gives only when asked.
NEW_FEATURES: Final = "promql-experimental-functions,promql-binop-fill-modifiers"


class Generation(IntEnum):
    """A major version of Prometheus."""

    TWO = 2
    THREE = 3


def executable(generation: Generation) -> Path:
    """The Prometheus of that generation on this machine."""
    found = find("prometheus")
    for path in [*([found] if found else []), *(folder / "prometheus" for folder in FOLDERS)]:
        if path.is_file() and _generation(path) is generation:
            return path
    return missing(f"no Prometheus {generation.value} is installed: looked in PATH, {', '.join(map(str, FOLDERS))}")


def _generation(path: Path) -> Generation:
    told = subprocess.run([path, "--version"], capture_output=True, text=True, check=True, timeout=30).stdout
    return Generation.TWO if "version 2." in told else Generation.THREE


class Past(LoopbackServer):
    """A Prometheus that holds what `load` gave it. Every function of its generation may be used."""

    ready_path = "/-/ready"

    def __init__(self, folder: Path, generation: Generation) -> None:
        super().__init__(folder)
        self.generation = generation
        self.binary = str(executable(generation))  # type: ignore[misc]  # each object has its own

    def argv(self) -> list[str]:
        """The arguments; writes a configuration that scrapes nothing."""
        config = self.folder / "prometheus.yml"
        config.write_text("global: {evaluation_interval: 1m}\n")
        features = NEW_FEATURES if self.generation is Generation.THREE else "promql-at-modifier"
        return [
            f"--config.file={config}",
            f"--storage.tsdb.path={self.folder / 'tsdb'}",
            # Samples are some months old.
            "--storage.tsdb.retention.time=100y",
            f"--web.listen-address={HOST}:{self.port}",
            "--web.enable-remote-write-receiver",
            f"--enable-feature={features}",
            "--log.level=error",
        ]

    def load(self, series: Iterable[AnySeries]) -> None:
        """Write series in one request, so that queries see them in this order whenever each of them starts.

        The first one must start no more than an hour after any other: the head block takes nothing older.
        """
        write(self.port, series)

    def ask(self, path: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The whole JSON answer of `/api/v1/<path>`, refusals too."""
        body = urlencode(parameters).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        _, answer = request(self.port, f"/api/v1/{path}", method="POST", body=body, headers=headers, timeout_s=60)
        return json.loads(answer)  # type: ignore[no-any-return]
