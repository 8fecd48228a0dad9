"""How the parameters of a Prometheus client are read: as Prometheus reads them, or refused with their name."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from aiops.collector.form import Form
from aiops.core.errors import InvalidRequest
from aiops.ports.collector import Mode

FORM = "application/x-www-form-urlencoded; charset=utf-8"


def form(**parameters: str) -> Form:
    return Form(urlencode(parameters).encode())


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1767225600", 1767225600.0),
        ("1767225600.5", 1767225600.5),
        ("1.7672256e9", 1767225600.0),
        ("-1", -1.0),
        ("2026-01-01T00:00:00Z", 1767225600.0),
        ("2026-01-01t01:00:00.250+01:00", 1767225600.25),
        ("2026-01-01T00:00:00.123456789Z", 1767225600.123456),
    ],
)
def test_times_are_seconds_or_rfc_3339(text: str, seconds: float) -> None:
    found = form(time=text).time("time")

    assert found is not None
    assert found.timestamp() == seconds


@pytest.mark.parametrize(("text", "year"), [("-62135596800001", 1), ("9223372036854775.807", 9999), ("-1e30", 1)])
def test_a_window_may_reach_beyond_all_times(text: str, year: int) -> None:
    found = form(start=text).bound("start")

    assert found is not None
    assert found.year == year


@pytest.mark.parametrize(("text", "seconds"), [("15", 15), ("0.5", 0.5), ("1m30s", 90), ("1e1", 10), ("100ms", 0.1)])
def test_a_step_is_seconds_or_a_duration(text: str, seconds: float) -> None:
    assert form(step=text).step_s() == seconds


@pytest.mark.parametrize(("text", "seconds"), [("2h", 300), ("7", 7), ("", 30), ("300ms", 0.3), ("1e10", 300)])
def test_a_timeout_is_bounded(text: str, seconds: float) -> None:
    assert form(timeout=text).timeout_s() == seconds


@pytest.mark.parametrize(
    ("name", "text", "read"),
    [
        *(("time", text, lambda found: found.time("time")) for text in ("now", "NaN", "Inf", "1_0", "1e99", "٣")),
        ("time", "2026-13-01T00:00:00Z", lambda found: found.time("time")),
        ("time", "2026-01-01T00:00:00", lambda found: found.time("time")),
        ("time", "0001-01-01T00:00:00+14:00", lambda found: found.time("time")),
        *(("step", text, Form.step_s) for text in ("", "0", "-5", "5 parsecs", "NaN", "1e99")),
        *(("timeout", text, Form.timeout_s) for text in ("0", "-1", "soon", "Inf")),
        *(("limit", text, Form.limit) for text in ("-1", "1.5", "many", "9999999999")),
        ("partial", "maybe", Form.deny_partial),
        ("mode", "sideways", Form.mode),
        ("start", "", lambda found: found.required_time("start")),
        ("query", "", lambda found: found.required("query")),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_name(name: str, text: str, read: Callable[[Form], Any]) -> None:
    with pytest.raises(InvalidRequest, match=f'invalid parameter "{name}"'):
        read(form(**{name: text}))


def test_a_form_comes_before_the_address() -> None:
    found = Form(b"query=a&time=5&match[]=x", FORM, b"query=b%2B&match[]=y&match[]=z")

    assert (found.text("query"), found.text("time")) == ("b+", "5")
    assert found.texts("match[]") == ("y", "z", "x")


def test_a_body_that_is_no_form_is_nobodys_parameters() -> None:
    assert Form(b"", "application/json", b'{"query":"up"}').text("query") is None


@pytest.mark.parametrize("raw", [b"a=%ff", b"a=%00", b"%00=a", "a=é".encode("latin-1")])
def test_what_is_no_text_is_refused(raw: bytes) -> None:
    for given in ((raw,), (b"", FORM, raw)):
        with pytest.raises(InvalidRequest):
            Form(*given)


def test_a_flood_of_parameters_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="more than"):
        Form(b"a=1&" * 20_000)


def test_what_is_not_given_is_left_to_the_hub() -> None:
    empty = Form(b"")

    assert (empty.time("time"), empty.limit(), empty.mode(), empty.clusters()) == (None, None, None, ())
    assert empty.deny_partial() is False
    assert form(limit="0").limit() is None


def test_clusters_are_repeated_or_listed() -> None:
    assert Form(b"clusters=a,%20b&clusters=c&clusters=a").clusters() == ("a", "b", "c")
    assert form(mode="per_cluster").mode() is Mode.PER_CLUSTER
