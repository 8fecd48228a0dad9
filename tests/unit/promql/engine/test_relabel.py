"""label_replace and label_join."""

import pytest

from aiops.promql.engine import PROMETHEUS_2, DuplicateLabels, InvalidParameter
from tests.unit.promql.engine.asking import at, over, series

SOURCE = series('m{src="source-value-10",dst="original"}', "1")


def replaced(arguments: str) -> str:
    (labels,) = at(f"label_replace(m, {arguments})", 0, SOURCE)
    return labels


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ('"dst", "value-$1", "src", "source-value-(.*)"', 'm{dst="value-10",src="source-value-10"}'),
        ('"dst", "value-$1", "src", "value-(.*)"', 'm{dst="original",src="source-value-10"}'),
        ('"dst", "${n}!$$1", "src", ".*-(?P<n>\\\\d+)"', 'm{dst="10!$1",src="source-value-10"}'),
        ('"dst", "$1x$0", "src", ".*(10)"', 'm{dst="source-value-10",src="source-value-10"}'),
        ('"dst", "a${9}b", "src", ".*"', 'm{dst="ab",src="source-value-10"}'),
        ('"dst", "$-$", "src", ".*"', 'm{dst="$-$",src="source-value-10"}'),
        ('"dst", "", "src", ".*"', 'm{src="source-value-10"}'),
        ('"dst", "none", "missing", ""', 'm{dst="none",src="source-value-10"}'),
        ('"__name__", "n", "src", ".*"', 'n{dst="original",src="source-value-10"}'),
        ('"dst", "i", "src", "(?i)SOURCE.*"', 'm{dst="i",src="source-value-10"}'),
        ('"dst", "u", "src", "\\\\pL+-.*"', 'm{dst="u",src="source-value-10"}'),
    ],
)
def test_a_label_is_set_where_the_whole_of_another_matches(arguments: str, expected: str) -> None:
    assert replaced(arguments) == expected


def test_a_dot_takes_a_line_break_since_generation_3() -> None:
    data = series('m{src="a\\nb"}', "1")
    query = 'label_replace(m, "dst", "hit", "src", "a.b")'
    assert "dst" in next(iter(at(query, 0, data)))
    assert "dst" not in next(iter(at(query, 0, data, rules=PROMETHEUS_2)))


def test_a_pattern_that_would_take_others_for_ever_takes_no_time() -> None:
    data = series(f'm{{src="{"a" * 5000}!"}}', "1")
    assert len(at('label_replace(m, "dst", "x", "src", "(a+)+$")', 0, data)) == 1


def test_what_is_no_pattern_is_refused() -> None:
    with pytest.raises(InvalidParameter, match=r"invalid regular expression in label_replace\(\): \("):
        replaced('"dst", "", "src", "("')


def test_names_of_labels_are_freer_since_generation_3() -> None:
    assert list(at('label_replace(m, "a-b", "c", "", "")', 0, series("m", "1"))) == ['m{a-b="c"}']
    with pytest.raises(InvalidParameter, match="invalid destination label name"):
        at('label_replace(m, "a-b", "c", "", "")', 0, series("m", "1"), rules=PROMETHEUS_2)
    with pytest.raises(InvalidParameter, match="invalid destination label name"):
        replaced('"", "c", "", ""')


def test_series_may_not_become_the_same() -> None:
    data = (series('m{a="1"}', "1 2"), series('m{a="2"}', "1 2"))
    with pytest.raises(DuplicateLabels):
        over('label_replace(m, "a", "", "", "")', (0, 60, 60), *data)


def test_labels_are_joined() -> None:
    data = series('m{a="x",b="y"}', "1")
    assert list(at('label_join(m, "c", "-", "b", "nope", "a")', 0, data)) == ['m{a="x",b="y",c="y--x"}']
    assert list(at('label_join(m, "a", "-")', 0, data)) == ['m{b="y"}']
    with pytest.raises(InvalidParameter, match="invalid source label name"):
        at('label_join(m, "c", "-", "a-b")', 0, data, rules=PROMETHEUS_2)
