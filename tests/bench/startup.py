"""How long `aiops up` takes to be ready, and what it and each role hold when idle. Prints one JSON object.

The frontend stands alone, without stores; the other roles run over one PostgreSQL and one Valkey. CPU seconds are the
hub's own, without PostgreSQL and Valkey, at the second start on a data folder; memory is the resident set after ten
idle seconds. Run it as `nox -s bench -- startup`.
"""

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from tests.flows.hubs import FiveRoles, HubUnderTest, OneProcess
from tests.roles.frontend import serving_frontend

MEBIBYTE = 1024 * 1024
IDLE_S = 10


def main() -> None:
    """Measure and print."""
    figures: dict[str, Any] = {"all": one_process(), "roles": five_roles() | frontend()}
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")


def one_process() -> dict[str, float]:
    """First and second start of `aiops up`."""
    hub = OneProcess()
    first_s = timed(hub)
    hub.stop()
    second_s = timed(hub)
    process = psutil.Process(hub.pids()["all"])
    user_s = process.cpu_times().user
    time.sleep(IDLE_S)
    found = {
        "first_start_wall_s": first_s,
        "second_start_wall_s": second_s,
        "second_start_user_cpu_s": round(user_s, 2),
        "idle_rss_mib": resident_mib(hub.pids()["all"]),
    }
    hub.stop()
    return found


def five_roles() -> dict[str, float]:
    """Idle memory of each role in a process of its own, in MiB."""
    with FiveRoles() as hub:
        time.sleep(IDLE_S)
        return {role: resident_mib(pid) for role, pid in hub.pids().items()}


def frontend() -> dict[str, float]:
    """Idle memory of the one role that needs nothing, in MiB."""
    with tempfile.TemporaryDirectory() as folder, serving_frontend(Path(folder)) as process:
        time.sleep(IDLE_S)
        return {"frontend": resident_mib(process.pid)}


def resident_mib(pid: int) -> float:
    """What a process holds in memory, in MiB."""
    return round(psutil.Process(pid).memory_info().rss / MEBIBYTE, 1)


def timed(hub: HubUnderTest) -> float:
    """Start the hub; seconds until it is healthy."""
    started = time.perf_counter()
    hub.start()
    return round(time.perf_counter() - started, 2)


if __name__ == "__main__":
    main()
