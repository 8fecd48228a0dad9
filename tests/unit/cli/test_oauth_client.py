"""The job and OpenShift's OAuthClient: it always has what the Secret holds, and nobody else's is touched."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner, Result

from aiops.cli import cli
from tests.servers.kube_api import KubeApi

NAME: Final = "aiops-nextgen"
NAMESPACE: Final = "aiops"
KEY: Final = "OAUTH_CLIENT_SECRET"
CALLBACK: Final = "https://aiops.example.com/oauth/callback"
LABELS: Final = {"app.kubernetes.io/instance": "hub"}
OWNED: Final = {"meta.helm.sh/release-namespace": NAMESPACE}
Run = Callable[..., Result]


@pytest.fixture
def api() -> Iterator[KubeApi]:
    with KubeApi() as running:
        yield running


@pytest.fixture
def run(api: KubeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("KUBECONFIG", str(api.kubeconfig(tmp_path / "kubeconfig")))
    monkeypatch.setenv("POD_NAMESPACE", NAMESPACE)

    def fill(*, callback: str = CALLBACK, own: str | None = None) -> Result:
        """`own` names somebody's own Secret, which is not filled."""
        filled = {"name": "oauth-client-secret", "keys": {KEY: {"generate": "password"}}}
        client = {"name": NAME, "redirect_uris": [callback], "secret": own or filled["name"], "key": KEY}
        wanted = {"labels": LABELS, "secrets": [] if own else [filled], "oauth_client": client}
        monkeypatch.setenv("WANTED_OBJECTS", json.dumps(wanted))
        return CliRunner().invoke(cli, ["deploy", "secrets"])

    return fill


def there(api: KubeApi, **changed: Any) -> Any:
    """An OAuthClient that is there already, ours unless told otherwise."""
    item = {"metadata": {"name": NAME, "annotations": OWNED}, "grantMethod": "auto", "redirectURIs": [CALLBACK]}
    return api.keep({**item, **changed})


def held(api: KubeApi) -> str:
    return api.secrets["oauth-client-secret"][KEY]


def test_it_is_made_with_the_secret_that_was_made(run: Run, api: KubeApi) -> None:
    result = run()
    assert result.exit_code == 0, result.output
    made = api.objects[NAME]
    assert (made["apiVersion"], made["kind"]) == ("oauth.openshift.io/v1", "OAuthClient")
    assert (made["grantMethod"], made["redirectURIs"]) == ("auto", [CALLBACK])
    assert made["secret"] == held(api)
    assert len(made["secret"]) >= 32
    assert made["metadata"]["labels"] == LABELS
    annotations = made["metadata"]["annotations"]
    assert OWNED.items() <= annotations.items()
    assert annotations["helm.sh/resource-policy"] == "keep"
    assert annotations["argocd.argoproj.io/sync-options"] == "Prune=false"
    assert made["secret"] not in result.output
    assert f"OAuthClient {NAME}: made with the secret of Secret oauth-client-secret" in result.output
    assert ("POST", "/apis/oauth.openshift.io/v1/oauthclients") in api.requests


def test_the_next_upgrade_changes_nothing(run: Run, api: KubeApi) -> None:
    run()
    before = api.objects[NAME]
    api.requests.clear()
    result = run()
    assert result.exit_code == 0
    assert api.objects[NAME] == before
    assert {method for method, _ in api.requests} == {"GET"}
    assert f"OAuthClient {NAME}: agrees with Secret oauth-client-secret" in result.output


@pytest.mark.parametrize("lost", ["the Secret", "the Secret's key", "the client's secret", "the client"])
def test_whichever_of_the_two_is_lost_or_changed_they_agree_again(run: Run, api: KubeApi, lost: str) -> None:
    run()
    if lost == "the Secret":
        del api.secrets["oauth-client-secret"]
    elif lost == "the Secret's key":
        api.secrets["oauth-client-secret"][KEY] = "set by somebody"
    elif lost == "the client's secret":
        there(api, secret="set by somebody")
    else:
        del api.objects[NAME]
    result = run()
    assert result.exit_code == 0, result.output
    assert api.objects[NAME]["secret"] == held(api) != ""
    assert held(api) not in result.output


