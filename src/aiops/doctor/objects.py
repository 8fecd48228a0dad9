"""The object store: whether something can be written, read back and removed again."""

from typing import Final
from uuid import uuid4

from aiops.core.errors import AiopsError
from aiops.core.http import HttpClient, proxies
from aiops.core.objects import object_store
from aiops.doctor.finding import Notes
from aiops.doctor.subject import Subject

FOLDER: Final = "doctor"


async def look(subject: Subject, _: HttpClient, notes: Notes) -> None:
    """Write, read, remove."""
    settings = subject.settings.objects
    if not settings.url:
        notes.skip("store", subject.reason("objects", "none is set (AIOPS_OBJECTS_URL)"))
        return
    path, data = f"{FOLDER}/{uuid4().hex}", b"written by aiops doctor"
    try:
        store = object_store(settings, proxies(subject.settings.proxy), timeout_s=5)
        await store.put(path, data)
        same = await store.get(path) == data
        await store.delete(path)
    except (AiopsError, ValueError, OSError) as error:
        notes.fail(
            "store",
            str(error),
            "compare AIOPS_OBJECTS_URL, AIOPS_OBJECTS_ENDPOINT and AWS_ACCESS_KEY_ID with the bucket, which must exist "
            "and let this key write",
        )
        return
    if same:
        notes.ok("store", f"{settings.url} takes, gives back and removes an object")
    else:
        notes.fail(
            "store", f"{settings.url} gave back other bytes than it took", "look for a proxy or a cache before it"
        )
