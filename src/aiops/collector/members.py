"""Who is asked, and with what: targets come from the registry, each with its own credential and no other.

A credential is kept until the registry says that there is a newer one; it never leaves this process but to its own
cluster's endpoint.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from aiops.collector.backends.prometheus import Member
from aiops.collector.fanout import MemberFailed
from aiops.core.errors import ClusterNotFound
from aiops.core.identity import Scope
from aiops.ports.registry import Credential, CredentialQuery, Registry, Target, TargetQuery

# Above it the cache starts anew: removed clusters must not stay for ever.
MAX_KEPT: Final = 5_000


class Members:
    """The fleet as the collector asks it."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._credentials: dict[UUID, Credential] = {}

    async def targets(self, scope: Scope, cluster_ids: tuple[UUID, ...]) -> tuple[Target, ...]:
        """Every cluster inside the scope, or those named.

        Raises:
            ClusterNotFound: a named one does not exist or lies outside the scope.
            ServiceUnavailable: the registry is away; never an empty answer instead.

        """
        return (await self._registry.targets(TargetQuery(scope, cluster_ids))).targets

    async def named(self, scope: Scope, clusters: Sequence[str]) -> tuple[UUID, ...]:
        """The ids of clusters that were given by name or id.

        Raises:
            ClusterNotFound: one does not exist or lies outside the scope.
            ServiceUnavailable: the registry is away.

        """
        if not clusters:
            return ()
        known: dict[str, UUID] = {}
        for target in await self.targets(scope, ()):
            known[str(target.cluster_id)] = target.cluster_id
            known[target.cluster_name] = target.cluster_id
        unknown = [given for given in clusters if given.lower() not in known]
        if unknown:
            raise ClusterNotFound(f"there is no cluster {unknown[0][:80]!r}")
        return tuple(dict.fromkeys(known[given.lower()] for given in clusters))

    async def metrics(self, target: Target) -> Member:
        """The cluster's metrics endpoint, with its token.

        Raises:
            MemberFailed: it has none.

        """
        if target.metrics is None:
            raise MemberFailed("no metrics endpoint configured")
        bearer = (await self._credential(target)).prometheus_token if target.credential_version else None
        return Member(target.cluster_name, target.metrics, bearer)

    async def _credential(self, target: Target) -> Credential:
        known = self._credentials.get(target.cluster_id)
        if known is None or known.version < target.credential_version:
            try:
                known = await self._registry.credential(CredentialQuery(target.cluster_id))
            except ClusterNotFound as error:
                raise MemberFailed("it was removed while it was being asked") from error
            if len(self._credentials) >= MAX_KEPT:
                self._credentials.clear()
            self._credentials[target.cluster_id] = known
        return known
