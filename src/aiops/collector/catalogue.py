"""What there is to ask for: labels, their values, series and metadata of the whole fleet, as unions.

The cluster label is part of every answer, as it is of every series; a member's own label of that name is shown, and
asked for, as `exported_<label>`. Matchers on it choose clusters and are not sent.
"""

import re
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Any, Final, TypeVar
from uuid import UUID

import msgspec
from msgspec import Struct

from aiops.collector import times
from aiops.collector.backends.prometheus import Member, Parameters, PrometheusApi
from aiops.collector.fanout import Fanout, MemberFailed, Outcome, Part
from aiops.collector.federation import PLAIN_UNION, Account, choosing, standing
from aiops.collector.members import Members
from aiops.collector.selection import for_cluster, series_selectors
from aiops.collector.splice import with_label
from aiops.core.clock import Clock
from aiops.core.http import Deadline
from aiops.core.identity import Scope
from aiops.ports.collector import Federation
from aiops.ports.registry import Target
from aiops.promql.fleet import exported

T = TypeVar("T")

_UTF8: Final = "U__"
_ESCAPE: Final = re.compile(r"__|_([0-9a-fA-F]{1,6})_|_")


class CatalogueQuery(Struct, frozen=True):
    """What to look through: clusters, selectors (`match[]`) and a time window; at most `limit` items come back.

    A side of the window that is not given is the contract's default, or with `all_time` left to the clusters.
    """

    scope: Scope
    cluster_ids: tuple[UUID, ...] = ()
    match: tuple[str, ...] = ()
    start_time: datetime | None = None
    end_time: datetime | None = None
    limit: int | None = None
    timeout_s: float = 30.0
    deny_partial: bool = False
    all_time: bool = False


class NamesAnswer(Struct, frozen=True):
    """Label names or label values of the fleet, sorted."""

    items: list[str]
    partial: bool
    warnings: tuple[str, ...]
    federation: Federation


class SeriesAnswer(Struct, frozen=True):
    """Label sets of the fleet's series, each with the cluster label; ordered by cluster."""

    items: list[dict[str, str]]
    partial: bool
    warnings: tuple[str, ...]
    federation: Federation


class MetricMetadata(Struct, frozen=True):
    """What some clusters say of one metric; clusters that say something else have an item of their own."""

    metric: str
    type: str
    help: str
    unit: str
    clusters: list[str]


class MetadataAnswer(Struct, frozen=True):
    """Metadata of the fleet's metrics, sorted by name."""

    items: list[MetricMetadata]
    partial: bool
    warnings: tuple[str, ...]
    federation: Federation


class _Metadata(Struct, frozen=True):
    type: str = "unknown"
    help: str = ""
    unit: str = ""


class _List(Struct, frozen=True):
    data: list[str] | None
    warnings: list[str] | None = None


class _SeriesList(Struct, frozen=True):
    data: list[dict[str, str]] | None
    warnings: list[str] | None = None


class _MetadataMap(Struct, frozen=True):
    data: dict[str, list[_Metadata]] | None
    warnings: list[str] | None = None


_lists = msgspec.json.Decoder(_List)
_series = msgspec.json.Decoder(_SeriesList)
_metadata = msgspec.json.Decoder(_MetadataMap)


