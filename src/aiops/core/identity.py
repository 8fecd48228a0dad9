"""Who asks, what they may do and on which clusters; and the signed hop that carries it between processes.

Nobody trusts a plain header that names a user: between processes an identity travels only as an HS256 JWT
(RFC 7519) with the receiving role as audience and half a minute to live. It carries selectors, never lists of
cluster ids that somebody resolved, so that the owner of the data decides what they select.
"""

import hashlib
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import jwt
import msgspec
from msgspec import Struct

from aiops.core.errors import AuthExpired, AuthFailed, PermissionDenied

HOP_LIFETIME_S: Final = 30
HOP_LEEWAY_S: Final = 5


class Role(StrEnum):
    """The three roles of the contract."""

    ADMIN = "admin"
    OPERATOR = "operator"
    VIEWER = "viewer"


# resource:action, either may be *. Operators do everything but cluster writes, credentials and administration.
PERMISSIONS: Final[Mapping[Role, tuple[str, ...]]] = {
    Role.ADMIN: ("*:*",),
    Role.OPERATOR: (
        "*:read",
        "alerts:*",
        "silences:*",
        "analysis:*",
        "chat:*",
        "reports:*",
        "personas:*",
        "sessions:*",
    ),
    Role.VIEWER: ("*:read", "chat:*", "sessions:*"),
}
# Reading these is administration, whatever *:read says.
ADMINISTRATION: Final = frozenset({"tokens", "audit", "credentials", "bindings", "streaming"})


def permits(role: Role, permission: str) -> bool:
    """Whether the role holds `resource:action`."""
    if role is Role.ADMIN:
        return True
    resource, _, action = permission.partition(":")
    if resource in ADMINISTRATION:
        return False
    return any(
        held_resource in ("*", resource) and held_action in ("*", action)
        for held_resource, _, held_action in (held.partition(":") for held in PERMISSIONS[role])
    )


class ClusterSelector(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which clusters: all of them, these ids, or those that carry all of these labels. Exactly one is set."""

    all: bool = False
    ids: tuple[UUID, ...] = ()
    labels: dict[str, str] = {}

    def __post_init__(self) -> None:
        if (self.all is True) + bool(self.ids) + bool(self.labels) != 1:
            raise ValueError('clusters must be exactly one of {"all": true}, {"ids": [...]} or {"labels": {...}}')

    def selects(self, cluster_id: UUID, labels: Mapping[str, str]) -> bool:
        """Whether a cluster with this id and these labels is meant."""
        if self.all:
            return True
        if self.ids:
            return cluster_id in self.ids
        return all(labels.get(key) == value for key, value in self.labels.items())


class Scope(Struct, frozen=True):
    """The clusters that one caller may touch in one way: the union of the selectors. Empty means none."""

    selectors: tuple[ClusterSelector, ...] = ()

    @property
    def everything(self) -> bool:
        """Whether no cluster lies outside."""
        return any(selector.all for selector in self.selectors)

    def covers(self, cluster_id: UUID, labels: Mapping[str, str]) -> bool:
        """Whether the cluster lies inside."""
        return any(selector.selects(cluster_id, labels) for selector in self.selectors)


FLEET: Final = Scope((ClusterSelector(all=True),))


class SubjectKind(StrEnum):
    """What kind of caller this is."""

    API_TOKEN = "API_TOKEN"  # noqa: S105 - a kind, not a secret
    SERVICE = "SERVICE"


class Grant(Struct, frozen=True):
    """A role on some clusters."""

    role: Role
    clusters: ClusterSelector


class Identity(Struct, frozen=True):
    """A verified caller. `credential_id` names the token behind it, so that revoking it can be noticed."""

    subject: str
    kind: SubjectKind
    grants: tuple[Grant, ...]
    credential_id: UUID | None = None
    expires_at: datetime | None = None

    def may(self, permission: str) -> bool:
        """Whether any grant holds the permission, on whatever clusters."""
        return any(permits(grant.role, permission) for grant in self.grants)

    def scope(self, permission: str) -> Scope:
        """The clusters on which the caller holds the permission."""
        return Scope(tuple(grant.clusters for grant in self.grants if permits(grant.role, permission)))

    def require_everything(self, permission: str) -> None:
        """Refuse callers that hold the permission on a part of the fleet only."""
        if not self.scope(permission).everything:
            raise PermissionDenied(
                f"{permission} needs a grant on all clusters; {self.subject!r} holds it on a part of the fleet"
            )


def service_identity(role: str) -> Identity:
    """The identity with which a role speaks for itself: scope then travels in the request, explicitly."""
    return Identity(
        subject=f"system:{role}",
        kind=SubjectKind.SERVICE,
        grants=(Grant(Role.ADMIN, ClusterSelector(all=True)),),
    )


class HopSigner:
    """Signs and verifies the identity that one role hands to another.

    `secrets` are tried by key id, the first one signs: put a new secret in front, restart, then drop the old one.
    """

    def __init__(self, secrets: tuple[bytes, ...], *, now: Callable[[], float] = time.time) -> None:
        if not secrets:
            raise ValueError("at least one secret is needed to sign a hop")
        self._keys = {hashlib.sha256(b"kid:" + secret).hexdigest()[:12]: secret for secret in secrets}
        self._signing_kid = next(iter(self._keys))
        self._now = now

    def sign(self, identity: Identity, audience: str) -> str:
        """A token that `audience`, a role, accepts for half a minute."""
        now = int(self._now())
        claims: dict[str, Any] = {
            "aud": audience,
            "iat": now,
            "exp": now + HOP_LIFETIME_S,
            "identity": msgspec.to_builtins(identity),
        }
        return jwt.encode(claims, self._keys[self._signing_kid], algorithm="HS256", headers={"kid": self._signing_kid})

    def verify(self, token: str, audiences: frozenset[str]) -> Identity:
        """The identity inside.

        Raises:
            AuthExpired: the token is older than its half minute.
            AuthFailed: anything else is wrong with it.

        """
        try:
            key = self._keys[jwt.get_unverified_header(token)["kid"]]
            claims = jwt.decode(
                token,
                key,
                algorithms=["HS256"],
                audience=list(audiences),
                leeway=HOP_LEEWAY_S,
                options={"require": ["aud", "exp", "iat"]},
            )
            return msgspec.convert(claims["identity"], Identity)
        except jwt.ExpiredSignatureError as error:
            raise AuthExpired("the signed hop has expired; are the clocks of the roles in step?") from error
        except (jwt.PyJWTError, KeyError, msgspec.ValidationError) as error:
            raise AuthFailed("the signed hop is not valid here; do all roles share AIOPS_INTERNAL_SECRET?") from error
