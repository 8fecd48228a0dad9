"""The other roles: whether each URL leads to that role, of this release, that takes our signature."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import msgspec
from msgspec import Struct

from aiops import __version__
from aiops.core.errors import AiopsError
from aiops.core.http import Deadline, HttpClient, HttpRequest, HttpResponse
from aiops.core.identity import HOP_LEEWAY_S, HopSigner, service_identity
from aiops.core.peer import HOP_HEADER
from aiops.doctor.finding import Notes
from aiops.doctor.subject import Subject
from aiops.settings import env_name

ANSWER_S: Final = 5.0
# A request of each role that changes nothing and that only a signed hop may send. An empty body is refused after the
# signature was accepted; that refusal is a good sign.
ASKED: Final[Mapping[str, tuple[str, str]]] = {
    "registry": ("POST", "/internal/v1/registry/targets"),
    "collector": ("POST", "/internal/v1/collector/query_range"),
    "intelligence": ("POST", "/api/v1/analysis/anomaly"),
    "streaming": ("GET", "/api/v1/streaming/status"),
}
REFUSALS: Final = (401, 403)


class Health(Struct, frozen=True):
    """What `/health` of a role answers."""

    role: str
    version: str


async def look(subject: Subject, http: HttpClient, notes: Notes) -> None:
    """Ask every role that has a URL."""
    urls = {role: getattr(subject.settings.peers, f"{role}_url") for role in ASKED}
    given = {role: url for role, url in urls.items() if url}
    if not given:
        notes.skip("roles", "no other role has a URL here, and none is needed where all run in one process")
        return
    await asyncio.gather(*(_peer(role, url.rstrip("/"), subject, http, notes) for role, url in given.items()))


async def _peer(role: str, url: str, subject: Subject, http: HttpClient, notes: Notes) -> None:
    variable = env_name("peers", f"{role}_url")
    try:
        answer = await http.fetch(
            HttpRequest(method="GET", url=f"{url}/health", peer="doctor"), Deadline.after(ANSWER_S)
        )
        health = msgspec.json.decode(answer.body, type=Health)
    except AiopsError as error:
        notes.fail(
            role, error.message, f"is the role running, is {variable} right, do network policies let us through?"
        )
        return
    except msgspec.DecodeError:
        notes.fail(role, f"what answers at {url} is no role of the hub", f"correct {variable}")
        return
    if role not in health.role.split(",") and health.role != "all":
        notes.fail(
            role, f"the role {health.role} answers at {url}", f"{variable} leads to the wrong Service; correct it"
        )
        return
    if health.version != __version__:
        notes.warn(
            role,
            f"it is release {health.version}, this is {__version__}",
            "fine while a roll-out is under way; otherwise give both the same image",
        )
    else:
        notes.ok(role, f"answers at {url}, release {health.version}")
    _clock(role, answer, notes)
    await _hop(role, url, subject, http, notes)


def _clock(role: str, answer: HttpResponse, notes: Notes) -> None:
    try:
        told = parsedate_to_datetime(answer.headers.get("Date", ""))
    except ValueError:
        return
    # To the second only, so a difference below one is none.
    skew_s = (told - datetime.now(UTC)).total_seconds()
    if abs(skew_s) > HOP_LEEWAY_S:
        notes.fail(
            f"{role} clock",
            f"its clock is {skew_s:+.0f} s from this one; above {HOP_LEEWAY_S} s signatures are refused",
            "let NTP (chrony) run on both nodes",
        )


async def _hop(role: str, url: str, subject: Subject, http: HttpClient, notes: Notes) -> None:
    secret = subject.settings.auth.internal_secret
    if not secret:
        notes.skip(f"{role} signature", "AIOPS_INTERNAL_SECRET is not set")
        return
    method, path = ASKED[role]
    signer = HopSigner(tuple(part.encode() for part in secret.split(",") if part))
    request = HttpRequest(
        method=method,
        url=f"{url}{path}",
        peer="doctor",
        headers={"Content-Type": "application/json", HOP_HEADER: signer.sign(service_identity("doctor"), role)},
        body=b"{}" if method == "POST" else b"",
    )
    try:
        answer = await http.fetch(request, Deadline.after(ANSWER_S))
    except AiopsError as error:
        notes.fail(f"{role} signature", error.message, "the role lives and does not answer; look at its log")
        return
    if answer.status in REFUSALS:
        notes.fail(
            f"{role} signature",
            f"it refuses our signature ({answer.status})",
            "give both roles the same AIOPS_INTERNAL_SECRET, or new,old on both while it is being rotated",
        )
    else:
        notes.ok(f"{role} signature", "accepted")
