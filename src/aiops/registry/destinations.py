"""Where a cluster is asked: one destination per check, and the one origin that each secret may be sent to.

The metrics endpoint is Thanos where there is one, else Prometheus; nobody else in the hub decides that again.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from aiops.ports.registry import Endpoint, EndpointTls
from aiops.registry.model import EndpointOptions, Endpoints
from aiops.registry.verdict import Check

# The secret that each destination is shown, and no other.
SECRET_OF: Final[Mapping[Check, str]] = {
    Check.API_SERVER: "token",
    Check.PROMETHEUS: "prometheus_token",
    Check.TEMPO: "tempo_token",
    Check.LOKI: "loki_token",
    Check.ALERTMANAGER: "alertmanager_token",
}
# In the order of preference.
_KINDS: Final[Mapping[Check, tuple[str, ...]]] = {
    Check.PROMETHEUS: ("thanos", "prometheus"),
    Check.TEMPO: ("tempo",),
    Check.LOKI: ("loki",),
    Check.ALERTMANAGER: ("alertmanager",),
}
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}

Destinations = Mapping[Check, Endpoint]


def destinations(
    api_server_url: str | None, endpoints: Endpoints, *, api_server_ca: str | None = None
) -> dict[Check, Endpoint]:
    """Every configured destination; `api_server_ca` (of the credentials) counts where none is registered."""
    found: dict[Check, Endpoint] = {}
    if api_server_url is not None:
        options = endpoints.options.get("api_server", EndpointOptions())
        found[Check.API_SERVER] = Endpoint(api_server_url.rstrip("/"), _tls(options, api_server_ca))
    for check, kinds in _KINDS.items():
        for kind in kinds:
            if (url := endpoints.url(kind)) is not None:
                options = endpoints.options.get(kind, EndpointOptions())
                found[check] = Endpoint(url.rstrip("/"), _tls(options), options.tenant)
                break
    return found


def origins(found: Destinations) -> dict[str, str]:
    """Secret -> the one origin that it may be sent to."""
    return {SECRET_OF[check]: origin_of(endpoint.url) for check, endpoint in found.items()}


def origin_of(url: str) -> str:
    """Scheme, host and port, the port always written out: what a credential belongs to."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}:{parts.port or _DEFAULT_PORTS.get(parts.scheme)}"


def _tls(options: EndpointOptions, default_ca: str | None = None) -> EndpointTls:
    """The port's own struct, so that both twins of the port answer with equal values."""
    return EndpointTls(options.tls.ca or default_ca, options.tls.server_name, options.tls.insecure)
