"""An alert as the contract shows it, and what its labels mean to us."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID, uuid5

from msgspec import Struct

_FNV_OFFSET: Final = 0xCBF29CE484222325
_FNV_PRIME: Final = 0x100000001B3
_SEPARATOR: Final = b"\xff"


class AlertState(StrEnum):
    """Where an alert stands."""

    FIRING = "FIRING"
    RESOLVED = "RESOLVED"
    PENDING = "PENDING"


class Severity(StrEnum):
    """The contract's severities, worst first."""

    CRITICAL = "CRITICAL"
    WARNING = "WARNING"
    INFO = "INFO"


class Alert(Struct, frozen=True, kw_only=True):
    """One alert of one cluster. `name` repeats `alertname`, for older clients.

    A notification says nothing of acknowledgement, silences and inhibition: null is "not measured".
    """

    id: UUID
    fingerprint: str
    cluster_id: UUID
    cluster_name: str
    alertname: str
    name: str
    message: str
    severity: Severity
    state: AlertState
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: datetime
    ends_at: datetime | None
    generator_url: str | None
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None
    silenced_by: list[str] | None = None
    inhibited_by: list[str] | None = None


def alert_id(cluster_id: UUID, fingerprint: str) -> UUID:
    """The stable id: UUIDv5 (RFC 9562) of the fingerprint in the cluster's name space."""
    return uuid5(cluster_id, fingerprint)


def severity_of(labels: Mapping[str, str]) -> Severity:
    """What `severity` says; any other text counts as INFO and stays in the labels."""
    try:
        return Severity(labels.get("severity", "").strip().upper())
    except ValueError:
        return Severity.INFO


def message_of(labels: Mapping[str, str], annotations: Mapping[str, str]) -> str:
    """The summary, else the description, else the name."""
    return annotations.get("summary") or annotations.get("description") or alertname_of(labels)


def alertname_of(labels: Mapping[str, str]) -> str:
    """The alert's name; rules cannot be without one, hand-made alerts can."""
    return labels.get("alertname") or "unnamed"


def fingerprint_of(labels: Mapping[str, str]) -> str:
    """Alertmanager's fingerprint: FNV-1a 64 over sorted names and values, each closed by 0xFF.

    Source: prometheus/common, model/fingerprinting.go and model/signature.go.
    """
    value = _FNV_OFFSET
    for name in sorted(labels):
        for byte in name.encode() + _SEPARATOR + labels[name].encode() + _SEPARATOR:
            value = ((value ^ byte) * _FNV_PRIME) & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"
