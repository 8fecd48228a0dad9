"""Alertmanager notifications as tests send them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

T0 = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NEVER = "0001-01-01T00:00:00Z"


def at(minutes: float) -> str:
    """RFC 3339 of so many minutes after noon."""
    return (T0 + timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")


def alert(
    name: str = "Down",
    *,
    start: float = 0,
    end: float | None = None,
    fingerprint: str | None = None,
    annotations: dict[str, str] | None = None,
    **labels: str,
) -> dict[str, Any]:
    """One alert; resolved where it has an end."""
    return {
        "status": "firing" if end is None else "resolved",
        "labels": {"alertname": name, **labels},
        "annotations": annotations or {},
        "startsAt": at(start),
        "endsAt": NEVER if end is None else at(end),
        "generatorURL": "http://prometheus/graph",
        "fingerprint": f"f-{name.lower()}" if fingerprint is None else fingerprint,
    }


def notification(*alerts: dict[str, Any], **more: Any) -> bytes:
    """A webhook body, version 4."""
    body = {
        "version": "4",
        "groupKey": "{}:{}",
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "hub",
        "groupLabels": {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager",
        "alerts": list(alerts),
        **more,
    }
    return json.dumps(body).encode()
