"""How exact PromQL is: random queries against a real Prometheus of either generation. Prints one JSON object.

`nox -s bench -- promql --cases 10000 --seed 1`. `--subject engine` is the engine over samples in memory, `plan` a
fleet's plan carried out against real members, `hub` the collector over them, `http` a whole hub.
A seed asks the same again. Ends with 1 if any answer was wrong.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from tests.oracle.runs import Report, engine_run, http_run, hub_run, plan_run, slices, together
from tests.servers.generations import Generation

SUBJECTS: Final = {"engine": engine_run, "plan": plan_run, "hub": hub_run, "http": http_run}


def main() -> int:
    """Run and print."""
    options = _arguments()
    found: dict[str, Any] = {"seed": options.seed}
    for generation in Generation:
        for name in options.subject or SUBJECTS:
            started = time.perf_counter()
            with tempfile.TemporaryDirectory() as folder:
                reports: list[Report] = [
                    SUBJECTS[name](Path(folder) / str(seed), generation, seed, cases)
                    for seed, cases in slices(options.seed, options.cases)
                ]
            own = together(reports)
            found[f"{name}, Prometheus {generation.value}"] = own | {"wall_s": round(time.perf_counter() - started, 1)}
    sys.stdout.write(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    return int(any(isinstance(part, dict) and part["wrong"] for part in found.values()))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000, help="for each subject and generation")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--subject", action="append", choices=sorted(SUBJECTS))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
