"""What a query over many clusters costs the hub, part by part, and a peer on the same members. Prints one JSON object.

`nox -s bench -- federation --members 20 [--promxy PATH]`. Members are recorded answers of a process of their own, so
that none of their work is in the figures. CPU is that of the hub's process, or of the peer's. `parts_cpu_ms` is the
same work done step by step on the same bytes, so that one sees where it goes, each part's median. `overhead_cpu_ms` is
what the hub does beside carrying bytes: planning, splicing or merging, and writing the answer. `hub` is the collector
in this process, `whole_hub` a hub of one process that is asked over HTTP as any client of Prometheus asks, and as the
peer is.
"""

import argparse
import gzip
import json
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from zlib_ng import zlib_ng

from aiops.collector.answer_json import encode
from aiops.collector.gathered import gather, stacked
from aiops.collector.splice import splice
from aiops.core.garbage import settle
from aiops.promql.engine import PROMETHEUS_3, Grid, Scalar, Vector, evaluate
from aiops.promql.parse import parse
from aiops.promql.plan import Plan, plan
from aiops.promql.syntax import Expr
from tests.flows.hubs import OneProcess
from tests.oracle.answers import Answer, Case, Refused, difference, from_api
from tests.oracle.data import LABEL, START_MS
from tests.oracle.http_hub import HttpHub, http_hub
from tests.oracle.hub import Hub
from tests.servers.loopback import request
from tests.servers.promxy import Promxy
from tests.servers.recorded import recorded

POINTS: Final = 61
GRID: Final = Grid(START_MS, START_MS + (POINTS - 1) * 60_000, 60_000)
HUNG_TIMEOUT_S: Final = 2.0
OVERHEAD: Final = ("planning", "splice_or_merge", "answer")
# Metric -> what is asked, and how many groups and how many series of each a member answers with.
QUERIES: Final = {
    "whole": ("whole", 100, 5),
    "pushed": ("sum by (g) (pushed)", 100, 1),
    "gathered": ("quantile by (g) (0.9, gathered)", 100, 3),
    "hung": ("sum by (g) (hung)", 100, 1),
}


def main() -> None:
    """Measure and print."""
    options = _arguments()
    settle()  # as every server does
    names = [f"c{number:03}" for number in range(max(options.members, 100))]
    found: dict[str, Any] = {"points": POINTS}
    with tempfile.TemporaryDirectory() as folder:
        record(Path(folder), names, options.members)
        with recorded(Path(folder)) as urls:
            first = {name: urls[name] for name in names[: options.members]}
            every = {name: urls[name] for name in names}
            for asked, members in ((tuple(QUERIES), first), (("pushed",), every)):
                with http_hub(members, Forgetful) as whole:
                    for metric in asked:
                        figures = measured(metric, members, Path(folder), whole, options)
                        found[f"{metric}, {len(members)} members"] = figures
    sys.stdout.write(json.dumps(found, indent=2) + "\n")


def record(folder: Path, names: list[str], members: int) -> None:
    """Write what each member answers: the first ones to all, the others to `pushed`. The first one hangs at `hung`."""
    for number, name in enumerate(names):
        for metric, (_, groups, series) in QUERIES.items():
            if number >= members and metric != "pushed":
                continue
            (folder / f"{name}.{metric}.json").write_bytes(body(metric, groups, series, seed=number))
    (folder / f"{names[0]}.hung.hang").touch()


