"""The ring answers like a plain list that forgets its oldest, whatever is added, dropped and asked."""

from dataclasses import dataclass, field
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from aiops.streaming.ring import Entry, Ring

TYPES = ("ALERT_FIRED", "ALERT_RESOLVED", "CLUSTER_UPDATED")
CLUSTERS = (UUID(int=1), UUID(int=2), None)


def entry(number: int, event_type: str = TYPES[0], cluster_id: UUID | None = None, size: int = 1) -> Entry:
    return Entry(
        order=(number, 0),
        offset=f"{number}-0",
        event_type=event_type,
        cluster_id=cluster_id,
        namespace=None,
        at=0.0,
        text=str(number),
        size=size,
    )


def ring(*, max_events: int = 1000, max_bytes: int = 1_000_000) -> Ring:
    return Ring("epoch", "0-0", floor=(0, 0), max_events=max_events, max_bytes=max_bytes)


def numbers(found: list[Entry]) -> list[int]:
    return [int(one.text) for one in found]


@dataclass
class Model:
    """The same by the shortest way."""

    max_events: int
    max_bytes: int
    kept: list[Entry] = field(default_factory=list)
    dropped: int = 0

    def add(self, one: Entry) -> None:
        self.kept.append(one)
        while len(self.kept) > self.max_events or (self.bytes > self.max_bytes and len(self.kept) > 1):
            self.kept.pop(0)
            self.dropped += 1

    @property
    def bytes(self) -> int:
        return sum(one.size for one in self.kept)

    def read(
        self, position: int, limit: int, types: frozenset[str] | None, clusters: frozenset[UUID] | None
    ) -> list[Entry]:
        later = self.kept[position - self.dropped :]
        wanted = [
            one
            for one in later
            if (types is None or one.event_type in types) and (clusters is None or one.cluster_id in clusters)
        ]
        return wanted[:limit]


added = st.lists(
    st.tuples(st.sampled_from(TYPES), st.sampled_from(CLUSTERS), st.integers(min_value=1, max_value=40)), max_size=80
)
some_types = st.none() | st.frozensets(st.sampled_from((*TYPES, "OTHER")))
some_clusters = st.none() | st.frozensets(st.sampled_from((UUID(int=1), UUID(int=2), UUID(int=3))))


@given(added, st.integers(1, 30), st.integers(1, 300), some_types, some_clusters, st.integers(1, 10), st.data())
def test_the_ring_equals_a_list_that_forgets_its_oldest(
    items: list[tuple[str, UUID | None, int]],
    max_events: int,
    max_bytes: int,
    types: frozenset[str] | None,
    clusters: frozenset[UUID] | None,
    limit: int,
    data: st.DataObject,
) -> None:
    tested, model = ring(max_events=max_events, max_bytes=max_bytes), Model(max_events, max_bytes)
    for number, (event_type, cluster_id, size) in enumerate(items, start=1):
        one = entry(number, event_type, cluster_id, size)
        tested.add(one)
        model.add(one)
    assert (len(tested), tested.bytes, tested.first) == (len(model.kept), model.bytes, model.dropped)

    position = data.draw(st.integers(tested.first, tested.next))
    read: list[int] = []
    at = position
    while True:
        found, at = tested.read(at, limit, types, clusters)
        read += numbers(found)
        if at == tested.next:
            break
    assert read == numbers(model.read(position, len(items), types, clusters))


def test_the_newest_stays_even_when_it_alone_is_over_the_bound() -> None:
    tested = ring(max_bytes=10)
    tested.add(entry(1))
    tested.add(entry(2, size=100))
    assert numbers(tested.read(tested.first, 10)[0]) == [2]


def test_it_covers_what_came_after_the_last_one_that_left() -> None:
    tested = ring(max_events=2)
    assert tested.covers((0, 0))
    for number in (10, 20, 30):
        tested.add(entry(number))
    assert tested.covers((10, 0))
    assert not tested.covers((9, 999))
    assert numbers(tested.read(tested.position_after((10, 0)), 10)[0]) == [20, 30]
    assert tested.offset_before(tested.first) == "10-0"


def test_one_that_was_read_too_late_is_whole_from_its_first_entry_on() -> None:
    tested = Ring("epoch", "5-0", floor=None, max_events=10, max_bytes=100)
    assert not tested.covers((7, 0))
    tested.add(entry(8))
    assert not tested.covers((6, 0))
    assert tested.covers((7, 2**64 - 1))


def test_a_position_stays_right_while_tens_of_thousands_pass_through() -> None:
    tested = ring(max_events=100)
    for number in range(1, 20_001):
        tested.add(entry(number, TYPES[number % 3]))
    assert (tested.first, tested.next) == (19_900, 20_000)
    assert numbers(tested.read(tested.position_after((19_990, 0)), 100, frozenset({TYPES[0]}))[0]) == [
        19_992,
        19_995,
        19_998,
    ]
