"""Every event type has somebody who tells it and somebody who hears it.

The contract's types that nobody tells yet stand in AWAITED with what they come with; one that has come must go from it.
"""

import ast
from pathlib import Path
from typing import Final, get_args

from aiops.ports import events

SOURCE: Final = Path("src/aiops")
PORT: Final = SOURCE / "ports" / "events.py"
HUB: Final = SOURCE / "streaming" / "hub.py"
TYPES: Final[dict[str, str]] = {event.__name__: event.__struct_config__.tag for event in get_args(events.Event)}
# The contract's types without a producer -> what brings it.
AWAITED: Final = {
    "CLUSTER_CAPABILITIES_CHANGED": "comes with the discovery of capabilities",
    "METRIC_UPDATE": "comes with watches of metrics",
    "TRACE_RECEIVED": "comes with traces",
    "GPU_UPDATE": "comes with GPU telemetry",
    "ANOMALY_DETECTED": "comes with watches of anomalies",
    "CHAT_MESSAGE": "comes with chat",
    "RCA_COMPLETE": "comes with investigations",
    "REPORT_GENERATED": "comes with reports",
}
CONTRACT: Final = {
    *("CLUSTER_REGISTERED", "CLUSTER_UPDATED", "CLUSTER_DELETED", "CLUSTER_STATUS_CHANGED"),
    *("CLUSTER_CREDENTIALS_UPDATED", "CLUSTER_CAPABILITIES_CHANGED", "METRIC_UPDATE", "ALERT_FIRED", "ALERT_RESOLVED"),
    *("TRACE_RECEIVED", "GPU_UPDATE", "ANOMALY_DETECTED", "CHAT_MESSAGE", "RCA_COMPLETE", "REPORT_GENERATED"),
}


def trees() -> dict[Path, ast.Module]:
    return {file: ast.parse(file.read_text()) for file in SOURCE.rglob("*.py") if file != PORT}


def made() -> set[str]:
    """The names of everything that is called or passed on to be called, outside of the port."""
    return {
        node.id
        for tree in trees().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }


def test_every_event_of_the_port_is_one_of_the_union() -> None:
    declared = {
        node.name
        for node in ast.walk(ast.parse(PORT.read_text()))
        if isinstance(node, ast.ClassDef) and any(keyword.arg == "tag" for keyword in node.keywords)
    }
    assert declared == set(TYPES)


def test_every_type_of_the_contract_is_told_or_awaited() -> None:
    assert set(TYPES.values()) | AWAITED.keys() == CONTRACT
    assert set(TYPES.values()) & AWAITED.keys() == set(), "it has come: take it out of AWAITED"


def test_every_event_has_a_producer() -> None:
    assert sorted(set(TYPES) - made()) == []


def test_the_sockets_hear_every_event() -> None:
    (add,) = [
        node
        for node in ast.walk(ast.parse(HUB.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name == "_add"
    ]
    assert "ring.add(entry)" in {ast.unparse(statement) for statement in add.body}, "some entries are left out"
    assert not [node for node in ast.walk(add) if isinstance(node, ast.Return)], "some entries are left out"


def test_nobody_waits_for_an_event_that_nobody_tells() -> None:
    named = {
        (node.value, str(file))
        for file, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in AWAITED
    }
    assert named == set()
