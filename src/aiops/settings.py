"""Every setting of the product: one frozen struct per area, read from the environment over an optional TOML file.

A field `registry.claim_margin_s` is the environment variable `AIOPS_REGISTRY_CLAIM_MARGIN_S` and the key
`claim_margin_s` of the table `[registry]`. The names that the deployment specification fixes (`DATABASE_URL`,
`REDIS_URL`, ...) are used literally; `_NAMES` lists them. Loading reports every mistake at once and never repeats a
secret's value. Settings start nothing and know no module.
"""

import tomllib
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, get_type_hints

import msgspec
from msgspec import Struct


class SettingsError(Exception):
    """One or more settings are wrong; the message lists all of them, one a line."""


class HttpSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Where this process listens, and how it is reached."""

    host: str = "127.0.0.1"  # loopback: being reachable from elsewhere is a decision
    port: int = 8080  # the seed's port
    public_url: str = ""  # feeds links and cookies; empty = what the request says
    max_body_bytes: int = 10 * 1024 * 1024  # the contract's 10 MiB
    insecure_http: bool = False  # plain HTTP beyond loopback, where a proxy in front speaks TLS


class DatabaseSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """PostgreSQL."""

    url: str = ""  # empty = embedded (only `aiops up` can)
    pool_size: int = 6  # connections per process; their sum at the most replicas stays below max_connections
    statement_timeout_s: float = 30.0  # no request waits longer than this for one statement


class RedisSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Redis or Valkey."""

    url: str = ""  # empty = embedded (only `aiops up` can)
    ca_file: str = ""  # PEM; what TLS servers are verified with; empty = the system's roots


class ProxySettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How what lies outside is reached, where not directly; the other roles and the stores are always reached so."""

    http: str = ""  # http://[user:password@]host:port for plain HTTP
    https: str = ""  # the same for HTTPS, which is tunnelled
    no_proxy: str = ""  # names, .domains, addresses and networks that are reached directly; * for all


class PeerSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the other roles answer. Needed for those that this process does not load itself."""

    registry_url: str = ""
    collector_url: str = ""
    intelligence_url: str = ""
    streaming_url: str = ""
    timeout_s: float = 10.0  # for one call of a port that carries no deadline of its own


class AuthSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Identity."""

    admin_token: str = ""  # accepted as an administrator's token; `aiops up` makes one at its first start
    internal_secret: str = ""  # signs the hop between roles; `new,old` while it is being rotated
    session_s: int = 12 * 3600  # a working day: the cookie's life when its token lives longer
    recheck_s: float = 60.0  # an open socket's identity is looked at again this often


class SecretSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Encryption of stored credentials."""

    key: str = ""  # base64, 32 bytes; `new,old` while it is being rotated; `aiops up` keeps one in its data dir


class RegistrySettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Clusters and their health."""

    allow_loopback_targets: bool = False  # a hub must not be talked into asking its own neighbours on loopback
    interval_scale: float = 1.0  # multiplies the contract's check intervals; tests and demonstrations shorten them
    claim_margin_s: float = 10.0  # a claim outlives its probe's timeout by this
    max_concurrent_checks: int = 50  # per replica; a probe is mostly waiting
    history_days: int = 7  # health history kept
    audit_days: int = 90  # the product's retention; one day at least, which the database enforces


class CollectorSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Federated queries and alerts."""

    cluster_label: str = "cluster"  # carries the cluster's name in every federated series
    max_concurrent_members: int = 64  # requests under way to all members together
    max_concurrent_per_member: int = 8  # and to any one of them
    max_concurrent_per_user: int = 20  # queries of one caller under way per replica; a dashboard opens about as many
    max_member_response_bytes: int = 64 * 1024 * 1024  # of one member's answer, decompressed
    max_points_per_series: int = 11_000  # Prometheus' own limit
    max_gathered_series: int = 50_000  # to be finished here: a hundred clusters with five hundred series each
    max_gathered_samples: int = 5_000_000  # to be finished here: 45 MB as arrays, a few times that while they are read
    max_settled_bytes: int = 64 * 1024 * 1024  # kept of answers about a past that no longer changes; 0 keeps none
    alert_history_days: int = 90  # the product's retention


class StreamingSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Live events."""

    max_sockets: int = 1000  # per replica, as the contract says
    ring_events: int = 10_000  # what a reconnecting client can catch up on
    ring_bytes: int = 32 * 1024 * 1024  # whichever is reached first
    ping_interval_s: float = 30.0
    ping_timeout_s: float = 10.0


class IntelligenceSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Detection."""

    max_series: int = 2_000  # of one analysed answer; above it the caller narrows the query
    query_timeout_s: float = 30.0  # for the range query behind an analysis


class LlmProvider(StrEnum):
    """Who answers as the language model."""

    NONE = "none"
    LOCAL = "local"
    ANTHROPIC = "anthropic"
    OPENAI = "openai"
    GOOGLE = "google"


class LlmSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """A language model."""

    provider: LlmProvider = LlmProvider.NONE  # all but language works without, and nothing leaves the site unasked
    local_url: str = ""  # base URL of an OpenAI-compatible API, as a rule with /v1; empty = a remote provider's own
    model: str = ""  # empty = the one that is served, where it is only one
    api_key: str = ""  # a local server may do without


class ObjectSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Files that outlive a request, such as reports."""

    url: str = ""  # s3://bucket/prefix or file:///folder; empty = a folder of the data dir under `aiops up`, else none
    endpoint: str = ""  # of an S3 that is not Amazon's, with its scheme
    region: str = "us-east-1"  # what stores that have no regions expect to be told
    access_key_id: str = ""
    secret_access_key: str = ""


class LogSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Logs, always on stderr."""

    level: str = "INFO"
    format: str = "json"  # json or console


class TelemetrySettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What the hub tells about itself."""

    otlp_endpoint: str = ""  # OTLP over HTTP; empty = no tracing
    metrics_token: str = ""  # what /metrics asks for; empty = nothing, where a network policy guards it


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """All of them."""

    http: HttpSettings = HttpSettings()
    database: DatabaseSettings = DatabaseSettings()
    redis: RedisSettings = RedisSettings()
    peers: PeerSettings = PeerSettings()
    proxy: ProxySettings = ProxySettings()
    auth: AuthSettings = AuthSettings()
    secrets: SecretSettings = SecretSettings()
    registry: RegistrySettings = RegistrySettings()
    collector: CollectorSettings = CollectorSettings()
    streaming: StreamingSettings = StreamingSettings()
    intelligence: IntelligenceSettings = IntelligenceSettings()
    llm: LlmSettings = LlmSettings()
    objects: ObjectSettings = ObjectSettings()
    log: LogSettings = LogSettings()
    telemetry: TelemetrySettings = TelemetrySettings()


# Names that the deployment specification fixes, and those that read better without their area.
_NAMES: Final[Mapping[tuple[str, str], str]] = {
    ("database", "url"): "DATABASE_URL",
    ("redis", "url"): "REDIS_URL",
    ("peers", "registry_url"): "CLUSTER_REGISTRY_URL",
    ("peers", "collector_url"): "OBSERVABILITY_COLLECTOR_URL",
    ("peers", "intelligence_url"): "INTELLIGENCE_ENGINE_URL",
    ("peers", "streaming_url"): "REALTIME_STREAMING_URL",
    ("proxy", "http"): "HTTP_PROXY",
    ("proxy", "https"): "HTTPS_PROXY",
    ("proxy", "no_proxy"): "NO_PROXY",
    ("auth", "admin_token"): "AIOPS_ADMIN_TOKEN",
    ("auth", "internal_secret"): "AIOPS_INTERNAL_SECRET",
    ("secrets", "key"): "AIOPS_SECRET_KEY",
    ("llm", "provider"): "LLM_PROVIDER",
    ("llm", "local_url"): "LLM_LOCAL_URL",
    ("llm", "model"): "LLM_MODEL",
    ("llm", "api_key"): "LLM_API_KEY",
    ("objects", "access_key_id"): "AWS_ACCESS_KEY_ID",
    ("objects", "secret_access_key"): "AWS_SECRET_ACCESS_KEY",
    ("log", "level"): "LOG_LEVEL",
    ("log", "format"): "LOG_FORMAT",
    ("telemetry", "otlp_endpoint"): "OTEL_EXPORTER_OTLP_ENDPOINT",
}
_NONE_MEANS_OFF: Final = frozenset({("collector", "max_settled_bytes")})
_POSITIVE: Final = ("_s", "_size", "_bytes", "_days", "_scale", "_events", "_sockets", "_series", "_samples")


def env_name(area: str, field: str) -> str:
    """The environment variable behind a field."""
    return _NAMES.get((area, field), f"AIOPS_{area}_{field}".upper())


def load(environ: Mapping[str, str], file: Path | None = None) -> Settings:
    """Settings from the environment over `file` (TOML).

    Raises:
        SettingsError: with one line for each mistake.

    """
    problems: list[str] = []
    tables = _read_file(file, problems)
    areas: dict[str, Any] = {}
    hints = get_type_hints(Settings)
    problems.extend(
        f"[{unknown}] in {file}: there is no such area; the areas are {', '.join(hints)}"
        for unknown in tables.keys() - hints.keys()
    )
    for area, struct in hints.items():
        values: dict[str, Any] = dict(tables.get(area, {}))
        for field in struct.__struct_fields__:
            name = env_name(area, field)
            # Of the proxies' names both spellings are common.
            if text := environ.get(name) or (environ.get(name.lower()) if area == "proxy" else ""):
                values[field] = text
        areas[area] = _build(area, struct, values, problems)
    if problems:
        raise SettingsError("\n".join(problems))
    return Settings(**areas)


def _read_file(file: Path | None, problems: list[str]) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        problems.append(f"{file}: {(isinstance(error, OSError) and error.strerror) or error}")
        return {}


def _build(area: str, struct: type[Struct], values: dict[str, Any], problems: list[str]) -> Struct | None:
    hints = get_type_hints(struct)
    good: dict[str, Any] = {}
    for field, value in values.items():
        name = f"{env_name(area, field)} ([{area}] {field})"
        if field not in hints:
            problems.append(f"[{area}] {field}: there is no such setting; there are {', '.join(hints)}")
            continue
        try:
            good[field] = msgspec.convert(value, hints[field], strict=False)
        except msgspec.ValidationError:
            problems.append(f"{name}: must be {_expected(hints[field])}")
            continue
        if hints[field] in (int, float) and field.endswith(_POSITIVE) and good[field] <= 0:
            if (area, field) not in _NONE_MEANS_OFF:
                problems.append(f"{name}: must be above 0")
            elif good[field] < 0:
                problems.append(f"{name}: must be 0, which means none, or more")
    return struct(**good)


def _expected(kind: type) -> str:
    return f"one of {', '.join(kind)}" if issubclass(kind, StrEnum) else kind.__name__
