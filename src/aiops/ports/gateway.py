"""What the edge of the product may ask of whoever knows tokens."""

from typing import Protocol

from aiops.core.identity import Identity


class Authenticator(Protocol):
    """Turns what a caller presents into an identity."""

    async def bearer(self, token: str) -> Identity:
        """The identity behind a token.

        Raises:
            AuthFailed: unknown, malformed or revoked.
            AuthExpired: past its time.

        """
        ...
