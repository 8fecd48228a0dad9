"""Nothing lies unused: what no code calls is deleted, not kept for later.

Fields of structs and members of enumerations are left out: they are spoken to other programs, as the contract says.
Settings are not left out: a setting without a reader does nothing. What is called by name stands in ALLOWED with who
calls it.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from vulture.core import Vulture

SOURCE: Final = Path("src/aiops")
SETTINGS: Final = SOURCE / "settings.py"
MIN_CONFIDENCE: Final = 60
SPOKEN: Final = frozenset({"Struct", "StrEnum", "IntEnum", "Enum", "Protocol"})
ROUTES: Final = ["@get", "@post", "@put", "@patch", "@delete", "@websocket", "@asgi", "@*.command", "@*.group"]
# name -> who uses it.
ALLOWED: Final = {
    "main": "the console script",
    "list_commands": "click, on a group",
    "get_command": "click, on a group",
    "format_commands": "click, on a group",
    "capture_signals": "uvicorn, on its server",
    "should_exit": "uvicorn, on its server",
    "CollectorClient": "compose, by the role's name",
    "RegistryClient": "compose, by the role's name",
    "collector_url": "compose, by the role's name",
    "intelligence_url": "compose, by the role's name",
    "registry_url": "compose, by the role's name",
    "streaming_url": "compose, by the role's name",
    "request_body": "litestar, on an operation of the document",
    "discover_master": "redis-py, on the pool that asks Sentinel",
    "mtime": "tarfile, on a member",
    "prepare_threshold": "psycopg, on a connection",
    "FLEET": "tests, for callers without limits",
    "engine": "tests, to count statements",
    "open_origins": "tests, to see that idle connections go",
    "tightened": "the fan-out's share of a query's time, in its tests",
    "subprotocol": "callers of a socket",
    "log_errors": "re2, on its options",
    "dot_nl": "re2, on its options",
    "defer": "one-off jobs; discovery and investigations are the first to queue one",
    "register": "one-off jobs; discovery and investigations are the first to queue one",
    "ClientConfig": "types of the object store",
    "S3Config": "types of the object store",
    "trust_env": "requests, on the session of the exporter of traces",
    "JobContext": "types of the job queue",
    "Job": "types of the job queue",
}


def spoken_lines(file: Path) -> Iterator[int]:
    """The lines of annotated fields and members of classes that other programs read."""
    if file == SETTINGS:
        return
    for node in ast.walk(ast.parse(file.read_text())):
        if not isinstance(node, ast.ClassDef) or not _is_spoken(node):
            continue
        yield from (item.lineno for item in node.body if isinstance(item, ast.AnnAssign | ast.Assign))


def _is_spoken(node: ast.ClassDef) -> bool:
    """Structs are often children of our own structs; those pass `frozen`, `tag` or `kw_only` on."""
    return bool(node.keywords) or any(ast.unparse(base).rpartition(".")[2] in SPOKEN for base in node.bases)


def unused() -> list[str]:
    vulture = Vulture(ignore_decorators=ROUTES)
    vulture.scavenge([str(SOURCE)])
    found = vulture.get_unused_code(min_confidence=MIN_CONFIDENCE)
    spoken = {(file, line) for file in SOURCE.rglob("*.py") for line in spoken_lines(file)}
    here = Path.cwd()
    places = [(Path(item.filename).resolve().relative_to(here), item) for item in found]
    return [
        f"{place}:{item.first_lineno}: unused {item.typ} {item.name}"
        for place, item in places
        if item.name not in ALLOWED and (place, item.first_lineno) not in spoken
    ]


def test_everything_is_used() -> None:
    assert unused() == []
