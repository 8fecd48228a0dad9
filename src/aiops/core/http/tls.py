"""How a server's certificate is judged.

Verified by default; a cluster may bring its own authority and server name.
"""

import ssl
import weakref

from msgspec import Struct

from aiops.core.errors import InvalidRequest


class Tls(Struct, frozen=True):
    """TLS of one cluster. `ca` replaces the system's authorities: PEM, one or more certificates."""

    ca: str | None = None
    server_name: str | None = None  # asked for and verified instead of the URL's host
    insecure: bool = False  # no verification at all; only where somebody asked for it

    def __repr__(self) -> str:
        ca = "own" if self.ca else "system"
        return f"Tls(ca={ca}, server_name={self.server_name!r}, insecure={self.insecure})"


class TlsContexts:
    """SSL contexts by content, shared by origins with the same authority and kept while one uses them."""

    def __init__(self) -> None:
        self._contexts: weakref.WeakValueDictionary[tuple[str | None, bool], ssl.SSLContext] = (
            weakref.WeakValueDictionary()
        )

    def context(self, tls: Tls) -> ssl.SSLContext:
        """Find or make the context for these settings.

        Raises:
            InvalidRequest: `ca` holds no PEM certificate.

        """
        key = (tls.ca, tls.insecure)
        context = self._contexts.get(key)
        if context is None:
            context = self._contexts[key] = _make(tls)
        return context


def _make(tls: Tls) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif tls.ca is None:
        context.load_default_certs()
    else:
        try:
            context.load_verify_locations(cadata=tls.ca)
        except (ssl.SSLError, TypeError, ValueError):
            raise InvalidRequest("the certificate authority is not a certificate in PEM format") from None
        # As Kubernetes clients do: an intermediate or the server's own certificate may be given as the authority.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context
