"""What the gate itself says and hears on a socket, as the public contract has it."""

from datetime import datetime
from typing import Final

import msgspec
from msgspec import Struct

UNAUTHENTICATED: Final = 4401
NOT_UNDERSTOOD: Final = 4400
TRY_AGAIN_LATER: Final = 1013
BROKEN: Final = 1011


class Auth(Struct, frozen=True, tag_field="type", tag="auth"):
    """The first message of a client that could send no header."""

    token: str

    def __repr__(self) -> str:
        return "Auth(...)"


class AuthResponse(Struct, frozen=True, tag_field="type", tag="auth_response", omit_defaults=True):
    """Whether the caller is let in."""

    success: bool
    subject: str | None = None
    expires_at: datetime | None = None
    code: str | None = None
    message: str | None = None


class Error(Struct, frozen=True, tag_field="type", tag="error"):
    """Something went wrong."""

    code: str
    message: str


class Disconnect(Struct, frozen=True, tag_field="type", tag="disconnect"):
    """The socket is about to be closed; come back after this long."""

    reason: str
    reconnect_after_ms: int


def text(message: Struct) -> str:
    """The message as the text of a frame."""
    return msgspec.json.encode(message).decode()
