"""What other modules may ask the registry."""

from typing import Protocol
from uuid import UUID

from msgspec import Struct

from aiops.core.identity import Scope


class EndpointTls(Struct, frozen=True):
    """How one endpoint's certificate is judged. `ca` is PEM text; nothing given means the system's roots."""

    ca: str | None = None
    server_name: str | None = None
    insecure: bool = False


class Endpoint(Struct, frozen=True):
    """One telemetry endpoint of a cluster."""

    url: str
    tls: EndpointTls = EndpointTls()
    tenant: str | None = None


class Target(Struct, frozen=True):
    """A cluster as those see it who ask its telemetry.

    `metrics` is the Thanos endpoint where there is one, else Prometheus. `credential_version` changes whenever the
    credentials do; 0 means that none are stored.
    """

    cluster_id: UUID
    cluster_name: str
    labels: dict[str, str]
    metrics: Endpoint | None
    alertmanager: Endpoint | None
    credential_version: int = 0


class TargetQuery(Struct, frozen=True):
    """All clusters inside `scope`, or those of them that `cluster_ids` names."""

    scope: Scope
    cluster_ids: tuple[UUID, ...] = ()


class Targets(Struct, frozen=True):
    """The answer to `TargetQuery`, ordered by name; never cut at a page."""

    targets: tuple[Target, ...]


class CredentialQuery(Struct, frozen=True):
    """Asks for one cluster's secrets for one purpose."""

    cluster_id: UUID


class Credential(Struct, frozen=True):
    """A cluster's bearer tokens, per endpoint. Never logged: its repr hides them."""

    version: int
    prometheus_token: str | None = None
    alertmanager_token: str | None = None

    def __repr__(self) -> str:
        return f"Credential(version={self.version}, ...)"


class WebhookCall(Struct, frozen=True):
    """An Alertmanager that claims to belong to a cluster."""

    cluster_id: UUID
    token: str

    def __repr__(self) -> str:
        return f"WebhookCall(cluster_id={self.cluster_id}, ...)"


class WebhookSource(Struct, frozen=True):
    """The cluster behind a webhook call whose token was right."""

    cluster_id: UUID
    cluster_name: str


class Registry(Protocol):
    """The registry's port. Each method takes one struct and returns one, so that it can travel over HTTP."""

    async def targets(self, request: TargetQuery) -> Targets:
        """The clusters to ask.

        Raises:
            ClusterNotFound: a named cluster does not exist or lies outside the scope.

        """
        ...

    async def credential(self, request: CredentialQuery) -> Credential:
        """The secrets of one cluster; version 0 and no tokens where none are stored.

        Raises:
            ClusterNotFound: there is no such cluster.

        """
        ...

    async def webhook(self, request: WebhookCall) -> WebhookSource:
        """Who calls.

        Raises:
            AuthFailed: the cluster is unknown or the token is not its own.

        """
        ...
