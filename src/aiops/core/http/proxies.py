"""Which requests leave by a proxy: HTTP_PROXY, HTTPS_PROXY and NO_PROXY, read as Go reads them.

Never by a proxy go loopback addresses, names of one label and those below `.svc` and `.cluster.local`: a cluster's
Services, which no proxy outside of it can find. A proxy is spoken to in plain HTTP; what goes to an https address is
tunnelled through it (CONNECT), so it sees neither requests nor credentials. It resolves names itself: `ProxiedName`
says what is judged of them all the same.

Source: golang.org/x/net/http/httpproxy, documentation of `Config`.
"""

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final

from msgspec import Struct
from yarl import URL

from aiops.core.errors import InvalidRequest
from aiops.core.http.addresses import Target, literal_address, parse_target
from aiops.settings import ProxySettings, env_name

HTTP, HTTPS = (env_name("proxy", field) for field in ("http", "https"))
_INSIDE: Final = (".svc", ".cluster.local", ".localhost")
_URL: Final = re.compile(r"http://[!-~]+")


class Proxies(Struct, frozen=True):
    """Empty texts name none. `no_proxy` has names, `.domains`, addresses and networks with commas between, or `*`."""

    http: str = ""
    https: str = ""
    no_proxy: str = ""

    def of(self, target: Target) -> URL | None:
        """The proxy for a target, which may carry a user's name and password; null where there is none."""
        text = self.https if target.scheme == "https" else self.http
        if not text or _inside(target.host) or any(_excepts(entry, target) for entry in self.no_proxy.split(",")):
            return None
        return URL(text)

    def to(self, url: str) -> URL | None:
        """As `of`, for the URL of a setting, which may carry an account. Raises `ValueError` where it is none."""
        try:
            return self.of(parse_target(str(URL(url, encoded=True).with_user(None))))
        except (InvalidRequest, ValueError):
            raise ValueError("a URL starts with https://host or http://host") from None

    def named(self) -> dict[str, URL]:
        """Those that are set, by the name of the setting."""
        return {name: URL(text) for name, text in ((HTTP, self.http), (HTTPS, self.https)) if text}

    def __repr__(self) -> str:
        return f"Proxies({', '.join(f'{name}={place_of(proxy)}' for name, proxy in self.named().items())})"


NO_PROXIES: Final = Proxies()


def proxies(settings: ProxySettings) -> Proxies:
    """The proxies of the settings."""
    return Proxies(settings.http, settings.https, settings.no_proxy)


def mistakes(given: Proxies) -> list[str]:
    """What cannot be used; one line each, the variable's name first. No line repeats a password."""
    found = []
    for name, text in ((HTTP, given.http), (HTTPS, given.https)):
        if text and not _usable(text):
            found.append(
                f"{name}: is http://host:port, with user:password@ before the host where the proxy asks for one"
            )
    return found


def place_of(proxy: URL) -> str:
    """Host and port of a proxy, without its password."""
    return f"{proxy.host}:{proxy.port}"


def _usable(text: str) -> bool:
    try:
        return _URL.fullmatch(text) is not None and URL(text).host is not None and URL(text).port is not None
    except ValueError:
        return False


def _inside(host: str) -> bool:
    address = literal_address(host)
    if address is not None:
        return address.is_loopback
    name = host.rstrip(".").lower()
    return "." not in name or name.endswith(_INSIDE)


def _excepts(entry: str, target: Target) -> bool:
    """Whether an entry of NO_PROXY keeps the target from the proxy."""
    entry = entry.strip().lower()
    if entry in ("", "*"):
        return entry == "*"
    address = literal_address(target.host)
    if "/" in entry:
        network = _network(entry)
        return network is not None and address is not None and address in network
    host, port = _host_and_port(entry)
    if port and port != str(target.port):
        return False
    if (own := literal_address(host)) is not None:
        return own == address
    return address is None and _below(target.host.rstrip(".").lower(), host)


def _below(name: str, entry: str) -> bool:
    """`.b.c` and `*.b.c` are what lies below b.c; `b.c` is that and b.c itself."""
    domain = entry.removeprefix("*").rstrip(".")
    if domain.startswith("."):
        return name.endswith(domain)
    return name == domain or name.endswith(f".{domain}")


def _host_and_port(entry: str) -> tuple[str, str]:
    if literal_address(entry) is not None:
        return entry, ""  # an IPv6 address without brackets
    host, _, port = entry.rpartition(":")
    return (host, port) if host and port.isdigit() else (entry, "")


def _network(entry: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(entry, strict=False)
    except ValueError:
        return None
