"""Reads a kubeconfig (Kubernetes' `v1` `Config`) for the four things the hub needs: server, CA, token, client pair.

It refuses what would make the hub run a program, read a file of its own machine or send a password, and every YAML
alias: a small file must not unfold into a large one. No error repeats the text.
"""

import base64
import binascii
from datetime import UTC, datetime
from typing import Any, Final, Literal, overload

import jwt
import yaml
from cryptography import x509
from msgspec import Struct

from aiops.core.errors import CredentialsInvalid

MAX_BYTES: Final = 128 * 1024
MAX_DEPTH: Final = 32
_EMBED: Final = "embed it: kubectl config view --raw --flatten --minify"
_REFUSED: Final = {
    "exec": "runs a program to sign in, which the hub does not; give a service account's token instead",
    "auth-provider": "uses an auth provider, which the hub does not know; give a service account's token instead",
    "tokenFile": f"names a file on the machine that it came from; {_EMBED}",
    "client-certificate": f"names a file on the machine that it came from; {_EMBED}",
    "client-key": f"names a file on the machine that it came from; {_EMBED}",
    "username": "signs in with a password, which API servers no longer take; give a service account's token instead",
    "password": "signs in with a password, which API servers no longer take; give a service account's token instead",
    "as": "impersonates somebody, which the hub does not; give a service account's token instead",
}


class Kubeconfig(Struct, frozen=True):
    """The current context. `ca`, `client_cert` and `client_key` are PEM text."""

    server: str
    ca: str | None
    tls_server_name: str | None
    insecure: bool
    token: str | None
    client_cert: str | None
    client_key: str | None

    def __repr__(self) -> str:
        return f"Kubeconfig(server={self.server!r}, ...)"


def read_kubeconfig(text: str) -> Kubeconfig:
    """The current context of a kubeconfig.

    Raises:
        CredentialsInvalid: what is wrong with it, never its text.

    """
    document = _load(text)
    context = _named(document, "contexts", _text(document, "current-context"), "context")
    cluster = _named(document, "clusters", _text(context, "cluster"), "cluster")
    user = _named(document, "users", _text(context, "user"), "user")
    for key, why in _REFUSED.items():
        if user.get(key):
            raise CredentialsInvalid(f"kubeconfig: the user {why}")
    if cluster.get("certificate-authority"):
        raise CredentialsInvalid(f"kubeconfig: certificate-authority names a file on another machine; {_EMBED}")
    if cluster.get("proxy-url"):
        raise CredentialsInvalid("kubeconfig: proxy-url is not supported; register an address that needs no proxy")
    found = Kubeconfig(
        server=_text(cluster, "server"),
        ca=_pem(cluster, "certificate-authority-data"),
        tls_server_name=_text(cluster, "tls-server-name", needed=False),
        insecure=cluster.get("insecure-skip-tls-verify") is True,
        token=_text(user, "token", needed=False),
        client_cert=_pem(user, "client-certificate-data"),
        client_key=_pem(user, "client-key-data"),
    )
    if found.token is None and found.client_cert is None:
        raise CredentialsInvalid("kubeconfig: the user has neither a token nor client-certificate-data")
    if (found.client_cert is None) != (found.client_key is None):
        raise CredentialsInvalid("kubeconfig: client-certificate-data and client-key-data belong together")
    return found


def checked_certificates(field: str, pem: str) -> tuple[x509.Certificate, ...]:
    """The certificates inside PEM text.

    Raises:
        CredentialsInvalid: it holds none.

    """
    try:
        return tuple(x509.load_pem_x509_certificates(pem.encode()))
    except ValueError as error:
        raise CredentialsInvalid(f"{field}: not a PEM certificate: {error}") from None


def certificate_expiry(pem: str) -> datetime:
    """When the first certificate ends."""
    return checked_certificates("client certificate", pem)[0].not_valid_after_utc


def token_expiry(token: str) -> datetime | None:
    """The `exp` of a JWT (RFC 7519), unverified: only its issuer can judge it. Null for opaque tokens."""
    try:
        expires = jwt.decode(token, options={"verify_signature": False}).get("exp")
        return None if expires is None else datetime.fromtimestamp(int(expires), UTC)
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, OSError):
        return None


def _load(text: str) -> dict[str, Any]:
    if len(text.encode()) > MAX_BYTES:
        raise CredentialsInvalid(f"kubeconfig: more than {MAX_BYTES // 1024} KiB; {_EMBED}")
    try:
        _refuse_bombs(text)
        document = yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        where = f" at line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise CredentialsInvalid(f"kubeconfig: not valid YAML{where}") from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise CredentialsInvalid("kubeconfig: not valid YAML") from None
    if not isinstance(document, dict):
        raise CredentialsInvalid("kubeconfig: must be a mapping with clusters, contexts and users")
    return document


def _refuse_bombs(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise CredentialsInvalid(f"kubeconfig: YAML aliases are not accepted; {_EMBED}")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise CredentialsInvalid(f"kubeconfig: nested deeper than {MAX_DEPTH} levels")


def _named(document: dict[str, Any], section: str, name: str, key: str) -> dict[str, Any]:
    entries = document.get(section)
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and entry.get("name") == name and isinstance(entry.get(key), dict):
            found: dict[str, Any] = entry[key]
            return found
    raise CredentialsInvalid(f"kubeconfig: {section} has no entry with the name that the current context uses")


@overload
def _text(mapping: dict[str, Any], key: str) -> str: ...
@overload
def _text(mapping: dict[str, Any], key: str, *, needed: Literal[False]) -> str | None: ...
def _text(mapping: dict[str, Any], key: str, *, needed: bool = True) -> str | None:
    value = mapping.get(key)
    if value is None and not needed:
        return None
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise CredentialsInvalid(f"kubeconfig: {key} is missing or not a text")
    return value.strip()


def _pem(mapping: dict[str, Any], key: str) -> str | None:
    text = _text(mapping, key, needed=False)
    if text is None:
        return None
    try:
        pem = base64.b64decode("".join(text.split()), validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        raise CredentialsInvalid(f"kubeconfig: {key} is not base64 of PEM text") from None
    if "-----BEGIN " not in pem:
        raise CredentialsInvalid(f"kubeconfig: {key} is not base64 of PEM text")
    if "key" not in key:
        checked_certificates(f"kubeconfig: {key}", pem)
    return pem
