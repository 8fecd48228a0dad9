"""Federated questions to every cluster's own telemetry, and the fleet's alerts."""
