"""Every advice that the doctor can give has a test that breaks its subject and reads it: `reads` names them.

That the named test does read it is seen when it runs: the fixture `advised` of this folder follows it.
"""

import ast
from pathlib import Path
from typing import Final

import pytest

from aiops.doctor.finding import Finding, Notes, Status
from tests.unit.doctor.advice import ADVISED, SOURCE, all_advice, followed, is_, notes_of, shown, which
from tests.unit.doctor.reads import READS

# A check that is well under this name, and under another where it is not.
ELSEWHERE: Final = {
    "configuration | settings": "{_name(problem)}, by the variable",
}


def test_every_advice_is_read_by_a_test() -> None:
    assert sorted({one.name for one in all_advice()} ^ {name for names in READS.values() for name in names}) == []


def test_the_tests_that_are_named_are_there() -> None:
    there = {
        node.name
        for file in Path(__file__).parent.glob("test_*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert sorted({test.partition("[")[0] for test in READS} - there) == []


def test_whatever_can_be_well_can_be_otherwise() -> None:
    checks: dict[str, set[str]] = {"ok": set(), "advised": set()}
    for file in SOURCE.glob("*.py"):
        tree = ast.parse(file.read_text())
        checks["ok"] |= {f"{file.stem} | {shown(call.args[0])}" for call in notes_of(tree, ("ok",))}
        checks["advised"] |= {f"{file.stem} | {shown(call.args[0])}" for call in notes_of(tree, ADVISED)}
    assert sorted(checks["ok"] - checks["advised"] - ELSEWHERE.keys()) == []


def test_what_is_given_counts_as_read_only_when_somebody_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = followed(monkeypatch)
    schema = next(one for one in all_advice() if one.name == "database | schema | run 'aiops db upgrade'")
    assert which(schema.file, schema.lines[-1], "run 'aiops db upgrade'") == schema.name
    mine.given["database", "schema", Status.FAIL] = schema.name
    finding = Finding("database", "schema", Status.FAIL, "there is none", "run 'aiops db upgrade'")
    is_(finding, Status.FAIL, "there is none")
    assert mine.read == set()
    is_(finding, Status.FAIL, "there is none", "db upgrade")
    assert mine.read == {schema.name}
    with pytest.raises(StopIteration):
        Notes("any").fail("any", "found", "said by no file of the doctor's")
