"""A cluster as the contract shows it, and what a caller may send to describe one."""

import re
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from cryptography import x509
from msgspec import UNSET, Struct, UnsetType, field

from aiops.core.errors import InvalidClusterName, InvalidRequest
from aiops.core.http import AddressPolicy, AddressRefused, parse_target
from aiops.ports.registry import EndpointTls

NAME: Final = re.compile(r"^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$")
MAX_URL: Final = 2048
MAX_CA: Final = 128 * 1024
MAX_LABELS: Final = 64
MAX_TEXT: Final = 256
MAX_DISPLAY_NAME: Final = 128
ENDPOINT_KINDS: Final = ("prometheus", "thanos", "tempo", "loki", "alertmanager")
OPTION_KINDS: Final = (*ENDPOINT_KINDS, "api_server")


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


class ConditionStatus(StrEnum):
    """Whether a condition holds."""

    TRUE = "TRUE"
    FALSE = "FALSE"
    UNKNOWN = "UNKNOWN"


class ConditionType(StrEnum):
    """A cluster's conditions, in the order in which they are shown."""

    ACCEPTED = "Accepted"
    CREDENTIALS_VALID = "CredentialsValid"
    API_REACHABLE = "APIReachable"
    AVAILABLE = "Available"
    CLOCK_SYNCED = "ClockSynced"
    METRICS_REACHABLE = "MetricsReachable"
    LOGS_REACHABLE = "LogsReachable"
    TRACES_REACHABLE = "TracesReachable"
    ALERTS_REACHABLE = "AlertsReachable"
    CAPABILITIES_DISCOVERED = "CapabilitiesDiscovered"


class Condition(Struct, frozen=True):
    """One aspect of a cluster, in Kubernetes' shape."""

    type: ConditionType
    status: ConditionStatus
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


class StrictTls(EndpointTls, frozen=True, forbid_unknown_fields=True):
    """The port's struct as a caller sends it: a misspelt field is an error, not a default."""


class EndpointOptions(Struct, frozen=True, forbid_unknown_fields=True):
    """What asking one endpoint needs beside its URL. `tenant` is sent as X-Scope-OrgID."""

    tls: StrictTls = StrictTls()
    tenant: str | None = None


class Endpoints(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A cluster's telemetry. `options` is keyed by kind: prometheus, thanos, tempo, loki, alertmanager, api_server."""

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
    # A factory: the OpenAPI generator hashes plain defaults, and this one holds a dict.
    endpoints: Endpoints = field(default_factory=Endpoints)


class AuthType(StrEnum):
    """How the hub signs in to the cluster."""

    KUBECONFIG = "KUBECONFIG"
    SERVICE_ACCOUNT = "SERVICE_ACCOUNT"
    OIDC = "OIDC"


class CredentialState(StrEnum):
    """What the endpoints said of the credentials when they were stored."""

    VALID = "VALID"  # at least one endpoint took them, none refused
    INVALID = "INVALID"  # an endpoint refused them
    UNVERIFIED = "UNVERIFIED"  # nobody could be asked


class CredentialsIn(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a person sends; every field but `auth_type` and `ca` is a secret."""

    auth_type: AuthType
    kubeconfig: str | None = None
    token: str | None = None
    ca: str | None = None
    prometheus_token: str | None = None
    tempo_token: str | None = None
    loki_token: str | None = None
    alertmanager_token: str | None = None

    def __repr__(self) -> str:
        return f"CredentialsIn({self.auth_type})"


class CredentialsStored(Struct, frozen=True, kw_only=True):
    """What may be told of stored credentials. `validation` is success, failed:<why> or skipped by destination."""

    status: CredentialState
    auth_type: AuthType
    version: int
    stored: tuple[str, ...]
    validation: dict[str, str]
    expires_at: datetime | None


class ClusterCreate(ClusterFields, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A new cluster, with its credentials where they are known."""

    name: str
    credentials: CredentialsIn | None = None


class ClusterReplace(ClusterFields, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A cluster's new description; its name, when given, must be the one that it has."""

    name: str | UnsetType = UNSET


class Cluster(Struct, frozen=True, kw_only=True):
    """A registered cluster. `credentials` tells of them, never what they are; null when none are stored."""

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
    credentials: CredentialsStored | None
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
    """One line of a cluster's health history. `checks` counts: `{"prometheus": {"passed": 9, "failed": 1}}`."""

    observed_at: datetime
    kind: str
    state: State
    health_score: int | None
    reason: str
    checks: dict[str, dict[str, int]]


def check_name(name: str) -> None:
    """Raise InvalidClusterName unless the name is a DNS label of 3 to 63 characters."""
    if not NAME.fullmatch(name):
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
        not key or "=" in key or len(key) > MAX_TEXT or len(value) > MAX_TEXT for key, value in fields.labels.items()
    ):
        raise InvalidRequest(
            f"labels: at most {MAX_LABELS}, keys and values at most {MAX_TEXT} characters, no '=' in a key"
        )
    for kind, options in fields.endpoints.options.items():
        _check_options(f"endpoints.options.{kind}", options)
    if unknown := fields.endpoints.options.keys() - set(OPTION_KINDS):
        raise InvalidRequest(f"endpoints.options: {min(unknown)!r} is none of {', '.join(OPTION_KINDS)}")
    if fields.api_server_url is not None:
        _check_url("api_server_url", fields.api_server_url, ("https",), policy)
    for kind in ENDPOINT_KINDS:
        if (url := fields.endpoints.url(kind)) is not None:
            _check_url(f"endpoints.{kind}_url", url, ("http", "https"), policy)


def _check_options(what: str, options: EndpointOptions) -> None:
    if (tenant := options.tenant) is not None and not (
        tenant and len(tenant) <= MAX_TEXT and tenant.isascii() and tenant.isprintable()
    ):
        raise InvalidRequest(f"{what}.tenant: 1 to {MAX_TEXT} printable ASCII characters")
    if len(options.tls.server_name or "") > MAX_TEXT:
        raise InvalidRequest(f"{what}.tls.server_name: at most {MAX_TEXT} characters")
    if options.tls.ca is not None:
        try:
            x509.load_pem_x509_certificates(options.tls.ca[:MAX_CA].encode())
        except ValueError as error:
            raise InvalidRequest(f"{what}.tls.ca: not PEM certificates of at most {MAX_CA // 1024} KiB") from error


def _check_url(what: str, url: str, schemes: tuple[str, ...], policy: AddressPolicy) -> None:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise InvalidRequest(f"{what}: not a URL: {error}") from error
    if len(url) > MAX_URL or parts.scheme not in schemes or not host or not url.isprintable() or " " in url:
        raise InvalidRequest(f"{what}: must be a URL that begins with {' or '.join(f'{s}://' for s in schemes)}")
    if parts.username is not None or parts.password is not None:
        raise InvalidRequest(f"{what}: must not carry credentials; store them with the cluster's credentials")
    if parts.query or parts.fragment:
        raise InvalidRequest(f"{what}: must not carry a query or a fragment")
    try:
        policy.check(parse_target(url))
    except AddressRefused as error:
        raise InvalidRequest(
            f"{what}: {error.message}; AIOPS_REGISTRY_ALLOW_LOOPBACK_TARGETS=true allows loopback"
        ) from error
