"""`aiops query`: PromQL over the fleet."""

from datetime import UTC, datetime
from typing import Any

import click

from aiops.cli.client import Hub, complete_cluster, hub_options, warn_partial
from aiops.core.durations import parse_duration
from aiops.core.errors import InvalidRequest


@click.command()
@click.argument("promql")
@click.option("--since", help="Range query over this long until now, for example 1h.")
@click.option("--start", help="Range query from this time (ISO 8601 with zone).")
@click.option("--end", help="Range query until this time.  [default: now]")
@click.option("--step", default="1m", show_default=True, help="Distance of the points of a range query.")
@click.option(
    "--cluster", "clusters", multiple=True, shell_complete=complete_cluster, help="Only this one; repeatable."
)
@click.option("--partial", type=click.Choice(["allow", "deny"]), default="allow", show_default=True)
@hub_options
def query(  # noqa: PLR0913 - one option each
    *,
    hub: Hub,
    promql: str,
    since: str | None,
    start: str | None,
    end: str | None,
    step: str,
    clusters: tuple[str, ...],
    partial: str,
) -> None:
    """Ask PROMQL of every cluster that you may see."""
    body: dict[str, Any] = {"query": promql, "partial": partial}
    if clusters:
        body["cluster_ids"] = [hub.cluster_id(name) for name in clusters]
    if since or start:
        body |= {"start_time": start or ago(since or ""), "step": step}
        if end:
            body["end_time"] = end
        answer = hub.ask("POST", "/api/v1/metrics/query_range", body)
    else:
        answer = hub.ask("POST", "/api/v1/metrics/query", body)
    warn_partial(answer)
    rows = [
        (result["cluster_name"], _labels(row["metric"]), *_points(row["values"]))
        for result in answer["results"]
        for row in result["data"] or ()
    ]
    hub.show(answer, ("cluster", "series", "value", "at"), rows)


def ago(text: str) -> str:
    """Return the time this long ago, as the API takes it."""
    try:
        return (datetime.now(UTC) - parse_duration(text)).isoformat()
    except InvalidRequest as error:
        raise click.UsageError(f"--since: {error.message}") from error


def _labels(metric: dict[str, str]) -> str:
    inside = ", ".join(f'{name}="{value}"' for name, value in sorted(metric.items()) if name != "__name__")
    return f"{metric.get('__name__', '')}{{{inside}}}"


def _points(values: list[list[Any]]) -> tuple[str, str]:
    if not values:
        return "", ""
    at = datetime.fromtimestamp(values[-1][0], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if len(values) == 1:
        return values[0][1], at
    return f"{values[0][1]} -> {values[-1][1]} ({len(values)} points)", at
