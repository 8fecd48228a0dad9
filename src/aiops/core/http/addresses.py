"""Which servers may be asked: what a URL must look like, and the addresses that are refused (SSRF).

A member is registered by a user, so its URL must not lead the hub to itself, to its node's metadata service
or to its neighbours on the link. Names are judged by what they resolve to, at each connect and on the very
addresses that are then connected to, so a name that changes its answer in between gains nothing. Private
networks are fine: real clusters live there.
"""

import re
import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import DefaultResolver
from msgspec import Struct
from yarl import URL

from aiops.core.errors import InvalidRequest
from aiops.core.http.failures import AddressRefused

Address = IPv4Address | IPv6Address

_PLAIN_HTTP: Final = frozenset({"http", "ws"})
_SCHEMES: Final = _PLAIN_HTTP | {"https", "wss"}
# Visible ASCII without what servers and parsers read differently: quotes, angle brackets, backslash.
_URL: Final = re.compile(r"[!#-;=?-\[\]-~]{1,16384}")
# inet_aton reads these as addresses too: 2130706433, 0x7f.1, 0177.0.0.1.
_NUMERIC_HOST: Final = re.compile(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+)){0,3}\.?", re.IGNORECASE)
# Metadata services outside of link-local: AWS, Google, Azure, Alibaba, Oracle.
_METADATA: Final = frozenset(
    ip_address(text) for text in ("fd00:ec2::254", "fd20:ce::254", "168.63.129.16", "100.100.100.200", "192.0.0.192")
)
_THIS_NETWORK: Final = ip_network("0.0.0.0/8")
# Prefixes whose last 32 bits are an IPv4 address: mapped, compatible, NAT64 (RFC 6052) and its local form
# (RFC 8215).
_EMBEDDING: Final = tuple(
    IPv6Network(text) for text in ("::ffff:0:0/96", "::/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48")
)


class Target(Struct, frozen=True):
    """A checked URL, taken apart."""

    url: URL
    scheme: str  # http or https, also for WebSockets
    host: str  # without brackets
    port: int

    @property
    def name(self) -> str:
        """What messages call it: the host, and the port where it is not the scheme's own."""
        return self.url.host_port_subcomponent or self.host


def parse_target(text: str) -> Target:
    """Take apart an absolute http(s) or ws(s) URL.

    It is sent as it stands, so it must be percent-encoded already.

    Raises:
        InvalidRequest: another scheme, no host, userinfo, forbidden characters, or a number that is no plain
            address.

    """
    if not _URL.fullmatch(text):
        raise InvalidRequest("a URL is at most 16384 percent-encoded ASCII characters")
    try:
        url = URL(text, encoded=True)
        host, port = url.host, url.port
    except ValueError:
        raise InvalidRequest("the URL cannot be understood; expected https://host[:port]/path") from None
    if url.scheme not in _SCHEMES or not host or not port:
        raise InvalidRequest("a URL starts with https://host or http://host")
    if "@" in url.raw_authority:
        raise InvalidRequest("a URL must not carry a user name or password; give credentials as a token")
    if literal_address(host) is None and _NUMERIC_HOST.fullmatch(host):
        raise InvalidRequest(f"the host {host} is not an address; write all four decimal numbers, or a name")
    return Target(url, "http" if url.scheme in _PLAIN_HTTP else "https", host, port)


def literal_address(host: str) -> Address | None:
    """Read the host as an address; None when it is a name."""
    try:
        return ip_address(host.strip("[]").rstrip("."))
    except ValueError:
        return None


class AddressPolicy(Struct, frozen=True):
    """Refuses loopback, link-local, multicast, unspecified, reserved and metadata addresses.

    `unrestricted` is for the other roles of the hub itself, whose URLs are settings and not a user's word.
    """

    allow_loopback: bool = False  # for demonstrations and tests: members on this machine
    unrestricted: bool = False

    def refusal(self, address: Address) -> str | None:
        """Why the address is refused, or None; forms that embed another address count as both."""
        if self.unrestricted:
            return None
        for form in _forms(address):
            if form.is_loopback:
                if not self.allow_loopback:
                    return f"{address} is a loopback address"
            elif kind := _forbidden_kind(form):
                return f"{address} is {kind}"
        return None

    def check(self, target: Target) -> None:
        """Judge a target whose host is an address; names are judged when they are resolved.

        Raises:
            AddressRefused: the address is one of the refused.

        """
        address = literal_address(target.host)
        if address is not None and (reason := self.refusal(address)):
            raise AddressRefused(target.name, f"{reason}; such targets are not allowed")


def _forms(address: Address) -> list[Address]:
    forms: list[Address] = [address]
    if isinstance(address, IPv6Address) and not address.is_loopback and int(address):
        if any(address in prefix for prefix in _EMBEDDING):
            forms.append(IPv4Address(int(address) & 0xFFFFFFFF))
        if address.sixtofour:
            forms.append(address.sixtofour)
        if address.teredo:
            forms.extend(address.teredo)
    return forms


def _forbidden_kind(address: Address) -> str | None:
    if address in _METADATA:
        return "a metadata service"
    if address.is_link_local:
        return "a link-local address"
    if address.is_multicast:
        return "a multicast address"
    if address.is_unspecified or (isinstance(address, IPv4Address) and address in _THIS_NETWORK):
        return "an unspecified address"
    if isinstance(address, IPv4Address) and address.is_reserved:
        return "a reserved address"
    return None


class PolicedResolver(AbstractResolver):
    """Resolves names as the system does and leaves out every address that the policy refuses."""

    def __init__(self, policy: AddressPolicy) -> None:
        self._policy = policy
        self._system = DefaultResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Resolve one name.

        Raises:
            AddressRefused: every address of the name is refused; the text names the first reason.

        """
        found = await self._system.resolve(host, port, family)
        allowed: list[ResolveResult] = []
        reason = ""
        for result in found:
            refusal = self._policy.refusal(ip_address(result["host"]))
            if refusal is None:
                allowed.append(result)
            reason = reason or refusal or ""
        if not allowed:
            raise AddressRefused(host, f"{reason}; such targets are not allowed")
        return allowed

    async def close(self) -> None:
        """Release what the system's resolver holds."""
        await self._system.close()
