"""The chart's README says what values.yaml says."""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from tests.chart.readme import CHART, README, documented, with_table


def leaves(values: Mapping[str, Any], path: str = "") -> Iterator[str]:
    for key, value in values.items():
        here = f"{path}.{key}" if path else key
        if isinstance(value, dict) and value:
            yield from leaves(value, here)
        else:
            yield here


def test_the_table_of_values_is_what_the_comments_say() -> None:
    """`python -m tests.chart.readme` writes it anew."""
    assert README.read_text() == with_table(README.read_text())


def test_every_value_is_documented() -> None:
    text = (CHART / "values.yaml").read_text()
    known = {path for path, _ in documented(text)}
    silent = [
        path
        for path in leaves(yaml.safe_load(text))
        if not any(path == one or path.startswith(f"{one}.") for one in known)
    ]
    assert silent == []
