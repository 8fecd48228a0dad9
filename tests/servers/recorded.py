"""Members of a Prometheus API that answer what was recorded before, as fast as they can: the hub alone is measured.

Run as `python -m tests.servers.recorded FOLDER`, a process of its own. FOLDER holds `<member>.<metric>.json`; a query
is answered with the recording of the first metric that it names, compressed where the client takes that. A member with
a file `<member>.<metric>.hang` never answers it. The ports of the members by their names are written to `ports.json`.
It understands no PromQL: who asks must know what a real member would say.
"""

import asyncio
import gzip
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from aiohttp import web

from tests.servers.loopback import HOST
from tests.servers.processes import Process
from tests.servers.waiting import until

# The answer of Prometheus 3 to a question by which generations are told apart: two steps in a window, not three.
TWO: Final = b'{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"2"]}]}}'
JSON: Final = {"Content-Type": "application/json"}


@contextmanager
def recorded(folder: Path) -> Iterator[dict[str, str]]:
    """Serve what lies in the folder; the address of each member by its name."""
    ports = folder / "ports.json"
    ports.unlink(missing_ok=True)
    argv: list[str | Path] = [sys.executable, "-m", "tests.servers.recorded", folder]
    with Process(argv, log=folder / "output.log") as process:
        until(lambda: ports.exists() or not process.running, what="the recorded members are ready")
        if not process.running:
            raise RuntimeError(f"the recorded members did not start; they wrote:\n{process.output()}")
        found: dict[str, int] = json.loads(ports.read_text())
        yield {name: f"http://{HOST}:{port}" for name, port in found.items()}


class Recording:
    """One member's answers by metric: plain and compressed."""

    def __init__(self, folder: Path, name: str) -> None:
        self._plain = {file.name.split(".")[1]: file.read_bytes() for file in folder.glob(f"{name}.*.json")}
        self._packed = {metric: gzip.compress(body, compresslevel=1) for metric, body in self._plain.items()}
        self._hangs = {file.name.split(".")[1] for file in folder.glob(f"{name}.*.hang")}

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """The recording that the query names."""
        form = await request.post()
        query = str(form.get("query") or request.query.get("query", ""))
        if "vector(1)" in query:
            return web.Response(body=TWO, headers=JSON)
        metric = next((word for word in re.findall(r"\w+", query) if word in self._plain), None)
        if metric is None:
            return web.Response(status=404, text=f"nothing was recorded for {query}")
        if metric in self._hangs:
            await asyncio.Event().wait()
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            return web.Response(body=self._packed[metric], headers={**JSON, "Content-Encoding": "gzip"})
        return web.Response(body=self._plain[metric], headers=JSON)


async def serve(recordings: dict[str, Recording], told: Path) -> None:
    """Serve each member on a port of its own, which is told there, until the process is ended."""
    ports: dict[str, int] = {}
    for name, recording in recordings.items():
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", recording.answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, HOST, 0).start()
        ports[name] = runner.addresses[0][1]
    fresh = told.with_suffix(".new")
    fresh.write_text(json.dumps(ports))
    fresh.replace(told)
    await asyncio.Event().wait()


def main(folder: Path) -> None:
    """Serve what lies in the folder."""
    names = sorted({file.name.split(".")[0] for file in folder.glob("*.*.json")})
    asyncio.run(serve({name: Recording(folder, name) for name in names}, folder / "ports.json"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
