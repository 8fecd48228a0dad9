"""Three hours of a small fleet, made from a seed: what the oracle and the members hold.

It has what goes wrong in practice: counters that start anew, series that come, pause and end (with the marker that a
scrape leaves, and without), NaN and infinities, classic histograms with torn or missing buckets, labels with odd text,
equal series in several clusters, and series that carry a label `cluster` of their own. Native histograms are not in it.

Values are multiples of 1/8, so that sums are the same in whatever order they are made.
"""

import random
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

LABEL: Final = "cluster"
START_MS: Final = 1_767_225_600_000
LENGTH_MS: Final = 3 * 3_600_000
STALE: Final = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]
ODD_VALUES: Final = ('say "no"', "back\\slash", "two\nlines", "größe✓", "a{b=~'c'}", "|.*", " ")
INSTANCES: Final = ("n1:90", "n2:90", "n3:90")
JOBS: Final = ("api", "db")
LE: Final = ("0.1", "0.5", "1", "2.5", "+Inf")


@dataclass(frozen=True)
class Series:
    """One series: its labels, with the name, and samples of (milliseconds, value) in the order of time."""

    labels: dict[str, str]
    samples: list[tuple[int, float]]

    @property
    def key(self) -> tuple[tuple[str, str], ...]:
        """The labels in Prometheus' order."""
        return tuple(sorted(self.labels.items()))


def fleet(seed: int, clusters: Sequence[str]) -> dict[str, list[Series]]:
    """What each cluster holds, in Prometheus' order. Which cluster has what, and who shares a series, is by chance."""
    chance = random.Random(seed)  # noqa: S311 - a seed that repeats, no secret
    parts: dict[str, list[Series]] = {name: [_anchor(chance)] for name in clusters}
    split = chance.choice(("instance", "job", "series", "family"))
    homes: dict[str, str] = {}
    for family in _families(chance):
        for series in family:
            by = series.labels.get(split, "") if split in ("instance", "job") else str(series.key)
            by = series.labels["__name__"] if split == "family" else by
            home = homes.setdefault(by, chance.choice(list(clusters)))
            parts[home].append(series)
            # The same labels with other values, as two clusters of one kind have them.
            for other in clusters:
                if other != home and chance.random() < 0.35:
                    parts[other].append(Series(series.labels, _shaken(chance, series.samples)))
    return {name: sorted(part, key=lambda one: one.key) for name, part in parts.items()}


def union(parts: dict[str, list[Series]], label: str = LABEL) -> list[Series]:
    """What one Prometheus would hold: every series with its cluster, a label of that name moved aside."""
    whole = []
    for name, part in parts.items():
        for series in part:
            labels = {(f"exported_{key}" if key == label else key): text for key, text in series.labels.items()}
            whole.append(Series({**labels, label: name}, series.samples))
    return sorted(whole, key=lambda one: one.key)


def _anchor(chance: random.Random) -> Series:
    """The first series of everyone starts first: older samples than its own would not be taken."""
    return Series({"__name__": "anchor", "job": "anchor"}, _gauge(chance, _times(chance, whole=True)))


def _families(chance: random.Random) -> list[list[Series]]:
    return [
        _counters(chance),
        _gauges(chance),
        _odd(chance),
        _intermittent(chance),
        _histograms(chance),
        _per_job(chance),
        _own_cluster(chance),
    ]


def _counters(chance: random.Random) -> list[Series]:
    return [
        Series(
            {"__name__": "requests_total", "job": job, "instance": instance, "code": code},
            _counter(chance, _times(chance)),
        )
        for job in JOBS
        for instance in INSTANCES
        for code in ("200", "404", "500")
        if chance.random() < 0.9
    ]


def _gauges(chance: random.Random) -> list[Series]:
    plain = [
        Series({"__name__": name, "job": job, "instance": instance}, _gauge(chance, _times(chance)))
        for name in ("memory_bytes", "memory_limit_bytes")
        for job in JOBS
        for instance in INSTANCES
    ]
    strange = [
        Series({"__name__": "strange", "job": job, "instance": instance}, _strange(chance, _times(chance)))
        for job in JOBS
        for instance in INSTANCES
    ]
    return plain + strange


def _odd(chance: random.Random) -> list[Series]:
    return [
        Series({"__name__": "odd", "job": "api", "zone": zone}, _gauge(chance, _times(chance)))
        for zone in chance.sample(ODD_VALUES, 5)
    ] + [Series({"__name__": "odd", "job": "api"}, _gauge(chance, _times(chance)))]


