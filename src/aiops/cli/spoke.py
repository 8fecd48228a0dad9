"""`aiops spoke`: what a cluster needs so that the hub can read it, for whoever installs without helm.

The same objects as the chart's with `spoke.enabled`; a test compares the two. It prints and asks no cluster: who may
make a ClusterRole there reads it and applies it.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

import click
import yaml
from msgspec import Struct

from aiops import __version__

ACCOUNT: Final = "aiops-collector"
READER: Final = "aiops-observability-reader"
MONITORING: Final = "aiops-monitoring-view"
EXEC: Final = "aiops-exec"
RBAC: Final = "rbac.authorization.k8s.io"
LONGEST: Final = 63
_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
Object = dict[str, Any]


class Given(str):
    """Somebody's own text. Quoted in YAML: to kubectl a namespace 007, 1e3 or y would be a number or a truth value."""

    __slots__ = ()


class Spoke(Struct, frozen=True):
    """What is asked for on a cluster."""

    namespace: str
    create_namespace: bool = True
    monitoring: bool = True
    exec_namespaces: tuple[str, ...] = ()

    def objects(self) -> Iterator[Object]:
        """Everything in the order in which it can be made."""
        place = Given(self.namespace)
        if self.create_namespace:
            yield {"apiVersion": "v1", "kind": "Namespace", "metadata": _metadata("aiops-spoke", called=place)}
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _metadata(ACCOUNT, namespace=place)}
        yield {**account, "automountServiceAccountToken": False}
        yield _rbac("ClusterRole", READER, rules=[_read("pods", "nodes", "events"), _read("namespaces")])
        yield _binding("ClusterRole", READER, place, binding=READER)
        if self.monitoring:
            # OpenShift's own role for the federated metrics of its Thanos Querier.
            yield _binding("ClusterRole", "cluster-monitoring-view", place, binding=MONITORING)
        for where in dict.fromkeys(map(Given, self.exec_namespaces)):
            # Executing in pods comes close to owning them: only where it was asked for.
            rule = {"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["create", "get"]}
            yield _rbac("Role", EXEC, namespace=where, rules=[rule])
            yield _binding("Role", EXEC, place, binding=EXEC, namespace=where)


def _metadata(name: str, *, called: str | None = None, namespace: str | None = None) -> Object:
    labels = {
        "app.kubernetes.io/name": name,
        "app.kubernetes.io/component": "spoke",
        "app.kubernetes.io/instance": "aiops-spoke",
        "app.kubernetes.io/part-of": "aiops-nextgen",
        "app.kubernetes.io/managed-by": "aiops",
        "app.kubernetes.io/version": Given(__version__),
    }
    return {"name": called or name, **({"namespace": namespace} if namespace else {}), "labels": labels}


def _rbac(kind: str, name: str, *, namespace: str | None = None, **content: Any) -> Object:
    return {"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": _metadata(name, namespace=namespace), **content}


def _read(*resources: str) -> Object:
    return {"apiGroups": [""], "resources": list(resources), "verbs": ["get", "list", "watch"]}


def _binding(kind: str, role: str, account_in: str, *, binding: str, namespace: str | None = None) -> Object:
    return _rbac(
        f"{kind}Binding",
        binding,
        namespace=namespace,
        roleRef={"apiGroup": RBAC, "kind": kind, "name": role},
        subjects=[{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": account_in}],
    )


class _Dumper(yaml.SafeDumper):
    """Quotes what was given."""

    def represent_data(self, data: Any) -> yaml.Node:
        if isinstance(data, Given):
            return self.represent_scalar("tag:yaml.org,2002:str", str(data), style='"')
        return super().represent_data(data)


def as_yaml(objects: Sequence[Object]) -> str:
    """The objects as a stream of YAML documents."""
    return yaml.dump_all(objects, Dumper=_Dumper, sort_keys=False, explicit_start=True)


class NamespaceName(click.ParamType[str]):
    """A namespace's name: a DNS label (RFC 1123)."""

    name = "namespace"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name as it is. Ends with what is wrong with it."""
        text = str(value)
        if wrong := _wrong(text):
            self.fail(f"{text!r} cannot be a namespace: {wrong}", param, ctx)
        return text


def _wrong(text: str) -> str:
    if not text:
        return "it is empty"
    if len(text) > LONGEST:
        return f"it has {len(text)} characters, and {LONGEST} are the most"
    if odd := sorted(set(re.findall(r"[^-a-z0-9]", text))):
        return f"it has {', '.join(map(repr, odd))}, and only a-z, 0-9 and '-' are allowed"
    return "" if _LABEL.fullmatch(text) else "it begins or ends with '-'"


@click.group()
def spoke() -> None:
    """What a cluster needs so that the hub can read it."""


@spoke.command(epilog="Then: oc create token aiops-collector -n aiops-spoke --duration 8760h")
@click.option(
    "--namespace", type=NamespaceName(), default="aiops-spoke", show_default=True, help="Where the account is."
)
@click.option("--no-namespace", is_flag=True, help="Leave that namespace out: it is there.")
@click.option("--no-monitoring", is_flag=True, help="Leave out what reads OpenShift's own monitoring.")
@click.option(
    "--exec-namespace",
    "exec_namespaces",
    type=NamespaceName(),
    multiple=True,
    help="Where commands may be executed in pods, for GPU processes without an exporter; repeatable.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def manifests(
    *, namespace: str, no_namespace: bool, no_monitoring: bool, exec_namespaces: tuple[str, ...], as_json: bool
) -> None:
    """Print a reader's account and its rights, for 'oc apply -f -' on the cluster to be read.

    The account reads pods, nodes, events and namespaces of the whole cluster and, on OpenShift, its monitoring. It
    changes nothing, and executes commands only in namespaces that are named here.
    """
    asked = Spoke(namespace, not no_namespace, not no_monitoring, exec_namespaces)
    objects = list(asked.objects())
    if as_json:
        click.echo(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}, indent=2))
    else:
        click.echo(as_yaml(objects), nl=False)
