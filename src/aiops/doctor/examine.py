"""Runs every check at once, each under a deadline, and makes the report. A check that hangs is a finding."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from prometheus_client import CollectorRegistry

from aiops import __version__
from aiops.core.clock import utc_now
from aiops.core.errors import AiopsError
from aiops.core.http import AddressPolicy, HttpClient, HttpMetrics, proxies
from aiops.doctor import (
    cluster_access,
    configuration,
    data_dir,
    database,
    model,
    objects,
    peers,
    proxy,
    public_url,
    redis_server,
)
from aiops.doctor.finding import Finding, Notes, Report, worst
from aiops.doctor.redaction import Redactor
from aiops.doctor.subject import Subject

DEADLINE_S: Final = 15.0
Look = Callable[[Subject, HttpClient, Notes], Awaitable[None]]
AREAS: Final[Mapping[str, Look]] = {
    "configuration": configuration.look,
    "data dir": data_dir.look,
    "database": database.look,
    "redis": redis_server.look,
    "objects": objects.look,
    "peers": peers.look,
    "proxy": proxy.look,
    "public url": public_url.look,
    "model": model.look,
    "cluster access": cluster_access.look,
}


async def examine(subject: Subject, *, deadline_s: float = DEADLINE_S) -> Report:
    """Look at everything; no finding carries a secret."""
    redactor = Redactor(subject.settings, subject.masked())
    client = HttpClient(
        user_agent=f"aiops-doctor/{__version__}",
        policy=AddressPolicy(unrestricted=True),
        metrics=HttpMetrics(CollectorRegistry()),
        proxies=proxies(subject.settings.proxy),
    )
    async with client:
        areas = await asyncio.gather(*(_look(area, look, subject, client, deadline_s) for area, look in AREAS.items()))
    findings = tuple(
        Finding(one.area, one.check, one.status, redactor.text(one.found), one.advice and redactor.text(one.advice))
        for area in areas
        for one in area
    )
    return Report(__version__, utc_now(), worst(findings), findings)


async def _look(area: str, look: Look, subject: Subject, client: HttpClient, deadline_s: float) -> list[Finding]:
    notes = Notes(area)
    if subject.problems and area != "configuration":
        notes.skip(area, "the settings cannot be read; mend those first")
        return notes.findings
    try:
        async with asyncio.timeout(deadline_s):
            await look(subject, client, notes)
    except TimeoutError:
        notes.fail(
            area,
            f"no answer within {deadline_s:g} s",
            "something on the way drops packets: look at network policies, firewalls and the other side's load",
        )
    except (AiopsError, OSError) as error:
        notes.fail(area, str(error), "see the finding; what came after it was not looked at")
    return notes.findings
