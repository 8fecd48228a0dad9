"""One pool of connections for each origin and TLS setting, with its breaker and retry budget.

Bounded in connections and in number; what nobody used for a while is closed. Sockets have a pool of their
own, so that a thousand long-lived ones leave connections for requests. Nothing here is shared between
origins: cookies are not kept and `.netrc` is not read; a proxy is the one that it is given.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable

import aiohttp
from aiohttp.client_middlewares import ClientHandlerType
from msgspec import Struct
from yarl import URL

from aiops.core.http.addresses import AddressPolicy, PolicedResolver, Target
from aiops.core.http.breaker import Breaker, BreakerState
from aiops.core.http.failures import (
    PROXY_AUTHENTICATION,
    Unreachable,
    UnreachableKind,
    UpstreamFailure,
    failure_of,
    proxy_failure,
)
from aiops.core.http.proxied import ProxiedName
from aiops.core.http.proxies import Proxies, place_of
from aiops.core.http.retry import RetryBudget
from aiops.core.http.tls import Tls, TlsContexts


class PoolLimits(Struct, frozen=True):
    """Bounds on what one client holds open."""

    connections_per_origin: int = 64  # requests beyond it wait for a free connection within their deadline
    sockets_per_origin: int = 10_000  # WebSockets: one long-lived connection each
    origins: int = 4096  # four endpoints each of the thousand clusters that one replica is sized for
    idle_s: float = 180.0  # longer than the health checks' interval, so that they find their connection open
    keepalive_s: float = 75.0  # servers close idle connections after a minute or so
    connect_timeout_s: float = 5.0  # TCP and TLS; a server further away than that is away
    header_bytes: int = 16 * 1024  # of one header line
    headers: int = 128


class OriginKey(Struct, frozen=True):
    """What connections may be shared by."""

    scheme: str
    host: str
    port: int
    tls: Tls
    sockets: bool


class Origin:
    """Connections to one server."""

    def __init__(self, session: aiohttp.ClientSession, breaker: Breaker, budget: RetryBudget) -> None:
        self.session = session
        self.breaker = breaker
        self.budget = budget
        self.users = 0
        self.used_at_s = 0.0

    async def close(self) -> None:
        """Close the connections; a breaker that is open is counted no more."""
        if self.breaker.state is not BreakerState.CLOSED:
            self.breaker.succeeded()
        await self.session.close()


class Origins:
    """Every origin that was asked lately. `breaker` makes one for a peer's label."""

    def __init__(
        self,
        *,
        user_agent: str,
        policy: AddressPolicy,
        limits: PoolLimits,
        breaker: Callable[[str], Breaker],
        clock: Callable[[], float],
        proxies: Proxies,
    ) -> None:
        self._proxies = proxies
        self._user_agent = user_agent
        self._policy = policy
        self._limits = limits
        self._breaker = breaker
        self._clock = clock
        self._contexts = TlsContexts()
        self._origins: OrderedDict[OriginKey, Origin] = OrderedDict()

    def __len__(self) -> int:
        return len(self._origins)

    async def acquire(self, target: Target, tls: Tls, *, peer: str, sockets: bool) -> Origin:
        """Find or open the origin of a target; it stays open until `release`.

        Raises:
            Unreachable: as many origins as allowed are in use at this moment.

        """
        key = OriginKey(target.scheme, target.host, target.port, tls, sockets)
        if key not in self._origins:
            await self._make_room(target.name)
        origin = self._origins.get(key)
        if origin is None:
            origin = Origin(self._session(target, tls, sockets=sockets), self._breaker(peer), RetryBudget(self._clock))
            self._origins[key] = origin
        self._origins.move_to_end(key)
        origin.users += 1
        return origin

    def release(self, origin: Origin) -> None:
        """Give back what `acquire` gave."""
        origin.users -= 1
        origin.used_at_s = self._clock()

    async def close_idle(self) -> None:
        """Close what nobody used for `idle_s`."""
        before_s = self._clock() - self._limits.idle_s
        idle = [key for key, origin in self._origins.items() if not origin.users and origin.used_at_s <= before_s]
        for origin in [self._origins.pop(key) for key in idle]:
            await origin.close()

    async def close(self) -> None:
        """Close everything."""
        while self._origins:
            _, origin = self._origins.popitem()
            await origin.close()

    async def _make_room(self, name: str) -> None:
        while len(self._origins) >= self._limits.origins:
            oldest = next((key for key, origin in self._origins.items() if not origin.users), None)
            if oldest is None:
                raise Unreachable(name, "too many servers are being asked at once", UnreachableKind.NETWORK)
            await self._origins.pop(oldest).close()

    def _session(self, target: Target, tls: Tls, *, sockets: bool) -> aiohttp.ClientSession:
        limits = self._limits
        secure = target.scheme == "https"
        proxy = self._proxies.of(target)
        # A proxy's address is a setting and not a user's word.
        policy = self._policy if proxy is None else AddressPolicy(unrestricted=True)
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                resolver=PolicedResolver(policy),
                # A lookup is judged before it is cached, and the judged address is the one that is connected
                # to.
                ttl_dns_cache=10,
                ssl=self._contexts.context(tls) if secure else True,
                limit=limits.sockets_per_origin if sockets else limits.connections_per_origin,
                keepalive_timeout=limits.keepalive_s,
            ),
            headers={"User-Agent": self._user_agent},
            skip_auto_headers=("Content-Type", "Accept-Encoding"),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=limits.connect_timeout_s),
            trust_env=False,
            proxy=proxy,
            max_line_size=limits.header_bytes,
            max_field_size=limits.header_bytes,
            max_headers=limits.headers,
            middlewares=(_translator(target, proxy, ProxiedName(target, self._policy, self._clock)),),
        )


def _translator(
    target: Target,
    proxy: URL | None,
    proxied: ProxiedName,
) -> Callable[[aiohttp.ClientRequest, ClientHandlerType], Awaitable[aiohttp.ClientResponse]]:
    """Turn errors into failures where they arise; after those that it knows the library repeats requests."""
    # Within a tunnel it is the target that answers.
    read_by_proxy = proxy is not None and target.scheme == "http"

    async def translate(request: aiohttp.ClientRequest, handler: ClientHandlerType) -> aiohttp.ClientResponse:
        failure: UpstreamFailure
        try:
            if proxy is not None:
                await proxied.check()
            answer = await handler(request)
            if proxy is None or not read_by_proxy or answer.status != PROXY_AUTHENTICATION:
                return answer
            answer.close()
            failure = proxy_failure(target.name, place_of(proxy), answer.status)
        except (aiohttp.ClientError, OSError) as error:
            failure = failure_of(error, target.name, None if proxy is None else place_of(proxy))
        raise failure  # outside of the handler, or it would carry the request's headers as its context

    return translate
