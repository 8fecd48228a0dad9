"""The registry's port, asked over HTTP."""

from aiops.core.peer import Peer
from aiops.ports.registry import Credential, CredentialQuery, TargetQuery, Targets, WebhookCall, WebhookSource


class RegistryClient:
    """`ports.registry.Registry` in another process."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    async def targets(self, request: TargetQuery) -> Targets:
        """See the port."""
        return await self._peer.call("registry", "targets", request, Targets)

    async def credential(self, request: CredentialQuery) -> Credential:
        """See the port."""
        return await self._peer.call("registry", "credential", request, Credential)

    async def webhook(self, request: WebhookCall) -> WebhookSource:
        """See the port."""
        return await self._peer.call("registry", "webhook", request, WebhookSource)
