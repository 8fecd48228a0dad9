"""The object store: one contract for a folder and for a store without folders."""

from pathlib import Path

import pytest

from aiops.core.errors import InvalidRequest, NotFound, ServiceUnavailable
from aiops.core.http import NO_PROXIES, Proxies
from aiops.core.objects import ObjectInfo, ObjectStore, object_store
from aiops.settings import ObjectSettings
from tests.servers.forward_proxy import ForwardProxy
from tests.servers.recorder import Recorder

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["folder", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    return ObjectStore(f"file://{tmp_path}/made/when needed" if request.param == "folder" else "memory:///")


async def test_what_was_put_is_got(store: ObjectStore) -> None:
    data = bytes(range(256)) * 1000
    await store.put("reports/1/weekly.pdf", data)
    assert await store.get("reports/1/weekly.pdf") == data


async def test_a_second_put_replaces_the_first(store: ObjectStore) -> None:
    await store.put("a", b"a long first version")
    await store.put("a", b"second")
    assert await store.get("a") == b"second"


async def test_what_is_not_there_is_not_found(store: ObjectStore) -> None:
    with pytest.raises(NotFound, match="no object 'missing'"):
        await store.get("missing")


async def test_deleting_is_final_and_may_be_repeated(store: ObjectStore) -> None:
    await store.put("a", b"1")
    for _ in range(2):
        await store.delete("a")
    with pytest.raises(NotFound):
        await store.get("a")


async def test_a_listing_has_everything_below_a_prefix(store: ObjectStore) -> None:
    for path in ("reports/2/b", "reports/1/a", "other/c"):
        await store.put(path, b"12")
    assert await store.list("reports") == [ObjectInfo("reports/1/a", 2), ObjectInfo("reports/2/b", 2)]
    assert len(await store.list()) == 3
    assert await store.list("nothing") == []


@pytest.mark.parametrize("path", ["../outside", "a/../../outside", "/../outside", "/outside", "", "a//b", "a\0b"])
async def test_a_path_does_not_leave_the_store(store: ObjectStore, path: str) -> None:
    for use in (store.get, store.delete):
        with pytest.raises(InvalidRequest, match="no path of an object"):
            await use(path)
    with pytest.raises(InvalidRequest, match="no path of an object"):
        await store.put(path, b"x")


async def test_a_store_that_answers_passes_the_check(store: ObjectStore) -> None:
    await store.check()


async def test_a_store_that_does_not_answer_is_service_unavailable() -> None:
    options = {
        "endpoint": "http://127.0.0.1:1",
        "access_key_id": "a",
        "secret_access_key": "b",
        "region": "c",
    }
    store = ObjectStore("s3://bucket/prefix", options=options, timeout_s=0.5)
    with pytest.raises(ServiceUnavailable, match="object store failed"):
        await store.check()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_store_outside_is_asked_through_the_proxy_and_one_inside_is_not(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    """Whatever the library would read in the environment."""
    account = {"access_key_id": "a", "secret_access_key": "b"}
    async with ForwardProxy(refuse=404) as proxy, ForwardProxy(refuse=404) as environments:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, environments.url)
        outside = ObjectSettings(url="s3://bucket", endpoint="http://s3.example.com:9000", **account)
        await object_store(outside, Proxies(http=proxy.url), timeout_s=5).check()
        with Recorder(status=404) as store:
            inside = ObjectSettings(url="s3://bucket", endpoint=store.url.replace("127.0.0.1", host), **account)
            with pytest.raises(NotFound):
                await object_store(inside, Proxies(http=proxy.url), timeout_s=5).get("report")
    assert [request.path for request in store.requests] == ["/bucket/report"]
    assert [line.partition("?")[0] for line in proxy.asked] == [
        "HEAD http://s3.example.com:9000/bucket/.check HTTP/1.1"
    ]
    assert environments.asked == []


def test_an_endpoint_that_is_no_url_is_told() -> None:
    with pytest.raises(ValueError, match="starts with https://"):
        object_store(ObjectSettings(url="s3://bucket", endpoint="minio:9000"), NO_PROXIES)


def test_a_url_of_something_else_is_refused() -> None:
    with pytest.raises(ValueError, match="object store's URL"):
        ObjectStore("ftp://host/folder")
