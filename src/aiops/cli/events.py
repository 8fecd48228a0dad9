"""`aiops events`: follow what happens in the fleet, through every interruption."""

import asyncio
import contextlib
from collections import deque
from typing import Any

import click
import msgspec

from aiops.cli.client import Hub, hub_options, plain
from aiops.core.errors import AiopsError
from aiops.core.http import ClientSocket, Closed, Deadline, HttpRequest

REMEMBERED = 10_000
RETRY_S = 2.0


@click.command()
@click.option("--type", "types", multiple=True, help="Only this type, for example ALERT_FIRED; repeatable.")
@click.option("--cluster", "clusters", multiple=True, help="Only this cluster; repeatable.")
@click.option("--namespace", "namespaces", multiple=True, help="Only alerts of this namespace; repeatable.")
@click.option("--count", type=click.IntRange(1), help="End after so many events.")
@hub_options
def events(
    *,
    hub: Hub,
    types: tuple[str, ...],
    clusters: tuple[str, ...],
    namespaces: tuple[str, ...],
    count: int | None,
) -> None:
    """Follow events until Ctrl-C."""
    subscription = {
        "event_types": list(types),
        "cluster_filter": [hub.cluster_id(name) for name in clusters],
        "namespace_filter": list(namespaces),
    }
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_Follower(hub, subscription, count).run())


class _Follower:
    def __init__(self, hub: Hub, subscription: dict[str, Any], count: int | None) -> None:
        self._hub = hub
        self._subscription = subscription
        self._left = count
        self._since: dict[str, str] | None = None
        self._seen: deque[str] = deque(maxlen=REMEMBERED)

    async def run(self) -> None:
        async with self._hub.client() as client:
            request = HttpRequest(method="GET", url=self._hub.server.replace("http", "ws", 1) + "/ws", peer="hub")
            while self._left != 0:
                try:
                    async with client.websocket(
                        request, Deadline.after(self._hub.timeout_s), max_message_bytes=4 * 1024 * 1024
                    ) as socket:
                        await self._follow(socket)
                except AiopsError as error:
                    click.echo(f"warning: {error.message}; trying again", err=True)
                if self._left != 0:
                    await asyncio.sleep(RETRY_S)

    async def _follow(self, socket: ClientSocket) -> None:
        await _send(socket, {"type": "auth", "token": self._hub.token or ""})
        while not isinstance(data := await socket.receive(), Closed):
            message = msgspec.json.decode(data)
            if message["type"] == "auth_response":
                if not message["success"]:
                    raise click.ClickException(f"{message['code']}: {message['message']}")
                subscribe = {"type": "subscribe", "subscription": self._subscription}
                await _send(socket, subscribe if self._since is None else {**subscribe, "since": self._since})
            elif message["type"] == "subscribed":
                if message["recovered"] is False:
                    click.echo("warning: events may have been missed meanwhile", err=True)
                self._since = self._since or {"epoch": message["epoch"], "offset": message["offset"]}
            elif message["type"] == "dropped":
                click.echo(f"warning: {message['count']} events were missed", err=True)
            elif message["type"] == "event":
                self._show(message)
                if self._left == 0:
                    return

    def _show(self, event: dict[str, Any]) -> None:
        self._since = {"epoch": event["epoch"], "offset": event["offset"]}
        if event["event_id"] in self._seen:
            return
        self._seen.append(event["event_id"])
        if self._hub.as_json:
            click.echo(msgspec.json.encode(event).decode())
        else:
            payload = event["payload"]
            what = payload.get("reason") or payload.get("alert", {}).get("message", "")
            line = f"{event['timestamp']}  {event['event_type']:<24} {event['cluster_name'] or '':<20} {what}"
            click.echo(plain(line))
        if self._left is not None:
            self._left -= 1


async def _send(socket: ClientSocket, message: dict[str, Any]) -> None:
    await socket.send_text(msgspec.json.encode(message).decode())
