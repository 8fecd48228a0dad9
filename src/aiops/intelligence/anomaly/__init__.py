"""Anomaly detection over time series."""
