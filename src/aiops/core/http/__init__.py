"""Outgoing HTTP: one client for members, for the other roles, for the reverse proxy and for client commands.

aiohttp is imported nowhere else. What callers need is listed here; the files below are this package's own
business.
"""

from aiops.core.http.addresses import AddressPolicy, Target, parse_target
from aiops.core.http.breaker import BreakerPolicy
from aiops.core.http.client import BreakerPolicies, HttpClient
from aiops.core.http.deadline import Deadline
from aiops.core.http.failures import (
    AddressRefused,
    BreakerOpen,
    BrokenAnswer,
    HandshakeRefused,
    RedirectRefused,
    TimedOut,
    TooLarge,
    Unreachable,
    UnreachableKind,
    UpstreamFailure,
)
from aiops.core.http.messages import HttpRequest, HttpResponse, StreamingResponse
from aiops.core.http.observation import HttpMetrics
from aiops.core.http.origins import PoolLimits
from aiops.core.http.proxies import NO_PROXIES, Proxies, place_of, proxies
from aiops.core.http.proxies import mistakes as proxy_mistakes
from aiops.core.http.socket import ClientSocket, Closed
from aiops.core.http.tls import Tls

__all__ = [
    "NO_PROXIES",
    "AddressPolicy",
    "AddressRefused",
    "BreakerOpen",
    "BreakerPolicies",
    "BreakerPolicy",
    "BrokenAnswer",
    "ClientSocket",
    "Closed",
    "Deadline",
    "HandshakeRefused",
    "HttpClient",
    "HttpMetrics",
    "HttpRequest",
    "HttpResponse",
    "PoolLimits",
    "Proxies",
    "RedirectRefused",
    "StreamingResponse",
    "Target",
    "TimedOut",
    "Tls",
    "TooLarge",
    "Unreachable",
    "UnreachableKind",
    "UpstreamFailure",
    "parse_target",
    "place_of",
    "proxies",
    "proxy_mistakes",
]
