"""A client of `/ws` in a thread: signs in, subscribes, comes back after every break, and counts by event id."""

import json
import threading
from collections import Counter
from typing import Any, Self

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from tests.flows.hubs import TOKEN, HubUnderTest


class Listener:
    """Every event that arrived, in order, and how often each did."""

    def __init__(self, hub: HubUnderTest) -> None:
        self._hub = hub
        self.events: list[dict[str, Any]] = []
        self.times: Counter[str] = Counter()
        self.recovered: list[bool | None] = []
        self._since: dict[str, str] | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)
        self.subscribed = threading.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self.subscribed.wait(30), "the socket was not subscribed"
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(20)

    def of(self, event_type: str, **payload: str) -> list[dict[str, Any]]:
        """The distinct events of one type whose alert carries these labels."""
        return [
            event
            for event in self.events
            if event["event_type"] == event_type
            and payload.items() <= event["payload"].get("alert", {}).get("labels", {}).items()
        ]

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                with connect(self._hub.url.replace("http", "ws") + "/ws", open_timeout=5) as socket:
                    self._follow(socket)
            except (OSError, WebSocketException, TimeoutError):
                self._ended.wait(0.3)

    def _follow(self, socket: ClientConnection) -> None:
        socket.send(json.dumps({"type": "auth", "token": TOKEN}))
        subscribe: dict[str, Any] = {"type": "subscribe", "subscription": {}}
        if self._since is not None:
            subscribe["since"] = self._since
        socket.send(json.dumps(subscribe))
        while not self._ended.is_set():
            try:
                message = json.loads(socket.recv(timeout=0.3))
            except TimeoutError:
                continue
            if message["type"] == "error":
                return
            if message["type"] == "subscribed":
                self.recovered.append(message["recovered"])
                self._epoch = message["epoch"]
                if self._since is None or message["recovered"] is False:
                    self._since = {"epoch": message["epoch"], "offset": message["offset"]}
                self.subscribed.set()
            elif message["type"] == "event":
                self._since = {"epoch": message.get("epoch", self._epoch), "offset": message["offset"]}
                self.times[message["event_id"]] += 1
                if self.times[message["event_id"]] == 1:
                    self.events.append(message)
