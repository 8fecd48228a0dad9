"""`aiops deploy`: what the chart's own jobs do in the cluster.

`secrets` fills what is missing in the release's Secrets, as WANTED_OBJECTS says, and never replaces a password: only
values that are derived from others of the same Secret follow them. An OAuthClient that is wanted too is given what its
Secret holds then. It prints names of keys and never what they hold.
"""

import asyncio
import base64
import os
import re
import secrets as random
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import quote

import click
import msgspec
from msgspec import Struct

from aiops.cli.oauth_client import KEEP, WantedClient, agree
from aiops.core.kube import Kube, own_namespace

WANTED: Final = "WANTED_OBJECTS"
TRIES: Final = 3
_REFERENCE: Final = re.compile(r"\$\((\w+)\)")
_GENERATORS: Final[Mapping[str, Callable[[], str]]] = {
    "password": lambda: random.token_urlsafe(32),
    "token": lambda: f"aiops_admin_{random.token_urlsafe(32)}",
    # AES-256, as the credentials' envelope takes it.
    "key": lambda: base64.b64encode(random.token_bytes(32)).decode(),
}


class Origin(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a key's value comes from; one of the three. `derive` puts other keys in for `$(KEY)`, quoted for a URL."""

    value: str | None = None
    generate: str | None = None
    derive: str | None = None


class WantedSecret(Struct, frozen=True, forbid_unknown_fields=True):
    """A Secret and its keys."""

    name: str
    keys: dict[str, Origin]


class Wanted(Struct, frozen=True, forbid_unknown_fields=True):
    """All Secrets of a release, its OAuthClient if it has one, and the labels of those that are made."""

    secrets: tuple[WantedSecret, ...]
    labels: dict[str, str] = {}
    oauth_client: WantedClient | None = None


@click.group()
def deploy() -> None:
    """Do what the chart's own jobs do in the cluster."""


@deploy.command()
def secrets() -> None:
    """Fill what is missing in the release's Secrets, let its OAuthClient agree; WANTED_OBJECTS says what is wanted."""
    from aiops.core.errors import AiopsError

    try:
        wanted = msgspec.json.decode(os.environ.get(WANTED, ""), type=Wanted)
    except msgspec.MsgspecError as error:
        raise click.UsageError(f"{WANTED} does not say which Secrets are wanted: {error}") from error
    try:
        for line in asyncio.run(_fill_all(wanted, own_namespace())):
            click.echo(line)
    except AiopsError as error:
        raise click.ClickException(error.message) from error


async def _fill_all(wanted: Wanted, namespace: str) -> list[str]:
    async with Kube() as kube:
        said = [await _fill(kube, namespace, secret, wanted.labels) for secret in wanted.secrets]
        if wanted.oauth_client is not None:
            said.append(await agree(kube, namespace, wanted.oauth_client, wanted.labels))
        return said


async def _fill(kube: Kube, namespace: str, secret: WantedSecret, labels: Mapping[str, str]) -> str:
    from aiops.core.errors import Conflict

    for _ in range(TRIES):
        found = await kube.secret(namespace, secret.name)
        known = {key: base64.b64decode(text).decode() for key, text in (found or {}).items()}
        lacking = missing(secret, known)
        if found is not None and not lacking:
            return f"Secret {secret.name}: complete"
        try:
            if found is None:
                await kube.create_secret(namespace, secret.name, lacking, labels, KEEP)
            else:
                await kube.patch_secret(namespace, secret.name, lacking)
        except Conflict:
            continue  # somebody else made it meanwhile: what it holds now counts
        verb = "made with" if found is None else "completed with"
        return f"Secret {secret.name}: {verb} {', '.join(sorted(lacking))}"
    raise Conflict(f"Secret {secret.name} was changed by somebody else {TRIES} times; run this again")


def missing(secret: WantedSecret, known: Mapping[str, str]) -> dict[str, str]:
    """The keys to set, with their values: those that are not there, and derived ones that are no longer right."""
    added = {key: _made(origin) for key, origin in secret.keys.items() if origin.derive is None and not known.get(key)}
    whole = {**known, **added}
    for key, origin in secret.keys.items():
        if origin.derive is None:
            continue
        derived = _REFERENCE.sub(lambda match: quote(_referred(whole, match[1], secret.name), safe=""), origin.derive)
        if known.get(key) != derived:
            added[key] = derived
    return added


def _made(origin: Origin) -> str:
    if origin.value is not None:
        return origin.value
    if origin.generate is None or origin.generate not in _GENERATORS:
        raise click.UsageError(f"{WANTED}: nothing generates {origin.generate!r}; there are {', '.join(_GENERATORS)}")
    return _GENERATORS[origin.generate]()


def _referred(whole: Mapping[str, str], key: str, secret: str) -> str:
    if key not in whole:
        raise click.UsageError(f"{WANTED}: Secret {secret} derives from {key}, which it does not have")
    return whole[key]
