"""The way from outside: whether the public address leads to this hub, ready, with a certificate that is good."""

import asyncio
import ssl
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from aiops.core.errors import AiopsError
from aiops.core.http import Deadline, HttpClient, HttpRequest, HttpResponse, Unreachable, UnreachableKind
from aiops.doctor.finding import Notes
from aiops.doctor.peers import Health
from aiops.doctor.subject import Subject

ANSWER_S: Final = 5.0
EXPIRES_SOON_DAYS: Final = 14
HTTPS: Final = 443
_OK: Final = 200


class Readiness(Struct, frozen=True):
    """What `/ready` answers."""

    reasons: list[str] = []


class Component(Struct, frozen=True):
    """One of `/health/detailed`."""

    status: str
    error: str | None


class Detailed(Struct, frozen=True):
    """What `/health/detailed` answers."""

    components: dict[str, Component]


async def look(subject: Subject, http: HttpClient, notes: Notes) -> None:
    """The public URL of the settings, else the server that was given."""
    url = (subject.server or subject.settings.http.public_url).rstrip("/")
    if not url:
        notes.skip("address", "AIOPS_HTTP_PUBLIC_URL is not set, and no --server was given")
        return
    if await _health(url, subject, http, notes):
        await _ready(url, http, notes)
        await _token(url, subject, http, notes)
    if url.startswith("https://"):
        await _certificate(url, notes)


async def _ask(url: str, http: HttpClient, token: str | None = None) -> HttpResponse:
    return await http.fetch(HttpRequest(method="GET", url=url, peer="doctor", bearer=token), Deadline.after(ANSWER_S))


async def _health(url: str, subject: Subject, http: HttpClient, notes: Notes) -> bool:
    try:
        health = msgspec.json.decode((await _ask(f"{url}/health", http)).body, type=Health)
    except AiopsError as error:
        kind = error.kind if isinstance(error, Unreachable) else None
        if kind is UnreachableKind.REFUSED and subject.data_dir is not None:
            again = f"the hub has ended without a word: start it again: aiops up --data-dir {subject.data_dir.path}"
            notes.fail("address", error.message, again)
        elif kind is UnreachableKind.TLS:
            advice = "give the Route or Ingress a certificate for this name by an authority that clients know"
            notes.fail("address", error.message, advice)
        else:
            advice = "does the name resolve, does a Route or Ingress exist for it, and does it lead to the gateway?"
            notes.fail("address", error.message, advice)
        return False
    except msgspec.DecodeError:
        notes.fail(
            "address",
            f"what answers at {url}/health is no hub",
            "let the Route or Ingress pass /health, /ready, /api and /ws to the gateway",
        )
        return False
    notes.ok("address", f"{url} leads to the role {health.role}, release {health.version}")
    return True


async def _ready(url: str, http: HttpClient, notes: Notes) -> None:
    try:
        answer = await _ask(f"{url}/ready", http)
        reasons = msgspec.json.decode(answer.body, type=Readiness).reasons
    except (AiopsError, msgspec.DecodeError) as error:
        notes.fail("ready", f"/ready: {error}", "let the Route or Ingress pass /ready to the gateway")
        return
    if answer.status == _OK:
        notes.ok("ready", "it takes traffic")
    else:
        notes.fail("ready", "; ".join(reasons) or f"/ready answered {answer.status}", "mend what it names")


async def _token(url: str, subject: Subject, http: HttpClient, notes: Notes) -> None:
    if not subject.token:
        notes.skip("token", "no --token was given, so nothing behind the sign-in was asked")
        return
    try:
        answer = await _ask(f"{url}/health/detailed", http, subject.token)
    except AiopsError as error:
        notes.fail("token", error.message, "let the Route or Ingress pass /health to the gateway")
        return
    if answer.status != _OK:
        notes.fail(
            "token",
            f"it is not accepted ({answer.status})",
            "make a new one: aiops token create NAME, or with --data-dir or on the server when none is left",
        )
        return
    try:
        components = msgspec.json.decode(answer.body, type=Detailed).components
    except msgspec.DecodeError:
        notes.fail("token", "/health/detailed is answered by no hub", "let the Route pass /health to the gateway")
        return
    notes.ok("token", "accepted")
    for name, part in components.items():
        if part.status != "healthy":
            notes.fail(f"component {name}", f"{part.status}: {part.error}", "see this component's own finding")


async def _certificate(url: str, notes: Notes) -> None:
    """When the certificate that is shown ends. Whether it is trusted, `_health` has said."""
    parts = urlsplit(url)
    try:
        async with asyncio.timeout(ANSWER_S):
            _, writer = await asyncio.open_connection(
                parts.hostname, parts.port or HTTPS, ssl=ssl.create_default_context()
            )
    except (OSError, TimeoutError):
        return
    shown = writer.get_extra_info("peercert")
    writer.close()
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(shown["notAfter"]), UTC)
    days = (ends - datetime.now(UTC)).days
    if days < EXPIRES_SOON_DAYS:
        notes.warn(
            "certificate", f"it ends in {days} days, on {ends:%Y-%m-%d}", "renew it, or see why cert-manager has not"
        )
    else:
        notes.ok("certificate", f"good until {ends:%Y-%m-%d}")
