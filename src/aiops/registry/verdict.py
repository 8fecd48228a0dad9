"""From the outcomes of one round of checks to score, state, connectivity and conditions. Pure: no I/O, no clock.

The rules are the contract's. Score: 100, less 50 for the API server, 20 for Prometheus, 15 each for Tempo and Loki.
State: see `observed_state`; one bad round does not end ONLINE, the second one in a row does.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

from msgspec import Struct

from aiops.registry.model import Condition, ConditionStatus, ConditionType, Connectivity, State

RECENT_CHECKS: Final = 10
MAX_CLOCK_SKEW_S: Final = 30.0


class Check(StrEnum):
    """What a round asks, in the order in which reasons are told."""

    API_SERVER = "api_server"
    PROMETHEUS = "prometheus"
    TEMPO = "tempo"
    LOKI = "loki"
    ALERTMANAGER = "alertmanager"


_PENALTY: Final[Mapping[Check, int]] = {
    Check.API_SERVER: 50,
    Check.PROMETHEUS: 20,
    Check.TEMPO: 15,
    Check.LOKI: 15,
}
_REACHABLE: Final[Mapping[ConditionType, Check]] = {
    ConditionType.API_REACHABLE: Check.API_SERVER,
    ConditionType.METRICS_REACHABLE: Check.PROMETHEUS,
    ConditionType.LOGS_REACHABLE: Check.LOKI,
    ConditionType.TRACES_REACHABLE: Check.TEMPO,
    ConditionType.ALERTS_REACHABLE: Check.ALERTMANAGER,
}


class Outcome(Struct, frozen=True):
    """One check. `refused`: something answered, and did not take the credentials. `skew_s`: its clock minus ours."""

    healthy: bool
    error: str | None = None
    refused: bool = False
    skew_s: float | None = None


Outcomes = Mapping[Check, Outcome]


class Verdict(Struct, frozen=True):
    """What a round of checks makes of what was known before. `recent` holds what each round alone said."""

    state: State
    health_score: int | None
    connectivity: Connectivity | None
    recent: list[State]
    reached: bool
    reason: str
    last_error: str | None


def health_score(outcomes: Outcomes) -> int | None:
    """0 to 100 over what is configured; null when nothing is."""
    if not outcomes:
        return None
    lost = sum(_PENALTY.get(check, 0) for check, outcome in outcomes.items() if not outcome.healthy)
    return max(0, 100 - lost)


def observed_state(outcomes: Outcomes) -> State:
    """What this round alone says."""
    if not outcomes:
        return State.UNKNOWN
    if all(outcome.healthy for outcome in outcomes.values()):
        return State.ONLINE
    api_server = outcomes.get(Check.API_SERVER)
    if api_server is not None:
        return State.DEGRADED if api_server.healthy else State.OFFLINE
    return State.DEGRADED if any(outcome.healthy for outcome in outcomes.values()) else State.OFFLINE


def judge(before: State, recent: Sequence[State], outcomes: Outcomes) -> Verdict:
    """The verdict of a round; `before` is the state as it was told: UNKNOWN when it was stale."""
    observed = observed_state(outcomes)
    stays = (
        before is State.ONLINE
        and observed in (State.OFFLINE, State.DEGRADED)
        and (not recent or recent[-1] is State.ONLINE)
    )
    rounds = [*recent, observed][-RECENT_CHECKS:]
    failures = [f"{check}: {outcomes[check].error}" for check in Check if check in outcomes and outcomes[check].error]
    return Verdict(
        state=State.ONLINE if stays else observed,
        health_score=health_score(outcomes),
        connectivity=connectivity(rounds),
        recent=rounds,
        reached=observed in (State.ONLINE, State.DEGRADED),
        reason=_reason(outcomes),
        last_error="; ".join(failures) or None,
    )


def connectivity(recent: Sequence[State]) -> Connectivity | None:
    """From the last rounds; null where none of them asked anything."""
    reached = {state is not State.OFFLINE for state in recent if state is not State.UNKNOWN}
    if not reached:
        return None
    if len(reached) > 1:
        return Connectivity.INTERMITTENT
    return Connectivity.CONNECTED if reached == {True} else Connectivity.DISCONNECTED


def conditions(
    before: Sequence[Condition], state: State, outcomes: Outcomes, *, has_credentials: bool, now: datetime
) -> list[Condition]:
    """Every condition, each with the time since which it has its status."""
    since = {condition.type: condition for condition in before}
    found = {
        ConditionType.ACCEPTED: (ConditionStatus.TRUE, "Registered", "the cluster is registered"),
        ConditionType.CREDENTIALS_VALID: _credentials(outcomes, has_credentials=has_credentials),
        ConditionType.AVAILABLE: _available(state, _reason(outcomes)),
        ConditionType.CLOCK_SYNCED: _clock(outcomes),
        ConditionType.CAPABILITIES_DISCOVERED: (
            ConditionStatus.UNKNOWN,
            "NotDiscovered",
            "capabilities have not been discovered",
        ),
        **{type_: _reachable(outcomes.get(check)) for type_, check in _REACHABLE.items()},
    }
    return [
        Condition(
            type=type_,
            status=found[type_][0],
            reason=found[type_][1],
            message=found[type_][2],
            last_transition_time=(
                since[type_].last_transition_time if type_ in since and since[type_].status is found[type_][0] else now
            ),
        )
        for type_ in ConditionType
    ]


def _reason(outcomes: Outcomes) -> str:
    if not outcomes:
        return "nothing to check is configured"
    failing = [check for check in Check if check in outcomes and not outcomes[check].healthy]
    return f"failing: {', '.join(failing)}" if failing else "all checks pass"


_Finding = tuple[ConditionStatus, str, str]


def _reachable(outcome: Outcome | None) -> _Finding:
    if outcome is None:
        return ConditionStatus.UNKNOWN, "NotConfigured", "no URL is registered"
    if outcome.healthy:
        return ConditionStatus.TRUE, "CheckPassed", "the last check passed"
    return ConditionStatus.FALSE, "CheckFailed", outcome.error or "the last check failed"


def _credentials(outcomes: Outcomes, *, has_credentials: bool) -> _Finding:
    refusing = [check for check in Check if check in outcomes and outcomes[check].refused]
    if refusing:
        reason = "Refused" if has_credentials else "NeedsCredentials"
        return ConditionStatus.FALSE, reason, f"refused by: {', '.join(refusing)}"
    if not has_credentials:
        return ConditionStatus.UNKNOWN, "NotStored", "no credentials are stored"
    if any(outcome.healthy for outcome in outcomes.values()):
        return ConditionStatus.TRUE, "NotRefused", "no endpoint refuses them"
    return ConditionStatus.UNKNOWN, "NotReached", "no endpoint answered"


def _available(state: State, reason: str) -> _Finding:
    if state in (State.ONLINE, State.DEGRADED):
        return ConditionStatus.TRUE, state.capitalize(), reason
    if state is State.OFFLINE:
        return ConditionStatus.FALSE, "Offline", reason
    return ConditionStatus.UNKNOWN, state.capitalize(), reason


def _clock(outcomes: Outcomes) -> _Finding:
    skews = [outcome.skew_s for outcome in outcomes.values() if outcome.skew_s is not None]
    if not skews:
        return ConditionStatus.UNKNOWN, "NotMeasured", "no answer told the time"
    worst = max(skews, key=abs)
    if abs(worst) <= MAX_CLOCK_SKEW_S:
        return (
            ConditionStatus.TRUE,
            "WithinTolerance",
            f"at most {MAX_CLOCK_SKEW_S:g} s apart from the hub's clock",
        )
    return ConditionStatus.FALSE, "Skewed", f"{worst:+.0f} s apart from the hub's clock"
