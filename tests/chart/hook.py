"""What the installation's Job is asked to fill: the Secrets of a release, described in its own variable."""

import json
from typing import Final

from tests.chart.helm import Case, find
from tests.chart.workloads import environment

JOB: Final = "aiops-secrets-hook"


def filled(case: Case) -> dict[str, dict[str, dict[str, str]]]:
    """The Secrets, with their keys, that the installation's Job fills."""
    job = find(case, "Job", JOB)
    if job is None:
        return {}
    (container,) = job["spec"]["template"]["spec"]["containers"]
    wanted = json.loads(environment(container)["WANTED_OBJECTS"]["value"])
    return {one["name"]: one["keys"] for one in wanted["secrets"]}
