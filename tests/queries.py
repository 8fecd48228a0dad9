"""Counts the statements that a block sends to PostgreSQL, so that a list endpoint cannot ask once per row unseen."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from aiops.core.db import Database


@contextmanager
def count_queries(db: Database) -> Iterator[list[str]]:
    """The statements sent inside the block, filled while it runs; transaction control is not among them."""
    statements: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        statements.append(statement)

    engine = db.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)
