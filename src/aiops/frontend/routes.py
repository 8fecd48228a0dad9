"""Serves the dashboard: hashed files for ever, pages always fresh, an honest page where nothing was built.

Everything here is public; what the dashboard shows comes from the API, which is not. A path of the API that
no other module took is an error of the API, never a page.
"""

import html
from typing import Any, Final

from litestar import HttpMethod, MediaType, Request, Response, Router, route
from litestar.exceptions import MethodNotAllowedException
from litestar.params import FromPath

from aiops.core.errors import NotFound
from aiops.core.web import OPEN_QUERY, public
from aiops.frontend.files import BuiltFiles, Found
from aiops.frontend.headers import COMMON, DASHBOARD_POLICY, REDOC_POLICY, page_headers

AnyRequest = Request[Any, Any, Any]

FOR_EVER: Final = "public, max-age=31536000, immutable"
ASK_AGAIN: Final = "no-cache"
BUILD_COMMAND: Final = "npm --prefix src/dashboard ci && npm --prefix src/dashboard run build"

# First parts of paths that belong to the API, whether or not this process serves them.
API_PREFIXES: Final = frozenset(
    {".well-known", "api", "auth", "internal", "loki", "mcp", "metrics", "oauth", "prometheus", "ws"}
)
_READ: Final = (HttpMethod.GET, HttpMethod.HEAD)
_NOT_BUILT: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>AIOps NextGen: no dashboard</title></head>
<body><h1>The dashboard was not built</h1>
<p>This installation was made with AIOPS_SKIP_DASHBOARD. The API and the command line work.</p>
<p>To have the dashboard too, install again without that setting, or run this in the source folder:</p>
<pre>{command}</pre></body></html>
"""
_REASON: Final = "the dashboard's files hold no data; the API that it asks is guarded"


def router(files: BuiltFiles) -> Router:
    """Make the public routes of the dashboard. Its catch-all takes only what no other route has."""
    serve = _Serve(files)

    @route("/assets/{name:str}", **_open())
    async def asset(request: AnyRequest, name: FromPath[str]) -> Response[Any]:
        return await serve.asset(request, name)

    @route("/docs", **_open())
    async def docs(request: AnyRequest) -> Response[Any]:
        return await serve.page(request, "reference", "docs.html", DASHBOARD_POLICY)

    @route("/redoc", **_open())
    async def redoc(request: AnyRequest) -> Response[Any]:
        return await serve.page(request, "reference", "redoc.html", REDOC_POLICY)

    @route(["/", "/{path:path}"], **_open())
    async def anything(request: AnyRequest) -> Response[Any]:
        return await serve.anything(request)

    @route(["/", "/{path:path}"], **_open(HttpMethod.POST, HttpMethod.PUT, HttpMethod.PATCH, HttpMethod.DELETE))
    async def written(request: AnyRequest) -> Response[Any]:
        _refuse_api(request)
        raise MethodNotAllowedException(headers={"Allow": ", ".join(_READ)})

    return Router("/", route_handlers=[asset, docs, redoc, anything, written], include_in_schema=False)


def _open(*methods: HttpMethod) -> dict[str, Any]:
    return {
        "http_method": methods or _READ,
        "guards": [public(_REASON)],
        "opt": {OPEN_QUERY: True},  # a page's parameters are read by the page
        "status_code": 200,
    }


class _Serve:
    """Answers from the built files."""

    def __init__(self, files: BuiltFiles) -> None:
        self._files = files

    async def asset(self, request: AnyRequest, name: str) -> Response[Any]:
        found = await self._find(request, "assets", name)
        if found is None:
            raise NotFound(f"the dashboard has no file {name[:80]!r}; reload the page to get the current ones")
        return _answer(request, found, {**COMMON, "Cache-Control": FOR_EVER})

    async def page(self, request: AnyRequest, folder: str, name: str, policy: str) -> Response[Any]:
        found = await self._find(request, folder, name)
        if found is None:
            return _not_built()
        return _answer(request, found, {**page_headers(policy), "Cache-Control": ASK_AGAIN})

    async def anything(self, request: AnyRequest) -> Response[Any]:
        parts = _refuse_api(request)
        if parts and "." in parts[-1]:
            found = await self._find(request, "", parts[0]) if len(parts) == 1 else None
            if found is None:
                raise NotFound(f"the dashboard has no file {parts[-1][:80]!r}")
            return _answer(request, found, {**page_headers(), "Cache-Control": ASK_AGAIN})
        return await self.page(request, "", "index.html", DASHBOARD_POLICY)

    async def _find(self, request: AnyRequest, folder: str, name: str) -> Found | None:
        return await self._files.find(folder, name, request.headers.get("accept-encoding", ""))


def _refuse_api(request: AnyRequest) -> list[str]:
    """The parts of a path that is a page's."""
    parts = [part for part in request.scope["path"].split("/") if part]
    if parts and parts[0] in API_PREFIXES:
        raise NotFound(f"there is no path {request.scope['path'][:200]!r}; /openapi.json lists them")
    return parts


def _answer(request: AnyRequest, found: Found, headers: dict[str, str]) -> Response[Any]:
    headers |= {"ETag": found.etag, "Vary": "Accept-Encoding"}
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if found.etag in known:
        return Response(None, status_code=304, headers=headers)
    if found.encoding is not None:
        headers["Content-Encoding"] = found.encoding
    return Response(found.content, headers=headers, media_type=found.media_type)


def _not_built() -> Response[Any]:
    body = _NOT_BUILT.format(command=html.escape(BUILD_COMMAND))
    headers = {**page_headers(), "Cache-Control": "no-store"}
    return Response(body, status_code=503, headers=headers, media_type=MediaType.HTML)
