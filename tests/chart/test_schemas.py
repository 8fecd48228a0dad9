"""Every rendered object is what its kind's API takes: all fields known, of the right type, none missing."""

from collections.abc import Iterator
from functools import cache

import jsonschema_rs
import pytest

from tests.chart import core_schemas, foreign_schemas
from tests.chart.cases import CASES, CHANGES, SPOKE
from tests.chart.helm import OLDEST, Case, Object, objects
from tests.chart.workloads import quantity, workloads


@cache
def validator(api_version: str, kind: str, *, oldest: bool) -> jsonschema_rs.Validator:
    source = core_schemas if (api_version, kind) in core_schemas.KINDS else foreign_schemas
    return jsonschema_rs.validator_for(source.schema(api_version, kind, oldest=oldest))


def mistakes(item: Object, *, oldest: bool) -> Iterator[str]:
    """What the API would refuse or silently drop."""
    where = f"{item['kind']} {item['metadata']['name']}"
    try:
        judge = validator(item["apiVersion"], item["kind"], oldest=oldest)
    except KeyError:
        yield f"{where}: no schema describes {item['apiVersion']} {item['kind']}"
        return
    for error in judge.iter_errors(item):
        yield f"{where}: {'.'.join(map(str, error.instance_path))}: {error.message[:300]}"


@pytest.mark.parametrize("case", [*CASES, SPOKE], ids=lambda case: case.name)
def test_every_object_fits_its_schema(case: Case) -> None:
    oldest = case.kube == OLDEST
    assert [said for item in objects(case) for said in mistakes(item, oldest=oldest)] == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_name_is_given_once_and_is_short_enough(case: Case) -> None:
    """A Job's or CronJob's name becomes part of its pods' names and a label, which end at 63 characters."""
    names = [(item["kind"], item["metadata"].get("namespace"), item["metadata"]["name"]) for item in objects(case)]
    assert sorted({name for name in names if names.count(name) > 1}, key=str) == []
    assert [name for kind, _, name in names if len(name) > (52 if kind in ("CronJob", "StatefulSet") else 63)] == []


@pytest.mark.parametrize("case", [*CASES, *CHANGES], ids=lambda case: case.name)
def test_no_container_asks_for_more_than_its_limit(case: Case) -> None:
    above = [
        f"{pod}, container {container['name']}: {resource}"
        for pod in workloads(objects(case))
        for container in pod.all_containers
        for resource, limit in container["resources"].get("limits", {}).items()
        if quantity(container["resources"]["requests"].get(resource, 0)) > quantity(limit)
    ]
    assert above == []


def deployment(**changed: object) -> Object:
    container = {"name": "main", "image": "registry.example/app:1", **changed}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "app"},
        "spec": {
            "selector": {"matchLabels": {"app": "app"}},
            "template": {"metadata": {"labels": {"app": "app"}}, "spec": {"containers": [container]}},
        },
    }


@pytest.mark.parametrize(
    ("changed", "oldest", "said"),
    [
        ({}, True, ""),
        ({"livenesProbe": {}}, False, "livenesProbe"),
        ({"env": [{"name": "PORT", "value": 8080}]}, False, "8080"),
        ({"ports": [{"name": "http"}]}, False, "containerPort"),
        ({"resources": {"requests": {"memory": "1 GB"}}}, False, "1 GB"),
        ({"volumeMounts": [{"name": "a", "mountPath": "/a", "recursiveReadOnly": "Enabled"}]}, False, ""),
        (
            {"volumeMounts": [{"name": "a", "mountPath": "/a", "recursiveReadOnly": "Enabled"}]},
            True,
            "recursiveReadOnly",
        ),
    ],
)
def test_the_schemas_are_strict(changed: dict[str, object], oldest: bool, said: str) -> None:  # noqa: FBT001 - parametrised
    found = list(mistakes(deployment(**changed), oldest=oldest))
    assert len(found) == bool(said)
    assert said in "".join(found)


def test_a_kind_that_nobody_described_is_refused() -> None:
    item = {"apiVersion": "apps/v1beta1", "kind": "Deployment", "metadata": {"name": "old"}}
    assert list(mistakes(item, oldest=False)) == [
        "Deployment old: no schema describes apps/v1beta1 Deployment",
    ]
