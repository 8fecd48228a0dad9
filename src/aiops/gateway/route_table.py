"""Which role owns which path, and how long and how often it is asked: one literal table."""

from typing import Final

from msgspec import Struct

from aiops.core.http import BreakerPolicy


class Backend(Struct, frozen=True):
    """A role behind the gateway. A prefix stands for itself and everything below it."""

    role: str
    prefixes: tuple[str, ...]
    timeout_s: float
    breaker: BreakerPolicy


SOCKET_PATH: Final = "/ws"
BACKENDS: Final = (
    Backend(
        "registry",
        ("/api/v1/clusters", "/api/v1/fleet", "/api/v1/audit"),
        30.0,
        BreakerPolicy(failures=5, open_s=30.0, probes=3),
    ),
    Backend(
        "collector",
        (
            "/api/v1/metrics",
            "/api/v1/traces",
            "/api/v1/logs",
            "/api/v1/alerts",
            "/api/v1/silences",
            "/api/v1/gpu",
            "/api/v1/cnf",
            "/prometheus",
            "/loki",
        ),
        60.0,
        BreakerPolicy(failures=10, open_s=60.0, probes=5),
    ),
    Backend(
        "intelligence",
        ("/api/v1/chat", "/api/v1/personas", "/api/v1/analysis", "/api/v1/reports", "/mcp"),
        120.0,
        BreakerPolicy(failures=5, open_s=30.0, probes=3),
    ),
    Backend("streaming", ("/api/v1/streaming",), 30.0, BreakerPolicy(failures=5, open_s=30.0, probes=3)),
)


def under(path: str, prefix: str) -> bool:
    """Whether the path is the prefix or lies below it."""
    return path == prefix or path.startswith(f"{prefix}/")


def owner(path: str) -> str:
    """The role that owns a path; `gateway` for everything that no other does."""
    if under(path, SOCKET_PATH):
        return "streaming"
    for backend in BACKENDS:
        if any(under(path, prefix) for prefix in backend.prefixes):
            return backend.role
    return "gateway"
