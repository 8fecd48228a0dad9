"""How rows of `clusters` are read and shown: one column list, one place that knows when a state is stale.

Staleness is judged in SQL, so that a filter, a count and the answer never disagree.
"""

from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Row, case

from aiops.core.db import as_struct
from aiops.registry.model import Cluster, State
from aiops.registry.tables import clusters

# `credentials` holds sealed secrets and is not among them.
_PLAIN: Final = tuple(name for name in Cluster.__struct_fields__ if name != "credentials")


def told_state(now: datetime) -> ColumnElement[str]:
    """The state as it may be told at this moment: UNKNOWN when the last check is too long ago."""
    return case((clusters.c.stale_at < now, State.UNKNOWN.value), else_=clusters.c.state)


def shown(now: datetime) -> list[ColumnElement[Any]]:
    """What `to_cluster` needs."""
    return [
        *(clusters.c[name] for name in _PLAIN),
        clusters.c.credential_info.label("credentials"),
        told_state(now).label("told_state"),
    ]


def to_cluster(row: Row[Any]) -> Cluster:
    """The public struct of a row of `shown`."""
    cluster = as_struct(row, Cluster)
    status = msgspec.structs.replace(cluster.status, state=State(row.told_state))
    return msgspec.structs.replace(cluster, status=status)