def _intermittent(chance: random.Random) -> list[Series]:
    return [
        Series(
            {"__name__": "intermittent", "job": job, "instance": instance},
            [one for one in _gauge(chance, _times(chance)) if (one[0] // 420_000 + number) % 3],
        )
        for number, (job, instance) in enumerate((job, instance) for job in JOBS for instance in INSTANCES)
    ]


def _histograms(chance: random.Random) -> list[Series]:
    found = []
    for job in JOBS:
        for instance in INSTANCES:
            own = {"job": job, "instance": instance}
            times = _times(chance)
            total = [0.0] * len(times)
            bounds = [le for le in LE if chance.random() < 0.93]
            for le in bounds:
                # Sums of growing counters; now and then one bucket is ahead of its time.
                total = [base + more for base, (_, more) in zip(total, _counter(chance, times), strict=True)]
                torn = [max(0.0, value - (5 if chance.random() < 0.02 else 0)) for value in total]
                found.append(
                    Series({"__name__": "latency_bucket", **own, "le": le}, list(zip(times, torn, strict=True)))
                )
            found.append(Series({"__name__": "latency_count", **own}, list(zip(times, total, strict=True))))
            found.append(Series({"__name__": "latency_sum", **own}, _counter(chance, times)))
    found.append(
        Series({"__name__": "latency_bucket", "job": "api", "instance": "odd", "le": "x"}, _gauge(chance, times))
    )
    return found


def _per_job(chance: random.Random) -> list[Series]:
    return [Series({"__name__": "quota", "job": job}, _gauge(chance, _times(chance))) for job in JOBS] + [
        Series(
            {"__name__": "build_info", "job": job, "instance": instance, "version": f"1.{chance.randrange(3)}"},
            [(at, 1.0) for at in _times(chance)],
        )
        for job in JOBS
        for instance in INSTANCES
    ]


def _own_cluster(chance: random.Random) -> list[Series]:
    return [
        Series(
            {"__name__": "tenant_load", "job": "api", "instance": instance, LABEL: own},
            _gauge(chance, _times(chance)),
        )
        for instance in INSTANCES
        for own in ("east", "inner", "größe")
    ]


def _times(chance: random.Random, *, whole: bool = False) -> list[int]:
    """Scrapes every 15 or 30 s; a third of the series exactly on round times, where borders of windows matter."""
    every_ms = chance.choice((15_000, 30_000))
    phase_ms = 0 if chance.random() < 0.35 else chance.randrange(every_ms)
    first = 0 if whole or chance.random() < 0.8 else chance.randrange(LENGTH_MS // 3)
    last = LENGTH_MS if whole or chance.random() < 0.8 else chance.randrange(LENGTH_MS // 2, LENGTH_MS)
    every = range(START_MS + phase_ms, START_MS + LENGTH_MS, every_ms)
    times = [at for at in every if first <= at - START_MS <= last]
    if not whole and chance.random() < 0.3:
        gap_from = START_MS + chance.randrange(LENGTH_MS)
        gap_to = gap_from + chance.choice((60_000, 240_000, 900_000))
        times = [at for at in times if not gap_from < at < gap_to]
    return times or [START_MS]


def _ended(chance: random.Random, samples: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """Some series stop with the marker that a failed scrape leaves, for good or for a while."""
    if len(samples) < 8 or chance.random() < 0.75:
        return samples
    at = chance.randrange(4, len(samples) - 3)
    stopped = [*samples[:at], (samples[at][0], STALE)]
    return stopped if chance.random() < 0.5 else [*stopped, *samples[at + 3 :]]


def _counter(chance: random.Random, times: list[int]) -> list[tuple[int, float]]:
    value, samples = float(chance.randrange(5_000)), []
    for at in times:
        value = 0.0 if chance.random() < 0.01 else value + chance.choice((0, 0, 1, 3, 12.125, 40))
        samples.append((at, value))
    return samples


def _gauge(chance: random.Random, times: list[int]) -> list[tuple[int, float]]:
    level, samples = float(chance.randrange(-40, 400)), []
    for at in times:
        level += chance.choice((-8.0, -1.125, 0.0, 0.25, 1.0, 7.5))
        samples.append((at, level))
    return _ended(chance, samples)


def _strange(chance: random.Random, times: list[int]) -> list[tuple[int, float]]:
    """A gauge with NaN, both infinities and both zeros among its values."""
    values = (float("nan"), float("inf"), float("-inf"), 0.0, -0.0)
    return [(at, chance.choice(values) if chance.random() < 0.1 else value) for at, value in _gauge(chance, times)]


def _shaken(chance: random.Random, samples: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """The same, or the same with another level."""
    more = chance.choice((0.0, 16.5, -3.0))
    return [(at, value if value != value else value + more) for at, value in samples]  # noqa: PLR0124 - NaN stays
