"""What this process may do in its own cluster, asked of the cluster itself (SelfSubjectAccessReview).

The roles of this release need nothing of it; `aiops support-bundle` lists pods and events where it may.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

from aiops.core.errors import ServiceUnavailable
from aiops.core.http import HttpClient
from aiops.core.kube import own_namespace
from aiops.core.kube_reader import KubeReader
from aiops.doctor.finding import Notes
from aiops.doctor.subject import Subject

# (verb, resource) -> what is lacking without it.
USEFUL: Final[Mapping[tuple[str, str], str]] = {
    ("list", "pods"): "aiops support-bundle has no list of pods",
    ("list", "events"): "aiops support-bundle has no events",
}


async def look(_: Subject, __: HttpClient, notes: Notes) -> None:
    """Every right that a command uses."""
    try:
        namespace = own_namespace()
    except ServiceUnavailable:
        notes.skip("rights", "this is no pod that may speak to its cluster, which no role needs")
        return
    async with KubeReader() as kube:
        answers = await asyncio.gather(*(kube.may(verb, resource, namespace) for verb, resource in USEFUL))
    for (verb, resource), allowed in zip(USEFUL, answers, strict=True):
        what = f"{verb} {resource} in {namespace}"
        if allowed:
            notes.ok(f"{verb} {resource}", f"may {what}")
        else:
            notes.warn(
                f"{verb} {resource}",
                f"may not {what}: {USEFUL[verb, resource]}",
                f"oc create role aiops-support --verb={verb} --resource={resource} -n {namespace}, and bind it to this "
                "pod's ServiceAccount",
            )
