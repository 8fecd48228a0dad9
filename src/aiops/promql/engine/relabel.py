"""label_replace and label_join: functions that change labels and look at no sample.

Regular expressions are RE2's, as Prometheus' are: the same syntax, and time linear to the text, which Python's own do
not promise for a pattern that a user writes.
"""

from collections.abc import Sequence
from typing import Final, Protocol

import re2

from aiops.promql.engine.errors import InvalidParameter
from aiops.promql.engine.labels import Labels, is_label_name, value_of, with_label
from aiops.promql.engine.rules import Rules
from aiops.promql.engine.values import Vector, renamed

# `$$`, `$name`, `$1` or `${name}`; any other dollar stands for itself. A name is as long as it can be.
REFERENCE: Final = re2.compile(r"\$(?:(\$)|([\pL\p{Nd}_]+)|\{([\pL\p{Nd}_]+)\})")


class Match(Protocol):
    """What the library's matches can do."""

    def groups(self, default: str = "") -> tuple[str, ...]:
        """Each group's text."""

    def groupdict(self, default: str = "") -> dict[str, str]:
        """Each named group's text."""


def label_replace(vector: Vector, arguments: Sequence[str], rules: Rules) -> Vector:
    """Set `target` to `replacement` where the whole of `source` matches the pattern."""
    target, replacement, source, pattern = arguments
    options = re2.Options()
    options.log_errors = False
    flags = "?:" if rules.closed_windows else "?s:"
    try:
        compiled = re2.compile(f"^({flags}{pattern})$", options)
    except re2.error as error:
        raise InvalidParameter(f"invalid regular expression in label_replace(): {pattern}") from error
    _check_name("destination", target, "label_replace", rules)
    labels: list[Labels] = []
    for own in vector.labels:
        match = compiled.search(value_of(own, source))
        labels.append(own if match is None else with_label(own, target, expanded(replacement, match)))
    return renamed(vector, labels)


def label_join(vector: Vector, arguments: Sequence[str], rules: Rules) -> Vector:
    """Set `target` to the values of the other labels with a separator between them."""
    target, separator, *sources = arguments
    for source in sources:
        _check_name("source", source, "label_join", rules)
    _check_name("destination", target, "label_join", rules)
    joined = [separator.join(value_of(own, source) for source in sources) for own in vector.labels]
    return renamed(vector, [with_label(own, target, value) for own, value in zip(vector.labels, joined, strict=True)])


def expanded(template: str, match: Match) -> str:
    """The template with its references to the match's groups filled in; groups that do not exist are empty."""
    numbered, named = match.groups(default=""), match.groupdict(default="")
    parts: list[str] = []
    position = 0
    for found in REFERENCE.finditer(template):
        dollar, bare, braced = found.groups()
        name = bare or braced or ""
        parts.append(template[position : found.start()])
        position = found.end()
        if dollar:
            parts.append("$")
        elif name.isascii() and name.isdigit():
            parts.append(_numbered(int(name), numbered, match))
        else:
            parts.append(named.get(name, ""))
    return "".join([*parts, template[position:]])


def _numbered(number: int, groups: tuple[str, ...], match: Match) -> str:
    if number == 0:
        return str(match[0])  # type: ignore[index]
    return groups[number - 1] if number <= len(groups) else ""


def _check_name(kind: str, name: str, function: str, rules: Rules) -> None:
    if not is_label_name(name, legacy=rules.closed_windows):
        raise InvalidParameter(f"invalid {kind} label name in {function}(): {name}")
