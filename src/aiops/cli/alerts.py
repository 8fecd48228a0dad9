"""`aiops alerts`: the alerts of the fleet."""

from typing import Any

import click

from aiops.cli.client import Hub, hub_options


@click.group()
def alerts() -> None:
    """Alerts of the fleet."""


@alerts.command("list")
@click.option("--state", type=click.Choice(["FIRING", "RESOLVED", "PENDING"]))
@click.option("--severity", type=click.Choice(["CRITICAL", "WARNING", "INFO"]))
@click.option("--cluster", "clusters", multiple=True, help="Only this cluster; repeatable.")
@click.option("--namespace")
@click.option("--name", "alertname")
@click.option("--label", multiple=True, metavar="KEY=VALUE")
@click.option("--search")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True)
@hub_options
def list_alerts(*, hub: Hub, clusters: tuple[str, ...], limit: int, **params: Any) -> None:
    """List alerts, newest first."""
    params["cluster_ids"] = [hub.cluster_id(name) for name in clusters]
    items = hub.pages("/api/v1/alerts", params, limit=limit)
    rows = [
        (
            item["state"],
            item["severity"],
            item["cluster_name"],
            item["alertname"],
            item["starts_at"],
            item["message"],
        )
        for item in items
    ]
    hub.show(items, ("state", "severity", "cluster", "alert", "since", "message"), rows)


@alerts.command()
@click.argument("alert_id")
@hub_options
def show(*, hub: Hub, alert_id: str) -> None:
    """Show one alert, by its id or fingerprint."""
    found = hub.ask("GET", f"/api/v1/alerts/{alert_id}")
    hub.show(
        found,
        ("field", "value"),
        [(key, value) for key, value in found.items() if value not in (None, [], {})],
    )


@alerts.command()
@hub_options
def summary(*, hub: Hub) -> None:
    """Count alerts by state, severity and cluster."""
    found = hub.ask("GET", "/api/v1/alerts/summary")
    rows = [("all", found["total"])]
    rows += [(f"state {state}", count) for state, count in found["by_state"].items()]
    rows += [(f"severity {severity}", count) for severity, count in found["by_severity"].items()]
    rows += [(f"cluster {one['cluster_name']}", one["total"]) for one in found["by_cluster"]]
    hub.show(found, ("what", "count"), rows)
