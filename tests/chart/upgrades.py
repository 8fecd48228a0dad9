"""What Kubernetes lets nobody change in an object that exists: a difference there lets `helm upgrade` fail."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from tests.chart.helm import Object
from tests.chart.workloads import quantity

# The fields of a StatefulSet's spec that may change; all others may not.
STATEFUL_SET_MAY_CHANGE: Final = frozenset(
    {
        "minReadySeconds",
        "ordinals",
        "persistentVolumeClaimRetentionPolicy",
        "replicas",
        "revisionHistoryLimit",
        "template",
        "updateStrategy",
    }
)
JOB_MAY_CHANGE: Final = frozenset(
    {"activeDeadlineSeconds", "backoffLimit", "parallelism", "suspend", "ttlSecondsAfterFinished"}
)
# What is lost with the object; an upgrade that no longer renders one deletes it.
KEEPS_DATA: Final = frozenset({"PersistentVolumeClaim", "StatefulSet", "ObjectBucketClaim", "Secret"})


def made_anew(item: Object) -> bool:
    """Whether helm deletes the object before it creates it."""
    annotations = item["metadata"].get("annotations", {})
    return "helm.sh/hook" in annotations and "before-hook-creation" in annotations.get("helm.sh/hook-delete-policy", "")


def refused(before: Sequence[Object], after: Sequence[Object]) -> Iterator[str]:
    """Each change between two renders that the API server would refuse, or that takes data away."""
    old, new = _by_name(before), _by_name(after)
    for place, item in old.items():
        said = " ".join(place[1:])
        if place not in new:
            if item["kind"] in KEEPS_DATA and not _kept(item):
                yield f"{said} is deleted with what it holds"
            continue
        if not (made_anew(item) and made_anew(new[place])):
            yield from (f"{said}: {field} may not change" for field in _changed(item, new[place]))


def _by_name(rendered: Sequence[Object]) -> dict[tuple[str, ...], Object]:
    return {
        (item["apiVersion"], item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"]): item
        for item in rendered
    }


def _kept(item: Object) -> bool:
    return bool(item["metadata"].get("annotations", {}).get("helm.sh/resource-policy") == "keep")


def _changed(old: Object, new: Object) -> Iterator[str]:
    kind, was, becomes = old["kind"], old.get("spec", {}), new.get("spec", {})
    if kind in ("Deployment", "DaemonSet"):
        yield from _differing(was, becomes, {"selector"})
    elif kind == "StatefulSet":
        yield from _differing(was, becomes, (was.keys() | becomes.keys()) - STATEFUL_SET_MAY_CHANGE)
    elif kind == "Job":
        yield from _differing(was, becomes, (was.keys() | becomes.keys()) - JOB_MAY_CHANGE)
    elif kind == "Service":
        yield from _differing(was, becomes, {"clusterIP"})
    elif kind in ("RoleBinding", "ClusterRoleBinding"):
        yield from _differing(old, new, {"roleRef"})
    elif kind == "PersistentVolumeClaim":
        yield from _differing(was, becomes, (was.keys() | becomes.keys()) - {"resources"})
        sizes = [quantity(spec["resources"]["requests"]["storage"]) for spec in (was, becomes)]
        if sizes[1] < sizes[0]:
            yield "resources.requests.storage"
    elif old.get("immutable"):
        yield from _differing(old, new, {"data", "stringData", "binaryData"})


def _differing(was: Any, becomes: Any, fields: set[str] | frozenset[str]) -> Iterator[str]:
    return (field for field in sorted(fields) if was.get(field) != becomes.get(field))
