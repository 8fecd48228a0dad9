"""`aiops query`: PromQL over the fleet, and how the hub goes about it."""

from datetime import UTC, datetime
from typing import Any

import click

from aiops.cli.client import Hub, complete_cluster, hub_options, plain, warn_partial
from aiops.core.durations import parse_duration
from aiops.core.errors import InvalidRequest

_MANY = 8


@click.command(
    epilog="Exit status: 0 with an answer, also one that lacks clusters (each is named on stderr); 1 without one, and "
    "with --partial deny also where a cluster is missing; 2 for a wrong command line."
)
@click.argument("promql")
@click.option("--time", "at", help="Ask for this time (ISO 8601 with zone).  [default: now]")
@click.option("--since", help="Range query over this long until now, for example 1h.")
@click.option("--start", help="Range query from this time (ISO 8601 with zone).")
@click.option("--end", help="Range query until this time.  [default: now]")
@click.option("--step", default="1m", show_default=True, help="Distance of the points of a range query.")
@click.option(
    "--cluster", "clusters", multiple=True, shell_complete=complete_cluster, help="Only this one; repeatable."
)
@click.option(
    "--mode",
    type=click.Choice(["global", "per_cluster"]),
    default="global",
    show_default=True,
    help="The fleet as one Prometheus, or the whole query in each cluster.",
)
@click.option(
    "--partial",
    type=click.Choice(["allow", "deny"]),
    default="allow",
    show_default=True,
    help="Whether an answer may lack clusters.",
)
@click.option("--explain", is_flag=True, help="Show what would be asked of which cluster; ask nothing.")
@hub_options
def query(  # noqa: PLR0913 - one option each
    *,
    hub: Hub,
    promql: str,
    at: str | None,
    since: str | None,
    start: str | None,
    end: str | None,
    step: str,
    clusters: tuple[str, ...],
    mode: str,
    partial: str,
    explain: bool,
) -> None:
    """Ask PROMQL of every cluster that you may see.

    Each series carries the label `cluster`, which the query may match and group by.
    """
    body: dict[str, Any] = {"query": promql}
    if clusters:
        body["cluster_ids"] = [hub.cluster_id(name) for name in clusters]
    ranged = bool(since or start)
    if ranged:
        if at:
            raise click.UsageError("--time is for a query at one time; --since and --start are for a range")
        body |= {"start_time": start or ago(since or ""), "step": step, **({"end_time": end} if end else {})}
    elif end:
        raise click.UsageError("--end needs --start or --since")
    elif at:
        body["time"] = at
    if explain:
        if mode == "per_cluster":
            raise click.UsageError(
                "--explain shows the plan of --mode global; in the other each cluster is asked as written"
            )
        _show_plan(hub, hub.ask("POST", "/api/v1/metrics/plan", body))
        return
    path = "query_range" if ranged else "query"
    answer = hub.ask("POST", f"/api/v1/metrics/{path}", {**body, "mode": mode, "partial": partial})
    warn_partial(answer)
    rows = [
        (result["cluster_name"] or "(fleet)", _labels(row["metric"]), *_points(row))
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


def _show_plan(hub: Hub, plan: dict[str, Any]) -> None:
    if hub.as_json:
        hub.show(plan, (), ())
        return
    click.echo(plain(plan["summary"]))
    for part in plan["pushed"]:
        names = part["clusters"]
        more = f" and {len(names) - _MANY} more" if len(names) > _MANY else ""
        points = "point" if part["steps"] == 1 else "points"
        click.echo(f"\n{part['name']} = {plain(part['query'])}")
        click.echo(f"    asked of {', '.join(map(plain, names[:_MANY]))}{more}; {part['steps']} {points} each")
        click.echo(f"    {plain(part['why'])}")
    if plan["finish"] is not None:
        click.echo(f"\nfinished here: {plain(plan['finish'])}")
    for note in plan["notes"]:
        click.echo(f"warning: {plain(note)}", err=True)


def _labels(metric: dict[str, str]) -> str:
    inside = ", ".join(f'{name}="{value}"' for name, value in sorted(metric.items()) if name != "__name__")
    return f"{metric.get('__name__', '')}{{{inside}}}"


def _points(row: dict[str, Any]) -> tuple[str, str]:
    values = row["values"]
    if not values:
        return ("a native histogram", "") if row.get("histograms") else ("", "")
    at = datetime.fromtimestamp(values[-1][0], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if len(values) == 1:
        return values[0][1], at
    return f"{values[0][1]} -> {values[-1][1]} ({len(values)} points)", at
