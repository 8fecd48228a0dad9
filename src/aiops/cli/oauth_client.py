"""OpenShift's OAuthClient of a release, made and kept in agreement with the Secret that the gateway reads.

The secret lies in the object itself, so no chart can render it; the job that fills the Secrets makes it whole. One that
another release or somebody else made is never touched: a mistaken name must not take over, say, the console's sign-in.
"""

import base64
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from aiops.core.errors import Conflict, NotFound, PermissionDenied
from aiops.core.kube import ClusterKind, Kube

KIND: Final = ClusterKind("oauth.openshift.io", "v1", "oauthclients", "OAuthClient")
# Helm's own word for whose an object is.
OWNER: Final = "meta.helm.sh/release-namespace"
# No manifest has what the job makes: Helm, and Argo CD that goes by the label of the instance, leave it where it is.
KEEP: Final = {
    "helm.sh/resource-policy": "keep",
    "argocd.argoproj.io/sync-options": "Prune=false",
    "argocd.argoproj.io/compare-options": "IgnoreExtraneous",
}
TRIES: Final = 3


class WantedClient(Struct, frozen=True, forbid_unknown_fields=True):
    """An OAuthClient. Its own secret is what the named Secret holds under `key`."""

    name: str
    redirect_uris: tuple[str, ...]
    secret: str
    key: str

    def body(self, secret: str, namespace: str, labels: Mapping[str, str]) -> dict[str, Any]:
        """The whole object as this release makes it."""
        return {
            "metadata": {"name": self.name, "labels": dict(labels), "annotations": {OWNER: namespace, **KEEP}},
            "grantMethod": "auto",
            "redirectURIs": list(self.redirect_uris),
            "secret": secret,
        }


async def agree(kube: Kube, namespace: str, client: WantedClient, labels: Mapping[str, str]) -> str:
    """Make the OAuthClient, or change what differs; says what was done.

    Raises:
        NotFound: the Secret or its key is not there, or the cluster does not know OAuthClients.
        PermissionDenied: the OAuthClient is somebody else's.

    """
    for _ in range(TRIES):
        body = client.body(await _held(kube, namespace, client), namespace, labels)
        found = await kube.cluster_object(KIND, client.name)
        changed = {} if found is None else changes(body, found)
        try:
            if found is None:
                await _create(kube, body)
                return f"OAuthClient {client.name}: made with the secret of Secret {client.secret}"
            if changed:
                await kube.patch_cluster_object(KIND, client.name, changed)
        except Conflict:
            continue  # somebody else made or changed it meanwhile
        fields = sorted(changed.keys() - {"metadata"}) or sorted(changed.get("metadata", {}))
        what = f"{', '.join(fields)} set, " if changed else ""
        return f"OAuthClient {client.name}: {what}agrees with Secret {client.secret}"
    raise Conflict(f"OAuthClient {client.name} was changed by somebody else {TRIES} times; run this again")


async def _held(kube: Kube, namespace: str, client: WantedClient) -> str:
    found = await kube.secret(namespace, client.secret)
    if found is None:
        raise NotFound(f"Secret {client.secret} is not there; make it, with the OAuth client's secret as {client.key}")
    if not (held := found.get(client.key)):
        raise NotFound(f"Secret {client.secret} has no {client.key}; set it to the OAuth client's secret")
    return base64.b64decode(held).decode()


async def _create(kube: Kube, body: Mapping[str, Any]) -> None:
    try:
        await kube.create_cluster_object(KIND, body)
    except NotFound as error:
        raise NotFound(
            f"this cluster knows no OAuthClient ({KIND.group}/{KIND.version}): it is no OpenShift, or another provider "
            "signs its people in; set auth.mode to local"
        ) from error


def changes(body: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """What to merge into the object; nothing where it is right. What an administrator added to it stays.

    Raises:
        PermissionDenied: it is somebody else's.

    """
    wanted, has = body["metadata"], found["metadata"]
    annotations = has.get("annotations") or {}
    namespace, owner = wanted["annotations"][OWNER], annotations.get(OWNER)
    if owner != namespace:
        name = wanted["name"]
        whose = f"is of the release in namespace {owner}" if owner else "was made by somebody else"
        raise PermissionDenied(
            f"OAuthClient {name} {whose}; name another one in global.oauth.clientId, or hand it over: "
            f"oc annotate --overwrite oauthclient {name} {OWNER}={namespace}"
        )
    changed = {field: value for field, value in body.items() if field != "metadata" and found.get(field) != value}
    if changed or not wanted["annotations"].items() <= annotations.items():
        # The version that was looked at: a change by somebody else in between is a conflict.
        seen = {"resourceVersion": has["resourceVersion"]}
        changed["metadata"] = {"labels": wanted["labels"], "annotations": wanted["annotations"], **seen}
    return changed
