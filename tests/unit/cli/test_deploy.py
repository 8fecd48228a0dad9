"""The job that fills a release's Secrets: what is missing is made once, nothing that is there is ever replaced."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from aiops.cli import cli
from tests.servers.kube_api import KubeApi

WANTED: dict[str, Any] = {
    "labels": {"app.kubernetes.io/instance": "aiops-nextgen"},
    "secrets": [
        {
            "name": "postgresql-credentials",
            "keys": {
                "POSTGRES_USER": {"value": "aiops"},
                "POSTGRES_PASSWORD": {"generate": "password"},
                "DATABASE_URL": {"derive": "postgresql://$(POSTGRES_USER):$(POSTGRES_PASSWORD)@postgresql:5432/aiops"},
            },
        },
        {"name": "aiops-secrets", "keys": {"AIOPS_SECRET_KEY": {"generate": "key"}}},
    ],
}
Run = Callable[..., Result]


@pytest.fixture
def api() -> Iterator[KubeApi]:
    with KubeApi() as running:
        yield running


@pytest.fixture
def run(api: KubeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("KUBECONFIG", str(api.kubeconfig(tmp_path / "kubeconfig")))
    monkeypatch.setenv("POD_NAMESPACE", "aiops-nextgen")

    def fill(wanted: Any = WANTED) -> Result:
        monkeypatch.setenv("WANTED_OBJECTS", wanted if isinstance(wanted, str) else json.dumps(wanted))
        return CliRunner().invoke(cli, ["deploy", "secrets"])

    return fill


def test_a_new_release_gets_all_its_secrets_and_none_of_them_is_printed(run: Run, api: KubeApi) -> None:
    result = run()
    assert result.exit_code == 0, result.output
    made = api.secrets["postgresql-credentials"]
    password = made["POSTGRES_PASSWORD"]
    assert len(password) >= 32
    assert made["DATABASE_URL"] == f"postgresql://aiops:{password}@postgresql:5432/aiops"
    assert len(base64.b64decode(api.secrets["aiops-secrets"]["AIOPS_SECRET_KEY"])) == 32
    assert api.labels["aiops-secrets"] == WANTED["labels"]
    assert api.annotations["aiops-secrets"]["argocd.argoproj.io/sync-options"] == "Prune=false"
    assert password not in result.output
    assert "postgresql-credentials: made with DATABASE_URL, POSTGRES_PASSWORD, POSTGRES_USER" in result.output


def test_the_next_upgrade_changes_nothing(run: Run, api: KubeApi) -> None:
    run()
    before = {name: dict(data) for name, data in api.secrets.items()}
    api.requests.clear()
    result = run()
    assert result.exit_code == 0
    assert api.secrets == before
    assert {method for method, _ in api.requests} == {"GET"}


def test_what_somebody_set_is_kept_and_what_is_derived_follows_it(run: Run, api: KubeApi) -> None:
    api.secrets["postgresql-credentials"] = {"POSTGRES_PASSWORD": "p@ss/word", "OTHER": "kept"}
    assert run().exit_code == 0
    data = api.secrets["postgresql-credentials"]
    assert (data["POSTGRES_PASSWORD"], data["OTHER"]) == ("p@ss/word", "kept")
    assert data["DATABASE_URL"] == "postgresql://aiops:p%40ss%2Fword@postgresql:5432/aiops"


def test_a_refusal_says_what_was_refused(run: Run, api: KubeApi) -> None:
    api.refuse["POST"] = 403
    result = run()
    assert result.exit_code == 1
    assert "refused to create Secret postgresql-credentials: 403" in result.output


def test_a_secret_that_somebody_else_makes_all_the_time_ends_with_advice(run: Run, api: KubeApi) -> None:
    api.refuse["POST"] = 409
    result = run()
    assert result.exit_code == 1
    assert "run this again" in result.output


def test_an_api_that_is_away_is_named(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with KubeApi() as gone:
        file = gone.kubeconfig(tmp_path / "gone")
    monkeypatch.setenv("KUBECONFIG", str(file))
    result = run()
    assert result.exit_code == 1
    assert "the cluster's API did not answer to read Secret postgresql-credentials" in result.output


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("", "does not say which Secrets are wanted"),
        ('{"secrets": 1}', "does not say which Secrets are wanted"),
        ({"secrets": [{"name": "x", "keys": {"A": {"generate": "dice"}}}]}, "nothing generates 'dice'"),
        ({"secrets": [{"name": "x", "keys": {"A": {"derive": "$(B)"}}}]}, "derives from B"),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused(run: Run, api: KubeApi, wanted: Any, said: str) -> None:
    result = run(wanted)
    assert result.exit_code == 2
    assert said in result.output
    assert api.secrets == {}


def test_outside_of_a_pod_the_namespace_has_to_be_given(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POD_NAMESPACE")
    result = run()
    assert result.exit_code == 1
    assert "POD_NAMESPACE is not set" in result.output
