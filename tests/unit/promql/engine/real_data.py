"""Two hours of samples with all that the engine has to get right; small enough to be asked a thousand things."""

import random
from typing import Final

from tests.oracle.data import STALE, Series

START_MS: Final = 1_767_225_600_000
STEP_MS: Final = 15_000
COUNT: Final = 480
Points = list[tuple[int, float]]


def series() -> list[Series]:
    """All series, sorted by labels; the first begins as early as any."""
    chance = random.Random(7)  # noqa: S311 - a seed that repeats, no secret
    made = [
        *_counters(chance),
        *_gauges(chance),
        *_gaps(chance),
        *_small_numbers(chance),
        *_histograms(chance),
        *_partners(chance),
        *_extremes(),
    ]
    return sorted(made, key=lambda one: one.key)


def _times(chance: random.Random, *, loss: float = 0.03, jitter_ms: int = 300) -> list[int]:
    return [
        START_MS + place * STEP_MS + (chance.randint(0, jitter_ms) if place else 0)
        for place in range(COUNT)
        if not place or chance.random() > loss
    ]


def _regular(first: int = 0, last: int = COUNT, every: int = 1) -> list[int]:
    return [START_MS + place * STEP_MS for place in range(first, last, every)]


def _counters(chance: random.Random) -> list[Series]:
    found = []
    for region in ("eu", "us"):
        for instance in ("i0", "i1", "i2"):
            for path in ("/", '/b "c"'):
                total, points = 0.0, Points()
                for at in _times(chance):
                    total = 0.5 if chance.random() < 0.01 else total + chance.expovariate(0.3)
                    points.append((at, total))
                labels = {"__name__": "req_total", "region": region, "instance": instance, "path": path}
                found.append(Series(labels, points))
    return found


def _gauges(chance: random.Random) -> list[Series]:
    odd: tuple[dict[float, float], ...] = (
        {},
        {float("nan"): 0.1},
        {float("inf"): 0.05},
        {float("-inf"): 0.05},
        {float("nan"): 0.3, float("inf"): 0.1},
    )
    return [
        Series(
            {"__name__": "temp", "instance": f"i{rack % 3}", "rack": f"r{rack}"},
            [
                (at, next((value for value, share in kinds.items() if chance.random() < share), chance.gauss(20, 15)))
                for at in _times(chance)
            ],
        )
        for rack, kinds in enumerate(odd)
    ] + [Series({"__name__": "temp", "instance": "i2", "rack": "r9"}, [(at, 42.5) for at in _times(chance)])]


def _gaps(chance: random.Random) -> list[Series]:
    found = []
    for number in range(4):
        pause = range(80 + 13 * number, 128 + 20 * number)
        points: Points = []
        for place, at in enumerate(_times(chance)):
            if place == pause.start and number % 2 == 0:
                points.append((at, STALE))
            if place not in pause:
                points.append((at, chance.uniform(-5, 5)))
        if number == 3:
            points = [*points[:200], (points[200][0], STALE)]
        found.append(Series({"__name__": "gappy", "instance": f"i{number}"}, points))
    sparse = [(at, float(place)) for place, at in enumerate(_regular(every=40))]
    return [*found, Series({"__name__": "sparse", "i": "0"}, sparse)]


def _small_numbers(chance: random.Random) -> list[Series]:
    """At exact steps, so that windows have samples at their ends, and with many equal values."""
    ints = [
        Series(
            {"__name__": "ints", "instance": f"i{number}", "pod": f"p{number}"},
            [(at, float(chance.randint(0, 3))) for at in _regular()],
        )
        for number in range(3)
    ]
    ties = [
        Series(
            {"__name__": "ties", "n": f"node-{number}", "grp": "ab"[number % 2]},
            [
                (at, float("nan") if number in (3, 9) and chance.random() < 0.3 else float(chance.randint(0, 2)))
                for at in _regular(every=2)
            ],
        )
        for number in range(12)
    ]
    return ints + ties


def _histograms(chance: random.Random) -> list[Series]:
    found = []
    for region in ("eu", "us"):
        counts = [0.0] * 5
        rows: list[Points] = [[] for _ in counts]
        for at in _regular():
            for place in range(len(counts)):
                counts[place] += sum(chance.randint(0, 4) for _ in range(place + 1))
                if chance.random() > 0.01:
                    rows[place].append((at, counts[place]))
        for bound, points in zip(("0.1", "0.5", "1", "2.5", "+Inf"), rows, strict=True):
            found.append(Series({"__name__": "lat_bucket", "le": bound, "region": region}, points))
    odd = (("-5", 1), ("0", 3), ("1", 2.5), ("1.0", 1), ("5", 7), ("Inf", 9), ("abc", 3))
    for bound, level in odd:
        own = [(at, float(int(chance.random() * 3 + level * 4))) for at in _regular(every=4)]
        found.append(Series({"__name__": "odd_bucket", "le": bound, "x": "torn"}, own))
    for kind, counted in (("zero", {"1": 0, "+Inf": 0}), ("open", {"0.1": 1, "1": 2}), ("one", {"+Inf": 5})):
        for bound, value in counted.items():
            own = [(at, float(value)) for at in _regular(every=4)]
            found.append(Series({"__name__": "odd_bucket", "le": bound, "x": kind}, own))
    return found


def _partners(chance: random.Random) -> list[Series]:
    found = []
    for number in range(3):
        old = [(at, 1.0) for at in _regular(last=240)]
        labels = {"__name__": "build_info", "instance": f"i{number}"}
        found.append(Series(labels | {"version": "1.0"}, [*old, (old[-1][0] + STEP_MS, STALE)]))
        if number:
            found.append(Series(labels | {"version": "1.1"}, [(at, 1.0) for at in _regular(first=242)]))
        for name in ("twin_a", "twin_b"):
            own = [(at, chance.gauss(0, 1)) for at in _regular()]
            found.append(Series({"__name__": name, "instance": f"i{number}"}, own))
    early, late = _regular(last=100), _regular(first=150)
    found.append(Series({"__name__": "early", "k": "1"}, [(at, 1.5) for at in early]))
    found.append(Series({"__name__": "late", "k": "1"}, [(at, 2.5) for at in late]))
    typed = {"__name__": "typed", "__type__": "gauge", "__unit__": "s", "i": "1"}
    return [*found, Series(typed, [(at, 3.0) for at in _regular()])]


def _extremes() -> list[Series]:
    huge = (1e100, 1.0, -1e100, 1e-300, 1.7e308, 1.7e308)
    swings = ((1e100, 1.0, -1e100, 3.0), (1.7e308, 1.6e308, 1.5e308, 1.0))
    clock = (0.0, 951_782_400.0, 1_709_164_800.9, -86_401.0, 4e9, 2.0**70, float("nan"), -1e10)
    versions = ("v1", "v10", "v2", "v2a", "10", "9", "x-1-b", "x-1-a", "x-02")
    return [
        *(Series({"__name__": "huge", "i": str(i)}, [(at, v) for at in _regular(every=4)]) for i, v in enumerate(huge)),
        *(
            Series({"__name__": "swing", "i": str(i)}, [(at, four[n % 4]) for n, at in enumerate(_regular())])
            for i, four in enumerate(swings)
        ),
        *(
            Series({"__name__": "clock", "i": str(i)}, [(at, v) for at in _regular(every=4)])
            for i, v in enumerate(clock)
        ),
        *(
            Series({"__name__": "nat", "ver": name}, [(at, float(i)) for at in _regular(every=4)])
            for i, name in enumerate(versions)
        ),
    ]
