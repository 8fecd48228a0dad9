"""The URL that names sentinels instead of a server, and what can be wrong with one. It connects to nothing.

`redis+sentinel://[user:password@]host:26379[,host2:26379,…]/primary[/db][?sentinel_password=…&tls=true]`
"""

from typing import Final
from urllib.parse import unquote

from msgspec import Struct

SENTINEL_SCHEME: Final = "redis+sentinel://"
SENTINEL_PORT: Final = 26379
_FORM: Final = f"write {SENTINEL_SCHEME}host:26379,host2:26379/name-of-the-primary"
_OPTIONS: Final = ("sentinel_username", "sentinel_password", "tls")
_MAX_PORT: Final = 65535


class SentinelUrl(Struct, frozen=True):
    """Which sentinels to ask, for which primary, and how to sign in to either."""

    hosts: tuple[tuple[str, int], ...]
    master: str
    db: int = 0
    username: str | None = None
    password: str | None = None
    sentinel_username: str | None = None
    sentinel_password: str | None = None
    tls: bool = False


def parse_sentinel_url(url: str) -> SentinelUrl:
    """What the URL says.

    Raises:
        ValueError: what is wrong with it; never with a password in it.

    """
    rest, _, query = url.removeprefix(SENTINEL_SCHEME).partition("?")
    place, _, path = rest.partition("/")
    if "#" in url or "@" in path or "@" in query:
        raise ValueError("a password in the Redis URL must be percent-encoded where it holds one of / ? # @ %")
    account, _, hosts = place.rpartition("@")
    username, _, password = account.partition(":")
    master, _, db = path.partition("/")
    if not master:
        raise ValueError(f"the Redis URL names no primary to ask the sentinels for; {_FORM}")
    if db and not db.isdecimal():
        raise ValueError(f"the Redis URL's database must be a number, not {unquote(db)!r}; {_FORM}[/0]")
    options = _options(query)
    return SentinelUrl(
        hosts=tuple(_host(host) for host in hosts.split(",")),
        master=unquote(master),
        db=int(db or 0),
        username=unquote(username) or None,
        password=unquote(password) or None,
        sentinel_username=options.get("sentinel_username"),
        sentinel_password=options.get("sentinel_password"),
        tls=_truth(options.get("tls", "false")),
    )


def _host(text: str) -> tuple[str, int]:
    bare = text.rsplit("]", 1)[-1]  # an IPv6 address stands in brackets
    host, port = (text, "") if ":" not in bare else tuple(text.rsplit(":", 1))
    host = host.removeprefix("[").removesuffix("]")
    if not host or (":" in host and "[" not in text):
        raise ValueError(f"the Redis URL has a sentinel without a name (or an IPv6 address without []); {_FORM}")
    if port and not (port.isdecimal() and 0 < int(port) <= _MAX_PORT):
        raise ValueError(f"the Redis URL's port of sentinel {host} is no port: {port!r}; {_FORM}")
    return host, int(port or SENTINEL_PORT)


def _options(query: str) -> dict[str, str]:
    options = {}
    for part in filter(None, query.split("&")):
        # Not as a form's: a plus in a password is a plus.
        name, _, value = part.partition("=")
        if name not in _OPTIONS:
            raise ValueError(f"the Redis URL has no option {name!r}; with Sentinel there are {', '.join(_OPTIONS)}")
        options[name] = unquote(value)
    return options


def _truth(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(f"the Redis URL's tls must be true or false, not {text!r}")
    return text == "true"
