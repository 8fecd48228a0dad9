"""Whether a browser's request comes from our own pages, and whether it came over plain HTTP.

Judged by what the browser itself says (`Origin`, RFC 6454) against the host that it asked or the configured
public URL. Forwarded headers are not looked at: anybody can send them.
"""

from typing import Any, Final
from urllib.parse import urlsplit

from litestar.connection import ASGIConnection

from aiops.core.errors import PermissionDenied

_DEFAULT_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})

Connection = ASGIConnection[Any, Any, Any, Any]


def _place(url: str) -> tuple[str, int | None] | None:
    """Host and port of an origin; None where it has none (`null`, nonsense)."""
    try:
        parts = urlsplit(url)
        return (parts.hostname, parts.port or _DEFAULT_PORTS.get(parts.scheme)) if parts.hostname else None
    except ValueError:
        return None


class OriginCheck:
    """Knows where our pages may come from. `public_url` may be empty: then only the asked host counts."""

    def __init__(self, public_url: str, *, insecure_http: bool) -> None:
        self._public = _place(public_url) if public_url else None
        self._public_https = public_url.lower().startswith("https://")
        self._insecure_http = insecure_http

    def check(self, connection: Connection, *, required: bool) -> None:
        """Refuse foreign pages. Browsers always send the header on WebSockets, there it is `required`.

        Raises:
            PermissionDenied: the page that sent this is not ours.

        """
        origin = connection.headers.get("origin")
        if origin is None:
            if required:
                raise PermissionDenied("a socket that is opened with the session cookie needs an Origin header")
            return
        place = _place(origin)
        # The scheme is the page's: behind a proxy that ends TLS, ours would be another.
        asked = _place(f"{urlsplit(origin).scheme}://{connection.headers.get('host', '')}") if place else None
        if place is None or place not in (asked, self._public):
            raise PermissionDenied(
                f"the request comes from a page of {origin[:120]!r}, which is not this hub; "
                "if it is, set AIOPS_HTTP_PUBLIC_URL to the address that browsers use"
            )

    def secure_cookie(self, connection: Connection) -> bool:
        """Whether a cookie is marked Secure: but for plain HTTP on loopback or where it was allowed."""
        if self._public_https or connection.scope.get("scheme") in ("https", "wss"):
            return True
        if self._insecure_http:
            return False
        place = _place(f"http://{connection.headers.get('host', '')}")
        return place is None or place[0] not in _LOOPBACK
