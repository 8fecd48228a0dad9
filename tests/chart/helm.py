"""The chart rendered by the real helm: what the other files here look at.

Each different question is asked of helm once a run. Nothing here knows what the chart should contain, and nothing
repairs what helm prints: a document that YAML cannot read fails the test that asked for it.
"""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from tests.servers.processes import require

ROOT: Final = Path(__file__).parents[2]
CHART: Final = ROOT / "chart"
# The seed's commands install under these names.
RELEASE: Final = "aiops-nextgen"
NAMESPACE: Final = "aiops-nextgen"
# The oldest that OpenShift 4.16 brings, and the newest that the schemas know.
OLDEST: Final = "1.29.0"
NEWEST: Final = "1.36.0"
OPENSHIFT: Final = (
    "config.openshift.io/v1",
    "config.openshift.io/v1/ClusterVersion",
    "console.openshift.io/v1",
    "console.openshift.io/v1/ConsoleLink",
    "oauth.openshift.io/v1",
    "oauth.openshift.io/v1/OAuthClient",
    "project.openshift.io/v1",
    "project.openshift.io/v1/Project",
    "route.openshift.io/v1",
    "route.openshift.io/v1/Route",
    "security.openshift.io/v1",
    "security.openshift.io/v1/SecurityContextConstraints",
    "user.openshift.io/v1",
    "user.openshift.io/v1/User",
)
MONITORING: Final = (
    "monitoring.coreos.com/v1",
    "monitoring.coreos.com/v1/PrometheusRule",
    "monitoring.coreos.com/v1/ServiceMonitor",
)
TIMEOUT_S: Final = 60
# The quick one where PyYAML was built with it.
_Loader: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Object = dict[str, Any]
Values = Mapping[str, Any]


class Refused(Exception):
    """helm refused; the message is its own."""


@dataclass(frozen=True)
class Case:
    """One way to install: value files of the chart, values on top of them, and the cluster it is for."""

    name: str
    values: Values = field(default_factory=dict)
    files: tuple[str, ...] = ()
    kube: str = NEWEST
    apis: tuple[str, ...] = (*OPENSHIFT, *MONITORING)
    namespace: str = NAMESPACE

    def __hash__(self) -> int:
        return hash(self._key())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Case) and self._key() == other._key()

    def _key(self) -> tuple[str, ...]:
        return (json.dumps(self.values, sort_keys=True), *self.files, self.kube, *self.apis, self.namespace)

    def arguments(self) -> list[str]:
        """What stands behind `helm template RELEASE CHART`; the values come on standard input."""
        files = [part for name in self.files for part in ("--values", str(CHART / name))]
        apis = [part for api in self.apis for part in ("--api-versions", api)]
        return ["--namespace", self.namespace, "--kube-version", self.kube, *apis, *files, "--values", "-"]


def helm(*arguments: str, values: Values | None = None, program: str = "helm") -> str:
    """What helm printed. Raises `Refused` with its words when it failed."""
    done = subprocess.run(
        [require(program), *arguments],
        input=json.dumps(dict(values or {})),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        raise Refused(done.stderr.strip() or done.stdout.strip())
    return done.stdout


def text(case: Case, *, program: str = "helm") -> str:
    """The manifests as helm prints them, hooks and tests included."""
    return helm("template", RELEASE, str(CHART), *case.arguments(), values=case.values, program=program)


def documents(manifests: str) -> list[Object]:
    """The objects of a stream of YAML documents; empty ones are left out."""
    return [document for document in yaml.load_all(manifests, Loader=_Loader) if document]


@cache
def rendered(case: Case) -> str:
    """The same, asked of helm once a run."""
    return text(case)


@cache
def _parsed(case: Case) -> tuple[Object, ...]:
    return tuple(documents(rendered(case)))


def objects(case: Case) -> Sequence[Object]:
    """The objects that the chart renders; shared between tests, so nobody may change them."""
    return _parsed(case)


def find(case: Case, kind: str, name: str, *, namespace: str | None = None) -> Object | None:
    """The rendered object of that kind and name, or None."""
    found = [
        item
        for item in objects(case)
        if item["kind"] == kind
        and item["metadata"]["name"] == name
        and namespace in (None, item["metadata"].get("namespace"))
    ]
    if len(found) > 1:
        raise LookupError(f"{case.name} renders {kind} {name} {len(found)} times")
    return found[0] if found else None


def get(case: Case, kind: str, name: str) -> Object:
    """The rendered object of that kind and name; its absence is the test's failure."""
    found = find(case, kind, name)
    if found is None:
        known = sorted(item["metadata"]["name"] for item in objects(case) if item["kind"] == kind)
        raise LookupError(f"{case.name} renders no {kind} {name}, only {', '.join(known) or 'none'}")
    return found


def default_values() -> dict[str, Any]:
    """The chart's own values.yaml."""
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    if not isinstance(values, dict):
        raise TypeError(f"{CHART / 'values.yaml'} holds no mapping")
    return values
