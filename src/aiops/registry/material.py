"""Credentials as somebody sent them, taken apart and judged: what is secret, where each secret may go, when it ends.

Judged without asking anybody. A secret for which the cluster has no destination is refused rather than kept: it could
only ever be sent to something that somebody registers later.
"""

import re
from datetime import datetime
from typing import Final

from msgspec import Struct

from aiops.core.errors import CredentialsInvalid
from aiops.registry.destinations import destinations, origin_of, origins
from aiops.registry.kubeconfig import (
    Kubeconfig,
    certificate_expiry,
    checked_certificates,
    read_kubeconfig,
    token_expiry,
)
from aiops.registry.model import AuthType, ClusterFields, CredentialsIn

# What an HTTP header can carry without being able to end it.
_BEARER: Final = re.compile(r"[\x21-\x7e]+")
MAX_TOKEN: Final = 16 * 1024
_URL_FIELD: Final = {
    "prometheus_token": "thanos_url or prometheus_url",
    "tempo_token": "tempo_url",
    "loki_token": "loki_url",
    "alertmanager_token": "alertmanager_url",
}


class Secret(Struct, frozen=True):
    """One secret and the one origin that it may be sent to."""

    value: str
    origin: str

    def __repr__(self) -> str:
        return f"Secret(origin={self.origin!r}, ...)"


class Material(Struct, frozen=True):
    """Everything that will be stored. `secrets` is by field; `ca` is the API server's, not secret."""

    auth_type: AuthType
    secrets: dict[str, Secret]
    ca: str | None
    expires_at: datetime | None


def read_material(data: CredentialsIn, cluster: ClusterFields, *, now: datetime) -> Material:
    """Take the credentials of a cluster apart.

    Raises:
        CredentialsInvalid: what is wrong, or that it has ended already.

    """
    secrets, ca, ends = _api_server_part(data, cluster)
    allowed = origins(destinations(cluster.api_server_url, cluster.endpoints))
    for field, url_field in _URL_FIELD.items():
        value = getattr(data, field)
        if value is None:
            continue
        if field not in allowed:
            raise CredentialsInvalid(f"{field}: the cluster has no {url_field} to send it to; register that first")
        secrets[field] = Secret(_bearer(field, value), allowed[field])
        ends.append(token_expiry(secrets[field].value))
    if not secrets:
        raise CredentialsInvalid("give a kubeconfig, a token, or the token of an endpoint")
    known = [end for end in ends if end is not None]
    expires_at = min(known, default=None)
    if expires_at is not None and expires_at <= now:
        raise CredentialsInvalid(f"the credentials ended at {expires_at.isoformat()}; issue new ones")
    return Material(data.auth_type, secrets, ca, expires_at)


_Part = tuple[dict[str, Secret], str | None, list[datetime | None]]


def _api_server_part(data: CredentialsIn, cluster: ClusterFields) -> _Part:
    if data.auth_type is AuthType.KUBECONFIG:
        if data.token is not None or data.ca is not None:
            raise CredentialsInvalid("with auth_type KUBECONFIG, token and ca come from the kubeconfig; leave them out")
        if data.kubeconfig is None:
            raise CredentialsInvalid("auth_type KUBECONFIG needs the kubeconfig's text in `kubeconfig`")
        return _from_kubeconfig(read_kubeconfig(data.kubeconfig), cluster)
    if data.kubeconfig is not None:
        raise CredentialsInvalid(f"a kubeconfig needs auth_type KUBECONFIG, not {data.auth_type}")
    if data.ca is not None:
        checked_certificates("ca", data.ca)
    if data.token is None:
        return {}, data.ca, []
    if cluster.api_server_url is None:
        raise CredentialsInvalid("token: the cluster has no api_server_url to send it to; register that first")
    token = _bearer("token", data.token)
    return {"token": Secret(token, origin_of(cluster.api_server_url))}, data.ca, [token_expiry(token)]


def _from_kubeconfig(config: Kubeconfig, cluster: ClusterFields) -> _Part:
    if cluster.api_server_url is None:
        raise CredentialsInvalid(f"the cluster has no api_server_url; the kubeconfig is for {origin_of(config.server)}")
    origin = origin_of(cluster.api_server_url)
    if origin_of(config.server) != origin:
        raise CredentialsInvalid(
            f"the kubeconfig is for {origin_of(config.server)}, the cluster's API server is {origin}; "
            "credentials go to their own API server alone"
        )
    options = cluster.endpoints.options.get("api_server")
    if config.insecure and not (options and options.tls.insecure):
        raise CredentialsInvalid(
            "the kubeconfig skips TLS verification; give the CA, or ask for it with "
            "endpoints.options.api_server.tls.insecure"
        )
    ends: list[datetime | None] = []
    secrets: dict[str, Secret] = {}
    if config.token is not None:
        secrets["token"] = Secret(_bearer("kubeconfig: token", config.token), origin)
        ends.append(token_expiry(config.token))
    if config.client_cert is not None and config.client_key is not None:
        secrets["client_cert"] = Secret(config.client_cert, origin)
        secrets["client_key"] = Secret(config.client_key, origin)
        ends.append(certificate_expiry(config.client_cert))
    return secrets, config.ca, ends


def _bearer(field: str, value: str) -> str:
    token = value.strip()
    if len(token) > MAX_TOKEN or not _BEARER.fullmatch(token):
        raise CredentialsInvalid(
            f"{field}: a token is printable ASCII without spaces, of at most {MAX_TOKEN} characters"
        )
    return token
