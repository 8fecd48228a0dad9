"""Where the Services of the embedded PostgreSQL lead, pod by pod: nobody is handed a standby by chance."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.chart.cases import CASES
from tests.chart.helm import Case, Object, find, get, objects
from tests.chart.hook import filled
from tests.chart.workloads import POD_NAME, workloads

EMBEDDED: Final = [case for case in CASES if find(case, "StatefulSet", "postgresql")]
TWO: Final = [case for case in EMBEDDED if get(case, "StatefulSet", "postgresql")["spec"]["replicas"] == 2]


def behind(rendered: Sequence[Object], service: Object) -> list[str]:
    """The names of a StatefulSet's pods that the Service leads to."""
    selector = service["spec"]["selector"]
    return [labels[POD_NAME] for pod in workloads(rendered) for labels in pod.behind(selector)]


@pytest.mark.parametrize("case", EMBEDDED, ids=lambda case: case.name)
def test_postgresql_leads_to_the_pod_that_takes_writes_alone(case: Case) -> None:
    """The first one makes the database, and the second copies it: see `test_postgresql.py`."""
    assert behind(objects(case), get(case, "Service", "postgresql")) == ["postgresql-0"]


@pytest.mark.parametrize("case", TWO, ids=lambda case: case.name)
def test_the_roles_name_every_pod_and_ask_for_the_one_that_takes_writes(case: Case) -> None:
    """So that a promoted standby is found although the Service stays where it is."""
    url = urlsplit(filled(case)["postgresql-credentials"]["DATABASE_URL"]["derive"])
    assert parse_qs(url.query)["target_session_attrs"] == ["read-write"]
    hosts = [place.rpartition(":")[0] for place in url.netloc.rpartition("@")[2].split(",")]
    nodes = get(case, "Service", "postgresql-nodes")
    assert hosts == [f"{pod}.postgresql-nodes" for pod in behind(objects(case), nodes)]
    # Their names have addresses even before the pods are ready, as a standby that copies its primary needs it.
    assert (nodes["spec"]["clusterIP"], nodes["spec"]["publishNotReadyAddresses"]) == ("None", True)
    assert get(case, "StatefulSet", "postgresql")["spec"]["serviceName"] == "postgresql-nodes"


def test_there_is_a_case_with_a_standby() -> None:
    assert len(TWO) >= 3


def test_a_service_that_leads_to_the_standby_is_seen() -> None:
    rendered = objects(TWO[0])
    service = get(TWO[0], "Service", "postgresql")
    both = {key: value for key, value in service["spec"]["selector"].items() if key != POD_NAME}
    assert behind(rendered, {"spec": {"selector": both}}) == ["postgresql-0", "postgresql-1"]
    assert behind(rendered, {"spec": {"selector": {**both, POD_NAME: "postgresql-1"}}}) == ["postgresql-1"]
