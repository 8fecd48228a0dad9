"""What an operator sees of the collector on `/metrics`. Sums per cluster, no buckets: there may be a thousand."""

from prometheus_client import CollectorRegistry, Counter, Summary

from aiops.ports.collector import ClusterStatus


class Meters:
    """Made once a process, handed to what measures."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._member_seconds = Summary(
            "collector_member_seconds", "Time in which a cluster answered.", ["cluster"], registry=registry
        )
        self._member_failures = Counter(
            "collector_member_failures_total",
            "Questions that a cluster did not answer wholly.",
            ["cluster", "status"],
            registry=registry,
        )
        self._webhooks = Counter(
            "collector_alert_webhooks_total",
            "Alertmanager notifications, by result.",
            ["result"],
            registry=registry,
        )
        self._alerts = Counter(
            "collector_alerts_received_total",
            "Alerts in notifications, by what they changed.",
            ["change"],
            registry=registry,
        )

    def asked(self, cluster: str, status: ClusterStatus, seconds: float) -> None:
        """One cluster took part in a federated read."""
        self._member_seconds.labels(cluster).observe(seconds)
        if status is not ClusterStatus.SUCCESS:
            self._member_failures.labels(cluster, status.value).inc()

    def webhook(self, result: str) -> None:
        """One notification came in."""
        self._webhooks.labels(result).inc()

    def alerts(self, change: str, count: int) -> None:
        """So many alerts of a notification changed like that."""
        self._alerts.labels(change).inc(count)
