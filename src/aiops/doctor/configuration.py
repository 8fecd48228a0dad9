"""The settings: every mistake at once, with the name of the variable, as `aiops serve` would refuse them."""

import asyncio
import re
from collections.abc import Mapping
from importlib import import_module
from typing import Final

from aiops.core.http import HttpClient
from aiops.doctor.finding import Notes
from aiops.doctor.subject import Subject
from aiops.settings import SettingsError

SHORTEST_TOKEN: Final = 16
SHORTEST_SECRET: Final = 32  # RFC 7518, section 3.2, for HS256
# The problem -> what to do; of those not named here the problem says enough.
UNSET: Final[Mapping[str, str]] = {
    "DATABASE_URL is not set": "set it to the server's postgresql:// URL, or give --data-dir for a hub of 'aiops up'",
    "REDIS_URL is not set": "set it to the server's redis:// URL, or give --data-dir for a hub of 'aiops up'",
    "AIOPS_INTERNAL_SECRET is not set": "set it, the same for all roles: openssl rand -hex 32",
    "AIOPS_SECRET_KEY is not set": (
        "set it to the key with which credentials were stored; for a new hub: openssl rand -base64 32"
    ),
}
MEND: Final = "set it as the README and the chart's values say, then start the role again"
# What 'aiops up' makes itself in its folder.
MADE: Final = frozenset({"AIOPS_INTERNAL_SECRET is not set", "AIOPS_SECRET_KEY is not set"})
_VARIABLE: Final = re.compile(r"[A-Z][A-Z0-9_]+\b")


async def look(subject: Subject, _: HttpClient, notes: Notes) -> None:
    """Settings that cannot be read, that the roles lack, that no server would take, and weak ones."""
    for problem in subject.problems:
        notes.fail(
            _name(problem), problem, "correct it where the settings come from: environment, ConfigMap, Secret or file"
        )
    if subject.problems:
        return
    # What can be built is known to the composition alone, which loads every core part.
    compose = await asyncio.to_thread(import_module, "aiops.compose")
    try:
        names = compose.modules_of(subject.roles)
    except SettingsError as error:
        notes.fail("roles", str(error), "give --role one of them, or several with commas")
        return
    excused = {
        f"{name} is not set"
        for area, name in (("database", "DATABASE_URL"), ("redis", "REDIS_URL"))
        if area in (subject.why_not or {})
    }
    if subject.data_dir is not None:
        excused |= MADE
    problems = [problem for problem in compose.mistakes(subject.settings, names) if problem not in excused]
    for problem in problems:
        notes.fail(_name(problem), problem, UNSET.get(problem, MEND))
    if not problems:
        what = f"complete for {', '.join(subject.roles)}" if subject.roles else "complete for what every role needs"
        notes.ok("settings", what)
    _weak(subject, notes)


def _name(problem: str) -> str:
    """The variable that a mistake begins with, where it does."""
    match = _VARIABLE.match(problem)
    return match[0] if match else "settings"


def _weak(subject: Subject, notes: Notes) -> None:
    http = subject.settings.http
    if http.public_url and not http.public_url.startswith(("https://", "http://127.0.0.1", "http://localhost")):
        notes.warn(
            "public url",
            f"{http.public_url} is plain HTTP, so tokens and cookies cross the network in the clear",
            "let a Route, an Ingress or a proxy speak TLS and set AIOPS_HTTP_PUBLIC_URL to its https:// address",
        )
    for name, value, least in (
        ("AIOPS_INTERNAL_SECRET", subject.settings.auth.internal_secret, SHORTEST_SECRET),
        ("AIOPS_ADMIN_TOKEN", subject.settings.auth.admin_token, SHORTEST_TOKEN),
    ):
        shortest = min((len(part) for part in value.split(",") if part), default=None)
        if shortest is not None and shortest < least:
            notes.warn(
                name,
                f"one of {shortest} characters can be guessed",
                f"use {least} or more: openssl rand -hex 32",
            )
