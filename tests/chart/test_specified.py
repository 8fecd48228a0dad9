"""Each cell of the deployment specification is in the chart, or `deviations.toml` says why not."""

from collections.abc import Iterator

import pytest

from tests.chart import deviations, seed
from tests.chart.cells import compared
from tests.chart.specified import AREAS

pytestmark = pytest.mark.skipif(bool(seed.absent()), reason=seed.absent())


def every_cell() -> Iterator[tuple[str, str, str]]:
    if not seed.absent():
        for area, cells in AREAS.items():
            yield from ((area, name, value) for name, value in cells.wanted().items())


CELLS = list(every_cell())


@pytest.mark.parametrize(("area", "name", "value"), CELLS, ids=[name for _, name, _ in CELLS])
def test_the_chart_has_it_or_says_why_not(area: str, name: str, value: str) -> None:
    ours = AREAS[area].ours()[name]
    deviation = deviations.listed().get(name)
    if deviation is None:
        assert ours == value, f"{name} is in the specification; a difference needs an entry in deviations.toml"
    else:
        assert (deviation.seed, deviation.ours) == (value, ours), "the entry in deviations.toml is stale"
        assert ours != value, "there is no difference any more: take the entry out of deviations.toml"


def test_every_deviation_is_of_a_cell() -> None:
    assert sorted(deviations.listed().keys() - {name for _, name, _ in CELLS}) == []


def test_the_specification_is_read_whole() -> None:
    """A section that is written in another way would give no cells, and so nothing to compare."""
    counted = {area: sum(1 for found, _, _ in CELLS if found == area) for area in AREAS}
    assert {area: count for area, count in counted.items() if not count} == {}
    assert len(CELLS) > 300


def test_a_difference_is_seen() -> None:
    wanted = {
        "labels": {"a.b/c": "d"},
        "drop": ["ALL"],
        "ports": [{"name": "http", "port": 8080}],
        "peers": [{"from": "x"}],
    }
    ours = {
        "labels": {"a.b/c": "e"},
        "drop": [],
        "ports": [{"name": "http", "port": 80}],
        "peers": [{"from": "y"}, {"from": "x"}],
    }
    assert [row for row in compared(wanted, ours) if row[1] != row[2]] == [
        ("labels.a.b/c", "d", "e"),
        ("drop[ALL]", "ALL", "(absent)"),
        ("ports[http].port", "8080", "80"),
    ]
