"""`aiops cluster`: register, list, show and remove clusters."""

from pathlib import Path
from typing import Any

import click

from aiops.cli.client import Hub, complete_cluster, hub_options, label_pair

KINDS = ("prometheus", "thanos", "alertmanager", "loki", "tempo")
CHOICES = {
    "cluster_type": ("HUB", "SPOKE", "EDGE", "FAR_EDGE"),
    "environment": ("PRODUCTION", "STAGING", "DEVELOPMENT", "LAB"),
    "platform": ("OPENSHIFT", "KUBERNETES", "MICROSHIFT"),
}
FILE = click.Path(path_type=Path, exists=True, dir_okay=False, readable=True)
RECEIVER = """\
Alertmanager sends this cluster's alerts with this receiver; the token is shown only once:

receivers:
- name: aiops-nextgen
  webhook_configs:
  - url: {url}
    send_resolved: true
    http_config:
      authorization:
        type: Bearer
        credentials: {token}
"""


@click.group()
def cluster() -> None:
    """Clusters of the fleet."""


@cluster.command()
@click.argument("name", required=False)
@click.option("--name", "named", metavar="NAME", help="The same as NAME.")
@click.option("--prometheus", help="URL of Prometheus.")
@click.option("--thanos", help="URL of a Thanos Querier; asked instead of Prometheus.")
@click.option("--alertmanager", help="URL of Alertmanager.")
@click.option("--loki", help="URL of Loki.")
@click.option("--tempo", help="URL of Tempo.")
@click.option("--api-server", help="URL of the Kubernetes API server (https).")
@click.option("--type", "cluster_type", type=click.Choice(CHOICES["cluster_type"]), default="SPOKE", show_default=True)
@click.option("--environment", type=click.Choice(CHOICES["environment"]), default="PRODUCTION", show_default=True)
@click.option("--platform", type=click.Choice(CHOICES["platform"]), default="KUBERNETES", show_default=True)
@click.option("--region")
@click.option("--display-name")
@click.option("--label", "labels", multiple=True, metavar="KEY=VALUE", help="May be repeated.")
@click.option("--token-file", type=FILE, help="Bearer token for all endpoints.")
@click.option("--kubeconfig", type=FILE, help="Its current context's token is kept.")
@click.option("--ca-file", type=FILE, help="CA for all endpoints, PEM.")
@click.option("--insecure-skip-tls-verify", is_flag=True, help="Do not check the endpoints' certificates.")
@hub_options
def add(  # noqa: PLR0913 - one option each
    *,
    hub: Hub,
    name: str | None,
    named: str | None,
    api_server: str | None,
    labels: tuple[str, ...],
    token_file: Path | None,
    kubeconfig: Path | None,
    ca_file: Path | None,
    insecure_skip_tls_verify: bool,
    **fields: str | None,
) -> None:
    """Register a cluster. It need not answer yet."""
    if (name is None) == (named is None):
        raise click.UsageError("give the cluster's name once, as NAME or with --name")
    name = name or named
    urls = {kind: fields.pop(kind) for kind in KINDS}
    endpoints: dict[str, Any] = {f"{kind}_url": url for kind, url in urls.items() if url}
    if ca_file or insecure_skip_tls_verify:
        tls = {"ca": _text(ca_file) if ca_file else None, "insecure": insecure_skip_tls_verify}
        endpoints["options"] = {kind: {"tls": tls} for kind, url in urls.items() if url}
    body = {
        "name": name,
        "api_server_url": api_server,
        "labels": dict(label_pair(label) for label in labels),
        "endpoints": endpoints,
        **{field: value for field, value in fields.items() if value is not None},
    }
    credentials = _credentials(token_file, kubeconfig)
    created = hub.ask("POST", "/api/v1/clusters", body)
    # Told before anything else can fail: the webhook's token is shown only once.
    if hub.as_json:
        hub.show(created, (), ())
    else:
        click.echo(f"{name} is registered as {created['id']}\n")
        click.echo(RECEIVER.format(**created["webhook"]))
    if credentials is not None:
        try:
            hub.ask("POST", f"/api/v1/clusters/{created['id']}/credentials", credentials)
        except click.ClickException as error:
            raise click.ClickException(
                f"{name} is registered, but without credentials: {error.message}; "
                f"remove it with 'aiops cluster remove {name}' and add it again"
            ) from error


def _credentials(token_file: Path | None, kubeconfig: Path | None) -> dict[str, str] | None:
    if token_file and kubeconfig:
        raise click.UsageError("give --token-file or --kubeconfig, not both")
    if kubeconfig:
        return {"auth_type": "KUBECONFIG", "kubeconfig": _text(kubeconfig)}
    if token_file:
        return {"auth_type": "SERVICE_ACCOUNT", "token": _text(token_file).strip()}
    return None


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{file} is no text") from error


@cluster.command("list")
@click.option("--state", help="ONLINE, OFFLINE, DEGRADED, UNKNOWN or PROVISIONING.")
@click.option("--environment", type=click.Choice(CHOICES["environment"]))
@click.option("--type", "cluster_type", type=click.Choice(CHOICES["cluster_type"]))
@click.option("--region")
@click.option("--search", help="Part of the name, display name or region.")
@click.option("--label", multiple=True, metavar="KEY=VALUE")
@click.option("--limit", type=click.IntRange(1), help="At most so many.  [default: all]")
@hub_options
def list_clusters(*, hub: Hub, limit: int | None, **params: Any) -> None:
    """List the clusters that you may see."""
    items = hub.pages("/api/v1/clusters", params, limit=limit)
    rows = [
        (
            item["name"],
            item["status"]["state"],
            item["status"]["health_score"],
            item["cluster_type"],
            item["environment"],
            item["region"],
            item["last_seen_at"],
        )
        for item in items
    ]
    hub.show(items, ("name", "state", "score", "type", "environment", "region", "last seen"), rows)


@cluster.command()
@click.argument("name", shell_complete=complete_cluster)
@hub_options
def show(*, hub: Hub, name: str) -> None:
    """Show one cluster."""
    found = hub.ask("GET", f"/api/v1/clusters/{hub.cluster_id(name)}")
    status = found["status"]
    rows = [(key, found[key]) for key in ("id", "name", "cluster_type", "environment", "region", "last_seen_at")]
    rows += [(key, status[key]) for key in ("state", "health_score", "connectivity", "last_error", "last_check_at")]
    rows += [(key, url) for key, url in found["endpoints"].items() if key.endswith("_url") and url]
    rows += [(one["type"], f"{one['status']} {one['message']}") for one in status["conditions"]]
    hub.show(found, ("field", "value"), rows)


@cluster.command()
@click.argument("name", shell_complete=complete_cluster)
@click.option("--yes", is_flag=True, help="Do not ask.")
@hub_options
def remove(*, hub: Hub, name: str, yes: bool) -> None:
    """Remove a cluster with its credentials, alerts and history."""
    cluster_id = hub.cluster_id(name)
    if (
        not yes
        and click.prompt(f"This cannot be undone. Type {name} to remove it", default="", show_default=False) != name
    ):
        raise click.ClickException("not removed: what you typed is not its name")
    hub.ask("DELETE", f"/api/v1/clusters/{cluster_id}")
    click.echo(f"{name} is removed")
