"""The metrics that the product exports: asked of each role's own /metrics, which needs neither server nor store."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final, cast

import anyio
import httpx

from aiops.cli.serve import DESCRIBE
from aiops.compose import ROLES, compose
from aiops.settings import load

# Others bring these: kubelet, kube-state-metrics and Prometheus itself, on every OpenShift.
OTHERS: Final = re.compile(r"(kubelet_volume_stats|kube|container|cnpg)_\w+|up|ALERTS")
KEYWORDS: Final = frozenset(
    {
        "and",
        "or",
        "unless",
        "on",
        "ignoring",
        "by",
        "without",
        "group_left",
        "group_right",
        "offset",
        "bool",
        "inf",
        "nan",
    }
)
SAMPLE_SUFFIXES: Final = ("", "_bucket", "_sum", "_count")
# What is no name of a metric: strings, selectors, ranges, lists of labels, numbers with their units.
NOISE: Final = re.compile(
    r'"(?:\\.|[^"\\])*"|\{[^}]*\}|\[[^\]]*\]|\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)'
)


@cache
def metrics() -> frozenset[str]:
    """The names of all samples that some role exports."""
    return frozenset(
        family + suffix for role in ROLES for family in anyio.run(_families, role) for suffix in SAMPLE_SUFFIXES
    )


async def _families(role: str) -> frozenset[str]:
    composition = compose(load(DESCRIBE), [role])
    # httpx knows ASGI's messages as mere mappings.
    transport = httpx.ASGITransport(app=cast("Any", composition.app))
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
        answer = await client.get("/metrics")
    answer.raise_for_status()
    return frozenset(line.split()[2] for line in answer.text.splitlines() if line.startswith("# TYPE "))


def named(expression: str) -> Iterator[str]:
    """The metrics that a PromQL expression names."""
    text = NOISE.sub(lambda found: " " if found[0][0] in '"[{' else f" {found[0].split('(')[0]} ", expression)
    for match in re.finditer(r"(?<![\w$.])([a-zA-Z_:][\w:]*)(?!\s*[\w(])", text):
        if match[1].lower() not in KEYWORDS and not text[match.end() :].lstrip().startswith("("):
            yield match[1]
