"""The dashboard's files as a browser gets them, from a small folder that stands for a build."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar import Litestar, get
from litestar.testing import TestClient

from aiops.core.web import ErrorHandler, QueryCheck, public
from aiops.frontend.files import accepted_encodings
from aiops.frontend.module import build

PAGE = b"<!doctype html><title>fleet</title>"
SCRIPT = b"console.log('fleet');"


@get("/api/v1/known", guards=[public("stands for another module")])
async def known() -> dict[str, str]:
    return {"from": "api"}


def client_for(dist: Path) -> TestClient[Litestar]:
    app = Litestar(
        route_handlers=[known, *build(dist).routes],
        before_request=QueryCheck(),
        exception_handlers={Exception: ErrorHandler("frontend")},
        logging_config=None,
    )
    return TestClient(app)


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    root = tmp_path / "dist"
    (root / "assets").mkdir(parents=True)
    (root / "reference").mkdir()
    (root / "index.html").write_bytes(PAGE)
    (root / "favicon.svg").write_bytes(b"<svg/>")
    (root / ".inputs.sha256").write_text("hash")
    (root / "reference" / "docs.html").write_bytes(b"docs page")
    (root / "reference" / "redoc.html").write_bytes(b"redoc page")
    (root / "assets" / "index-abc.js").write_bytes(SCRIPT)
    (root / "assets" / "index-abc.js.gz").write_bytes(gzip.compress(SCRIPT))
    (root / "assets" / "font-abc.woff2").write_bytes(b"wOF2")
    (tmp_path / "secret.txt").write_text("secret")
    return root


@pytest.fixture
def client(dist: Path) -> Iterator[TestClient[Litestar]]:
    with client_for(dist) as client:
        yield client


@pytest.mark.parametrize("path", ["/", "/clusters", "/clusters/one/two", "/?query=up&page=2"])
def test_every_client_route_is_the_page_and_is_asked_for_again(client: TestClient[Litestar], path: str) -> None:
    answer = client.get(path)
    assert answer.content == PAGE
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


def test_a_page_that_did_not_change_is_not_sent_again(client: TestClient[Litestar]) -> None:
    tag = client.get("/").headers["etag"]
    again = client.get("/", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")


def test_a_page_may_run_only_its_own_scripts_and_styles(client: TestClient[Litestar]) -> None:
    headers = client.get("/").headers
    policy = headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "style-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "camera=()" in headers["permissions-policy"]


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_the_api_reference_has_pages_without_unsafe_sources(client: TestClient[Litestar], path: str) -> None:
    answer = client.get(path)
    assert answer.content == f"{path[1:]} page".encode()
    assert "unsafe" not in answer.headers["content-security-policy"]


def test_hashed_files_are_kept_for_ever(client: TestClient[Litestar]) -> None:
    answer = client.get("/assets/font-abc.woff2")
    assert answer.content == b"wOF2"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"] == "font/woff2"


def test_a_browser_that_takes_gzip_gets_the_variant_that_the_build_made(client: TestClient[Litestar]) -> None:
    packed = client.get("/assets/index-abc.js", headers={"Accept-Encoding": "gzip, br"})
    plain = client.get("/assets/index-abc.js", headers={"Accept-Encoding": "gzip;q=0"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content == SCRIPT  # the client unpacks
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
    assert packed.headers["etag"] != plain.headers["etag"]


def test_head_is_answered_too(client: TestClient[Litestar]) -> None:
    assert client.head("/").status_code == 200


def test_an_unknown_path_of_prometheus_is_an_error_of_prometheus(client: TestClient[Litestar]) -> None:
    for method in ("GET", "POST", "PUT", "DELETE"):
        answer = client.request(method, "/prometheus/api/v1/nothing")
        assert (answer.status_code, answer.json()["errorType"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["/api/v1/unknown", "/api", "/loki/api/v1/nothing", "/oauth/nothing"])
def test_an_unknown_path_of_the_api_is_an_error_of_the_api(client: TestClient[Litestar], path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "NOT_FOUND"


def test_other_modules_keep_their_paths(client: TestClient[Litestar]) -> None:
    assert client.get("/api/v1/known").json() == {"from": "api"}


def test_a_missing_file_is_not_a_page(client: TestClient[Litestar]) -> None:
    for path in (
        "/assets/index-old.js",
        "/robots.txt",
        "/deep/app.js",
        "/assets/index-abc.js.gz",
        "/.inputs.sha256",
    ):
        assert client.get(path).status_code == 404, path


@pytest.mark.parametrize(
    "path",
    [
        "/assets/../../secret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "/assets/%2e%2e/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/assets/..%5c..%5csecret.txt",
        "/assets/%00",
        "//etc/passwd",
    ],
)
def test_no_path_leads_out_of_the_folder(client: TestClient[Litestar], path: str) -> None:
    answer = client.get(path)
    assert b"secret" not in answer.content.replace(b"secret.txt", b"")
    assert b"root:" not in answer.content
    assert answer.status_code < 500


def test_writing_is_refused(client: TestClient[Litestar]) -> None:
    assert client.post("/").status_code == 405
    assert client.post("/clusters").headers["allow"] == "GET, HEAD"
    assert client.delete("/assets/index-abc.js").status_code == 405


def test_without_a_build_the_page_says_how_to_make_one(tmp_path: Path) -> None:
    with client_for(tmp_path / "nothing") as client:
        for path in ("/", "/clusters", "/docs", "/redoc"):
            answer = client.get(path)
            assert answer.status_code == 503
            assert "npm --prefix src/dashboard" in answer.text
            assert answer.headers["cache-control"] == "no-store"
        assert client.get("/api/v1/known").status_code == 200


@pytest.mark.parametrize(
    ("header", "taken"),
    [
        ("", {""}),
        ("gzip, deflate, br;q=0.9", {"gzip", "deflate", "br"}),
        ("br;q=0, GZIP", {"gzip"}),
        ("gzip; q=0.000", set()),
    ],
)
def test_accept_encoding_is_read_as_the_protocol_says(header: str, taken: set[str]) -> None:
    assert accepted_encodings(header) == taken
