"""Names that a proxy looks up: judged by what is known of them here, since the address is not ours to connect to.

What no place outside can mean is refused by its name. What resolves here, too, is refused where one of its addresses
is, since a proxy may take any of them. A name that only the proxy knows, or that answers it otherwise than us, is the
proxy's to refuse: its rules must keep it from its own loopback, its link and the metadata service of its site.
"""

import asyncio
import socket
from collections.abc import Callable
from ipaddress import ip_address
from typing import Final

from aiops.core.http.addresses import AddressPolicy, Target, literal_address
from aiops.core.http.failures import AddressRefused

_METADATA_NAMES: Final = frozenset(
    {"metadata.google.internal", "metadata.goog", "instance-data.ec2.internal", "metadata.azure.internal"}
)
# A DNS that does not know the outside may take long to say so.
_LOOKUP_S: Final = 1.0
# As long as an address is kept where no proxy is between; and what only the proxy knows stays so for longer.
_KNOWN_S: Final = 10.0
_UNKNOWN_S: Final = 300.0


class ProxiedName:
    """The name of one target; nothing is looked up where the policy allows everything."""

    def __init__(self, target: Target, policy: AddressPolicy, clock: Callable[[], float]) -> None:
        self._name = target.name
        self._host = target.host.rstrip(".").lower()
        # An address that is written out was judged before any way was chosen.
        self._judged = policy.unrestricted or literal_address(target.host) is not None
        self._policy = policy
        self._clock = clock
        self._until_s = 0.0

    async def check(self) -> None:
        """Judge it, anew when some time has passed.

        Raises:
            AddressRefused: it is a metadata service's, or leads where nothing may be asked.

        """
        if self._judged or self._clock() < self._until_s:
            return
        if self._host in _METADATA_NAMES:
            raise AddressRefused(self._name, f"{self._host} is a metadata service; such targets are not allowed")
        found = await _addresses(self._host)
        for address in found:
            if reason := self._policy.refusal(ip_address(address)):
                raise AddressRefused(self._name, f"{reason}; such targets are not allowed")
        self._until_s = self._clock() + (_KNOWN_S if found else _UNKNOWN_S)


async def _addresses(host: str) -> list[str]:
    """What this machine knows, in time; nothing where it does not."""
    try:
        async with asyncio.timeout(_LOOKUP_S):
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, TimeoutError):
        return []
    return [str(each[4][0]).partition("%")[0] for each in found]
