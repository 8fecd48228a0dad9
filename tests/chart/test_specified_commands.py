"""The specification's commands work: each is taken from its text and tried, or what it asks for is looked up.

Where a command needs a cluster, the thing that it names must be rendered; `test_cluster.py` runs helm's against one.
"""

import os
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final
from urllib.parse import urlsplit

import click
import pytest

from aiops.cli import cli
from tests.chart import seed
from tests.chart.cases import AS_SPECIFIED
from tests.chart.helm import CHART, NAMESPACE, NEWEST, RELEASE, ROOT, documents, get, helm, objects
from tests.chart.workloads import environment, workloads
from tests.servers.processes import require

pytestmark = pytest.mark.skipif(bool(seed.absent()), reason=seed.absent())
SECTIONS: Final = ("11.1", "11.2", "11.3", "12.1", "12.2", "12.3", "13.1", "13.2")
# The specification keeps the chart elsewhere in its tree; the difference is listed in deviations.toml.
LOCAL_CHART: Final = "./deploy/helm/aiops-nextgen"
KINDS: Final = {"pods": ("Deployment", "StatefulSet"), "svc": ("Service",), "routes": ("Route",)}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The chart in a repository of its own on loopback, and helm's folder that may know it."""
    folder = tmp_path_factory.mktemp("published")
    home = tmp_path_factory.mktemp("helm")
    helm("package", str(CHART), "--destination", str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(folder))) as server:
        url = f"http://127.0.0.1:{server.server_address[1]}"
        helm("repo", "index", str(folder), "--url", url)
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield url, home
        server.shutdown()
        thread.join()


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves a folder and writes no log."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class calls it so
        """Nothing."""


def every_command() -> list[str]:
    return [] if seed.absent() else [command for number in SECTIONS for command in seed.commands(number)]


def run_helm(words: list[str], home: Path) -> str:
    """Run a helm command with the repositories of one folder only. The chart's value files lie at hand."""
    places = {f"HELM_{kind}_HOME": str(home / kind.lower()) for kind in ("CACHE", "CONFIG", "DATA")}
    done = subprocess.run(
        [require("helm"), *words[1:]],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=CHART,
        env={**os.environ, **places},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_helm_s_commands_work_in_their_order(published: tuple[str, Path]) -> None:
    """Adding the repository, updating it, installing from it and from a checkout, upgrading."""
    url, home = published
    tried = 0
    for command in every_command():
        words = shlex.split(command)
        if words[0] != "helm" or words[1] == "uninstall":
            continue
        words = [re.sub(r"^https://charts\.example\.com/\S*", url, word) for word in words]
        words = [word.replace(LOCAL_CHART, str(CHART)) for word in words]
        if words[1] in ("install", "upgrade"):
            # The same without a cluster; a route's API tells OpenShift from others.
            # The specification knows one way to sign in.
            words[1:2] = [
                "template",
                "--set",
                "auth.mode=openshift",
                "--kube-version",
                NEWEST,
                "--api-versions",
                "route.openshift.io/v1",
            ]
            rendered = documents(run_helm(words, home))
            assert {item["kind"] for item in rendered} >= {"Deployment", "StatefulSet", "Route"}
            assert_set(rendered, words)
        else:
            run_helm(words, home)
        tried += 1
    assert tried == 5


def assert_set(rendered: list[dict[str, Any]], words: list[str]) -> None:
    """What `--set` asks for arrives in the gateway."""
    (gateway,) = [pod for pod in workloads(rendered) if str(pod) == "Deployment api-gateway"]
    (container,) = gateway.containers
    for word in words:
        if word.startswith("global.imageTag="):
            assert container["image"].endswith(":" + word.split("=")[1])
        if word.startswith("global.oauth.issuer="):
            assert environment(container)["OAUTH_ISSUER"]["value"] == word.split("=")[1]


def looks_up_objects(words: list[str]) -> None:
    """`oc get pods -n aiops-nextgen`."""
    assert [item for item in objects(AS_SPECIFIED) if item["kind"] in KINDS.get(words[2], ("Secret", "Job"))]
    assert words[words.index("-n") + 1] == NAMESPACE


def deletes_claims(words: list[str]) -> None:
    """A StatefulSet labels its claims with its own selector, and with the template's labels."""
    key, _, value = words[words.index("-l") + 1].partition("=")
    claims = 0
    for pod in workloads(objects(AS_SPECIFIED)):
        for claim in pod.owner["spec"].get("volumeClaimTemplates", []):
            labels = {**pod.owner["spec"]["selector"]["matchLabels"], **claim["metadata"].get("labels", {})}
            assert labels.get(key) == value, str(pod)
            claims += 1
    for item in objects(AS_SPECIFIED):
        if item["kind"] == "PersistentVolumeClaim":
            assert item["metadata"]["labels"].get(key) == value
            claims += 1
    assert claims >= 2


def asks_health(words: list[str]) -> None:
    """The most specific Route of that host for that path leads to the gateway."""
    url = urlsplit(words[1])
    routes = [item["spec"] for item in objects(AS_SPECIFIED) if item["kind"] == "Route"]
    fitting = [one for one in routes if one["host"] == url.hostname and url.path.startswith(one.get("path", "/"))]
    best = max(fitting, key=lambda one: len(one.get("path", "")))
    assert best["to"]["name"] == "api-gateway"


def takes_options(words: list[str]) -> None:
    """`aiops cluster add --name ...`: every option is known."""
    command: click.Command | None = cli
    context = click.Context(cli)
    for word in words[1:3]:
        assert isinstance(command, click.Group)
        command = command.get_command(context, word)
    assert command is not None
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} - known == set()


