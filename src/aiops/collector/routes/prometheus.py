"""Public paths of Prometheus' HTTP API over the fleet, by GET and by form POST, and their description for people."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any, Final

from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, Parameter, Reference, RequestBody, Schema
from litestar.params import FromPath
from msgspec import Struct
from zlib_ng import zlib_ng

from aiops.collector.form import FORM, Form
from aiops.collector.prometheus_api import PERMISSION, PrometheusFacade
from aiops.core.identity import Identity
from aiops.core.web import OPEN_QUERY, requires

PREFIX: Final = "/prometheus/api/v1"
# Smaller answers gain nothing; a low level takes four fifths of a large one away, at a tenth of what a high one costs.
_GZIP_FROM_BYTES: Final = 1024
_GZIP_LEVEL: Final = 2
_GZIP: Final = 31  # its header about the largest window, in zlib's numbers

_TEXT: Final = Schema(type=OpenAPIType.STRING)
_TEXTS: Final = Schema(type=OpenAPIType.ARRAY, items=_TEXT)
_TIME: Final = "Unix seconds or RFC 3339"
_COMMON: Final = {
    "clusters": "Names or ids of clusters, repeated or with commas; none means all that the caller may see",
    "partial": "allow (a cluster that fails is a warning) or deny (it is an error)",
    "timeout": "A duration or seconds; at most 5m, 30s where it is not given",
}
_QUERY: Final = {
    "query": "PromQL over the whole fleet; every series carries the cluster label",
    "limit": "At most so many series",
    "mode": "global (the fleet is one Prometheus) or per_cluster (each cluster answers for itself)",
    "stats": "Anything: adds `federation`, which tells how each cluster took part",
    **_COMMON,
}
_WINDOW: Final = {"start": _TIME, "end": _TIME}
_LISTS: Final = {**_WINDOW, "match[]": "Series selectors", "limit": "At most so many items", **_COMMON}
_RULES: Final = {
    "type": "alert or record",
    "rule_name[]": "Names of rules",
    "rule_group[]": "Names of groups",
    "file[]": "Files of groups",
    "match[]": "Selectors of the rules' labels",
    "exclude_alerts": "true leaves out the alerts of each rule",
    **_COMMON,
}

Answer = Callable[[Identity, Form], Awaitable[bytes]]


class PrometheusBody(Struct, frozen=True):
    """A successful answer in Prometheus' shape."""

    status: str
    data: Any
    warnings: list[str] | None = None
    infos: list[str] | None = None


def router(facade: PrometheusFacade) -> Router:
    """`/prometheus/api/v1`."""

    async def values(request: Request[Any, Any, Any], identity: NamedDependency[Identity], name: FromPath[str]) -> Any:
        return await _reply(request, await facade.label_values(identity, await _form(request), name))

    by_both = [
        *_both("/query", "PromQL at one time", {**_QUERY, "time": _TIME}, facade.query),
        *_both(
            "/query_range",
            "PromQL over a range",
            {**_QUERY, **_WINDOW, "step": "A duration or seconds"},
            facade.query_range,
        ),
        *_both("/query_exemplars", "Exemplars", {"query": "PromQL", **_WINDOW, **_COMMON}, facade.exemplars),
        *_both("/series", "Series", _LISTS, facade.series),
        *_both("/labels", "Label names", _LISTS, facade.labels),
        *_both("/format_query", "PromQL in one spelling", {"query": "PromQL"}, facade.format_query),
        *_both("/parse_query", "PromQL as a tree", {"query": "PromQL"}, facade.parse_query),
    ]
    metadata = {
        "metric": "Only this one",
        "limit": "At most so many metrics",
        "limit_per_metric": "And sayings of each",
    }
    targets = {"state": "active, dropped or any", "scrapePool": "Only this one", **_COMMON}
    by_get = [
        _get("/label/{name:str}/values", "Values of a label", _LISTS, values),
        _get("/metadata", "Type, help and unit of metrics", {**metadata, **_COMMON}, _handler(facade.metadata)),
        _get("/rules", "Recording and alerting rules", _RULES, _handler(facade.rules)),
        _get("/alerts", "Pending and firing alerts", _COMMON, _handler(facade.alerts)),
        _get("/targets", "Scrape targets", targets, _handler(facade.targets)),
        _get("/status/buildinfo", "Which PromQL is spoken", {}, _handler(facade.buildinfo)),
    ]
    return Router(
        PREFIX,
        route_handlers=[*by_both, *by_get],
        opt={OPEN_QUERY: True},
        tags=["prometheus"],
    )


