"""Which advice the doctor can give, read from its source; and which of it a test has read, as an operator would.

A finding is traced back to the call that made it, so that a table can say which test breaks what (`test_advice`).
"""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from aiops import doctor
from aiops.doctor.finding import Finding, Notes, Status

SOURCE: Final = Path(doctor.__file__).parent
HEAD: Final = 48
ADVISED: Final = ("warn", "fail")


@dataclass(frozen=True)
class Advice:
    """One thing that the doctor can advise: where it is said, and what it looks like."""

    name: str
    file: str
    lines: range
    pattern: str


@dataclass
class Reading:
    """What one test has made the doctor advise, and what of it the test has read."""

    given: dict[tuple[str, str, Status], str] = field(default_factory=dict)
    read: set[str] = field(default_factory=set)


reading: list[Reading] = []


def is_(finding: Finding, status: Status, found: str, advice: str = "") -> None:
    """Assert what a finding says; advice that is asserted counts as read."""
    assert (finding.status, found in finding.found, advice in (finding.advice or "")) == (status, True, True), finding
    assert (finding.advice is not None) == (status in (Status.WARN, Status.FAIL))
    if advice:
        reading[-1].read.add(reading[-1].given[finding.area, finding.check, finding.status])


def followed(monkeypatch: pytest.MonkeyPatch) -> Reading:
    """Follow all advice from here on, until the monkeypatch is undone."""
    mine = Reading()
    for method, status in (("warn", Status.WARN), ("fail", Status.FAIL)):
        monkeypatch.setattr(Notes, method, _followed(getattr(Notes, method), status, mine))
    monkeypatch.setattr(sys.modules[__name__], "reading", [mine])
    return mine


def _followed(original: Any, status: Status, mine: Reading) -> Any:
    def note(self: Notes, check: str, found: str, advice: str) -> None:
        frame = sys._getframe(1)  # noqa: SLF001 - public in all but its name
        file = Path(frame.f_code.co_filename).name
        mine.given[self._area, check, status] = which(file, frame.f_lineno, advice)
        original(self, check, found, advice)

    return note


def which(file: str, line: int, advice: str) -> str:
    """The name of the advice that was given there."""
    here = [one for one in all_advice() if one.file == file and line in one.lines]
    return next(one.name for one in here if re.fullmatch(one.pattern, advice, re.DOTALL))


@cache
def all_advice() -> tuple[Advice, ...]:
    """Everything that the doctor can advise, each with a name of its own."""
    found: list[Advice] = []
    for file in sorted(SOURCE.glob("*.py")):
        tree = ast.parse(file.read_text())
        for call in notes_of(tree, ADVISED):
            lines = range(call.lineno, (call.end_lineno or call.lineno) + 1)
            for alternative in _alternatives(call.args[2], tree):
                name = f"{file.stem} | {shown(call.args[0])} | {shown(alternative)[:HEAD].strip()}"
                same = sum(one.name.partition(" #")[0] == name for one in found)
                found.append(Advice(f"{name} #{same + 1}" if same else name, file.name, lines, _pattern(alternative)))
    return tuple(found)


def notes_of(tree: ast.AST, methods: tuple[str, ...]) -> Iterator[ast.Call]:
    """The calls `notes.METHOD(...)`, in the order of the source."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    for call in sorted(calls, key=lambda node: node.lineno):
        if (
            isinstance(call.func, ast.Attribute)
            and call.func.attr in methods
            and ast.unparse(call.func.value) == "notes"
        ):
            yield call


def _alternatives(node: ast.expr, tree: ast.AST) -> list[ast.expr]:
    """The texts that an expression may be: both sides of a choice, a name's value, all answers of a function."""
    if isinstance(node, ast.IfExp):
        return [*_alternatives(node.body, tree), *_alternatives(node.orelse, tree)]
    if isinstance(node, ast.Name):
        value = _value(node, tree) or node
        return value.values if isinstance(value, ast.Dict) else [value]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
        return [text for one in (node.func.value, *node.args[1:]) for text in _alternatives(one, tree)]
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
        return [node]
    (function,) = [one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef) and one.name == node.func.id]
    answers = [one.value for one in ast.walk(function) if isinstance(one, ast.Return) and one.value is not None]
    # A function that looks its answer up: all values of the table, and what it falls back to.
    tables = [_value(one, tree) for one in ast.walk(function) if isinstance(one, ast.Name) and one.id.isupper()]
    found = [text for table in tables if table for text in (table.values if isinstance(table, ast.Dict) else [table])]
    return sorted(found or answers, key=lambda answer: answer.lineno)


def _value(name: ast.Name, tree: ast.AST) -> ast.expr | None:
    """What the name was last bound to before the line on which it stands."""
    bound = [
        one
        for one in ast.walk(tree)
        if isinstance(one, ast.Assign | ast.AnnAssign)
        and ast.unparse(one.target if isinstance(one, ast.AnnAssign) else one.targets[0]) == name.id
        and one.lineno < name.lineno
    ]
    return max(bound, key=lambda one: one.lineno).value if bound else None


def shown(node: ast.expr) -> str:
    """A text of the source as it reads, its variables in braces."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(shown(part) for part in node.values)
    return f"{{{ast.unparse(node.value if isinstance(node, ast.FormattedValue) else node)}}}"


def _pattern(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return re.escape(str(node.value))
    if isinstance(node, ast.JoinedStr):
        return "".join(_pattern(part) for part in node.values)
    return ".*"
