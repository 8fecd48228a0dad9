"""What a process sees of its own namespace: what it may do there, its pods, and their events. It changes nothing."""

from datetime import datetime
from typing import Any, Self

from msgspec import Struct

from aiops.core.kube import TIMEOUT_S, Kube, kube_errors


class PodSummary(Struct, frozen=True):
    """A pod without its environment, its arguments or its annotations, which may hold anything."""

    name: str
    phase: str
    node: str | None
    images: tuple[str, ...]
    restarts: int
    waiting_for: tuple[str, ...]


class EventSummary(Struct, frozen=True):
    """Something that Kubernetes says about an object."""

    at: datetime | None
    kind: str
    about: str
    reason: str
    message: str
    count: int


class KubeReader(Kube):
    """Use it as `async with KubeReader() as kube: await kube.may("list", "pods", namespace)`."""

    async def __aenter__(self) -> Self:
        """Connect."""
        await super().__aenter__()
        from kubernetes_asyncio import client  # noqa: PLC0415 - as in `kube`

        self._reviews = client.AuthorizationV1Api(self._client)
        return self

    async def may(self, verb: str, resource: str, namespace: str, *, group: str = "") -> bool:
        """Whether this process may do that (SelfSubjectAccessReview)."""
        asked = {"namespace": namespace, "verb": verb, "resource": resource, "group": group}
        body: Any = {"spec": {"resourceAttributes": asked}}
        with kube_errors("review this process' rights"):
            answer = await self._reviews.create_self_subject_access_review(body, _request_timeout=TIMEOUT_S)
        return bool(answer.status.allowed)

    async def pods(self, namespace: str) -> list[PodSummary]:
        """The namespace's pods."""
        with kube_errors("list pods"):
            found = await self._core.list_namespaced_pod(namespace, _request_timeout=TIMEOUT_S)
        return [_pod(item) for item in found.items]

    async def events(self, namespace: str) -> list[EventSummary]:
        """The namespace's events of the last hour, as Kubernetes keeps them; the newest last."""
        with kube_errors("list events"):
            found = await self._core.list_namespaced_event(namespace, _request_timeout=TIMEOUT_S)
        events = [
            EventSummary(
                at=item.last_timestamp or item.event_time,
                kind=item.type or "",
                about=f"{item.involved_object.kind}/{item.involved_object.name}",
                reason=item.reason or "",
                message=item.message or "",
                count=item.count or 1,
            )
            for item in found.items
        ]
        return sorted(events, key=lambda event: (event.at is not None, event.at))


def _pod(item: Any) -> PodSummary:
    states = item.status.container_statuses or []
    return PodSummary(
        name=item.metadata.name,
        phase=item.status.phase or "",
        node=item.spec.node_name,
        images=tuple(container.image for container in item.spec.containers),
        restarts=sum(state.restart_count for state in states),
        waiting_for=tuple(
            f"{state.name}: {state.state.waiting.reason}" for state in states if state.state and state.state.waiting
        ),
    )
