"""Files that outlive a request, such as reports: in a folder on one machine, in S3 on a cluster.

One implementation over obstore, which speaks both. It knows nothing of what is in a file and keeps no index: what
belongs to whom is in PostgreSQL. Left to itself the library would read the environment's proxies by rules of its own,
by which the Services of a cluster are asked through them; it is told.
"""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import unquote, urlsplit

import obstore
from msgspec import Struct
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, MemoryStore, S3Store
from yarl import URL

from aiops.core.errors import InvalidRequest, NotFound, ServiceUnavailable
from aiops.core.http import Proxies
from aiops.settings import ObjectSettings

if TYPE_CHECKING:
    from obstore.store import ClientConfig, S3Config

SCHEMES: Final = ("file", "s3", "memory")
# A proxy for nobody: only where one is named does the library leave the environment's alone.
_DIRECT: Final[dict[str, str]] = {"proxy_url": "http://127.0.0.1:9", "proxy_excludes": "*,0.0.0.0/0,::/0"}


def object_store(settings: ObjectSettings, proxies: Proxies, *, timeout_s: float = 20) -> "ObjectStore":
    """The store of the settings, which name one. Raises `ValueError` where something of them is no URL."""
    own = {
        "endpoint": settings.endpoint,
        "region": settings.region,
        "access_key_id": settings.access_key_id,
        "secret_access_key": settings.secret_access_key,
    }
    options = {name: value for name, value in own.items() if value}
    proxy = proxies.to(settings.endpoint or f"https://s3.{settings.region}.amazonaws.com")
    return ObjectStore(settings.url, options=options, proxy=proxy, timeout_s=timeout_s)


class ObjectInfo(Struct, frozen=True):
    """An object in a listing; `size` is in bytes."""

    path: str
    size: int


class ObjectStore:
    """Objects under one URL: `file:///folder`, `s3://bucket/prefix`, or `memory:///` in tests.

    `options` are obstore's for S3 (`endpoint`, `access_key_id`, `secret_access_key`, `region`, …). A path is relative,
    with `/` between its parts. S3 is asked through `proxy`, or directly where there is none.
    """

    def __init__(
        self, url: str, *, options: Mapping[str, str] | None = None, proxy: URL | None = None, timeout_s: float = 20
    ) -> None:
        scheme = urlsplit(url).scheme
        if scheme not in SCHEMES:
            raise ValueError(f"the object store's URL must begin with file:// or s3://, not {scheme or 'nothing'}://")
        self._folder = Path(unquote(urlsplit(url).path)) if scheme == "file" else None
        self._url = url
        self._options = dict(options or {})
        self._proxy = proxy
        self._timeout = timedelta(seconds=timeout_s)
        self._opened: obstore.store.ObjectStore | None = None

    @property
    def _store(self) -> "obstore.store.ObjectStore":
        if self._opened is None:
            if self._folder is not None:
                self._opened = LocalStore(self._folder, mkdir=True)
            elif self._url.startswith("memory:"):
                self._opened = MemoryStore()
            else:
                self._opened = S3Store.from_url(
                    self._url,
                    config=cast("S3Config", self._options),
                    client_options=self._client_options(),
                    retry_config={"max_retries": 3, "retry_timeout": self._timeout},
                )
        return self._opened

    def _client_options(self) -> "ClientConfig":
        way = _DIRECT if self._proxy is None else {"proxy_url": str(self._proxy)}
        return cast("ClientConfig", {"timeout": self._timeout, "allow_http": True, **way})

    async def put(self, path: str, data: bytes) -> None:
        """Store the object; one that has this path is replaced as a whole."""
        try:
            await obstore.put_async(self._store, _checked(path), data)
        except BaseError as error:
            raise _translated(path, error) from error

    async def get(self, path: str) -> bytes:
        """The object's bytes. Raises `NotFound` when there is none."""
        try:
            result = await obstore.get_async(self._store, _checked(path))
            return bytes(await result.bytes_async())
        except (BaseError, FileNotFoundError) as error:
            raise _translated(path, error) from error

    async def delete(self, path: str) -> None:
        """Remove the object; it is no error when there is none."""
        try:
            await obstore.delete_async(self._store, _checked(path))
        except FileNotFoundError:
            return
        except BaseError as error:
            raise _translated(path, error) from error

    async def list(self, prefix: str = "") -> list[ObjectInfo]:
        """Every object below the prefix (whole path parts), by path."""
        found: list[ObjectInfo] = []
        try:
            async for batch in obstore.list(self._store, prefix or None):
                found.extend(ObjectInfo(meta["path"], meta["size"]) for meta in batch)
        except BaseError as error:
            raise _translated(prefix, error) from error
        return sorted(found, key=lambda info: info.path)

    async def check(self) -> None:
        """Raise `ServiceUnavailable` unless the store answers."""
        try:
            await obstore.head_async(self._store, ".check")
        except (NotFoundError, FileNotFoundError):
            return
        except BaseError as error:
            raise _translated(".check", error) from error


def _checked(path: str) -> str:
    if "\0" in path or any(part in ("", ".", "..") for part in path.split("/")):
        raise InvalidRequest(f"{path!r} is no path of an object; it must be relative, without empty or dotted parts")
    return path


def _translated(path: str, error: Exception) -> NotFound | ServiceUnavailable:
    if isinstance(error, NotFoundError | FileNotFoundError):
        return NotFound(f"there is no object {path!r}")
    reason = str(error).strip().splitlines()
    return ServiceUnavailable(f"the object store failed on {path!r}: {reason[0] if reason else type(error).__name__}")
