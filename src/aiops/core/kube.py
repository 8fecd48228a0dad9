"""A cluster's own API: the one owner of the Kubernetes client, which is heavy and imported only when it is opened.

It acts as the pod's ServiceAccount inside a cluster, else as the current context of a kubeconfig. It knows no resource
of the product, and it never logs or returns what an object holds but to who asked for it.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from msgspec import Struct

from aiops.core.errors import AiopsError, Conflict, NotFound, PermissionDenied, ServiceUnavailable

TOKEN_FILE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
NAMESPACE_FILE: Final = TOKEN_FILE.with_name("namespace")
TIMEOUT_S: Final = 15
NOT_FOUND: Final = 404
MERGE_PATCH: Final = "application/merge-patch+json"
_ERRORS: Final[Mapping[int, type[AiopsError]]] = {403: PermissionDenied, NOT_FOUND: NotFound, 409: Conflict}


class ClusterKind(Struct, frozen=True):
    """A kind whose objects belong to the whole cluster, as its API's paths name it."""

    group: str
    version: str
    plural: str
    kind: str


def inside_cluster(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether this process runs in a pod that may speak to its cluster."""
    return "KUBERNETES_SERVICE_HOST" in environ and TOKEN_FILE.is_file()


def own_namespace(environ: Mapping[str, str] = os.environ) -> str:
    """The pod's namespace; `POD_NAMESPACE` outside of a pod.

    Raises:
        ServiceUnavailable: neither says.

    """
    if given := environ.get("POD_NAMESPACE"):
        return given
    if inside_cluster(environ):
        return NAMESPACE_FILE.read_text().strip()
    raise ServiceUnavailable("the namespace is not known: this is no pod, and POD_NAMESPACE is not set")


class Kube:
    """Use it as `async with Kube() as kube: await kube.secret(namespace, name)`."""

    def __init__(self, *, kubeconfig: Path | None = None) -> None:
        self._kubeconfig = kubeconfig
        self._client: Any = None
        self._core: Any = None
        self._any_kind: Any = None
        self._refusal: Any = None

    async def __aenter__(self) -> Self:
        from kubernetes_asyncio import client, config  # noqa: PLC0415 - half a second and tens of megabytes

        settings = client.Configuration()
        try:
            if self._kubeconfig is None and inside_cluster():
                config.load_incluster_config(client_configuration=settings)  # type: ignore[no-untyped-call]
            else:
                # The library reads the variable once, when it is imported.
                file = str(self._kubeconfig) if self._kubeconfig else os.environ.get("KUBECONFIG")
                await config.load_kube_config(config_file=file, client_configuration=settings)
        except (config.ConfigException, OSError) as error:
            raise ServiceUnavailable(
                f"no way to a cluster's API: {error}; run it in a pod with a ServiceAccount, or set KUBECONFIG"
            ) from error
        self._client = client.ApiClient(settings)
        self._core = client.CoreV1Api(self._client)
        self._any_kind = client.CustomObjectsApi(self._client)
        self._refusal = client.ApiException
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.close()

    async def secret(self, namespace: str, name: str) -> dict[str, str] | None:
        """What a Secret holds, each value in base64 as the API has it; None where there is none."""
        with kube_errors(f"read Secret {name}"):
            try:
                found = await self._core.read_namespaced_secret(name, namespace, _request_timeout=TIMEOUT_S)
            except self._refusal as error:
                if error.status == NOT_FOUND:
                    return None
                raise
        return dict(found.data or {})

    async def create_secret(
        self,
        namespace: str,
        name: str,
        texts: Mapping[str, str],
        labels: Mapping[str, str],
        annotations: Mapping[str, str],
    ) -> None:
        """Make a Secret. Raises `Conflict` where there is one."""
        metadata = {"name": name, "labels": dict(labels), "annotations": dict(annotations)}
        body = {"type": "Opaque", "metadata": metadata, "stringData": dict(texts)}
        with kube_errors(f"create Secret {name}"):
            await self._core.create_namespaced_secret(namespace, body, _request_timeout=TIMEOUT_S)

    async def patch_secret(self, namespace: str, name: str, texts: Mapping[str, str]) -> None:
        """Set these keys of a Secret and leave all others."""
        with kube_errors(f"patch Secret {name}"):
            await self._core.patch_namespaced_secret(
                name,
                namespace,
                {"stringData": dict(texts)},
                _content_type=MERGE_PATCH,
                _request_timeout=TIMEOUT_S,
            )

    async def cluster_object(self, kind: ClusterKind, name: str) -> dict[str, Any] | None:
        """An object of the whole cluster; None where there is none, or where the cluster does not know the kind."""
        with kube_errors(f"read {kind.kind} {name}"):
            try:
                found: dict[str, Any] = await self._any_kind.get_cluster_custom_object(
                    kind.group, kind.version, kind.plural, name, _request_timeout=TIMEOUT_S
                )
            except self._refusal as error:
                if error.status == NOT_FOUND:
                    return None
                raise
        return found

    async def create_cluster_object(self, kind: ClusterKind, body: Mapping[str, Any]) -> None:
        """Make an object of the whole cluster. Raises `Conflict` where there is one, `NotFound` for an unknown kind."""
        whole = {"apiVersion": f"{kind.group}/{kind.version}", "kind": kind.kind, **body}
        with kube_errors(f"create {kind.kind} {body['metadata']['name']}"):
            await self._any_kind.create_cluster_custom_object(
                kind.group, kind.version, kind.plural, whole, _request_timeout=TIMEOUT_S
            )

    async def patch_cluster_object(self, kind: ClusterKind, name: str, changed: Mapping[str, Any]) -> None:
        """Merge these fields into an object; with its resourceVersion, raises `Conflict` where it is another by now."""
        with kube_errors(f"patch {kind.kind} {name}"):
            await self._any_kind.patch_cluster_custom_object(
                kind.group,
                kind.version,
                kind.plural,
                name,
                dict(changed),
                _content_type=MERGE_PATCH,
                _request_timeout=TIMEOUT_S,
            )


@contextmanager
def kube_errors(doing: str) -> Iterator[None]:
    """Turn the client's errors into ours; only the status's reason is kept, never a body."""
    from aiohttp import ClientError  # noqa: PLC0415 - as the client
    from kubernetes_asyncio.client import ApiException  # noqa: PLC0415 - as the client

    try:
        yield
    except ApiException as error:
        kind = _ERRORS.get(error.status or 0, ServiceUnavailable)
        raise kind(f"the cluster's API refused to {doing}: {error.status} {error.reason}") from error
    except (ClientError, TimeoutError, OSError) as error:
        reason = str(error) or type(error).__name__
        raise ServiceUnavailable(f"the cluster's API did not answer to {doing}: {reason}") from error
