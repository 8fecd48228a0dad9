"""What every client command shares: where the hub is, how to ask it, how to tell what went wrong."""

import asyncio
import functools
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

import click
import msgspec
from prometheus_client import CollectorRegistry

from aiops import __version__
from aiops.core.errors import AiopsError
from aiops.core.http import (
    AddressPolicy,
    Deadline,
    HttpClient,
    HttpMetrics,
    HttpRequest,
    Proxies,
    UpstreamFailure,
    proxies,
    proxy_mistakes,
)
from aiops.settings import load

Params = Mapping[str, Any]
_ERROR = 400
_WHERE = "is --server (or AIOPS_SERVER) the address of a running hub?"


def _proxies() -> Proxies:
    """Those of the environment alone: the hub's other settings are none of a client's."""
    names = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
    given = {name: text for name in names if (text := os.environ.get(name) or os.environ.get(name.lower()))}
    found = proxies(load(given).proxy)
    if wrong := proxy_mistakes(found):
        raise click.ClickException("\n".join(wrong))
    return found


class Hub:
    """A hub somewhere, asked with a token."""

    def __init__(self, server: str, token: str | None, *, as_json: bool, timeout_s: float) -> None:
        self.server = server.rstrip("/")
        self.token = token
        self.as_json = as_json
        self.timeout_s = timeout_s

    def client(self) -> HttpClient:
        """The HTTP client; entered by whoever uses it."""
        return HttpClient(
            user_agent=f"aiops-cli/{__version__}",
            policy=AddressPolicy(unrestricted=True),
            metrics=HttpMetrics(CollectorRegistry()),
            proxies=_proxies(),
        )

    def ask(self, method: str, path: str, body: Any = None, params: Params | None = None) -> Any:
        """One request; the decoded answer, None where it is empty.

        Raises:
            ClickException: with the hub's own code and message, or why it cannot be reached.

        """
        return asyncio.run(self._ask(method, path, body, params))

    async def _ask(self, method: str, path: str, body: Any, params: Params | None) -> Any:
        given = {key: value for key, value in (params or {}).items() if value not in (None, (), [])}
        query = f"?{urlencode(given, doseq=True)}" if given else ""
        request = HttpRequest(
            method=method,
            url=f"{self.server}{path}{query}",
            peer="hub",
            bearer=self.token,
            headers={} if body is None else {"Content-Type": "application/json"},
            body=b"" if body is None else msgspec.json.encode(body),
            max_response_bytes=1024 * 1024 * 1024,
            idempotent=method == "GET",
        )
        try:
            async with self.client() as client:
                answer = await client.fetch(request, Deadline.after(self.timeout_s))
        except AiopsError as error:
            where = f"; {_WHERE}" if isinstance(error, UpstreamFailure) else ""
            raise click.ClickException(f"the hub cannot be asked: {error.message}{where}") from error
        if answer.status >= _ERROR:
            raise click.ClickException(_said(answer.status, answer.body))
        try:
            return msgspec.json.decode(answer.body) if answer.body else None
        except msgspec.DecodeError as error:
            raise click.ClickException(_said(answer.status, answer.body)) from error

    def pages(self, path: str, params: Params, *, limit: int | None) -> list[dict[str, Any]]:
        """The items of a list, over as many pages as it takes; `limit` None means all."""
        items: list[dict[str, Any]] = []
        page = 1
        while True:
            answer = self.ask("GET", path, params={**params, "page": page, "page_size": 100})
            items += answer["items"]
            if page >= answer["total_pages"] or (limit is not None and len(items) >= limit):
                return items if limit is None else items[:limit]
            page += 1

    def cluster_id(self, name: str) -> str:
        """The id of the cluster of this name."""
        found: str = self.ask("GET", f"/api/v1/clusters/by-name/{quote(name, safe='')}")["id"]
        return found

    def show(self, answer: Any, columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
        """Print the answer as JSON where that is wanted, else as a table."""
        if self.as_json:
            click.echo(msgspec.json.format(msgspec.json.encode(answer), indent=2).decode())
        else:
            table(list(columns), [["" if cell is None else str(cell) for cell in row] for row in rows])


def _said(status: int, body: bytes) -> str:
    try:
        error = msgspec.json.decode(body)["error"]
        return f"{error['code']}: {error['message']}"
    except (msgspec.DecodeError, KeyError, TypeError):
        return f"something answered {status} that is no hub; {_WHERE}"


def plain(text: str) -> str:
    """The text on one line and without what a terminal would obey: clusters write messages, and not only good ones."""
    return "".join(char if char.isprintable() else " " for char in text)


def table(columns: list[str], rows: list[list[str]]) -> None:
    """Print rows in aligned columns; on a terminal the head is bold."""
    if not rows:
        click.echo("nothing found", err=True)
        return
    rows = [[plain(cell) for cell in row] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(columns, *rows, strict=True)]

    def line(cells: list[str]) -> str:
        return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()

    click.echo(click.style(line([column.upper() for column in columns]), bold=sys.stdout.isatty()))
    for row in rows:
        click.echo(line(row))


def warn_partial(answer: Mapping[str, Any]) -> None:
    """Name on stderr what a federated answer lacks."""
    told = set()
    for outcome in answer.get("federation", {}).get("clusters", ()):
        if outcome["status"] != "SUCCESS":
            told.add(f"{outcome['cluster_name']}: {outcome['error']}")
            warning = f"{outcome['cluster_name']}: {outcome['status']}: {outcome['error']}"
            click.echo(f"warning: {plain(warning)}", err=True)
    for warning in answer.get("warnings", ()):
        if warning not in told:
            click.echo(f"warning: {plain(warning)}", err=True)


def label_pair(label: str) -> tuple[str, str]:
    """The two sides of KEY=VALUE.

    Raises:
        UsageError: it has no two sides; leaving it out instead would widen what was asked for.

    """
    key, separator, value = label.partition("=")
    if not separator or not key:
        raise click.UsageError(f"--label {label}: write key=value")
    return key, value


def hub_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command --server, --token, --timeout and --json, and hand it a `Hub` as `hub`."""

    @click.option(
        "--server", envvar="AIOPS_SERVER", default="http://127.0.0.1:8080", show_default=True, help="The hub."
    )
    @click.option("--token", envvar="AIOPS_TOKEN", default=None, help="API token; better given as AIOPS_TOKEN.")
    @click.option("--timeout", "timeout_s", default=60.0, show_default=True, help="Seconds to wait for the hub.")
    @click.option("--json", "as_json", is_flag=True, help="Print the hub's answer as JSON.")
    @functools.wraps(command)
    def wrapped(*, server: str, token: str | None, timeout_s: float, as_json: bool, **arguments: Any) -> None:
        command(hub=Hub(server, token, as_json=as_json, timeout_s=timeout_s), **arguments)

    return wrapped


def complete_cluster(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Names of clusters for the shell; nothing where the hub does not answer."""
    given = ctx.params
    hub = Hub(given.get("server") or "http://127.0.0.1:8080", given.get("token"), as_json=False, timeout_s=2)
    try:
        found = hub.ask("GET", "/api/v1/clusters", params={"name": incomplete, "page_size": 100})
        return [item["name"] for item in found["items"] if item["name"].startswith(incomplete)]
    except (click.ClickException, KeyError, TypeError):  # no hub, or something else at its address
        return []