def body(metric: str, groups: int, series: int, seed: int) -> bytes:
    """A matrix as Prometheus writes it. Of one series in a group it is an aggregation's, without other labels."""
    rows = []
    for group in range(groups):
        for one in range(series):
            own = {"g": f"group-{group:03}"}
            if series > 1:
                own |= {"__name__": metric, "instance": f"10.0.{one}.{group}:9100", "job": "node"}
            values = [
                [START_MS // 1000 + 60 * step, repr((seed * 7919 + group * 104_729 + one * 31 + step * 13) % 9973 / 8)]
                for step in range(POINTS)
            ]
            rows.append({"metric": own, "values": values})
    data = {"status": "success", "data": {"resultType": "matrix", "result": rows}}
    return json.dumps(data, separators=(",", ":")).encode()


class Forgetful(OneProcess):
    """A hub that asks its members each time, and looks after them as often as any: tests are in more of a hurry."""

    def environment(self) -> dict[str, str]:
        """What it is given."""
        unhurried = {"AIOPS_REGISTRY_INTERVAL_SCALE": "1", "AIOPS_COLLECTOR_MAX_SETTLED_BYTES": "0"}
        return {**super().environment(), **unhurried}


def measured(
    metric: str, urls: dict[str, str], folder: Path, whole: HttpHub, options: argparse.Namespace
) -> dict[str, Any]:
    """Figures of one query over these members."""
    case = Case(QUERIES[metric][0], GRID.start_ms, GRID.end_ms, GRID.step_ms)
    hung = metric == "hung"
    bodies = {name: (folder / f"{name}.{metric}.json").read_bytes() for name in urls}
    megabytes = sum(map(len, bodies.values())) / 1e6
    repeats = 3 if hung else options.repeats
    with Hub(urls, allow_partial=hung, timeout_s=HUNG_TIMEOUT_S if hung else 60) as hub:
        answer = hub.ask(case)
        figures: dict[str, Any] = {
            "query": case.query,
            "member_megabytes": round(megabytes, 2),
            "hub": timed(lambda: msgspec.json.encode(hub.answer(case)), time.process_time, repeats),
        }
        if hung:
            figures["named_as_missing"] = sorted(hub.missing)
            figures["timeout_ms"] = HUNG_TIMEOUT_S * 1000
            return figures
        spent = parts(case, hub, bodies, repeats)
    over_http = timed(lambda: whole.answered(case), whole.cpu_s, repeats)
    figures["whole_hub"] = {**over_http, "differs": unlike(answer, whole.ask(case))}
    overheads = [sum(each) for each in zip(*(spent[part] for part in OVERHEAD), strict=True)]
    figures["parts_cpu_ms"] = {part: round(statistics.median(found), 2) for part, found in spent.items()}
    figures["overhead_cpu_ms"] = {"p50": round(statistics.median(overheads), 1), "p95": p95(overheads)}
    figures["overhead_cpu_ms_per_megabyte"] = round(statistics.median(overheads) / megabytes, 2)
    if options.promxy is not None:
        figures["promxy"] = peer(options.promxy, urls, case, answer, repeats)
    return figures


def timed(ask: Callable[[], object], cpu_s: Callable[[], float], repeats: int) -> dict[str, float]:
    """Wall time and CPU of one call, over several. The wall has the members' own time in it.

    CPU is the hub's alone, or the peer's, which is read in ticks of ten milliseconds.
    """
    ask()
    walls, cpus, before = [], [], cpu_s()
    for _ in range(repeats):
        started, spent = time.perf_counter(), cpu_s()
        ask()
        walls.append((time.perf_counter() - started) * 1000)
        cpus.append((cpu_s() - spent) * 1000)
    return {
        "wall_p50_ms": round(statistics.median(walls), 1),
        "wall_p95_ms": p95(walls),
        "cpu_ms": round((cpu_s() - before) * 1000 / repeats, 1),
        "cpu_p95_ms": p95(cpus),
    }


def p95(found: list[float]) -> float:
    """What nineteen of twenty do not exceed, by nearest rank."""
    return round(sorted(found)[math.ceil(len(found) * 0.95) - 1], 1)


def parts(case: Case, hub: Hub, bodies: dict[str, bytes], repeats: int) -> dict[str, list[float]]:
    """CPU of each step in milliseconds, of every round: one after the other, as a query does them."""
    names = tuple(bodies)
    made = plan(parse(case.query), names, LABEL, GRID, PROMETHEUS_3)
    packed = [gzip.compress(one, compresslevel=1) for one in bodies.values()]
    answer = hub.answer(case)
    steps: dict[str, Callable[[], object]] = {
        "planning": lambda: plan(parse(case.query), names, LABEL, GRID, PROMETHEUS_3),
        "transport_and_decompression": lambda: hub.fetched(case),
        "decompression": lambda: [zlib_ng.decompress(one, wbits=31) for one in packed],
        "splice_or_merge": lambda: merged(made, bodies),
        "answer": lambda: msgspec.json.encode(answer),
    }
    spent: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(repeats):
        for name, step in steps.items():
            spent[name].append(cpu_ms(step))
    return spent


def merged(made: Plan, bodies: dict[str, bytes]) -> object:
    """What is done with the members' bytes: labels spliced in, or all decoded, finished and written anew."""
    if made.finish is None:
        return [splice(one, LABEL, name).data for name, one in bodies.items()]
    decoded = [(name, gather(one, GRID, max_samples=10**8)[0]) for name, one in bodies.items()]
    leaf = made.leaves[0]
    given: dict[tuple[Expr, Grid], Vector | Scalar] = {(leaf.stand_in, leaf.grid): stacked(decoded, LABEL, GRID)}
    return encode(evaluate(made.finish, GRID, None, PROMETHEUS_3, given), GRID)


def cpu_ms(work: Callable[[], object]) -> float:
    """Milliseconds of CPU that the work takes."""
    started = time.process_time()
    work()
    return (time.process_time() - started) * 1000


def peer(binary: Path, urls: dict[str, str], case: Case, answer: Answer | Refused, repeats: int) -> dict[str, Any]:
    """The same query of promxy; `agrees` says whether its answer is ours."""
    with Promxy(binary, urls, LABEL) as promxy:

        def ask() -> bytes:
            form = urlencode(case.parameters).encode()
            kind = {"Content-Type": "application/x-www-form-urlencoded"}
            return request(promxy.port, "/api/v1/query_range", method="POST", body=form, headers=kind, timeout_s=60)[1]

        theirs = from_api(json.loads(ask()))
        return {**timed(ask, promxy.cpu_s, repeats), "differs": unlike(answer, theirs)}


def unlike(answer: Answer | Refused, other: Answer | Refused) -> str | None:
    """In what another answer differs from the collector's, or why there is none."""
    if isinstance(answer, Refused):
        return f"the collector refuses: {answer.reason}"
    return f"it refuses: {other.reason}" if isinstance(other, Refused) else difference(answer, other)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=40)
    parser.add_argument("--promxy", type=Path, help="promxy's binary")
    return parser.parse_args()


if __name__ == "__main__":
    main()
