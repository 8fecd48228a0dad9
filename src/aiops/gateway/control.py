"""Tells every gateway at once that a token was revoked or a session ended.

The control channel keeps nothing: who is away does not hear it. That is why it only shortens what the caches'
ten seconds and the sockets' recheck bring about anyway, and nothing depends on it.
"""

from collections.abc import Callable
from uuid import UUID

import msgspec
import structlog
from msgspec import Struct

from aiops.core.bus import CONTROL_CHANNEL, Bus
from aiops.core.errors import ServiceUnavailable

_log = structlog.get_logger("aiops.gateway.control")


class Ended(Struct, frozen=True, tag="ended", omit_defaults=True):
    """A credential that is good no more: a token's id, or a session's key."""

    credential_id: UUID | None = None
    session_key: str | None = None


Listener = Callable[[Ended], None]
_decoder = msgspec.json.Decoder(Ended)


class Control:
    """The channel as the gateway uses it. `run` is a supervised task."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        """Call the listener for everything that ends, here or elsewhere; it may hear it twice."""
        self._listeners.append(listener)

    async def end(self, ended: Ended) -> None:
        """Tell everybody, this process first."""
        self._tell(ended)
        try:
            await self._bus.announce(CONTROL_CHANNEL, msgspec.json.encode(ended))
        except ServiceUnavailable as error:
            _log.warning("other replicas notice a revocation only at their next check", reason=error.message)

    async def run(self) -> None:
        """Hear the other replicas."""
        async for data in self._bus.listen(CONTROL_CHANNEL):
            try:
                ended = _decoder.decode(data)
            except msgspec.DecodeError:
                continue  # somebody else's message, or a newer release's
            self._tell(ended)

    def _tell(self, ended: Ended) -> None:
        for listener in self._listeners:
            listener(ended)
