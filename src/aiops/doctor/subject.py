"""What is examined: the settings that `aiops serve` would get, or the installation of `aiops up` in a data dir.

Making one writes nothing and starts nothing: of a data dir it reads what a hub has left there.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from msgspec.structs import replace

from aiops.core.embedded.account import EmbeddedServerError
from aiops.core.embedded.data_dir import DataDir
from aiops.core.embedded.postgres import running_url
from aiops.core.embedded.valkey import SOCKET
from aiops.settings import Settings, SettingsError, load


@dataclass(frozen=True)
class Subject:
    """`problems` are the mistakes in the settings; `why_not` says by area why something cannot be looked at."""

    settings: Settings
    problems: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    data_dir: DataDir | None = None
    why_not: Mapping[str, str] | None = None
    server: str = ""
    token: str | None = None

    def reason(self, area: str, otherwise: str) -> str:
        """Why an area cannot be looked at."""
        return (self.why_not or {}).get(area, otherwise)

    def metrics_secret(self) -> str | None:
        """What `/metrics` of the hub of the data dir asks for."""
        raw = None if self.data_dir is None else _secret(self.data_dir, "metrics")
        return raw.hex() if raw is not None else None

    def masked(self) -> list[str | None]:
        """What must not be shown beyond the secrets of the settings: the token, and what the data dir keeps."""
        folder = None if self.data_dir is None else self.data_dir.path / "secrets"
        try:
            kept = [path.read_bytes() for path in folder.iterdir()] if folder is not None and folder.is_dir() else []
        except OSError:
            kept = []  # what cannot be read is nothing that could be shown
        return [self.token, *(one for raw in kept for one in (raw.hex(), base64.b64encode(raw).decode()))]


def of_environment(
    environ: Mapping[str, str],
    *,
    config: Path | None,
    roles: tuple[str, ...],
    data_dir: Path | None,
    server: str,
    token: str | None,
) -> Subject:
    """The installation that these settings, and this data dir where one is given, make up."""
    try:
        settings, problems = load(environ, config), ()
    except SettingsError as error:
        return Subject(Settings(), tuple(str(error).splitlines()), roles, server=server, token=token)
    if data_dir is None:
        return Subject(settings, problems, roles, server=server, token=token)
    folder = DataDir(data_dir)
    try:
        settings, why_not = _of_data_dir(settings, folder)
        server = server or folder.running_url() or ""
    except OSError as error:
        why = f"{error.filename or data_dir} cannot be read: {error.strerror}"
        why_not = dict.fromkeys(("database", "redis", "objects"), why)
    return Subject(settings, problems, roles or ("all",), folder, why_not, server, token)


def _of_data_dir(settings: Settings, folder: DataDir) -> tuple[Settings, dict[str, str]]:
    """The settings with what the hub of this folder uses, and why something of it cannot be asked."""
    why_not = {}
    if not settings.database.url:
        try:
            url = running_url(folder)
        except EmbeddedServerError as error:
            url, why_not["database"] = None, str(error)
        if url is None:
            why_not.setdefault("database", "the embedded PostgreSQL does not run; it does while 'aiops up' runs")
        settings = replace(settings, database=replace(settings.database, url=url or ""))
    if not settings.redis.url:
        sockets, password = folder.running_sockets("valkey"), _secret(folder, "valkey")
        if sockets is None or password is None or not (sockets / SOCKET).exists():
            why_not["redis"] = "the embedded Valkey does not run; it does while 'aiops up' runs"
        else:
            url = f"unix://:{password.hex()}@{quote(str(sockets / SOCKET), safe='/')}"
            settings = replace(settings, redis=replace(settings.redis, url=url))
    if not settings.auth.internal_secret and (internal := _secret(folder, "internal")) is not None:
        settings = replace(settings, auth=replace(settings.auth, internal_secret=internal.hex()))
    if not settings.secrets.key and (key := _secret(folder, "encryption")) is not None:
        settings = replace(settings, secrets=replace(settings.secrets, key=base64.b64encode(key).decode()))
    if not settings.objects.url and (folder.path / "objects").is_dir():
        objects = (folder.path / "objects").resolve().as_uri()
        settings = replace(settings, objects=replace(settings.objects, url=objects))
    elif not settings.objects.url:
        why_not["objects"] = "nothing is kept in the data dir yet"
    return settings, why_not


def _secret(folder: DataDir, name: str) -> bytes | None:
    """A secret that the hub has made; `DataDir.secret` would make one."""
    try:
        return (folder.path / "secrets" / name).read_bytes()
    except OSError:
        return None
