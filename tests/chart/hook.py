"""What the installation's Job is asked to do: the Secrets and the OAuthClient of a release, as it is told."""

import json
from typing import Any, Final

import msgspec

from aiops.cli.deploy import WANTED, Wanted
from aiops.cli.oauth_client import KIND
from tests.chart.helm import Case, Object, find
from tests.chart.workloads import environment

JOB: Final = "aiops-secrets-hook"


def asked(case: Case) -> dict[str, Any]:
    """All that the Job is asked for; nothing where there is no Job."""
    job = find(case, "Job", JOB)
    if job is None:
        return {}
    (container,) = job["spec"]["template"]["spec"]["containers"]
    return dict(json.loads(environment(container)[WANTED]["value"]))


def filled(case: Case) -> dict[str, dict[str, dict[str, str]]]:
    """The Secrets, with their keys, that the Job fills."""
    return {one["name"]: one["keys"] for one in asked(case).get("secrets", [])}


def oauth_client(case: Case) -> Object | None:
    """The OAuthClient that the Job makes, as the product puts it together; None where it makes none."""
    if not (whole := asked(case)):
        return None
    wanted = msgspec.convert(whole, Wanted)
    if wanted.oauth_client is None:
        return None
    body = wanted.oauth_client.body("<random>", case.namespace, wanted.labels)
    return {"apiVersion": f"{KIND.group}/{KIND.version}", "kind": KIND.kind, **body}