class CatalogueService:
    """Serves the public paths for labels, values, series and metadata."""

    def __init__(self, members: Members, api: PrometheusApi, fanout: Fanout, label: str, clock: Clock) -> None:
        self._members = members
        self._api = api
        self._fanout = fanout
        self._label = label
        self._clock = clock

    async def labels(self, request: CatalogueQuery) -> NamesAnswer:
        """Names of labels; errors as `series`."""

        async def ask(member: Member, parameters: Parameters, deadline: Deadline) -> Part[list[str]]:
            return _names(await self._api.ask(member, "labels", parameters, deadline))

        outcomes = await self._ask(request, ask)
        names = {exported(name) if name == self._label else name for part in _values(outcomes) for name in part}
        if names:
            names.add(self._label)
        return _names_answer(names, outcomes, request, self._account(request))

    async def label_values(self, name: str, request: CatalogueQuery) -> NamesAnswer:
        """Values of one label; those of the cluster label are the names of the clusters that have any series."""
        own = name == self._label
        asked = [name, self._label] if name == exported(self._label) else [name]

        async def ask(member: Member, parameters: Parameters, deadline: Deadline) -> Part[list[str]]:
            if own:
                found = _names(await self._api.ask(member, "labels", parameters, deadline))
                return Part([member.cluster_name] if found.value else [], found.notes, complete=found.complete)
            parts = [
                _names(await self._api.get(member, f"label/{label_path(each)}/values", parameters, deadline))
                for each in asked
            ]
            return Part(
                [value for part in parts for value in part.value],
                tuple(note for part in parts for note in part.notes),
                complete=all(part.complete for part in parts),
            )

        outcomes = await self._ask(request, ask)
        values = {value for part in _values(outcomes) for value in part}
        return _names_answer(values, outcomes, request, self._account(request))

    async def series(self, request: CatalogueQuery) -> SeriesAnswer:
        """Label sets that match.

        Raises:
            InvalidPromql: a member refused a selector.
            ClusterUnreachable, QueryTimeout: every asked cluster failed, or one did and `deny_partial` is set.

        """

        async def ask(member: Member, parameters: Parameters, deadline: Deadline) -> Part[list[dict[str, str]]]:
            found = _decoded(_series, await self._api.ask(member, "series", parameters, deadline))
            rows = [with_label(row, self._label, member.cluster_name) for row in found.data or []]
            return _part(rows, found.warnings)

        outcomes = await self._ask(request, ask)
        rows, cut = _cut([row for part in _values(outcomes) for row in part], request.limit)
        found = standing(outcomes, deny_partial=request.deny_partial, account=self._account(request))
        return SeriesAnswer(rows, found.partial, (*found.warnings, *cut), _truncated(found.federation, cut))

    async def metadata(self, metric: str | None, request: CatalogueQuery) -> MetadataAnswer:
        """Type, help and unit of metrics; errors as `series`."""
        only = () if metric is None else (("metric", metric),)

        async def ask(member: Member, _: Parameters, deadline: Deadline) -> Part[dict[str, list[_Metadata]]]:
            found = _decoded(_metadata, await self._api.get(member, "metadata", only, deadline))
            return _part(found.data or {}, found.warnings)

        outcomes = await self._ask(request, ask)
        said: dict[tuple[str, str, str, str], list[str]] = {}
        for outcome in outcomes:
            for name, entries in (outcome.part.value if outcome.part else {}).items():
                for entry in dict.fromkeys(entries):
                    said.setdefault((name, entry.type, entry.help, entry.unit), []).append(outcome.target.cluster_name)
        items, cut = _cut([MetricMetadata(*key, clusters) for key, clusters in sorted(said.items())], request.limit)
        found = standing(outcomes, deny_partial=request.deny_partial)
        return MetadataAnswer(items, found.partial, (*found.warnings, *cut), _truncated(found.federation, cut))

    def _account(self, request: CatalogueQuery) -> Account:
        return choosing(self._label) if request.match else PLAIN_UNION

    def _parameters(self, request: CatalogueQuery) -> Parameters:
        ends: list[tuple[str, datetime | None]]
        if request.all_time:
            ends = [("start", request.start_time), ("end", request.end_time)]
        else:
            start, end = times.window(request.start_time, request.end_time, self._clock())
            ends = [("start", start), ("end", end)]
        given = tuple((name, times.unix(at)) for name, at in ends if at is not None)
        return given if request.limit is None else (*given, ("limit", str(request.limit)))

    async def _ask(
        self, request: CatalogueQuery, question: Callable[[Member, Parameters, Deadline], Awaitable[Part[T]]]
    ) -> list[Outcome[T]]:
        common = self._parameters(request)
        selectors = series_selectors(request.match)
        targets = await self._members.targets(request.scope, request.cluster_ids)
        asked = {target.cluster_id: for_cluster(selectors, self._label, target.cluster_name) for target in targets}

        async def ask(target: Target, deadline: Deadline) -> Part[T]:
            parameters = (*common, *(("match[]", text) for text in asked[target.cluster_id]))
            return await question(await self._members.metrics(target), parameters, deadline)

        chosen = [target for target in targets if asked[target.cluster_id] or not selectors]
        return await self._fanout.ask(chosen, request.timeout_s, ask)


def label_path(name: str) -> str:
    """A label's name as a path segment; what is no plain name is written as Prometheus escapes UTF-8 names."""
    if name.isascii() and name.replace("_", "a").isalnum() and not name[0].isdigit():
        return name
    return _UTF8 + "".join(_escaped(character) for character in name)


def unescaped_label(segment: str) -> str:
    """The label's name that a path segment stands for; what is no valid escape stands for itself."""
    if not segment.startswith(_UTF8):
        return segment
    try:
        return _ESCAPE.sub(_unescape, segment[len(_UTF8) :])
    except (ValueError, OverflowError):
        return segment


def _unescape(found: "re.Match[str]") -> str:
    if found.group() == "__":
        return "_"
    if found[1] is None:
        raise ValueError("an underscore alone escapes nothing")
    return chr(int(found[1], 16))


def _escaped(character: str) -> str:
    if character == "_":
        return "__"
    plain = character.isascii() and character.isalnum()
    return character if plain else f"_{ord(character):x}_"


def _decoded(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MemberFailed(f"the answer is not that of a Prometheus API: {error}") from error


def _names(body: bytes) -> Part[list[str]]:
    found = _decoded(_lists, body)
    return _part(found.data or [], found.warnings)


def _part(value: T, warnings: list[str] | None) -> Part[T]:
    """Prometheus says by a warning that it cut at `limit`; any other means that something is missing."""
    notes = tuple(warnings or ())
    cut = any("truncated due to limit" in note for note in notes)
    return Part(value, notes, complete=cut or not notes, truncated=cut)


def _values(outcomes: Iterable[Outcome[T]]) -> list[T]:
    return [outcome.part.value for outcome in outcomes if outcome.part is not None]


def _names_answer(
    names: set[str], outcomes: list[Outcome[Any]], request: CatalogueQuery, account: Account
) -> NamesAnswer:
    found = standing(outcomes, deny_partial=request.deny_partial, account=account)
    items, cut = _cut(sorted(names), request.limit)
    return NamesAnswer(items, found.partial, (*found.warnings, *cut), _truncated(found.federation, cut))


def _cut(items: list[T], limit: int | None) -> tuple[list[T], tuple[str, ...]]:
    if limit is None or len(items) <= limit:
        return items, ()
    return items[:limit], (f"cut at limit={limit}; there are more",)


def _truncated(federation: Federation, cut: tuple[str, ...]) -> Federation:
    return msgspec.structs.replace(federation, truncated=True, exact=False) if cut else federation
