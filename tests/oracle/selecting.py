"""Random selectors over the data set: matchers of every kind, on the cluster's label too, with offset and `@`."""

from collections.abc import Sequence
from typing import Final

from tests.oracle.chance import Chance
from tests.oracle.data import LABEL, LENGTH_MS, START_MS
from tests.oracle.vocabulary import METRICS, REGEXES, VALUES

MATCHERS: Final = ("=", "!=", "=~", "!~")
TIMES: Final = ("offset", "negative offset", "@ time", "@ start()", "@ end()", "@ and offset")


def quoted(text: str) -> str:
    """A string of PromQL."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


class Selecting:
    """Makes selectors as text, without and with their times."""

    def __init__(self, chance: Chance, clusters: Sequence[str]) -> None:
        self._chance = chance
        self._clusters = clusters

    def selector(self, metric: str) -> str:
        """A metric's selector; now and then by a matcher on the name."""
        chance = self._chance
        matchers = [self._matcher(name) for name in chance.some(sorted(METRICS[metric]), 0, 1) if chance.happens(0.5)]
        if chance.happens(0.3):
            matchers.append(self._on_cluster())
        name = metric
        if chance.happens(0.06):
            matchers.append(f'__name__=~"{metric[:-1]}."' if chance.happens(0.5) else f'__name__="{metric}"')
            name = ""
        return f"{name}{{{','.join(matchers)}}}" if matchers else name

    def everything(self) -> str:
        """A selector that names no metric."""
        return f"{{{self._on_cluster(selecting=True)}}}"

    def timed(self, selector: str) -> str:
        """Mostly as it is, else with an offset, a fixed time or both."""
        if not self._chance.happens(0.22):
            return selector
        return f"{selector} {self.times()}"

    def times(self) -> str:
        """What may stand behind a selector or a subquery."""
        chance = self._chance
        back, forth = chance.one(("1m", "7m", "10s")), chance.one(("-2m", "-45s"))
        at = (START_MS + chance.whole(LENGTH_MS // 4, LENGTH_MS)) / 1000
        match chance.seldom("time", TIMES):
            case "offset":
                return f"offset {back}"
            case "negative offset":
                return f"offset {forth}"
            case "@ time":
                return f"@ {at:.3f}"
            case "@ start()":
                return "@ start()"
            case "@ end()":
                return "@ end()"
            case _:
                return f"@ end() offset {back}" if chance.happens(0.5) else f"offset {forth} @ {at:.3f}"

    def _matcher(self, name: str) -> str:
        op = self._chance.seldom("matcher", MATCHERS)
        value = self._chance.one(VALUES[name] if op in ("=", "!=") else REGEXES[name])
        return f"{name}{op}{quoted(value)}"

    def _on_cluster(self, *, selecting: bool = False) -> str:
        """A matcher on the fleet's own label; one that leaves out what lacks it, where it stands alone."""
        chance = self._chance
        own, other = chance.one(self._clusters), chance.one(self._clusters)
        match op := "=" if selecting else chance.seldom("matcher on the cluster", MATCHERS):
            case "=":
                value = own if selecting or chance.happens(0.85) else chance.one(("", "nowhere"))
            case "!=":
                value = own if chance.happens(0.8) else chance.one(("", "nowhere"))
            case "=~":
                value = chance.one((f"{own}|{other}", f"{own[0]}.*", ".+", ".*", f"{own[:-1]}."))
            case _:
                value = chance.one((own, f"{own}|{other}", f".*{own[-2:]}", "", "x.*"))
        return f"{LABEL}{op}{quoted(value)}"
