"""The product starts with what the chart gives it: every variable is known, every role finds what it needs."""

import re
import shlex
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final, get_type_hints

import click
import pytest

from aiops.cli import cli
from aiops.compose import compose
from aiops.settings import Settings, env_name, load
from tests.chart.cases import CASES, llm
from tests.chart.helm import Case, Object, find, objects
from tests.chart.workloads import Workload, workloads

# Names that the specification, the platform or a command of ours fixes: no setting of a role reads them.
OTHERS: Final = frozenset(
    {
        "BUCKET_HOST",
        "BUCKET_NAME",
        "BUCKET_PORT",
        "HOME",
        "METRICS_ENABLED",
        "OAUTH_CLIENT_ID",
        "OAUTH_CLIENT_SECRET",
        "OAUTH_ISSUER",
        "PGSSLMODE",
        "PGSSLROOTCERT",
        "POD_IP",
        "POD_NAME",
        "POD_NAMESPACE",
        "SSL_CERT_FILE",
        "TRACING_ENABLED",
        "WANTED_OBJECTS",
    }
)
REFERENCE: Final = re.compile(r"\$\(([A-Z_]+)\)")
# What the installation's Job puts into the Secrets, and an operator beside its own.
FILLED: Final = {
    "BUCKET_HOST": "s3.openshift-storage.svc",
    "BUCKET_NAME": "aiops-3f1c",
    "BUCKET_PORT": "443",
    "DATABASE_URL": "postgresql://aiops:secret@postgresql:5432/aiops",
    "uri": "postgresql://aiops:secret@postgresql-rw:5432/aiops",  # as CloudNativePG calls it
    "REDIS_URL": "redis://:secret@redis:6379",
    "AIOPS_ADMIN_TOKEN": "secret",
    "AIOPS_INTERNAL_SECRET": "secret",
    "AIOPS_SECRET_KEY": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    "OAUTH_CLIENT_SECRET": "secret",
    "HTTPS_PROXY": "http://site:secret@proxy.example.com:3128",
    "HTTP_PROXY": "http://site:secret@proxy.example.com:3128",
    "NO_PROXY": ".example.com",
    "POSTGRES_USER": "aiops",
    "POSTGRES_PASSWORD": "secret",
    "POSTGRES_DB": "aiops",
    "REDIS_PASSWORD": "secret",
}


def known() -> frozenset[str]:
    areas = get_type_hints(Settings)
    return frozenset(env_name(area, field) for area, struct in areas.items() for field in struct.__struct_fields__)


def ours(case: Case) -> Iterator[tuple[Workload, Object]]:
    """The containers that run the product."""
    for pod in workloads(objects(case)):
        for container in pod.all_containers:
            if "/aiops-nextgen" in container["image"]:
                yield pod, container


def variables(case: Case, container: Object) -> Mapping[str, str]:
    """What the container's environment will be; a value from elsewhere is one of the kind that is kept there."""
    found: dict[str, str] = {}
    for source in container.get("envFrom", []):
        if "configMapRef" in source:
            config = find(case, "ConfigMap", source["configMapRef"]["name"])
            found |= config["data"] if config is not None else {}
        else:
            assert "secretRef" in source
    for entry in container.get("env", []):
        given = entry["value"] if "value" in entry else FILLED.get(_key(entry["valueFrom"]), "given")
        # As Kubernetes does with the variables that stand before.
        found[entry["name"]] = REFERENCE.sub(lambda match: found.get(match[1], match[0]), given)
    if "AIOPS_REDIS_CA_FILE" in found:
        found["REDIS_URL"] = "rediss://:secret@redis.example.com:6379"  # whose authority is given speaks TLS
    return found


def _key(source: Object) -> str:
    return str((source.get("secretKeyRef") or source.get("configMapKeyRef") or {}).get("key", ""))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_variable_is_read_by_somebody(case: Case) -> None:
    """A variable with a typing error would be ignored without a word."""
    unknown = {
        f"{pod}, container {container['name']}: {name}"
        for pod, container in ours(case)
        for name in variables(case, container)
        if name not in known() | OTHERS | FILLED.keys()
    }
    assert unknown == set()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_role_finds_what_it_needs(case: Case) -> None:
    started: list[str] = []
    for _, container in ours(case):
        words = container.get("args", [])
        if "command" not in container and words[0] == "serve":
            role = words[words.index("--role") + 1]
            start(role, tuple(sorted({**variables(case, container), **secret_variables(container)}.items())))
            started.append(role)
    assert sorted(started) == ["collector", "frontend", "gateway", "intelligence", "registry", "streaming"]


@cache
def start(role: str, environ: tuple[tuple[str, str], ...]) -> None:
    """Put the role together as its pod will; most ways to install give it the same variables."""
    settings = load(dict(environ))
    compose(settings, [role])
    assert settings.http.insecure_http, "a pod's health is asked over plain HTTP"
    assert settings.http.host == "0.0.0.0"  # noqa: S104 - a pod serves its address


def secret_variables(container: Object) -> Mapping[str, str]:
    """What `envFrom` takes from the Secrets that the installation fills."""
    if any("secretRef" in source for source in container.get("envFrom", [])):
        return FILLED
    return {}


@pytest.mark.parametrize("model", ["", "Qwen/Qwen3-4B-GGUF"])
def test_the_model_beside_the_engine_is_served_under_the_name_that_is_asked_for(model: str) -> None:
    case = Case(f"sidecar with {model or 'its own model'}", llm("sidecar", existingClaim="models", model=model))
    served = [
        container["args"][container["args"].index("--alias") + 1]
        for _, container in ours(case)
        if container["name"] == "llm"
    ]
    asked = {variables(case, container).get("LLM_MODEL") for _, container in ours(case)} - {None}
    assert asked == set(served)
    assert len(served) == 1


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_command_is_one_of_the_product_s(case: Case) -> None:
    for pod, container in ours(case):
        words = container.get("args", [])
        # Without a command of its own the container runs the image's, which is `aiops`.
        if "command" not in container:
            assert understood(words) == "", f"{pod}, container {container['name']}: aiops {shlex.join(words)}"


def understood(words: list[str]) -> str:
    """Why the command line would be refused; empty when it would not."""
    command: click.Command = cli
    context = click.Context(cli)
    while isinstance(command, click.Group):
        found = command.get_command(context, words[0]) if words else None
        if found is None:
            return f"no such command: {words[:1]}"
        command, words = found, words[1:]
    try:
        command.make_context("aiops", list(words))
    except click.ClickException as error:
        return error.format_message()
    return ""


def test_a_wrong_command_is_seen() -> None:
    assert understood(["serve", "--role", "gateway"]) == ""
    assert "--roles" in understood(["serve", "--roles", "gateway"])
    assert "frobnicate" in understood(["frobnicate"])
