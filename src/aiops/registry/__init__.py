"""Clusters, their credentials and health, and the fleet views over them."""
