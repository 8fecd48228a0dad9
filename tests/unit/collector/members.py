"""Members and registries for the collector's tests: real HTTP on loopback, behaving as a test says."""

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from uuid import UUID, uuid5

from aiohttp import web

from aiops.collector.generations import PROBE
from aiops.core.errors import AiopsError, AuthFailed, ClusterNotFound
from aiops.ports.registry import (
    Credential,
    CredentialQuery,
    Endpoint,
    Target,
    TargetQuery,
    Targets,
    WebhookCall,
    WebhookSource,
)

NAMES = UUID("6f1c2c5e-6d1b-4f0e-9a77-0c6d2a1f5b3e")
Answer = Callable[["Asked"], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Asked:
    """One request that a member received; `form` is the query string's or the body's."""

    method: str
    path: str
    headers: Mapping[str, str]
    form: dict[str, str]
    request: web.Request


def success(data: Any, **more: Any) -> web.Response:
    body = json.dumps({"status": "success", "data": data, **more}, separators=(",", ":"))
    return web.Response(text=body, content_type="application/json")


def failure(status: int, kind: str, text: str) -> web.Response:
    return web.json_response({"status": "error", "errorType": kind, "error": text}, status=status)


def vector(*series: dict[str, str], value: str = "1") -> dict[str, Any]:
    return {
        "resultType": "vector",
        "result": [{"metric": metric, "value": [1.5, value]} for metric in series],
    }


def matrix(*series: dict[str, str]) -> dict[str, Any]:
    values = [[1, "1"], [2, "NaN"]]
    return {"resultType": "matrix", "result": [{"metric": metric, "values": values} for metric in series]}


def answering(data: Any, **more: Any) -> Answer:
    async def answer(_: Asked) -> web.StreamResponse:
        return success(data, **more)

    return answer


def refusing(status: int, kind: str, text: str) -> Answer:
    async def answer(_: Asked) -> web.StreamResponse:
        return failure(status, kind, text)

    return answer


def plain(status: int, text: str) -> Answer:
    async def answer(_: Asked) -> web.StreamResponse:
        return web.Response(status=status, text=text)

    return answer


def gzipped(data: Any) -> Answer:
    async def answer(_: Asked) -> web.StreamResponse:
        body = gzip.compress(json.dumps({"status": "success", "data": data}, separators=(",", ":")).encode())
        headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
        return web.Response(body=body, headers=headers)

    return answer


async def hanging(_: Asked) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


async def cutting(asked: Asked) -> web.StreamResponse:
    """Announces a long answer and closes in the middle of it."""
    response = web.StreamResponse(headers={"Content-Length": "100000"})
    await response.prepare(asked.request)
    await response.write(b'{"status":"success","data":{"resultType":"matrix","result":[')
    assert asked.request.transport is not None
    asked.request.transport.close()
    return response


class Member:
    """A server that answers as told and keeps what it was asked; by itself it tells its generation, if it has one."""

    def __init__(self, answer: Answer, generation: int | None = 3) -> None:
        self.answer = answer
        self.generation = generation
        self.generation_asked = 0
        self.asked: list[Asked] = []
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        form = {**request.query, **{key: str(value) for key, value in (await request.post()).items()}}
        if form.get("query") == PROBE:
            self.generation_asked += 1
            steps = {2: "3", 3: "2"}
            if self.generation is None:
                return failure(404, "not_found", "")
            return success(vector({}, value=steps[self.generation]))
        asked = Asked(request.method, request.path, dict(request.headers), form, request)
        self.asked.append(asked)
        return await self.answer(asked)


def cluster_id(name: str) -> UUID:
    return uuid5(NAMES, name)


def target(name: str, url: str | None, *, tenant: str | None = None, version: int = 0, **labels: str) -> Target:
    endpoint = None if url is None else Endpoint(url, tenant=tenant)
    return Target(cluster_id(name), name, labels, endpoint, None, version)


@dataclass
class StaticRegistry:
    """The registry's port over fixed targets, with its rules of scope."""

    targets_: list[Target] = field(default_factory=list)
    tokens: dict[UUID, str] = field(default_factory=dict)
    webhook_tokens: dict[UUID, str] = field(default_factory=dict)
    failure: AiopsError | None = None
    credential_calls: int = 0

    def add(self, *targets: Target) -> None:
        self.targets_ += targets

    async def targets(self, request: TargetQuery) -> Targets:
        if self.failure is not None:
            raise self.failure
        visible = [one for one in self.targets_ if request.scope.covers(one.cluster_id, one.labels)]
        if unknown := set(request.cluster_ids) - {one.cluster_id for one in visible}:
            raise ClusterNotFound(f"there is no cluster {min(unknown)}")
        if request.cluster_ids:
            visible = [one for one in visible if one.cluster_id in request.cluster_ids]
        return Targets(tuple(sorted(visible, key=lambda one: one.cluster_name)))

    async def credential(self, request: CredentialQuery) -> Credential:
        self.credential_calls += 1
        version = next(one.credential_version for one in self.targets_ if one.cluster_id == request.cluster_id)
        return Credential(version, prometheus_token=self.tokens.get(request.cluster_id))

    async def webhook(self, request: WebhookCall) -> WebhookSource:
        if self.failure is not None:
            raise self.failure
        if self.webhook_tokens.get(request.cluster_id) != request.token:
            raise AuthFailed("the webhook token is not this cluster's")
        name = next(one.cluster_name for one in self.targets_ if one.cluster_id == request.cluster_id)
        return WebhookSource(request.cluster_id, name)
