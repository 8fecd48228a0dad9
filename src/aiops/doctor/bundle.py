"""One archive with what a helper needs: findings, settings, versions, states and the ends of logs; no secret, no data.

What cannot be had is left out with its reason in `missing.json`. Every text goes through the redactor on its way in.
"""

import asyncio
import io
import json
import os
import platform
import tarfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, Final

import msgspec
from prometheus_client import CollectorRegistry

from aiops import __version__
from aiops.core.clock import utc_now
from aiops.core.errors import AiopsError
from aiops.core.http import AddressPolicy, HttpClient, HttpMetrics, proxies
from aiops.doctor import states
from aiops.doctor.examine import examine
from aiops.doctor.redaction import Redactor, shown_settings
from aiops.doctor.subject import Subject

PART_S: Final = 15.0
METRICS: Final = "metrics"
LOG_TAIL_BYTES: Final = 256 * 1024
Part = Callable[[], Awaitable[Any]]


@dataclass(frozen=True)
class Written:
    """The archive: its size in bytes, and the names of the files in it."""

    path: Path
    size: int
    names: tuple[str, ...]


async def pack(subject: Subject, output: Path | None) -> Written:
    """Gather everything and write it to `output`, which must not exist yet.

    Raises:
        OSError: the file cannot be written.

    """
    made_at = utc_now()
    path = output or Path(f"aiops-support-{made_at:%Y%m%dT%H%M%SZ}.tar.gz")
    redactor = Redactor(subject.settings, subject.masked())
    documents, missing = await _gather(subject)
    exposed = {f"metrics/{role}.txt": text for role, text in documents.pop(METRICS, {}).items()}
    documents["settings.json"] = shown_settings(subject.settings)
    documents["versions.json"] = _versions(made_at.isoformat())
    documents["missing.json"] = missing
    texts = {name: _as_json(redactor.value(msgspec.to_builtins(value))) for name, value in documents.items()}
    plain = [*exposed.items(), *await asyncio.to_thread(_logs, subject)]
    texts |= {name: redactor.text(text) for name, text in plain}
    return await asyncio.to_thread(_write, path, texts, made_at.timestamp())


async def _gather(subject: Subject) -> tuple[dict[str, Any], dict[str, str]]:
    """The documents by their names, and why some are missing."""
    client = HttpClient(
        user_agent=f"aiops-support/{__version__}",
        policy=AddressPolicy(unrestricted=True),
        metrics=HttpMetrics(CollectorRegistry()),
        proxies=proxies(subject.settings.proxy),
    )
    async with client:
        parts: dict[str, Part] = {
            "doctor.json": lambda: examine(subject),
            "database.json": lambda: states.database(subject),
            "redis.json": lambda: states.redis(subject),
            "roles.json": lambda: states.roles(subject, client),
            METRICS: lambda: states.metrics(subject, client),
            "pods.json": states.pods,
            "events.json": states.events,
        }
        answers = await asyncio.gather(*(_part(part) for part in parts.values()))
    documents, missing = {}, {}
    for name, (document, why) in zip(parts, answers, strict=True):
        if why is None:
            documents[name] = document
        else:
            missing[name] = why
    return documents, missing


async def _part(part: Part) -> tuple[Any, str | None]:
    try:
        async with asyncio.timeout(PART_S * 2):
            return await part(), None
    except TimeoutError:
        return None, f"no answer within {PART_S * 2:g} s"
    except (AiopsError, OSError, ValueError) as error:
        return None, str(error)


def _versions(made_at: str) -> dict[str, Any]:
    packages = {str(one.metadata["Name"]): one.version for one in distributions() if one.metadata["Name"]}
    return {
        "aiops": __version__,
        "made_at": made_at,
        "python": platform.python_version(),
        "system": platform.platform(),
        "cpus": os.cpu_count(),
        "packages": dict(sorted(packages.items(), key=lambda item: item[0].lower())),
    }


def _logs(subject: Subject) -> list[tuple[str, str]]:
    """The ends of the logs that an `aiops up` installation keeps; elsewhere the platform has them."""
    if subject.data_dir is None:
        return []
    found = []
    for file in sorted((subject.data_dir.path / "logs").glob("*.log")):
        with file.open("rb") as log:
            log.seek(max(0, file.stat().st_size - LOG_TAIL_BYTES))
            found.append((f"logs/{file.name}", log.read().decode("utf-8", "replace")))
    return found


def _as_json(value: Any) -> str:
    return json.dumps(value, indent=2, default=str, ensure_ascii=False) + "\n"


def _write(path: Path, texts: dict[str, str], at: float) -> Written:
    """Readable by its owner alone: redacted or not, it tells much."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file, tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, text in sorted(texts.items()):
            data = text.encode("utf-8", "replace")
            entry = tarfile.TarInfo(f"{path.name.removesuffix('.tar.gz')}/{name}")
            entry.size, entry.mtime, entry.mode = len(data), int(at), 0o600
            archive.addfile(entry, io.BytesIO(data))
    return Written(path, path.stat().st_size, tuple(sorted(texts)))
