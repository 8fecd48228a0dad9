"""Pods in rendered objects: whatever kind of object makes them, hooks and tests included."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from tests.chart.helm import Object

# Where each kind keeps the pod that it makes.
TEMPLATES: Final[dict[str, tuple[str, ...]]] = {
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "ReplicaSet": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    "Pod": (),
}
LASTING: Final = frozenset({"Deployment", "StatefulSet", "DaemonSet"})
# Set on each pod of a StatefulSet by its controller, of every Kubernetes.
POD_NAME: Final = "statefulset.kubernetes.io/pod-name"
SUFFIXES: Final[dict[str, int | Decimal]] = {
    "": 1,
    "m": Decimal("0.001"),
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
}
QUANTITY: Final = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<suffix>m|k|[KMGT]i?)?")


@dataclass(frozen=True)
class Workload:
    """An object that makes pods, and the pod that it makes."""

    owner: Object
    pod: Object

    @property
    def kind(self) -> str:
        return str(self.owner["kind"])

    @property
    def name(self) -> str:
        return str(self.owner["metadata"]["name"])

    @property
    def labels(self) -> dict[str, str]:
        """The pod's labels."""
        return dict(self.pod.get("metadata", {}).get("labels", {}))

    def labels_of_each(self) -> list[dict[str, str]]:
        """The labels of each pod that there will be: a StatefulSet's controller adds the pod's own name to its own."""
        if self.kind != "StatefulSet":
            return [self.labels]
        return [{**self.labels, POD_NAME: f"{self.name}-{number}"} for number in range(self.replicas)]

    def behind(self, selector: Mapping[str, str]) -> list[dict[str, str]]:
        """The labels of those of its pods that a Service with this selector leads to; an empty one leads nowhere."""
        return [labels for labels in self.labels_of_each() if selector and selector.items() <= labels.items()]

    @property
    def annotations(self) -> dict[str, str]:
        """The pod's annotations."""
        return dict(self.pod.get("metadata", {}).get("annotations", {}))

    @property
    def hooks(self) -> list[str]:
        """The moments at which helm itself makes it; empty for an ordinary object."""
        given = self.owner["metadata"].get("annotations", {}).get("helm.sh/hook", "")
        return [hook.strip() for hook in given.split(",") if hook.strip()]

    @property
    def spec(self) -> Object:
        return dict(self.pod["spec"])

    @property
    def containers(self) -> list[Object]:
        """Those that live as long as the pod."""
        return list(self.spec["containers"])

    @property
    def all_containers(self) -> list[Object]:
        return [*self.spec.get("initContainers", []), *self.containers]

    @property
    def replicas(self) -> int:
        return int(self.owner["spec"].get("replicas", 1))

    def requests(self, resource: str) -> Decimal:
        """What the pod's lasting containers ask for together, sidecars of the initContainers' kind included."""
        sidecars = [one for one in self.spec.get("initContainers", []) if one.get("restartPolicy") == "Always"]
        return sum(
            (
                quantity(one.get("resources", {}).get("requests", {}).get(resource, 0))
                for one in [*self.containers, *sidecars]
            ),
            start=Decimal(0),
        )

    def storage(self) -> Decimal:
        """What one replica claims."""
        claims = self.owner["spec"].get("volumeClaimTemplates", [])
        return sum((quantity(one["spec"]["resources"]["requests"]["storage"]) for one in claims), start=Decimal(0))

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def workloads(rendered: Sequence[Object]) -> Iterator[Workload]:
    """Each object that makes pods."""
    for item in rendered:
        if item["kind"] in TEMPLATES:
            yield Workload(item, step_into(item, TEMPLATES[item["kind"]]))
        elif item["kind"] == "InferenceService":
            yield Workload(item, _predictor(item))


def _predictor(item: Object) -> Object:
    """The pod that KServe makes of an InferenceService: a predictor is a pod's spec with some fields more."""
    predictor = item["spec"]["predictor"]
    labels = {**item["metadata"].get("labels", {}), **predictor.get("labels", {})}
    return {"metadata": {"labels": labels, "annotations": predictor.get("annotations", {})}, "spec": predictor}


def step_into(item: Any, path: Sequence[str]) -> Any:
    """The part of an object below these keys."""
    for key in path:
        item = item[key]
    return item


def quantity(given: str | float) -> Decimal:
    """A Kubernetes quantity as a number: cores, bytes or pieces. Raises `ValueError` for anything else."""
    match = QUANTITY.fullmatch(str(given))
    if match is None:
        raise ValueError(f"{given!r} is no quantity such as 250m, 1.5 or 512Mi")
    return Decimal(match["number"]) * SUFFIXES[match["suffix"] or ""]


def environment(container: Object) -> dict[str, Object]:
    """The container's variables by name; a name given twice is an error."""
    entries = container.get("env", [])
    named = {entry["name"]: entry for entry in entries}
    if len(named) != len(entries):
        raise ValueError(f"container {container['name']} sets a variable twice")
    return named
