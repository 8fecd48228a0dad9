"""Which security headers the dashboard's pages carry: the one place that says what a page may do.

The policies allow no inline script and no other host. Only an API reference page allows more, just what the
library on it was seen to need in a browser.
"""

from collections.abc import Mapping
from typing import Final

_STRICT: Final[Mapping[str, str]] = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}


def _policy(more: Mapping[str, str] | None = None) -> str:
    return "; ".join(f"{name} {sources}" for name, sources in {**_STRICT, **(more or {})}.items())


DASHBOARD_POLICY: Final = _policy()
# Redoc adds empty style elements, which it then fills by script, and one fixed text of its pinned version:
# the hashes are those of nothing and of that text. It searches in a worker that it makes from a blob.
_REDOC_STYLES: Final = (
    "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' 'sha256-QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc='"
)
REDOC_POLICY: Final = _policy({"style-src": f"'self' {_REDOC_STYLES}", "worker-src": "blob:"})

COMMON: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def page_headers(policy: str = DASHBOARD_POLICY) -> dict[str, str]:
    """Make the headers of one HTML page."""
    return {**COMMON, "Content-Security-Policy": policy, "X-Frame-Options": "DENY"}
