"""What an operator sees of the sockets of one replica."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class SocketMetrics:
    """The contract's `ws_*` metrics."""

    def __init__(self, metrics: CollectorRegistry) -> None:
        self.opened = Counter("ws_connections", "Sockets ever opened.", registry=metrics)
        self.active = Gauge("ws_connections_active", "Open sockets.", registry=metrics)
        self.sent = Counter("ws_messages_sent", "Messages sent.", registry=metrics)
        self.received = Counter("ws_messages_received", "Messages received.", registry=metrics)
        self.routed = Counter("ws_events_routed", "Events put into the ring.", ["event_type"], registry=metrics)
        self.dropped = Counter("ws_events_dropped", "Events that left the ring unread.", registry=metrics)
        self.subscriptions = Gauge("ws_subscription_count", "Sockets with a subscription.", registry=metrics)
        self.latency = Histogram(
            "ws_message_latency_seconds", "From an event's timestamp to its sending.", registry=metrics
        )