def _both(path: str, summary: str, parameters: dict[str, str], answer: Answer) -> list[HTTPRouteHandler]:
    form = post(
        path,
        status_code=200,
        guards=[requires(PERMISSION)],
        summary=summary,
        operation_id=_operation_id("Post", path),
        operation_class=_described(parameters, form=True),
    )
    return [_get(path, summary, parameters, _handler(answer)), form(_handler(answer))]


def _get(path: str, summary: str, parameters: dict[str, str], handler: Callable[..., Any]) -> HTTPRouteHandler:
    decorate = get(
        path,
        guards=[requires(PERMISSION)],
        summary=summary,
        operation_id=_operation_id("Get", path),
        operation_class=_described(parameters),
    )
    return decorate(handler)


def _operation_id(method: str, path: str) -> str:
    words = re.split(r"\W+|_", path.replace("{name:str}", ""))
    return f"Prometheus{''.join(word.capitalize() for word in words)}{method}"


def _handler(answer: Answer) -> Callable[..., Any]:
    async def handle(request: Request[Any, Any, Any], identity: NamedDependency[Identity]) -> Response[PrometheusBody]:
        return await _reply(request, await answer(identity, await _form(request)))

    return handle


async def _form(request: Request[Any, Any, Any]) -> Form:
    return Form(request.scope["query_string"], request.headers.get("content-type", ""), await request.body())


async def _reply(request: Request[Any, Any, Any], body: bytes) -> Response[Any]:
    headers = {"Vary": "Accept-Encoding"}
    if len(body) >= _GZIP_FROM_BYTES and _takes_gzip(request.headers.get("accept-encoding", "")):
        # In a thread, where zlib leaves the loop alone.
        body = await asyncio.to_thread(zlib_ng.compress, body, _GZIP_LEVEL, wbits=_GZIP)
        headers["Content-Encoding"] = "gzip"
    return Response(body, media_type="application/json", headers=headers)


def _takes_gzip(accepted: str) -> bool:
    for part in accepted.lower().split(","):
        coding, _, weight = part.replace(" ", "").partition(";q=")
        if coding in ("gzip", "*"):
            return weight.strip("0.") != "" or weight == ""
    return False


def _described(parameters: dict[str, str], *, form: bool = False) -> type[Operation]:
    """How the document shows an operation whose parameters are read by `Form`."""
    needed = {"query", *(("start", "end", "step") if "step" in parameters else ())} & set(parameters)
    shapes = {name: _TEXTS if name.endswith("[]") or name == "clusters" else _TEXT for name in parameters}

    class PrometheusOperation(Operation):
        def __init__(self, **given: Any) -> None:
            if form:
                given["request_body"] = RequestBody(content={FORM: OpenAPIMediaType(schema=_fields())}, required=True)
            else:
                given["parameters"] = [*(given.get("parameters") or ()), *_listed()]
            super().__init__(**given)

    def _fields() -> Schema:
        fields: dict[str, Reference | Schema] = {
            name: Schema(type=shape.type, items=shape.items, description=parameters[name])
            for name, shape in shapes.items()
        }
        return Schema(type=OpenAPIType.OBJECT, required=sorted(needed) or None, properties=fields)

    def _listed() -> list[Parameter]:
        return [
            Parameter(name=name, param_in="query", schema=shape, description=parameters[name], required=name in needed)
            for name, shape in shapes.items()
        ]

    return PrometheusOperation
