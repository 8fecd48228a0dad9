"""An HTTP server on loopback that says what a test wants: a login page, a Prometheus."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

Form = dict[str, list[str]]
Says = Callable[[str, Form], tuple[int, bytes]]


@contextmanager
def answering(says: Says) -> Iterator[str]:
    """Serve until the block ends; `says` turns a path and a form into status and body. Gives the URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            form = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, body = says(self.path, parse_qs(form.decode()))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_DELETE = do_GET

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def prometheus(path: str, form: Form) -> tuple[int, bytes]:
    """One series that is 1; over a range it is 0 at the last point, and the expression `up{` is refused."""
    if form.get("query") == ["up{"]:
        return 400, json.dumps({"status": "error", "errorType": "bad_data", "error": "unclosed brace"}).encode()
    row: dict[str, object] = {"metric": {"__name__": "up", "job": "a"}}
    if path.startswith("/api/v1/query_range"):
        start, end, step = (float(form[name][0]) for name in ("start", "end", "step"))
        times = [start + step * index for index in range(int((end - start) / step) + 1)]
        row["values"] = [[at, "0" if at == times[-1] else "1"] for at in times]
    else:
        row["value"] = [1_900_000_000, "1"]
    kind = "matrix" if "values" in row else "vector"
    return 200, json.dumps({"status": "success", "data": {"resultType": kind, "result": [row]}}).encode()
