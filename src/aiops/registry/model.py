"""A cluster as the contract shows it, and what a caller may send to describe one."""

import re
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from aiops.core.addresses import AddressPolicy
from aiops.core.errors import InvalidClusterName, InvalidRequest
from aiops.ports.registry import EndpointTls

NAME: Final = re.compile(r"^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$")
MAX_URL: Final = 2048
MAX_LABELS: Final = 64
MAX_TEXT: Final = 256
MAX_DISPLAY_NAME: Final = 128
ENDPOINT_KINDS: Final = ("prometheus", "thanos", "tempo", "loki", "alertmanager")


class ClusterType(StrEnum):
    """Where a cluster stands in the fleet; decides how often it is checked."""

    HUB = "HUB"
    SPOKE = "SPOKE"
    EDGE = "EDGE"
    FAR_EDGE = "FAR_EDGE"


class Platform(StrEnum):
    """What the cluster runs."""

    OPENSHIFT = "OPENSHIFT"
    KUBERNETES = "KUBERNETES"
    MICROSHIFT = "MICROSHIFT"


class Environment(StrEnum):
    """What the cluster is for."""

    PRODUCTION = "PRODUCTION"
    STAGING = "STAGING"
    DEVELOPMENT = "DEVELOPMENT"
    LAB = "LAB"


class State(StrEnum):
    """What the health checks say, in one word."""

    ONLINE = "ONLINE"
    OFFLINE = "OFFLINE"
    DEGRADED = "DEGRADED"
    UNKNOWN = "UNKNOWN"
    PROVISIONING = "PROVISIONING"


class Connectivity(StrEnum):
    """Whether the cluster can be reached, over the last ten checks."""

    CONNECTED = "CONNECTED"
    DISCONNECTED = "DISCONNECTED"
    INTERMITTENT = "INTERMITTENT"


class Condition(Struct, frozen=True):
    """One aspect of a cluster, in Kubernetes' shape. `status` is TRUE, FALSE or UNKNOWN."""

    type: str
    status: str
    reason: str
    message: str
    last_transition_time: datetime


class Status(Struct, frozen=True, kw_only=True):
    """What is known of a cluster's health; null is "not measured", for an endpoint "not configured"."""

    state: State = State.PROVISIONING
    health_score: int | None = None
    connectivity: Connectivity | None = None
    last_error: str | None = None
    last_check_at: datetime | None = None
    api_server_healthy: bool | None = None
    prometheus_healthy: bool | None = None
    tempo_healthy: bool | None = None
    loki_healthy: bool | None = None
    alertmanager_healthy: bool | None = None
    node_count: int | None = None
    ready_nodes: int | None = None
    pod_count: int | None = None
    cpu_usage_percent: float | None = None
    memory_usage_percent: float | None = None
    alert_count: int | None = None
    conditions: tuple[Condition, ...] = ()


class EndpointOptions(Struct, frozen=True, forbid_unknown_fields=True):
    """What asking one endpoint needs beside its URL."""

    tls: EndpointTls = EndpointTls()
    tenant: str | None = None


