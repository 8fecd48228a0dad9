"""From outcomes to what every federated answer says of itself: partial or not, warnings, who took part, or an error.

All clusters failed is an error and never an empty success; no cluster at all is a success that says so.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from aiops.collector.fanout import Outcome
from aiops.core.errors import AiopsError, ClusterUnreachable, QueryTimeout
from aiops.ports.collector import ClusterStatus, Federation, Mode

NO_CLUSTERS: Final = "no clusters registered or visible"
UNION: Final = "union"
_NAMED: Final = 3


class Account(Struct, frozen=True):
    """How an answer was made; `notes` say why it may not be exact although nothing is missing.

    `nobody` is the warning of an answer for which no cluster was asked; null where that is as it should be.
    """

    mode: Mode = Mode.PER_CLUSTER
    plan: str = UNION
    notes: tuple[str, ...] = ()
    nobody: str | None = NO_CLUSTERS


PLAIN_UNION: Final = Account()


def choosing(label: str) -> Account:
    """The account of a union whose selectors choose among the clusters, and may choose none."""
    return Account(nobody=f"no visible cluster matches the conditions on {label!r}")


class Standing(Struct, frozen=True):
    """How an answer came about."""

    partial: bool
    warnings: tuple[str, ...]
    federation: Federation


def standing(outcomes: Sequence[Outcome[Any]], *, deny_partial: bool, account: Account = PLAIN_UNION) -> Standing:
    """The standing of an answer over these outcomes.

    Raises:
        ClusterUnreachable, QueryTimeout: every cluster failed, or anything is missing and `deny_partial` is set.

    """
    missing = [outcome for outcome in outcomes if outcome.status is not ClusterStatus.SUCCESS]
    failed = [outcome for outcome in missing if outcome.part is None]
    if failed and len(failed) == len(outcomes):
        raise _failure(failed, outcomes)
    if missing and deny_partial:
        raise _failure(missing, outcomes)
    warnings = () if outcomes or account.nobody is None else (account.nobody,)
    truncated = any(outcome.part is not None and outcome.part.truncated for outcome in outcomes)
    return Standing(
        partial=bool(missing),
        warnings=(*warnings, *account.notes, *(warning for outcome in outcomes for warning in _warnings(outcome))),
        federation=Federation(
            mode=account.mode,
            plan=account.plan,
            exact=not (missing or truncated or account.notes),
            truncated=truncated,
            clusters=tuple(outcome.report() for outcome in outcomes),
        ),
    )


def _warnings(outcome: Outcome[Any]) -> list[str]:
    notes = (outcome.error or "failed",) if outcome.part is None else outcome.part.notes
    return [f"{outcome.target.cluster_name}: {note}" for note in notes]


def _failure(missing: Sequence[Outcome[Any]], outcomes: Sequence[Outcome[Any]]) -> AiopsError:
    reasons = "; ".join(f"{outcome.target.cluster_name}: {outcome.error}" for outcome in missing[:_NAMED])
    more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
    if len(outcomes) == 1:
        message = f"cluster {reasons}"
    elif len(missing) == len(outcomes):
        message = f"none of the {len(outcomes)} clusters answered: {reasons}{more}"
    else:
        message = f"{len(missing)} of {len(outcomes)} clusters did not answer wholly: {reasons}{more}"
    timed_out = all(outcome.status is ClusterStatus.TIMEOUT for outcome in missing)
    kind = QueryTimeout if timed_out else ClusterUnreachable
    return kind(message, details={"clusters": [msgspec.to_builtins(outcome.report()) for outcome in outcomes]})
