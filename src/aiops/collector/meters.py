"""What an operator sees of the collector on `/metrics`. Sums per cluster, no buckets: there may be a thousand."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Summary

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
        self._queries = Gauge(
            "collector_queries",
            "Queries under way, and those that wait because their caller has enough under way.",
            ["state"],
            registry=registry,
        )
        self._settled = Counter(
            "collector_settled_answers_total",
            "Questions to a cluster about a settled past, by whether the answer was kept.",
            ["result"],
            registry=registry,
        )
        self._settled_bytes = Gauge("collector_settled_answers_bytes", "What is kept of them.", registry=registry)
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

    def queries(self, state: str, change: int) -> None:
        """So many more queries are `running` or `waiting`."""
        self._queries.labels(state).inc(change)

    def looked_up(self, *, hit: bool) -> None:
        """An answer about a settled past was wanted."""
        self._settled.labels("hit" if hit else "miss").inc()

    def kept_bytes(self, total: int) -> None:
        """So much is kept of such answers."""
        self._settled_bytes.set(total)

    def webhook(self, result: str) -> None:
        """One notification came in."""
        self._webhooks.labels(result).inc()

    def alerts(self, change: str, count: int) -> None:
        """So many alerts of a notification changed like that."""
        self._alerts.labels(change).inc(count)
