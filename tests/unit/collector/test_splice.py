"""The label goes into the bytes; what comes out decodes like decoding, adding the label and encoding again."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aiops.collector.splice import Malformed, splice, with_label
from aiops.ports.collector import ResultType

# A busy machine is slow; that says nothing about the law.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

HOSTILE = (
    '{"metric":{',
    '},"values":[',
    '},"value":[',
    '"]]}',
    '"]}',
    "\\",
    '\\"',
    "]},{",
    "\u2028",
    "naïve 🦙",
    "<&>",
)
texts = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=12))
names = st.one_of(
    st.sampled_from(
        ["__name__", "job", "cluster", "exported_cluster", "exported_exported_cluster", "metric", "values"]
    ),
    st.text(min_size=1, max_size=8),
)
metrics = st.dictionaries(names, texts, max_size=5)
samples = st.tuples(
    st.one_of(st.integers(0, 2**33), st.floats(0, 2e9, allow_nan=False).map(lambda t: round(t, 3))),
    st.sampled_from(["1", "NaN", "+Inf", "-Inf", "1e-300", "0.5"]),
).map(list)
histogram = {"count": "2", "sum": "3.5", "buckets": [[0, "1", "2", "2"]]}
histograms = st.tuples(st.integers(0, 2**33), st.just(histogram)).map(list)
matrix_rows = st.fixed_dictionaries(
    {"metric": metrics, "values": st.lists(samples, min_size=1, max_size=4)},
    optional={"histograms": st.lists(histograms, min_size=1, max_size=2)},
)
vector_rows = st.one_of(
    st.fixed_dictionaries({"metric": metrics, "value": samples}),
    st.fixed_dictionaries({"metric": metrics, "histogram": histograms}),
)
clusters = st.sampled_from(["east", "far-edge-1", 'odd"name\\', "größer"])
layouts = st.sampled_from(
    [
        {"separators": (",", ":")},
        {"separators": (",", ":"), "ensure_ascii": False},
        {},
        {"indent": 2},
        {"separators": (",", ":"), "sort_keys": True},
    ]
)


def body(result_type: str, result: Any, layout: dict[str, Any] | None = None, **more: Any) -> bytes:
    envelope = {"status": "success", "data": {"resultType": result_type, "result": result}, **more}
    return json.dumps(envelope, **({"separators": (",", ":")} if layout is None else layout)).encode()


def expected(row: dict[str, Any], cluster: str) -> dict[str, Any]:
    values = row.get("values", [row["value"]] if "value" in row else [])
    found = {"metric": with_label(row["metric"], "cluster", cluster), "values": values}
    if told := row.get("histograms", [row["histogram"]] if "histogram" in row else []):
        found["histograms"] = told
    return found


@unhurried
@given(st.lists(matrix_rows, max_size=4), clusters, layouts)
def test_a_matrix_is_what_decoding_would_make_of_it(
    rows: list[dict[str, Any]], cluster: str, layout: dict[str, Any]
) -> None:
    spliced = splice(body("matrix", rows, layout), "cluster", cluster)

    assert spliced.result_type is ResultType.MATRIX
    assert json.loads(bytes(spliced.data)) == [expected(row, cluster) for row in rows]


@unhurried
@given(st.lists(vector_rows, max_size=4), clusters, layouts)
def test_a_vector_becomes_rows_of_one_sample(rows: list[dict[str, Any]], cluster: str, layout: dict[str, Any]) -> None:
    spliced = splice(body("vector", rows, layout), "cluster", cluster)

    assert spliced.result_type is ResultType.VECTOR
    assert json.loads(bytes(spliced.data)) == [expected(row, cluster) for row in rows]


@unhurried
@given(metrics, clusters)
def test_no_label_is_lost_and_the_cluster_is_always_the_hubs(metric: dict[str, str], cluster: str) -> None:
    shown = with_label(metric, "cluster", cluster)

    assert shown["cluster"] == cluster
    assert sorted(shown.values()) == sorted([*metric.values(), cluster])


def test_samples_keep_their_very_bytes() -> None:
    data = (
        b'{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"b"},"values":[[1.50,"1E+02"]]}]}}'
    )

    assert bytes(splice(data, "cluster", "east").data) == (
        b'[{"metric":{"cluster":"east","a":"b"},"values":[[1.50,"1E+02"]]}]'
    )


@pytest.mark.parametrize(("kind", "sample"), [("scalar", [1.5, "42"]), ("string", [1.5, 'say "hi" {"metric":{'])])
def test_scalars_and_strings_become_one_row(kind: str, sample: list[Any]) -> None:
    spliced = splice(body(kind, sample), "cluster", "east")

    assert spliced.result_type == kind.upper()
    assert json.loads(bytes(spliced.data)) == [{"metric": {"cluster": "east"}, "values": [sample]}]


def test_a_member_cannot_pass_for_another_cluster_behind_an_escape() -> None:
    data = (
        b'{"status":"success","data":{"resultType":"vector","result":'
        b'[{"metric":{"clu\\u0073ter":"victim"},"value":[1,"1"]}]}}'
    )

    (row,) = json.loads(bytes(splice(data, "cluster", "east").data))
    assert row["metric"] == {"cluster": "east", "exported_cluster": "victim"}


def test_the_label_is_the_configured_one() -> None:
    spliced = splice(body("vector", [{"metric": {"cluster": "own"}, "value": [1, "1"]}]), "site", "east")

    assert json.loads(bytes(spliced.data))[0]["metric"] == {"site": "east", "cluster": "own"}


@pytest.mark.parametrize(
    ("more", "complete"),
    [
        ({}, True),
        ({"infos": ["PromQL info: metric might not be a counter"]}, True),
        ({"warnings": ["PromQL warning: quantile value should be between 0 and 1"]}, True),
        ({"warnings": ["PromQL warning: bad quantile", "6 more warning annotations omitted"]}, True),
        ({"warnings": ["store 10.0.0.1 is away"]}, False),
        ({"isPartial": True}, False),
    ],
)
def test_only_warnings_of_missing_data_make_it_incomplete(more: dict[str, Any], complete: bool) -> None:  # noqa: FBT001
    assert splice(body("vector", [], None, **more), "cluster", "east").complete is complete


GOOD = body("matrix", [{"metric": {"a": "b"}, "values": [[1, "1"]]}])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>sign in</html>",
        b"[]",
        b'{"status":"error"}',
        b'{"status":"success","data":{"resultType":"tensor","result":[]}}',
        b'{"status":"success","data":{"resultType":"matrix","result":{}}}',
        b'{"status":"success","data":{"resultType":"matrix","result":[1]}}',
        b'{"status":"success","data":{"resultType":"matrix","result":[{"values":[[1,"1"]]}]}}',
        b'{"status":"success","data":{"resultType":"scalar","result":["x",1]}}',
        b'{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"\xff"},"values":[[1,"1"]]}]}}',
        b'{"status":"success","data":{"resultType":"matrix","result":' + b"[" * 100_000,
        *(GOOD[:length] for length in range(0, len(GOOD), 7)),
    ],
    ids=lambda data: data[-12:].decode("latin-1"),
)
def test_what_is_no_answer_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        splice(data, "cluster", "east")


@unhurried
@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255))
def test_damaged_bytes_are_refused_or_come_out_as_valid_json(position: int, byte: int) -> None:
    damaged = GOOD[:position] + bytes([byte]) + GOOD[position + 1 :]
    try:
        spliced = splice(damaged, "cluster", "east")
    except Malformed:
        return
    for row in json.loads(bytes(spliced.data)):
        assert row["metric"]["cluster"] == "east"
