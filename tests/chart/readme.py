"""The table of values in the chart's README, made from the comments in values.yaml: `python -m tests.chart.readme`.

A comment that starts with `--` documents the key below it; its following comment lines belong to it.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

CHART: Final = Path(__file__).parents[2] / "chart"
README: Final = CHART / "README.md"
BEGIN: Final = "<!-- values: made by python -m tests.chart.readme -->\n"
END: Final = "<!-- end of values -->\n"
_KEY: Final = re.compile(r"^(?P<indent> *)(?P<key>[A-Za-z][\w-]*):(?P<rest>.*)$")
_RESOURCES: Final = "What its container asks for, and the most that it may use."


def documented(text: str) -> Iterator[tuple[str, str]]:
    """Each documented key with its description, in the order of the file."""
    path: list[str] = []
    said: list[str] = []
    for line in text.splitlines():
        comment = line.strip()
        if comment.startswith("# -- "):
            said = [comment.removeprefix("# -- ")]
        elif comment.startswith("# ") and said:
            said.append(comment.removeprefix("# "))
        elif match := _KEY.match(line):
            path[len(match["indent"]) // 2 :] = [match["key"]]
            if said:
                yield ".".join(path), " ".join(said)
            elif match["key"] == "resources":
                yield ".".join(path), _RESOURCES
            said = []
        else:
            said = []


def value_at(values: Any, path: str) -> Any:
    """The default of a key."""
    for key in path.split("."):
        values = values[key]
    return values


def table() -> str:
    """The README's part about values, with its marks."""
    text = (CHART / "values.yaml").read_text()
    values = yaml.safe_load(text)
    rows = [
        f"| `{path}` | {description} | `{json.dumps(value_at(values, path))}` |"
        for path, description in documented(text)
    ]
    return "\n".join([BEGIN, "| Key | What | Default |", "|---|---|---|", *rows, "", END])


def with_table(readme: str) -> str:
    """The README with the table as it should be now."""
    before, _, rest = readme.partition(BEGIN)
    return before + table() + rest.partition(END)[2]


if __name__ == "__main__":
    README.write_text(with_table(README.read_text()))
