"""The messages of `/ws`: what a client may say, what the hub says. See the public contract, "Streaming"."""

from datetime import datetime
from typing import Final, Literal
from uuid import UUID

import msgspec
from msgspec import Raw, Struct

from aiops.core.errors import InvalidRequest

MAX_FILTERS: Final = 500


class Since(Struct, frozen=True):
    """Where a client stopped reading."""

    epoch: str
    offset: str


class Subscription(Struct, frozen=True):
    """What a client wants to hear; an empty list means everything."""

    event_types: frozenset[str] = frozenset()
    cluster_filter: frozenset[UUID] = frozenset()
    namespace_filter: frozenset[str] = frozenset()


class Subscribe(Struct, frozen=True, tag="subscribe"):
    """Begin, or replace what was subscribed to."""

    subscription: Subscription = Subscription()
    since: Since | None = None


class Unsubscribe(Struct, frozen=True, tag="unsubscribe"):
    """Hear no more of these types; none given means of all."""

    event_types: frozenset[str] = frozenset()


class Ping(Struct, frozen=True, tag="ping"):
    """A question whether the other side is there."""


class Pong(Struct, frozen=True, tag="pong"):
    """The answer to `ping`."""


ClientMessage = Subscribe | Unsubscribe | Ping | Pong
_decoder = msgspec.json.Decoder(ClientMessage)


class Subscribed(Struct, frozen=True, tag="subscribed"):
    """The answer to `subscribe`; what comes after `offset` follows. `recovered` is null without `since`.

    It also comes unasked, with `recovered: false`, when the stream itself may have lost events.
    """

    event_types: list[str]
    cluster_filter: list[UUID]
    epoch: str
    offset: str
    recovered: bool | None


class EventMessage(Struct, frozen=True, tag="event"):
    """One event."""

    event_id: UUID
    event_type: str
    cluster_id: UUID | None
    cluster_name: str | None
    timestamp: datetime
    epoch: str
    offset: str
    payload: Raw


class Dropped(Struct, frozen=True, tag="dropped"):
    """So many events, wanted or not, left the ring before this socket could take them."""

    count: int


class ErrorMessage(Struct, frozen=True, tag="error"):
    """What was wrong with the client's last message."""

    code: str
    message: str


class Disconnect(Struct, frozen=True, tag="disconnect"):
    """The hub is about to close the socket; come back after this long."""

    reason: Literal["shutting_down", "too_many_connections"]
    reconnect_after_ms: int


ServerMessage = Subscribed | EventMessage | Dropped | ErrorMessage | Disconnect | Pong
_encoder = msgspec.json.Encoder()


def encode(message: ServerMessage) -> bytes:
    """As JSON."""
    return _encoder.encode(message)


def parse(data: str | bytes) -> ClientMessage:
    """What a client said.

    Raises:
        InvalidRequest: it is not one of the client's messages.

    """
    try:
        message: ClientMessage = _decoder.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise InvalidRequest(f"not a message of this protocol: {str(error)[:200]}") from error
    if isinstance(message, Subscribe) and any(
        len(chosen) > MAX_FILTERS
        for chosen in (
            message.subscription.event_types,
            message.subscription.cluster_filter,
            message.subscription.namespace_filter,
        )
    ):
        raise InvalidRequest(f"a filter names at most {MAX_FILTERS} values")
    return message
