"""AIOps NextGen: a hub for a fleet of OpenShift and Kubernetes clusters."""

__version__ = "0.1.0"