def works_in_postgresql(words: list[str]) -> None:
    """`oc exec postgresql-0 -- pg_dump -U aiops aiops`: the pod exists, its first container is the server."""
    (pod,) = [word for word in words if re.fullmatch(r"[a-z]+-\d+", word)]
    name = pod.rpartition("-")[0]
    (server,) = [one for one in workloads(objects(AS_SPECIFIED)) if str(one) == f"StatefulSet {name}"]
    first = server.annotations.get("kubectl.kubernetes.io/default-container", server.containers[0]["name"])
    assert {"pg_dump", "psql"} & set(words)
    user = words[words.index("-U") + 1]
    database = words[words.index("-U") + 2]
    settings = get(AS_SPECIFIED, "ConfigMap", "aiops-config")
    assert first == name
    assert user == database == "aiops", settings["metadata"]["name"]


CHECKS: Final[tuple[tuple[str, Callable[[list[str]], None]], ...]] = (
    (r"oc get (pods|svc|routes|secrets) ", looks_up_objects),
    (r"oc delete pvc ", deletes_claims),
    (r"curl https://", asks_health),
    (r"aiops cluster add ", takes_options),
    (r"oc exec ", works_in_postgresql),
)
# Looked at elsewhere: helm's commands above and in test_cluster.py, the OAuth client in test_specified.py; the project
# is what the other commands name.
ELSEWHERE: Final = re.compile(rf"helm |oc create -f - <<EOF|oc new-project {NAMESPACE}$")


@pytest.mark.parametrize("command", [one for one in every_command() if not ELSEWHERE.match(one)])
def test_what_the_command_needs_is_there(command: str) -> None:
    (check,) = [check for pattern, check in CHECKS if re.match(pattern, command)]
    check(shlex.split(re.split(r" [<>] ", command)[0]))


def test_uninstalling_names_this_release() -> None:
    (command,) = [one for one in every_command() if one.startswith("helm uninstall")]
    assert shlex.split(command)[2:] == [RELEASE, "--namespace", NAMESPACE]


def test_the_chart_lies_where_the_documentation_says() -> None:
    assert CHART == ROOT / "chart"
    assert (CHART / "Chart.yaml").is_file()
