"""OpenShift's OAuth objects: whole where they are made, none of them half made, each way told to whoever installs."""

import shutil
from pathlib import Path
from typing import Final

import pytest

from tests.chart.cases import AS_SPECIFIED, CASES, CLUSTER_ADMIN, HOST, NAMESPACE_ADMIN, OWN_OAUTH_SECRET
from tests.chart.helm import CHART, RELEASE, Case, Refused, documents, get, helm, objects, text
from tests.chart.hook import asked, filled, oauth_client
from tests.chart.test_schemas import mistakes
from tests.chart.workloads import environment

ADMIN: Final = {"rbac": {"clusterScoped": True}, "auth": {"mode": "openshift"}}
NO_HOST: Final = Case("cluster administrator without a host", ADMIN)
NO_JOB: Final = Case(
    "cluster administrator without the Job",
    {
        "rbac": {"clusterScoped": True},
        "route": {"host": HOST},
        "auth": {"mode": "openshift", "existingSecret": "keys", "oauthExistingSecret": "own-oauth-secret"},
        "postgresql": {"mode": "external", "existingSecret": "database"},
        "redis": {"mode": "external", "existingSecret": "redis"},
        "secrets": {"hook": {"enabled": False}},
    },
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_no_oauth_client_is_rendered(case: Case) -> None:
    """Its secret lies inline: helm would take it away, or leave it open, whenever it compares manifests."""
    assert [item for item in objects(case) if item["kind"] == "OAuthClient"] == []


@pytest.mark.parametrize("case", [AS_SPECIFIED, CLUSTER_ADMIN, OWN_OAUTH_SECRET], ids=lambda case: case.name)
def test_the_job_makes_it_whole_with_what_the_gateway_reads(case: Case) -> None:
    made = oauth_client(case)
    assert made is not None
    assert list(mistakes(made, oldest=False)) == []
    assert made["redirectURIs"] == [f"https://{HOST}/oauth/callback"]
    wanted = asked(case)["oauth_client"]
    (gateway,) = get(case, "Deployment", "api-gateway")["spec"]["template"]["spec"]["containers"]
    assert environment(gateway)["OAUTH_CLIENT_ID"]["value"] == wanted["name"] == made["metadata"]["name"]
    assert {"secretRef": {"name": wanted["secret"]}} in gateway["envFrom"]
    if wanted["secret"] in filled(case):
        assert filled(case)[wanted["secret"]][wanted["key"]] == {"generate": "password"}
    else:
        assert wanted["secret"] == "own-oauth-secret"


@pytest.mark.parametrize("case", [NO_HOST, NO_JOB, NAMESPACE_ADMIN], ids=lambda case: case.name)
def test_where_there_is_none_to_make_nobody_is_given_rights(case: Case) -> None:
    assert oauth_client(case) is None
    assert [item for item in objects(case) if item["kind"] in ("ClusterRole", "ClusterRoleBinding")] == []


@pytest.fixture(scope="module")
def noted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The chart with its notes as a ConfigMap too: helm shows them to whoever has a cluster only."""
    folder = tmp_path_factory.mktemp("noted") / CHART.name
    shutil.copytree(CHART, folder)
    shutil.copy(folder / "templates" / "NOTES.txt", folder / "files" / "notes.txt")
    lines = ["kind: Notes", 'said: {{ tpl (.Files.Get "files/notes.txt") . | toJson }}']
    (folder / "templates" / "notes.yaml").write_text("\n".join(lines))
    return folder


@pytest.mark.parametrize(
    ("case", "said"),
    [
        (CLUSTER_ADMIN, "\n  oc delete oauthclient aiops-nextgen\n"),
        (NO_HOST, "no OAuthClient is made: set route.host and upgrade"),
        (NO_JOB, f"the redirect URI https://{HOST}/oauth/callback"),
    ],
    ids=lambda given: given.name if isinstance(given, Case) else "",
)
def test_the_notes_say_what_is_left_to_do(case: Case, said: str, noted: Path) -> None:
    rendered = documents(helm("template", RELEASE, str(noted), *case.arguments(), values=case.values))
    (notes,) = [item["said"] for item in rendered if item["kind"] == "Notes"]
    assert said in notes


def test_without_the_job_the_secret_has_to_be_given() -> None:
    values = {**NO_JOB.values, "auth": {"mode": "openshift", "existingSecret": "keys"}}
    with pytest.raises(Refused, match=r"auth\.oauthExistingSecret: secrets\.hook\.enabled is false"):
        text(Case("no secret", values))
