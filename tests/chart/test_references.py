"""Whatever an object names is there: rendered, filled by the installation's Job, given by the values, or optional."""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.chart.cases import CASES
from tests.chart.helm import Case, Object, objects
from tests.chart.hook import filled
from tests.chart.workloads import Workload, workloads

# Kubernetes and OpenShift make these in every namespace, KServe and CloudNativePG with their own objects.
MADE_BY_OTHERS: Final = {
    "Cluster": {("Secret", "postgresql-app"): None},
    "ObjectBucketClaim": {("Secret", "aiops-objects"): None, ("ConfigMap", "aiops-objects"): None},
}
Place = tuple[str, str, str]


def given(case: Case) -> frozenset[str]:
    """Every name in the values: who names an object there has made it."""
    return frozenset(_texts(case.values))


def _texts(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        for value in part.values():
            yield from _texts(value)
    elif isinstance(part, list | tuple):
        for value in part:
            yield from _texts(value)
    elif isinstance(part, str):
        yield part


def provided(case: Case) -> frozenset[Place]:
    """The objects that there will be: kind, namespace, name."""
    found = {
        (item["kind"], item["metadata"].get("namespace", case.namespace), item["metadata"]["name"])
        for item in objects(case)
    }
    for item in objects(case):
        place = item["metadata"].get("namespace", case.namespace)
        found |= {(kind, place, name) for kind, name in MADE_BY_OTHERS.get(item["kind"], {})}
    return frozenset(found | {("Secret", case.namespace, name) for name in filled(case)})


def named(pod: Workload, namespace: str) -> Iterator[tuple[Place, str]]:
    """What a pod cannot start without, and where it says so."""
    place = pod.owner["metadata"].get("namespace", namespace)
    for volume in pod.spec.get("volumes", []):
        where = f"{pod}, volume {volume['name']}"
        for kind, key, name in (
            ("ConfigMap", "configMap", "name"),
            ("Secret", "secret", "secretName"),
            ("PersistentVolumeClaim", "persistentVolumeClaim", "claimName"),
        ):
            if (source := volume.get(key)) and not source.get("optional"):
                yield (kind, place, source[name]), where
    for container in pod.all_containers:
        where = f"{pod}, container {container['name']}"
        for source in _sources(container):
            for kind, key in (
                ("ConfigMap", "configMapKeyRef"),
                ("ConfigMap", "configMapRef"),
                ("Secret", "secretKeyRef"),
                ("Secret", "secretRef"),
            ):
                if (reference := source.get(key)) and not reference.get("optional"):
                    yield (kind, place, reference["name"]), where


def _sources(container: Object) -> Iterator[Object]:
    yield from container.get("envFrom", [])
    yield from (entry["valueFrom"] for entry in container.get("env", []) if "valueFrom" in entry)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_pod_can_start(case: Case) -> None:
    there, told = provided(case), given(case)
    missing = {
        f"{where}: {kind} {namespace}/{name}"
        for pod in workloads(objects(case))
        for (kind, namespace, name), where in named(pod, case.namespace)
        if (kind, namespace, name) not in there and name not in told
    }
    assert missing == set()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_key_is_there(case: Case) -> None:
    """A key that the Secret or ConfigMap lacks stops the pod as its absence would."""
    keys = {("Secret", name): set(content) for name, content in filled(case).items()}
    keys |= {
        ("ConfigMap", item["metadata"]["name"]): set(item.get("data", {}))
        for item in objects(case)
        if item["kind"] == "ConfigMap"
    }
    missing = {
        f"{pod}, container {container['name']}: {reference['key']} of {kind} {reference['name']}"
        for pod in workloads(objects(case))
        for container in pod.all_containers
        for source in _sources(container)
        for kind, key in (("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef"))
        if (reference := source.get(key))
        and reference["key"] not in keys.get((kind, reference["name"]), {reference["key"]})
    }
    assert missing == set()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bindings_services_and_scalers_lead_somewhere(case: Case) -> None:
    there = provided(case)
    rendered = objects(case)
    lost: list[str] = []
    for item in rendered:
        name, place, spec = (
            item["metadata"]["name"],
            item["metadata"].get("namespace", case.namespace),
            item.get("spec", {}),
        )
        wanted: list[Place] = []
        if item["kind"] == "RoleBinding":
            wanted = [(one["kind"], one["namespace"], one["name"]) for one in item["subjects"]]
            wanted.append((item["roleRef"]["kind"], place, item["roleRef"]["name"]))
        elif item["kind"] == "HorizontalPodAutoscaler":
            wanted = [(spec["scaleTargetRef"]["kind"], place, spec["scaleTargetRef"]["name"])]
        elif item["kind"] == "StatefulSet":
            wanted = [("Service", place, spec["serviceName"])]
        elif item["kind"] == "Route":
            wanted = [("Service", place, spec["to"]["name"])]
        lost += [f"{item['kind']} {name}: {one}" for one in wanted if one not in there]
    assert lost == []


def test_what_is_missing_is_seen() -> None:
    pod = {
        "kind": "Pod",
        "metadata": {"name": "lost"},
        "spec": {
            "volumes": [
                {"name": "a", "secret": {"secretName": "a"}},
                {"name": "b", "configMap": {"name": "b", "optional": True}},
            ],
            "containers": [{"name": "main", "envFrom": [{"secretRef": {"name": "c"}}]}],
        },
    }
    (workload,) = workloads([pod])
    assert [place for place, _ in named(workload, "here")] == [("Secret", "here", "a"), ("Secret", "here", "c")]
