"""The deployment specification as it is written: read at test time, so that no expected value is copied from it.

The document is Markdown with tables, trees, shell commands and Helm templates in YAML. Its templates do not render
(they name values that it never defines), so their expressions are put in here: by the specification's own values where
it gives them, else by what its text calls the thing. An expression that is not known fails.
"""

import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from tests.chart.helm import NAMESPACE, ROOT

NAME: Final = "09-openshift-deployment.md"
HEADING: Final = re.compile(r"^#{2,3} (?P<number>\d+(?:\.\d+)?)\.? ", re.MULTILINE)
BLOCK: Final = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
HERE_DOCUMENT: Final = re.compile(r"<<EOF\n(?P<text>.*?)^EOF$", re.MULTILINE | re.DOTALL)
EXPRESSION: Final = re.compile(r"\{\{-?\s*(?P<inside>.*?)\s*-?\}\}")
INDENT: Final = re.compile(r"\|\s*nindent (?P<columns>\d+)$")
# What the specification says elsewhere about the names that its templates leave open. Its example is the gateway.
KNOWN: Final = {
    'include "api-gateway.fullname" .': "api-gateway",
    'include "api-gateway.serviceAccountName" .': "api-gateway",
    ".Release.Namespace": NAMESPACE,
    ".Values.route.host": "aiops.example.com",
    ".Values.apiGateway.minReplicas | default 2": "2",
    ".Values.apiGateway.maxReplicas | default 10": "10",
    ".Values.postgresql.password | default (randAlphaNum 32)": "<random>",
    ".Values.postgresql.password": "<random>",
    ".Values.oauth.clientSecret": "<given>",
}
LABELS: Final = {"app.kubernetes.io/name": "api-gateway", "app.kubernetes.io/instance": "aiops-nextgen"}
# Written for Prometheus, not for helm.
ALERTING: Final = re.compile(r"^\$(?:value|labels)\b")


def folder() -> Path | None:
    """Where the specifications lie: `$AIOPS_SHARED`, else beside the checkout; None where they are absent."""
    given = os.environ.get("AIOPS_SHARED")
    for shared in (Path(given),) if given else (ROOT.parent / "shared", ROOT / "shared"):
        if (shared / "seed" / NAME).is_file():
            return shared / "seed"
    return None


def absent() -> str:
    """Why there is nothing to compare with; empty where there is."""
    return (
        "" if folder() else f"the deployment specification is not here: set AIOPS_SHARED to the folder of seed/{NAME}"
    )


@cache
def section(number: str) -> str:
    """The text below a heading, up to the next one."""
    found = folder()
    if found is None:
        raise FileNotFoundError(absent())
    text = (found / NAME).read_text()
    starts = list(HEADING.finditer(text))
    for start, end in zip(starts, [*starts[1:], None], strict=True):
        if start["number"] == number:
            return text[start.end() : end.start() if end else len(text)]
    raise LookupError(f"the specification has no section {number}")


def table(number: str) -> list[dict[str, str]]:
    """The rows of a section's table, by column."""
    lines = [line for line in section(number).splitlines() if line.startswith("|")]
    cells = [[cell.strip().strip("*") for cell in line.strip("|").split("|")] for line in lines]
    return [dict(zip(cells[0], row, strict=True)) for row in cells[2:]]


def blocks(number: str, language: str = "") -> list[str]:
    """The fenced blocks of a section in one language."""
    return [match["text"] for match in BLOCK.finditer(section(number)) if match["language"] == language]


def commands(number: str) -> list[str]:
    """The shell commands of a section, each in one line; comments and here-documents are left out."""
    text = HERE_DOCUMENT.sub("<<EOF", "\n".join(blocks(number, "bash"))).replace("\\\n", " ")
    lines = (re.sub(r"\s+", " ", line).strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


@cache
def values() -> dict[str, Any]:
    """The specification's values.yaml."""
    return dict(yaml.safe_load(blocks("5.1", "yaml")[0]))


def manifests(number: str) -> list[dict[str, Any]]:
    """The objects that a section describes, in YAML or in a command's here-document; expressions are put in."""
    here = [match["text"] for block in blocks(number, "bash") for match in HERE_DOCUMENT.finditer(block)]
    text = "\n---\n".join([*blocks(number, "yaml"), *here])
    return [one for one in yaml.safe_load_all("\n".join(_resolved(text))) if one]


def _resolved(text: str) -> Iterator[str]:
    for line in text.splitlines():
        expression = EXPRESSION.search(line)
        if expression is None:
            yield line
        elif expression[0] == line.strip():
            yield from _lines(expression["inside"])
        else:
            yield EXPRESSION.sub(lambda found: _inline(found["inside"], found[0]), line)


def _lines(inside: str) -> Iterator[str]:
    """What an expression that has its line for itself stands for."""
    if inside == "end" or inside.startswith("if "):
        return
    if (indent := INDENT.search(inside)) is None:
        raise LookupError(f"an unknown line in the specification's templates: {inside}")
    if inside.startswith("toYaml .Values.resources"):
        content: Any = values()["api-gateway"]["resources"]
    elif re.match(r'include "api-gateway\.(selectorLabels|labels)"', inside):
        content = LABELS
    else:
        raise LookupError(f"an unknown line in the specification's templates: {inside}")
    for line in yaml.safe_dump(content).splitlines():
        yield " " * int(indent["columns"]) + line


def _inline(inside: str, whole: str) -> str:
    if ALERTING.match(inside):
        return whole
    if inside in KNOWN:
        return KNOWN[inside]
    if inside == ".Values.replicas":
        return str(values()["api-gateway"]["replicas"])
    if inside.startswith(".Values.global."):
        found: Any = values()
        for key in inside.removeprefix(".Values.").split("."):
            found = found[key]
        return str(found)
    raise LookupError(f"an unknown expression in the specification's templates: {inside}")
