"""Encryption of stored secrets: AES-256-GCM, each ciphertext bound to what it belongs to.

`v1.<key id>.<nonce>.<ciphertext>`, base64url. The key id lets a new key be put in front while the old one still
opens; the associated data (a cluster's id and a field's name) keeps a ciphertext from being moved to another row.
"""

import base64
import hashlib
import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from aiops.core.errors import InternalError

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12  # NIST SP 800-38D


class SecretBox:
    """Seals with the first key, opens with any."""

    def __init__(self, keys: tuple[bytes, ...]) -> None:
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise ValueError("the secret key must be 32 bytes, base64; make one with: openssl rand -base64 32")
        self._keys = {hashlib.sha256(b"kid:" + key).hexdigest()[:8]: AESGCM(key) for key in keys}
        self._sealing = next(iter(self._keys))

    @classmethod
    def from_text(cls, text: str) -> "SecretBox":
        """From `base64` or `new,old`."""
        try:
            keys = tuple(base64.b64decode(part, validate=True) for part in text.split(",") if part)
        except ValueError as error:
            raise ValueError("the secret key is not base64") from error
        return cls(keys)

    def seal(self, secret: str, belongs_to: str) -> str:
        """The ciphertext of a secret that belongs to `belongs_to`, for instance `<cluster id>/prometheus_token`."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._keys[self._sealing].encrypt(nonce, secret.encode(), belongs_to.encode())
        return ".".join(("v1", self._sealing, _text(nonce), _text(sealed)))

    def open(self, sealed: str, belongs_to: str) -> str:
        """The secret.

        Raises:
            InternalError: the key is not here, or the ciphertext belongs to something else.

        """
        try:
            kid, nonce, ciphertext = sealed.removeprefix("v1.").split(".")
            return self._keys[kid].decrypt(_bytes(nonce), _bytes(ciphertext), belongs_to.encode()).decode()
        except KeyError as error:
            raise InternalError("a stored credential was sealed with a key that is no longer configured") from error
        except (ValueError, InvalidTag) as error:
            raise InternalError("a stored credential cannot be opened; it was changed outside of the hub") from error


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
