"""Why a request got no usable answer.

UpstreamFailure             502  UPSTREAM_ERROR
├── Unreachable             502  no connection, or one that broke: `kind` says DNS, REFUSED, RESET, TLS, PROXY, NETWORK
├── TimedOut                504  QUERY_TIMEOUT: the deadline or the connect timeout passed
├── TooLarge                502  the answer is over the caller's limit
├── BrokenAnswer            502  bytes came, but not HTTP, not the announced encoding, or not all of them
├── HandshakeRefused        502  a WebSocket was asked for and an ordinary answer came: `answered`
├── RedirectRefused         502  the answer points elsewhere; nothing follows it
├── AddressRefused          502  the address policy forbids the target
└── BreakerOpen             502  the origin kept failing, so it was not asked

Callers translate these into what they mean for their own caller. The classes hang directly below AiopsError,
not below UpstreamError, because `errors.from_code` rebuilds the first class with a code and these are built
otherwise. Texts name the host and the reason; never a header, a body, a query string or a library's own repr.
"""

import os
import socket
import ssl
from enum import StrEnum
from typing import Final

import aiohttp

from aiops.core.errors import AiopsError


class UpstreamFailure(AiopsError):
    """A request to another server got no usable answer."""

    code = "UPSTREAM_ERROR"
    status = 502

    def __init__(self, host: str, reason: str) -> None:
        super().__init__(f"{host}: {reason}", details={"host": host, "reason": reason})
        self.host = host
        self.reason = reason


class UnreachableKind(StrEnum):
    """Where the connection failed."""

    DNS = "DNS"
    REFUSED = "REFUSED"
    RESET = "RESET"
    TLS = "TLS"
    PROXY = "PROXY"
    NETWORK = "NETWORK"


class Unreachable(UpstreamFailure):
    """There is no connection, or it broke before the answer was complete."""

    def __init__(self, host: str, reason: str, kind: UnreachableKind) -> None:
        super().__init__(host, reason)
        self.kind = kind


class TimedOut(UpstreamFailure):
    """The deadline, or the shorter time allowed for connecting, passed."""

    code = "QUERY_TIMEOUT"
    status = 504


class TooLarge(UpstreamFailure):
    """The answer, decompressed, is over the limit that the caller set."""


class BrokenAnswer(UpstreamFailure):
    """What came back is not HTTP, not in the encoding that it claims, or not complete."""


class HandshakeRefused(UpstreamFailure):
    """A WebSocket handshake was answered with an ordinary status."""

    def __init__(self, host: str, answered: int) -> None:
        super().__init__(host, f"no WebSocket here: answered {answered}")
        self.answered = answered


class RedirectRefused(UpstreamFailure):
    """The answer is a redirect; credentials belong to one origin, so none is followed."""


class AddressRefused(UpstreamFailure):
    """The target's address is one that this process must not be talked into asking."""


class BreakerOpen(UpstreamFailure):
    """The origin kept failing; it is asked again when the breaker half-opens."""


_DNS_REASONS: Final = {
    socket.EAI_NONAME: "name not known",
    socket.EAI_NODATA: "name has no address",
    socket.EAI_AGAIN: "name lookup failed for now",
}
_TLS_REASONS: Final = {
    "WRONG_VERSION_NUMBER": "the server does not speak TLS on this port",
    "RECORD_LAYER_FAILURE": "the server does not speak TLS on this port",
    "UNSUPPORTED_PROTOCOL": "the server speaks only outdated TLS versions",
    "TLSV1_ALERT_PROTOCOL_VERSION": "the server speaks only outdated TLS versions",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "the server asks for a client certificate",
}


PROXY_AUTHENTICATION: Final = 407
_PROXY_REASONS: Final = {
    403: "does not let us through to it (403): its rules must allow this host",
    PROXY_AUTHENTICATION: "asks for a user and password, or refuses ours (407): give them in HTTPS_PROXY or HTTP_PROXY",
    502: "cannot reach it (502)",
    503: "cannot reach it (503)",
    504: "got no answer from it (504)",
}


def proxy_failure(host: str, proxy: str, status: int) -> Unreachable:
    """What a proxy's own refusal means."""
    reason = _PROXY_REASONS.get(status, f"refuses to connect to it ({status})")
    return Unreachable(host, f"the proxy {proxy} {reason}", UnreachableKind.PROXY)


def failure_of(error: aiohttp.ClientError | OSError, host: str, proxy: str | None = None) -> UpstreamFailure:
    """Say in words what an error of the HTTP library means, without its contents; `proxy` is host:port."""
    failure: UpstreamFailure
    match error:
        case aiohttp.ClientHttpProxyError() if proxy is not None:
            failure = proxy_failure(host, proxy, error.status)
        case aiohttp.ClientConnectorError() if proxy is not None and f"{error.host}:{error.port}" == proxy:
            inner = _network_failure(error, host).reason
            what = "its name is not known" if isinstance(error, aiohttp.ClientConnectorDNSError) else inner
            failure = Unreachable(host, f"the proxy {proxy} cannot be reached: {what}", UnreachableKind.PROXY)
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError() | ssl.SSLError():
            failure = Unreachable(host, _tls_reason(error), UnreachableKind.TLS)
        case aiohttp.ClientConnectorDNSError():
            reason = _DNS_REASONS.get(error.os_error.errno or 0, "name lookup failed")
            failure = Unreachable(host, reason, UnreachableKind.DNS)
        case aiohttp.ServerTimeoutError():
            failure = TimedOut(host, "no connection within the time allowed for connecting")
        case aiohttp.ServerDisconnectedError():
            failure = Unreachable(host, "connection closed before an answer", UnreachableKind.RESET)
        case OSError():
            failure = _network_failure(error, host)
        case aiohttp.ClientConnectionError():
            failure = Unreachable(host, "connection broke", UnreachableKind.RESET)
        case aiohttp.ClientPayloadError():
            failure = BrokenAnswer(host, "the answer is cut short or not in the encoding that it claims")
        case _:
            failure = BrokenAnswer(host, "the answer is not valid HTTP, or its headers are over the limits")
    return failure


def _network_failure(error: OSError, host: str) -> Unreachable:
    cause: OSError = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    match cause:
        case ConnectionRefusedError():
            return Unreachable(host, "connection refused", UnreachableKind.REFUSED)
        case ConnectionResetError() | BrokenPipeError():
            return Unreachable(host, "connection reset", UnreachableKind.RESET)
        case ConnectionAbortedError():
            return Unreachable(host, "connection aborted during the TLS handshake", UnreachableKind.RESET)
    reason = os.strerror(cause.errno).lower() if cause.errno and cause.errno > 0 else "connection failed"
    return Unreachable(host, reason, UnreachableKind.NETWORK)


def _tls_reason(error: BaseException) -> str:
    cause: object = error
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        cause = error.certificate_error
    elif isinstance(error, aiohttp.ClientConnectorError):
        cause = error.os_error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return (cause.verify_message or "certificate not trusted").rstrip(".").lower()
    name = getattr(cause, "reason", None) or "handshake failed"
    return _TLS_REASONS.get(name) or f"TLS: {name.replace('_', ' ').lower()}"
