"""Finds files of the built dashboard and the compressed variant that a browser takes.

Refuses every name that is not a plain file name, so that no path can lead out of the folder, and never
compresses: the build did.
"""

import asyncio
import hashlib
import mimetypes
import re
from pathlib import Path
from typing import Final

from msgspec import Struct

_PLAIN_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}")
_VARIANTS: Final = (("br", ".br"), ("gzip", ".gz"))  # best first
_TYPES: Final = {  # what the system's own table may not know, or tell otherwise; Litestar adds the charset
    ".js": "text/javascript",
    ".css": "text/css",
    ".html": "text/html",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}


class Found(Struct, frozen=True):
    """A file as it goes out. `encoding` is None where the content is as it was built."""

    content: bytes
    media_type: str
    encoding: str | None
    etag: str


def accepted_encodings(header: str) -> frozenset[str]:
    """Read the codings that an `Accept-Encoding` header takes (RFC 9110, 12.5.3); `*` names none."""
    taken = set()
    for part in header.lower().split(","):
        name, _, parameter = part.partition(";")
        if parameter.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}:
            taken.add(name.strip())
    return frozenset(taken)


class BuiltFiles:
    """The folder that the dashboard's build wrote. It may be absent: then nothing is found."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def find(self, folder: str, name: str, accept_encoding: str) -> Found | None:
        """One file by its plain name; None when there is none. `folder` is ours, `name` is the caller's."""
        if not _PLAIN_NAME.fullmatch(name):
            return None
        return await asyncio.to_thread(_read, self._root / folder / name, accepted_encodings(accept_encoding))


def _read(path: Path, accepted: frozenset[str]) -> Found | None:
    if path.suffix in {".br", ".gz"} or not path.is_file():
        return None
    encoding = None
    chosen = path
    for coding, suffix in _VARIANTS:
        variant = path.with_name(path.name + suffix)
        if coding in accepted and variant.is_file():
            encoding, chosen = coding, variant
            break
    content = chosen.read_bytes()
    media_type = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return Found(content, media_type, encoding, f'"{hashlib.sha256(content).hexdigest()[:32]}"')
