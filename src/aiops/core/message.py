"""One event as the outbox stores it and the bus carries it. It knows nothing of what a payload means."""

from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct


class Message(Struct, frozen=True):
    """An event on its way. `payload` is the raw text of one JSON object; `timestamp` is aware UTC."""

    event_id: UUID
    event_type: str
    source: str
    cluster_id: UUID | None
    timestamp: datetime
    payload: msgspec.Raw


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Message)


def encode(message: Message) -> bytes:
    """The message as one JSON object, payload untouched."""
    return _encoder.encode(message)


def decode(data: bytes) -> Message:
    """The message inside; fields that a newer release added are ignored."""
    return _decoder.decode(data)
