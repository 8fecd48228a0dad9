"""Asks a cluster's API server and telemetry endpoints whether they work, and whether they take its credentials.

Each destination gets its own token and its own TLS and nothing else of the cluster's. Nothing here raises for what a
cluster does: every failure is an outcome. The breaker of `core.http` is passed by, because a probe is how a breaker
learns that its origin is back.
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import quote

from aiops.core.clock import Clock
from aiops.core.http import Deadline, HttpClient, HttpRequest, HttpResponse, Tls, UpstreamFailure
from aiops.ports.registry import Endpoint
from aiops.registry.destinations import Destinations
from aiops.registry.verdict import Check, Outcome

MAX_ANSWER_BYTES: Final = 256 * 1024
VALIDATION_TIMEOUT_S: Final = 5.0
_OK: Final = 200
_REFUSED: Final = frozenset({401, 403})
# What a path that is not routed answers; only then does the next path get its chance.
_NOT_HERE: Final = frozenset({400, 401, 403, 404, 405, 501})
_TRIVIAL_QUERY: Final = f"/api/v1/query?query={quote('vector(1)')}"
# Tried in order. Thanos behind an OpenShift route, for one, shows /api alone.
_HEALTH_PATHS: Final[Mapping[Check, tuple[str, ...]]] = {
    Check.API_SERVER: ("/readyz", "/healthz"),
    Check.PROMETHEUS: ("/-/ready", _TRIVIAL_QUERY),
    Check.TEMPO: ("/ready",),
    Check.LOKI: ("/ready",),
    Check.ALERTMANAGER: ("/-/ready", "/api/v2/status"),
}
# Paths that are not open to the anonymous where anything is protected at all.
_SIGNED_IN_PATHS: Final[Mapping[Check, str]] = {
    Check.API_SERVER: "/apis",
    Check.PROMETHEUS: _TRIVIAL_QUERY,
    Check.TEMPO: "/api/search/tags",
    Check.LOKI: "/loki/api/v1/labels",
    Check.ALERTMANAGER: "/api/v2/status",
}

Tokens = Mapping[Check, str]


class Prober:
    """Probes over one HTTP client, which owns address policy and connections."""

    def __init__(self, http: HttpClient, clock: Clock) -> None:
        self._http = http
        self._clock = clock

    async def check(self, found: Destinations, tokens: Tokens, timeout_s: float) -> dict[Check, Outcome]:
        """One round: every destination at once, all of them within `timeout_s`."""
        deadline = Deadline.after(timeout_s)
        outcomes = await asyncio.gather(
            *(self._check(check, endpoint, tokens.get(check), deadline) for check, endpoint in found.items())
        )
        return dict(zip(found, outcomes, strict=True))

    async def validate(self, found: Destinations, tokens: Tokens) -> dict[str, str]:
        """Per check: `success`, `failed:<why>`, or `skipped` where no token or no destination is there."""
        deadline = Deadline.after(VALIDATION_TIMEOUT_S)
        asked = [check for check in Check if check in found and check in tokens]
        answers = await asyncio.gather(
            *(self._validate(check, found[check], tokens[check], deadline) for check in asked)
        )
        told = dict(zip(asked, answers, strict=True))
        return {check.value: told.get(check, "skipped") for check in Check}

    async def _check(self, check: Check, endpoint: Endpoint, token: str | None, deadline: Deadline) -> Outcome:
        refused = False
        error = "not asked"
        for path in _HEALTH_PATHS[check]:
            try:
                response = await self._get(check, endpoint, path, token, deadline)
            except UpstreamFailure as failure:
                return Outcome(healthy=False, error=failure.message)
            skew_s = self._skew(response)
            if response.status == _OK:
                return Outcome(healthy=True, skew_s=skew_s)
            refused = response.status in _REFUSED
            error = f"{path.partition('?')[0]} answered {response.status}"
            if refused and check is Check.API_SERVER:
                # Something that judges credentials is alive; whether it takes these is another condition.
                return Outcome(healthy=True, refused=True, error=f"credentials refused: {error}", skew_s=skew_s)
            if response.status not in _NOT_HERE:
                break
        return Outcome(healthy=False, refused=refused, error=f"credentials refused: {error}" if refused else error)

    async def _validate(self, check: Check, endpoint: Endpoint, token: str, deadline: Deadline) -> str:
        try:
            response = await self._get(check, endpoint, _SIGNED_IN_PATHS[check], token, deadline)
        except UpstreamFailure as failure:
            return f"failed:{failure.message}"
        if response.status in _REFUSED:
            return f"failed:refused with status {response.status}"
        return "success" if response.status == _OK else f"failed:answered {response.status}"

    async def _get(
        self, check: Check, endpoint: Endpoint, path: str, token: str | None, deadline: Deadline
    ) -> HttpResponse:
        tls = endpoint.tls
        return await self._http.fetch(
            HttpRequest(
                method="GET",
                url=endpoint.url + path,
                peer=check.value,
                headers={"X-Scope-OrgID": endpoint.tenant} if endpoint.tenant is not None else {},
                bearer=token,
                tls=Tls(ca=tls.ca, server_name=tls.server_name, insecure=tls.insecure),
                max_response_bytes=MAX_ANSWER_BYTES,
                use_breaker=False,
            ),
            deadline,
        )

    def _skew(self, response: HttpResponse) -> float | None:
        try:
            told = parsedate_to_datetime(response.headers.get("Date", ""))
        except (ValueError, TypeError):
            return None
        return (_aware(told) - self._clock()).total_seconds()


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def refused(validation: Mapping[str, str]) -> bool:
    """Whether any endpoint said no to the credentials, rather than nothing at all."""
    return any(answer.startswith("failed:refused") for answer in validation.values())
