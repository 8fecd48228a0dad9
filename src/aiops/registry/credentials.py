"""A cluster's credentials: read from what a person has, sealed, counted by version, never given back."""

from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import yaml
from msgspec import Struct
from sqlalchemy import select, update

from aiops.core import audit
from aiops.core.clock import Clock
from aiops.core.db import Database
from aiops.core.errors import ClusterNotFound, CredentialsInvalid
from aiops.core.identity import Identity
from aiops.core.outbox import publish
from aiops.core.secretbox import SecretBox
from aiops.ports.events import ClusterCredentialsUpdated, to_message
from aiops.registry.tables import clusters, in_scope

MAX_KUBECONFIG: Final = 256 * 1024
MAX_TOKEN: Final = 64 * 1024
TOKEN_FIELDS: Final = ("token", "prometheus_token", "tempo_token", "loki_token", "alertmanager_token")


class AuthType(StrEnum):
    """How the hub signs in to the cluster."""

    KUBECONFIG = "KUBECONFIG"
    SERVICE_ACCOUNT = "SERVICE_ACCOUNT"
    OIDC = "OIDC"


class CredentialsIn(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a person sends; every field but `auth_type` is a secret."""

    auth_type: AuthType
    kubeconfig: str | None = None
    token: str | None = None
    prometheus_token: str | None = None
    tempo_token: str | None = None
    loki_token: str | None = None
    alertmanager_token: str | None = None

    def __repr__(self) -> str:
        return f"CredentialsIn({self.auth_type})"


class CredentialsStored(Struct, frozen=True):
    """The answer: that they are stored, and which; never what they are."""

    status: str
    version: int
    stored: tuple[str, ...]


def kubeconfig_token(text: str) -> str:
    """The bearer token of the current context's user.

    Raises:
        CredentialsInvalid: it is no kubeconfig, or has no token; the message says what is missing.

    """
    if len(text) > MAX_KUBECONFIG:
        raise CredentialsInvalid(f"the kubeconfig is over {MAX_KUBECONFIG // 1024} KiB")
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
            raise CredentialsInvalid("the kubeconfig uses YAML aliases, which none needs")
        document = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise CredentialsInvalid("the kubeconfig is not YAML") from error
    context = _named(document, "contexts", _text(document, "current-context")).get("context")
    user = _named(document, "users", _text(context, "user")).get("user")
    return _text(user, "token")


def _text(value: Any, key: str) -> str:
    found = value.get(key) if isinstance(value, dict) else None
    if not isinstance(found, str) or not found:
        raise CredentialsInvalid(
            f"the kubeconfig has no {key!r}; `kubectl config view --minify --raw` prints a usable one"
        )
    return found


def _named(document: Any, key: str, name: str) -> dict[str, Any]:
    entries = document.get(key) if isinstance(document, dict) else None
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and entry.get("name") == name:
            return entry
    raise CredentialsInvalid(f"the kubeconfig has no entry {name[:80]!r} among its {key}")


class Credentials:
    """Stores and removes."""

    def __init__(self, db: Database, box: SecretBox, clock: Clock) -> None:
        self._db = db
        self._box = box
        self._clock = clock

    async def store(self, actor: Identity, cluster_id: UUID, data: CredentialsIn) -> CredentialsStored:
        """Replace the cluster's credentials.

        Raises:
            CredentialsInvalid: nothing usable was sent.

        """
        secrets = {field: value for field in TOKEN_FIELDS if (value := getattr(data, field))}
        if data.auth_type is AuthType.KUBECONFIG:
            if data.kubeconfig is None:
                raise CredentialsInvalid("auth_type KUBECONFIG needs the field 'kubeconfig'")
            secrets["token"] = kubeconfig_token(data.kubeconfig)
        if not secrets:
            raise CredentialsInvalid(f"send at least one of {', '.join(TOKEN_FIELDS)}")
        for field, secret in secrets.items():
            if len(secret) > MAX_TOKEN or not secret.isascii() or not secret.isprintable() or " " in secret:
                raise CredentialsInvalid(f"{field} is not a bearer token: printable ASCII without spaces")
        sealed = {field: self._box.seal(secret, f"{cluster_id}/{field}") for field, secret in secrets.items()}
        version = await self._write(actor, cluster_id, sealed, "credentials.store")
        return CredentialsStored("stored", version, tuple(sorted(sealed)))

    async def remove(self, actor: Identity, cluster_id: UUID) -> None:
        """Forget the cluster's credentials."""
        await self._write(actor, cluster_id, {}, "credentials.delete")

    async def _write(self, actor: Identity, cluster_id: UUID, sealed: dict[str, str], action: str) -> int:
        condition = (clusters.c.id == cluster_id) & in_scope(actor.scope("credentials:write"))
        async with self._db.begin() as tx:
            row = (
                await tx.execute(
                    select(clusters.c.name, clusters.c.credential_version).where(condition).with_for_update()
                )
            ).one_or_none()
            if row is None:
                raise ClusterNotFound(f"there is no cluster {str(cluster_id)!r}")
            version: int = row.credential_version + 1
            await tx.execute(
                update(clusters)
                .where(clusters.c.id == cluster_id)
                .values(credentials=sealed, credential_version=version)
            )
            event = ClusterCredentialsUpdated(cluster_id=cluster_id, cluster_name=row.name, version=version)
            await publish(tx, to_message(event, source="registry", at=self._clock()))
            await audit.record(
                tx, actor, action, row.name, cluster_id=cluster_id, details={"stored_fields": sorted(sealed)}
            )
        return version
