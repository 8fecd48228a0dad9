"""Alerts of the whole fleet: taken in from each cluster's Alertmanager, kept, listed."""
