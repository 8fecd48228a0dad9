"""Messages for tests."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import msgspec

from aiops.core.message import Message


def a_message(number: int = 0, *, cluster_id: UUID | None = None) -> Message:
    return Message(
        event_id=uuid4(),
        event_type="CLUSTER_UPDATED",
        source="test",
        cluster_id=cluster_id,
        timestamp=datetime.now(UTC),
        payload=msgspec.Raw(msgspec.json.encode({"number": number})),
    )


def number_of(message: Message) -> int:
    return int(msgspec.json.decode(message.payload)["number"])
