"""A whole hub as a subject, asked as any client of Prometheus asks: over HTTP, under `/prometheus`."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlencode

from tests.flows.hubs import TOKEN, HubUnderTest, OneProcess
from tests.oracle.answers import Answer, Case, Refused, from_api
from tests.servers.loopback import request
from tests.servers.waiting import until


class HttpHub:
    """Asks a running hub; nothing may be missing."""

    def __init__(self, hub: HubUnderTest) -> None:
        self._hub = hub

    def ask(self, case: Case) -> Answer | Refused:
        """The fleet's answer."""
        form = urlencode({**case.parameters, "partial": "deny"}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": f"Bearer {TOKEN}"}
        path = f"/prometheus/api/v1/{case.path}"
        _, body = request(self._hub.port, path, method="POST", body=form, headers=headers, timeout_s=60)
        found = from_api(json.loads(body))
        # Prometheus has no code for what cannot be federated; no member speaks of clusters.
        if isinstance(found, Refused) and found.code == "execution" and "clusters" in found.reason:
            return Refused(found.reason, "QUERY_NOT_FEDERABLE", wrong=False)
        return found


@contextmanager
def http_hub(members: Mapping[str, str]) -> Iterator[HttpHub]:
    """A hub in a process of its own that knows the members."""
    with OneProcess() as hub:
        for name, url in members.items():
            hub.ask("POST", "/api/v1/clusters", {"name": name, "endpoints": {"prometheus_url": url}}, expect=201)

        def online() -> bool | None:
            return len(hub.ask("GET", "/api/v1/clusters?state=ONLINE")["items"]) == len(members) or None

        until(online, what="all members to be ONLINE", timeout_s=40)
        yield HttpHub(hub)
