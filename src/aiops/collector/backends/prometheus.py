"""One member's Prometheus HTTP API, as Prometheus, Thanos, VictoriaMetrics and Mimir speak it.

It tells three kinds of bad answers apart: the question is wrong (whoever is asked, so the whole query ends), the
member could not answer (its failure alone), and what is not an answer of this API at all (its failure too). Of what
the member sent on failure only the API's own error text is ever shown.

Protocol: Prometheus HTTP API, "Format overview".
"""

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from aiops.collector.fanout import MemberFailed
from aiops.core.errors import AiopsError, InvalidPromql, InvalidRequest, LimitExceeded
from aiops.core.http import Deadline, HttpClient, HttpRequest, HttpResponse, TimedOut, Tls, UpstreamFailure
from aiops.ports.collector import ClusterStatus
from aiops.ports.registry import Endpoint

Parameters = Sequence[tuple[str, str]]

_OK: Final = 200
_METHOD_NOT_ALLOWED: Final = 405
_REFUSED: Final = (401, 403)

_TEXT_LIMIT: Final = 2000
# Thanos merges replicas, and says what it could not reach in `warnings`. Others ignore these.
_THANOS: Final = (("dedup", "true"), ("partial_response", "true"), ("max_source_resolution", "0s"))
# Thanos reports stores that it could not reach as a failed execution.
_STORE_AWAY: Final = re.compile(r"rpc error: code = |context (deadline exceeded|canceled)|connection refused")
_RESOLUTION: Final = "exceeded maximum resolution"
_LIMIT: Final = re.compile(r"too many (samples|points|series)|exceed|limit", re.IGNORECASE)


class Member(Struct, frozen=True):
    """One endpoint and what is needed to ask it. Never shown: `bearer` is a secret."""

    cluster_name: str
    endpoint: Endpoint
    bearer: str | None

    def __repr__(self) -> str:
        return f"Member({self.cluster_name})"


class _Failure(Struct, frozen=True):
    errorType: str  # noqa: N815 - Prometheus' spelling
    error: str = ""


_failures = msgspec.json.Decoder(_Failure)


class PrometheusApi:
    """Asks members. `max_response_bytes` is of one decompressed answer."""

    def __init__(self, http: HttpClient, *, max_response_bytes: int) -> None:
        self._http = http
        self._max_response_bytes = max_response_bytes

    async def ask(self, member: Member, path: str, parameters: Parameters, deadline: Deadline) -> bytes:
        """POST a form to `/api/v1/<path>`; the bytes of a successful answer. GET where the member takes no POST.

        Raises:
            InvalidPromql, LimitExceeded: the member says that the query is wrong, or over its limits.
            MemberFailed: anything else.

        """
        form = [*parameters, ("timeout", f"{max(0.001, deadline.remaining_s):.3f}"), *_THANOS]
        response = await self._send(member, "POST", path, form, deadline)
        if response.status == _METHOD_NOT_ALLOWED:
            response = await self._send(member, "GET", path, form, deadline)
        return self._body(member, response)

    async def get(self, member: Member, path: str, parameters: Parameters, deadline: Deadline) -> bytes:
        """GET `/api/v1/<path>`, for the paths that have no POST; errors as `ask`."""
        return self._body(member, await self._send(member, "GET", path, parameters, deadline))

    async def _send(
        self, member: Member, method: str, path: str, parameters: Parameters, deadline: Deadline
    ) -> HttpResponse:
        url = f"{member.endpoint.url.rstrip('/')}/api/v1/{path}"
        headers = {"Accept": "application/json"}
        encoded = urlencode(parameters)
        if method == "POST":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        elif encoded:
            url += f"?{encoded}"
        if member.endpoint.tenant is not None:
            headers["X-Scope-OrgID"] = member.endpoint.tenant
        tls = member.endpoint.tls
        request = HttpRequest(
            method=method,
            url=url,
            peer="prometheus",
            headers=headers,
            body=encoded.encode() if method == "POST" else b"",
            bearer=member.bearer,
            tls=Tls(ca=tls.ca, server_name=tls.server_name, insecure=tls.insecure),
            max_response_bytes=self._max_response_bytes,
            idempotent=True,
        )
        try:
            return await self._http.fetch(request, deadline)
        except TimedOut as error:
            raise MemberFailed(error.message, status=ClusterStatus.TIMEOUT) from error
        except UpstreamFailure as error:
            raise MemberFailed(error.message) from error
        except InvalidRequest as error:
            raise MemberFailed(f"its endpoint's settings cannot be used: {error.message}") from error

    def _body(self, member: Member, response: HttpResponse) -> bytes:
        if response.status == _OK:
            return response.body
        if response.status in _REFUSED:
            stored = "the stored credential was refused" if member.bearer else "it wants a credential, none is stored"
            raise MemberFailed(f"{stored} (HTTP {response.status})")
        try:
            failure = _failures.decode(response.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise MemberFailed(f"it answered HTTP {response.status}") from error
        raise _error(failure.errorType, failure.error[:_TEXT_LIMIT], response.status, member.cluster_name)


def _error(kind: str, text: str, status: int, cluster: str) -> AiopsError:
    if kind == "bad_data":
        refused: type[AiopsError] = LimitExceeded if _RESOLUTION in text else InvalidPromql
        return refused(text, details={"cluster_name": cluster, "error_type": kind})
    # VictoriaMetrics writes the status where others name the kind.
    if kind in ("execution", "422") and not _STORE_AWAY.search(text):
        refused = LimitExceeded if _LIMIT.search(text) else InvalidPromql
        return refused(text, details={"cluster_name": cluster, "error_type": kind})
    if kind == "timeout":
        return MemberFailed("its own query timeout passed", status=ClusterStatus.TIMEOUT)
    return MemberFailed(f"it answered HTTP {status} ({kind[:40]}): {text[:300]}")