class Endpoints(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A cluster's telemetry. `options` is keyed by kind: prometheus, thanos, tempo, loki, alertmanager."""

    prometheus_url: str | None = None
    thanos_url: str | None = None
    tempo_url: str | None = None
    loki_url: str | None = None
    alertmanager_url: str | None = None
    options: dict[str, EndpointOptions] = {}

    def url(self, kind: str) -> str | None:
        """The URL of one kind."""
        found: str | None = getattr(self, f"{kind}_url")
        return found


class ClusterFields(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What people may edit. PUT replaces all of it; what is left out returns to its default."""

    display_name: str | None = None
    api_server_url: str | None = None
    cluster_type: ClusterType = ClusterType.SPOKE
    platform: Platform = Platform.KUBERNETES
    platform_version: str | None = None
    region: str | None = None
    environment: Environment = Environment.PRODUCTION
    labels: dict[str, str] = {}
    endpoints: Endpoints = Endpoints()


class ClusterCreate(ClusterFields, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A new cluster."""

    name: str


class ClusterReplace(ClusterFields, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A cluster's new description; its name, when given, must be the one that it has."""

    name: str | UnsetType = UNSET


class Cluster(Struct, frozen=True, kw_only=True):
    """A registered cluster."""

    id: UUID
    name: str
    display_name: str
    api_server_url: str | None
    cluster_type: ClusterType
    platform: Platform
    platform_version: str | None
    region: str | None
    environment: Environment
    labels: dict[str, str]
    status: Status
    capabilities: dict[str, Any] | None
    endpoints: Endpoints
    created_at: datetime
    updated_at: datetime
    last_seen_at: datetime | None
    version: int


class Webhook(Struct, frozen=True):
    """Where the cluster's Alertmanager sends its alerts, and the token that it shows; told once."""

    url: str
    token: str


class RegisteredCluster(Cluster, frozen=True, kw_only=True):
    """The answer to a registration: the cluster, and what its Alertmanager needs."""

    webhook: Webhook


class HistoryItem(Struct, frozen=True):
    """One line of a cluster's health history."""

    observed_at: datetime
    kind: str
    state: State
    health_score: int | None
    reason: str
    checks: dict[str, bool | None]


def check_name(name: str) -> None:
    """Raise InvalidClusterName unless the name is a DNS label of 3 to 63 characters."""
    if not NAME.match(name):
        raise InvalidClusterName(
            f"{name[:80]!r} is not a cluster name: 3 to 63 lower-case letters, digits and dashes, "
            "beginning and ending with a letter or digit"
        )


def check_fields(fields: ClusterFields, policy: AddressPolicy) -> None:
    """Raise InvalidRequest for what types alone do not tell."""
    for what, text in (("display_name", fields.display_name), ("region", fields.region)):
        if text is not None and len(text) > MAX_DISPLAY_NAME:
            raise InvalidRequest(f"{what}: at most {MAX_DISPLAY_NAME} characters")
    if len(fields.platform_version or "") > MAX_TEXT:
        raise InvalidRequest(f"platform_version: at most {MAX_TEXT} characters")
    if len(fields.labels) > MAX_LABELS or any(
        not key or len(key) > MAX_TEXT or len(value) > MAX_TEXT for key, value in fields.labels.items()
    ):
        raise InvalidRequest(f"labels: at most {MAX_LABELS}, keys and values at most {MAX_TEXT} characters")
    if unknown := fields.endpoints.options.keys() - set(ENDPOINT_KINDS):
        raise InvalidRequest(
            f"endpoints.options: {sorted(unknown)[0]!r} is none of {', '.join(ENDPOINT_KINDS)}"
        )
    if fields.api_server_url is not None:
        _check_url("api_server_url", fields.api_server_url, ("https",), policy)
    for kind in ENDPOINT_KINDS:
        if (url := fields.endpoints.url(kind)) is not None:
            _check_url(f"endpoints.{kind}_url", url, ("http", "https"), policy)


def _check_url(what: str, url: str, schemes: tuple[str, ...], policy: AddressPolicy) -> None:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise InvalidRequest(f"{what}: not a URL: {error}") from error
    if len(url) > MAX_URL or parts.scheme not in schemes or not host or not url.isprintable() or " " in url:
        raise InvalidRequest(
            f"{what}: must be a URL that begins with {' or '.join(f'{s}://' for s in schemes)}"
        )
    if parts.username is not None or parts.password is not None:
        raise InvalidRequest(f"{what}: must not carry credentials; store them with the cluster's credentials")
    if parts.query or parts.fragment:
        raise InvalidRequest(f"{what}: must not carry a query or a fragment")
    if (reason := policy.literal_refusal(host)) is not None:
        raise InvalidRequest(
            f"{what}: {host} is {reason}, which is refused; AIOPS_REGISTRY_ALLOW_LOOPBACK_TARGETS=true allows loopback"
        )
