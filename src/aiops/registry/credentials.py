"""Stores a cluster's credentials, opens them for its own endpoints, and removes them.

Secrets leave this file in two ways: sealed, towards the database, and opened, towards a probe or the port, and then
only for the origin that each was stored for. Whoever can edit a cluster's URL does not get its token sent there.
"""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import ColumnElement, Row, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from aiops.core import audit
from aiops.core.clock import Clock
from aiops.core.db import Database
from aiops.core.errors import ClusterNotFound, Conflict, CredentialsNotFound
from aiops.core.identity import Identity
from aiops.core.outbox import publish
from aiops.core.secretbox import SecretBox
from aiops.ports.events import ClusterCredentialsUpdated, to_message
from aiops.registry.destinations import SECRET_OF, Destinations, destinations, origins
from aiops.registry.material import Material, Secret, read_material
from aiops.registry.model import ClusterFields, CredentialsIn, CredentialsStored, CredentialState
from aiops.registry.probes import Prober, refused
from aiops.registry.tables import clusters, in_scope
from aiops.registry.verdict import Check

PERMISSION = "credentials:write"


class Checked(Struct, frozen=True):
    """Credentials that were taken apart and shown to their endpoints, ready to be stored."""

    material: Material
    status: CredentialState
    validation: dict[str, str]


class Vault:
    """Seals the secrets of clusters and opens them for their own origins."""

    def __init__(self, box: SecretBox) -> None:
        self._box = box

    def seal(self, cluster_id: UUID, secrets: Mapping[str, Secret]) -> dict[str, dict[str, str]]:
        """The stored form, each ciphertext bound to its cluster and field."""
        return {
            field: {"sealed": self._box.seal(secret.value, f"{cluster_id}/{field}"), "origin": secret.origin}
            for field, secret in secrets.items()
        }

    def tokens(
        self, cluster_id: UUID, stored: Mapping[str, Mapping[str, str]], found: Destinations
    ) -> dict[Check, str]:
        """The bearer token of each destination whose origin is still the one that its token was stored for.

        Raises:
            InternalError: a secret does not open with the configured keys.

        """
        allowed = origins(found)
        return {
            check: self._box.open(stored[field]["sealed"], f"{cluster_id}/{field}")
            for check, field in SECRET_OF.items()
            if field in stored and stored[field]["origin"] == allowed.get(field)
        }


class Credentials:
    """Stores and removes."""

    def __init__(self, db: Database, vault: Vault, prober: Prober, clock: Clock, on_due: Callable[[], None]) -> None:
        self._db = db
        self._on_due = on_due
        self._vault = vault
        self._prober = prober
        self._clock = clock

    async def store(self, actor: Identity, cluster_id: UUID, data: CredentialsIn) -> CredentialsStored:
        """Replace the cluster's credentials; says what its endpoints think of them.

        Raises:
            CredentialsInvalid: nothing usable was sent.
            Conflict: somebody edited the cluster while its endpoints were asked.

        """
        async with self._db.read() as connection:
            row = await self._find(connection, actor, cluster_id)
        checked = await self.check(data, _fields(row))
        async with self._db.begin() as tx:
            locked = await self._find(tx, actor, cluster_id, lock=True)
            if locked.version != row.version:
                raise Conflict("the cluster was edited while its endpoints were asked; send the credentials again")
            stored = await self.write(tx, actor, cluster_id, row.name, checked)
        self._on_due()
        return stored

    async def check(self, data: CredentialsIn, fields: ClusterFields) -> Checked:
        """Take credentials apart and ask the endpoints about them; no transaction may be open meanwhile."""
        material = read_material(data, fields, now=self._clock())
        found = destinations(fields.api_server_url, fields.endpoints, api_server_ca=material.ca)
        tokens = {
            check: material.secrets[field].value for check, field in SECRET_OF.items() if field in material.secrets
        }
        validation = await self._prober.validate(found, tokens)
        if refused(validation):
            status = CredentialState.INVALID
        elif "success" in validation.values():
            status = CredentialState.VALID
        else:
            status = CredentialState.UNVERIFIED
        return Checked(material, status, validation)

    async def write(
        self, tx: AsyncConnection, actor: Identity, cluster_id: UUID, name: str, checked: Checked
    ) -> CredentialsStored:
        """Store checked credentials with their event and audit entry; the next check is due at once."""
        counter = select(clusters.c.credential_version).where(clusters.c.id == cluster_id)
        stored = CredentialsStored(
            status=checked.status,
            auth_type=checked.material.auth_type,
            version=(await tx.execute(counter)).scalar_one() + 1,
            stored=tuple(sorted(checked.material.secrets)),
            validation=checked.validation,
            expires_at=checked.material.expires_at,
        )
        await tx.execute(
            update(clusters)
            .where(clusters.c.id == cluster_id)
            .values(
                credentials=self._vault.seal(cluster_id, checked.material.secrets),
                credential_info=msgspec.to_builtins(stored),
                credential_ca=checked.material.ca,
                credential_version=stored.version,
                next_due_at=func.now(),
            )
        )
        await self._tell(tx, cluster_id, name, stored.version)
        details = {"version": stored.version, "stored_fields": list(stored.stored)}
        await audit.record(tx, actor, "credentials.store", name, cluster_id=cluster_id, details=details)
        return stored

    async def remove(self, actor: Identity, cluster_id: UUID) -> None:
        """Forget the cluster's credentials.

        Raises:
            CredentialsNotFound: none are stored.

        """
        async with self._db.begin() as tx:
            row = await self._find(tx, actor, cluster_id, lock=True)
            if not row.credentials:
                raise CredentialsNotFound(f"cluster {row.name!r} has no stored credentials")
            await tx.execute(
                update(clusters)
                .where(clusters.c.id == cluster_id)
                .values(credentials={}, credential_info=None, credential_ca=None, next_due_at=func.now())
            )
            await self._tell(tx, cluster_id, row.name, 0)
            await audit.record(tx, actor, "credentials.delete", row.name, cluster_id=cluster_id)
        self._on_due()

    async def _find(
        self, connection: AsyncConnection, actor: Identity, cluster_id: UUID, *, lock: bool = False
    ) -> Row[Any]:
        condition: ColumnElement[bool] = (clusters.c.id == cluster_id) & in_scope(actor.scope(PERMISSION))
        columns = ("name", "version", "api_server_url", "endpoints", "credentials")
        query = select(*(clusters.c[name] for name in columns)).where(condition)
        row = (await connection.execute(query.with_for_update() if lock else query)).one_or_none()
        if row is None:
            raise ClusterNotFound(f"there is no cluster {str(cluster_id)!r}")
        return row

    async def _tell(self, tx: AsyncConnection, cluster_id: UUID, name: str, version: int) -> None:
        event = ClusterCredentialsUpdated(cluster_id=cluster_id, cluster_name=name, version=version)
        await publish(tx, to_message(event, source="registry", at=self._clock()))


def _fields(row: Row[Any]) -> ClusterFields:
    return msgspec.convert({"api_server_url": row.api_server_url, "endpoints": row.endpoints}, ClusterFields)
