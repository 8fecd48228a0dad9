"""What limitk may choose: any series of a group, but as many as Prometheus, and with their own values."""

from typing import Any, cast

import pytest

from tests.oracle.answers import Answer, Case
from tests.oracle.limited import limited
from tests.servers.generations import Past


class Offering:
    """A server whose every answer is these four series."""

    def ask(self, path: str, parameters: dict[str, str]) -> dict[str, Any]:  # noqa: ARG002 - whatever is asked
        rows = [
            {"metric": {"job": job, "instance": instance}, "values": [[1, value]]}
            for job, instance, value in (("a", "1", "1"), ("a", "2", "2"), ("b", "1", "3"), ("b", "2", "4"))
        ]
        return {"status": "success", "data": {"resultType": "matrix", "result": rows}}


def chosen(*series: tuple[str, str, float]) -> Answer:
    rows = tuple(((("instance", instance), ("job", job)), {1000: value}) for job, instance, value in series)
    return Answer("matrix", rows)


PROMETHEUS = chosen(("a", "1", 1.0), ("b", "2", 4.0))


def judged(got: Answer, query: str = "limitk by (job) (1, sum by (job, instance) (x))") -> bool:
    return limited(cast("Past", Offering()), Case(query, 1000, 1000, 1000), PROMETHEUS, got)


def test_other_series_of_the_same_groups_will_do() -> None:
    assert judged(chosen(("a", "2", 2.0), ("b", "1", 3.0)))


@pytest.mark.parametrize(
    "got",
    [
        chosen(("a", "2", 2.0)),
        chosen(("a", "1", 1.0), ("a", "2", 2.0)),
        chosen(("a", "2", 2.5), ("b", "1", 3.0)),
        chosen(("a", "3", 2.0), ("b", "1", 3.0)),
    ],
    ids=["too few", "of another group", "another value", "one that is not there"],
)
def test_anything_else_is_wrong(got: Answer) -> None:
    assert not judged(got)


@pytest.mark.parametrize("query", ["limitk by (job) (1, x)", "topk by (job) (1, sum by (job, instance) (x))"])
def test_a_selector_has_an_order_and_others_choose_by_value(query: str) -> None:
    assert not judged(chosen(("a", "2", 2.0), ("b", "1", 3.0)), query)
