"""Which addresses the hub may ask on somebody's word: the guard against being talked into asking its neighbours.

Judged on the resolved address at each connect, so that a name which changes its mind, and every spelling of a number,
is judged by where the connection really goes. Private addresses are fine: real clusters live there.
"""

import ipaddress
import socket
from typing import Any, Final

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from msgspec import Struct

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Cloud metadata services; those inside 169.254.0.0/16 are link-local already.
_METADATA: Final = frozenset(
    ipaddress.ip_address(text)
    for text in ("169.254.169.254", "100.100.100.200", "168.63.129.16", "fd00:ec2::254")
)
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


class AddressRefusedError(OSError):
    """A connection was about to go where it must not; an OSError, so that it ends the connect at once."""


class AddressPolicy(Struct, frozen=True):
    """What is refused. `unrestricted` is for the other roles of the hub itself, whose URLs are settings."""

    allow_loopback: bool = False
    unrestricted: bool = False

    def refusal(self, address: Address) -> str | None:
        """Why this address is refused, or None."""
        if self.unrestricted:
            return None
        address = _unwrap(address)
        if address in _METADATA:
            return "a cloud metadata address"
        if address.is_unspecified:
            return "the unspecified address"
        if address.is_multicast:
            return "a multicast address"
        if address.is_link_local:
            return "a link-local address"
        if address.is_loopback:
            return None if self.allow_loopback else "a loopback address"
        return None

    def literal_refusal(self, host: str) -> str | None:
        """Why this host is refused where it is an address or `localhost`; names are judged when they resolve."""
        name = host.strip("[]").rstrip(".").lower()
        if name == "localhost" or name.endswith(".localhost"):
            return self.refusal(ipaddress.IPv4Address("127.0.0.1"))
        try:
            return self.refusal(ipaddress.ip_address(name.partition("%")[0]))
        except ValueError:
            pass
        try:  # 127.1, 0x7f000001, 2130706433 and the like
            return self.refusal(ipaddress.IPv4Address(socket.inet_aton(name)))
        except (OSError, ValueError):
            return None


def _unwrap(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one, where it is only dressed up."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address.sixtofour is not None:
            return address.sixtofour
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


class JudgingResolver(AbstractResolver):
    """Resolves names and refuses those of which any address is refused."""

    def __init__(self, policy: AddressPolicy) -> None:
        self._policy = policy
        self._inner: ThreadedResolver | None = None

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a name."""
        self._inner = self._inner or ThreadedResolver()
        found = await self._inner.resolve(host, port, family)
        for result in found:
            reason = self._policy.refusal(ipaddress.ip_address(result["host"].partition("%")[0]))
            if reason is not None:
                raise AddressRefusedError(f"{host} resolves to {reason}")
        return found

    async def close(self) -> None:
        """Nothing is held open."""


def connector_options(policy: AddressPolicy) -> dict[str, Any]:
    """What an aiohttp connector needs to keep to the policy."""
    return {"resolver": JudgingResolver(policy), "use_dns_cache": False}
