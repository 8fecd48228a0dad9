"""The way out: whether the proxies that are set take connections. What they let through is seen where it is used."""

import asyncio
import os
import socket
from typing import Final

from aiops.core.http import HttpClient, place_of, proxies, proxy_mistakes
from aiops.doctor.finding import Notes
from aiops.doctor.subject import Subject

CONNECT_S: Final = 3.0


async def look(subject: Subject, __: HttpClient, notes: Notes) -> None:
    """A connection to each, and no request."""
    found = proxies(subject.settings.proxy)
    if proxy_mistakes(found):
        notes.skip("proxy", "what is set is no proxy's address; mend that first")
        return
    named = found.named()
    if not named:
        notes.skip("proxy", "none is set (HTTPS_PROXY, HTTP_PROXY): what lies outside is asked directly")
    for place, names in _by_place({name: place_of(url) for name, url in named.items()}).items():
        host, _, port = place.rpartition(":")
        variables = " and ".join(names)
        try:
            async with asyncio.timeout(CONNECT_S):
                _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
            writer.close()
        except socket.gaierror:
            notes.fail("proxy", f"{place} ({variables}): the name is not known", "correct the proxy's host")
        except TimeoutError:
            notes.fail(
                "proxy",
                f"{place} ({variables}): no connection within {CONNECT_S:g} s",
                "let network policies and firewalls let this pod through to the proxy's port",
            )
        except OSError as error:
            reason = os.strerror(error.errno or 0).lower()
            notes.fail("proxy", f"{place} ({variables}): {reason}", "does the proxy run, and is its port right?")
        else:
            notes.ok("proxy", f"{place} ({variables}) takes connections")


def _by_place(named: dict[str, str]) -> dict[str, list[str]]:
    places: dict[str, list[str]] = {}
    for name, place in named.items():
        places.setdefault(place, []).append(name)
    return places
