"""A whole hub as a subject, asked as any client of Prometheus asks: over HTTP, under `/prometheus`."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlencode

from tests.flows.hubs import TOKEN, OneProcess
from tests.oracle.answers import Answer, Case, Refused, from_api
from tests.servers.loopback import request
from tests.servers.processes import cpu_s
from tests.servers.waiting import until


class HttpHub:
    """Asks a running hub; nothing may be missing."""

    def __init__(self, hub: OneProcess) -> None:
        self._hub = hub

    def ask(self, case: Case) -> Answer | Refused:
        """The fleet's answer."""
        found = from_api(json.loads(self.answered(case)))
        # Prometheus has no code for what cannot be federated; no member speaks of clusters.
        if isinstance(found, Refused) and found.code == "execution" and "clusters" in found.reason:
            return Refused(found.reason, "QUERY_NOT_FEDERABLE", wrong=False)
        return found

    def answered(self, case: Case) -> bytes:
        """The answer as it came."""
        form = urlencode({**case.parameters, "partial": "deny"}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": f"Bearer {TOKEN}"}
        path = f"/prometheus/api/v1/{case.path}"
        return request(self._hub.port, path, method="POST", body=form, headers=headers, timeout_s=60)[1]

    def cpu_s(self) -> float:
        """Seconds of CPU that the hub's own process has taken so far."""
        return cpu_s(self._hub.pids()["all"])


@contextmanager
def http_hub(members: Mapping[str, str], process: Callable[[], OneProcess] = OneProcess) -> Iterator[HttpHub]:
    """A hub in a process of its own that knows the members."""
    with process() as hub:
        for name, url in members.items():
            hub.ask("POST", "/api/v1/clusters", {"name": name, "endpoints": {"prometheus_url": url}}, expect=201)

        def online() -> bool | None:
            return hub.ask("GET", "/api/v1/clusters?state=ONLINE")["total"] == len(members) or None

        until(online, what="all members to be ONLINE", timeout_s=40)
        yield HttpHub(hub)
