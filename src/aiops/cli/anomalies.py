"""`aiops anomalies`: what is unusual in a query's series."""

from typing import Any

import click

from aiops.cli.client import Hub, complete_cluster, hub_options, warn_partial
from aiops.cli.query import ago


@click.command()
@click.argument("promql")
@click.option("--since", default="6h", show_default=True, help="How far to look back.")
@click.option("--step", default="1m", show_default=True)
@click.option(
    "--sensitivity",
    type=click.Choice(["LOW", "MEDIUM", "HIGH", "EXTREME"]),
    default="MEDIUM",
    show_default=True,
)
@click.option(
    "--cluster", "clusters", multiple=True, shell_complete=complete_cluster, help="Only this one; repeatable."
)
@hub_options
def anomalies(*, hub: Hub, promql: str, since: str, clusters: tuple[str, ...], **fields: str) -> None:
    """Find anomalies in the series of PROMQL, in every cluster that you may see."""
    body: dict[str, Any] = {"query": promql, "start_time": ago(since), **fields}
    if clusters:
        body["cluster_ids"] = [hub.cluster_id(name) for name in clusters]
    answer = hub.ask("POST", "/api/v1/analysis/anomaly", body)
    warn_partial(answer)
    rows = [
        (
            found["detected_at"],
            found["severity"],
            found["anomaly_type"],
            found["labels"].get("cluster"),
            found["explanation"],
        )
        for found in answer["anomalies"]
    ]
    hub.show(answer, ("at", "severity", "type", "cluster", "explanation"), rows)
