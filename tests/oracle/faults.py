"""Cases while one member is away: the answer is that of the others and says who is missing, or it is the whole one.

Three servers decide: the union, the union without the member that is away, and what the hub says of itself. An answer
that is neither, or that lacks something without saying so, is wrong.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from tests.oracle.answers import Answer, Case, Refused, from_api
from tests.oracle.campaign import Tally, Wrong, verdict, wavers
from tests.oracle.fleet import OracleFleet
from tests.oracle.hub import Hub
from tests.servers.generations import Past

UNREACHABLE = frozenset({"CLUSTER_UNREACHABLE", "QUERY_TIMEOUT"})


class FaultCampaign:
    """Asks a hub of which one member is away. `partial` counts answers that say so."""

    def __init__(self, fleet: OracleFleet, others: Past, away: str, hub: Hub) -> None:
        self._whole = fleet.union
        self._others = others
        self._away = away
        self._hub = hub
        self.tally = Tally()
        self.partial = 0

    def run(self, case: Case) -> None:
        """Ask one case."""
        self.tally.cases += 1
        got = self._hub.ask(case)
        if isinstance(got, Refused) and not got.wrong:
            self.tally.refusals[got.code] += 1
            if got.code in UNREACHABLE and self._away not in got.reason:
                self._wrong(case, f"refused without naming {self._away}: {got.reason}")
            return
        partial = self._hub.last is not None and self._hub.last.partial
        if partial and self._hub.missing != {self._away}:
            self._wrong(case, f"names {sorted(self._hub.missing)} as missing, which is {self._away}")
        if isinstance(got, Refused):
            self._refused(case, got)
        else:
            self._answered(case, got, partial=partial)

    def _refused(self, case: Case, got: Refused) -> None:
        """A query is wrong if it is so over all or over the rest: the missing data might have been what is wrong."""
        answers = [from_api(server.ask(case.path, case.parameters)) for server in (self._whole, self._others)]
        if any(isinstance(answer, Refused) for answer in answers):
            self.tally.refused_by_both += 1
        else:
            self._wrong(case, f"refused ({got.reason}), which neither all nor the others do")

    def _answered(self, case: Case, got: Answer, *, partial: bool) -> None:
        oracle = self._others if partial else self._whole
        why = verdict(case, from_api(oracle.ask(case.path, case.parameters)), got)
        if why is None:
            self.tally.same += 1
            self.tally.empty += not got.series
            self.partial += partial
        elif wavers(oracle, case):
            self.tally.undefined += 1
        else:
            self._wrong(case, f"{'partial' if partial else 'not partial'}, but {why}")

    def _wrong(self, case: Case, why: str) -> None:
        self.tally.wrong.append(Wrong(case, case, why))


@contextmanager
def hung(member: Past) -> Iterator[None]:
    """A member that takes connections and answers nothing."""
    member.process.signal(signal.SIGSTOP)
    try:
        yield
    finally:
        member.process.signal(signal.SIGCONT)