def test_a_new_host_replaces_the_old_one_and_what_was_added_stays(run: Run, api: KubeApi) -> None:
    run()
    api.keep({**api.objects[NAME], "accessTokenMaxAgeSeconds": 3600})
    result = run(callback="https://new.example.com/oauth/callback")
    changed = api.objects[NAME]
    assert changed["redirectURIs"] == ["https://new.example.com/oauth/callback"]
    assert (changed["secret"], changed["accessTokenMaxAgeSeconds"]) == (held(api), 3600)
    assert f"OAuthClient {NAME}: redirectURIs set, agrees with" in result.output


def test_one_that_helm_made_without_a_secret_is_completed_and_kept_from_helm(run: Run, api: KubeApi) -> None:
    """Its next manifest has none any more, and only the annotation keeps helm from deleting it after this job."""
    there(api)
    assert run().exit_code == 0
    assert api.objects[NAME]["secret"] == held(api)
    assert api.objects[NAME]["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


def test_an_own_secret_is_read_and_never_written(run: Run, api: KubeApi) -> None:
    api.secrets["mine"] = {KEY: "of my own"}
    assert run(own="mine").exit_code == 0
    assert api.objects[NAME]["secret"] == "of my own"
    assert api.secrets == {"mine": {KEY: "of my own"}}


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "Secret mine is not there"), ({}, f"Secret mine has no {KEY}"), ({KEY: ""}, f"Secret mine has no {KEY}")],
)
def test_an_own_secret_that_lacks_it_is_named_before_anything_is_made(
    run: Run, api: KubeApi, content: dict[str, str] | None, said: str
) -> None:
    if content is not None:
        api.secrets["mine"] = content
    result = run(own="mine")
    assert result.exit_code == 1
    assert said in result.output
    assert api.objects == {}


@pytest.mark.parametrize(
    ("annotations", "said"),
    [
        ({}, "was made by somebody else"),
        (None, "was made by somebody else"),
        ({"meta.helm.sh/release-namespace": "staging"}, "is of the release in namespace staging"),
    ],
)
def test_somebody_else_s_is_not_touched(run: Run, api: KubeApi, annotations: dict[str, str] | None, said: str) -> None:
    before = there(api, metadata={"name": NAME, "annotations": annotations}, secret="theirs")
    result = run()
    assert result.exit_code == 1
    assert said in result.output
    assert "global.oauth.clientId" in result.output
    assert "oc annotate --overwrite oauthclient aiops-nextgen meta.helm.sh/release-namespace=aiops" in result.output
    assert api.objects[NAME] == before


def test_one_that_changes_while_it_is_looked_at_is_looked_at_again(run: Run, api: KubeApi) -> None:
    run()
    there(api, secret="set by somebody")
    changes = iter([{"metadata": {"name": NAME, "annotations": OWNED}, "secret": "set by another"}])

    def change(method: str, path: str) -> None:
        if method == "PATCH" and (item := next(changes, None)):
            api.keep(item)

    api.meanwhile = change
    result = run()
    assert result.exit_code == 0, result.output
    assert api.objects[NAME]["secret"] == held(api)
    assert api.objects[NAME]["redirectURIs"] == [CALLBACK]
    assert [method for method, _ in api.requests].count("PATCH") == 2


def test_one_that_never_comes_to_rest_ends_with_advice(run: Run, api: KubeApi) -> None:
    run()
    there(api)
    api.refuse["PATCH"] = 409
    result = run()
    assert result.exit_code == 1
    assert "run this again" in result.output


def test_a_cluster_without_such_clients_is_told_what_to_set(run: Run, api: KubeApi) -> None:
    api.secrets["oauth-client-secret"] = {KEY: base64.b64encode(b"x" * 24).decode()}
    api.refuse["POST"] = 404
    result = run()
    assert result.exit_code == 1
    assert "knows no OAuthClient" in result.output
    assert "set auth.mode to local" in result.output


def test_a_right_that_is_missing_is_named(run: Run, api: KubeApi) -> None:
    api.secrets["oauth-client-secret"] = {KEY: "x" * 32}
    api.refuse["POST"] = 403
    result = run()
    assert result.exit_code == 1
    assert "refused to create OAuthClient aiops-nextgen: 403" in result.output
