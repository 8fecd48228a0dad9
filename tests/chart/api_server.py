"""The Kubernetes API server that `AIOPS_TEST_KUBECONFIG` names: asked over HTTP with that file's identity.

Only what the tests need: objects by kind, dry runs with strict field validation, reviews of access. It refuses to
guess a cluster: without the variable its tests are skipped.
"""

import base64
import json
import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Self

import httpx
import pytest
import yaml

from tests.chart.helm import Object

VARIABLE: Final = "AIOPS_TEST_KUBECONFIG"
TIMEOUT_S: Final = 30
CREATED: Final = (200, 201)
STRICT: Final = {"fieldValidation": "Strict", "fieldManager": "aiops-tests"}


def kubeconfig() -> Path:
    """The file that names the cluster. Skips the test where there is none."""
    given = os.environ.get(VARIABLE, "")
    if not given:
        pytest.skip(f"{VARIABLE} names no kubeconfig: tests that install into a cluster need one that may be changed")
    return Path(given)


@dataclass(frozen=True)
class Answer:
    """What the server said, with its warnings."""

    status: int
    body: Any
    warnings: tuple[str, ...]

    @property
    def message(self) -> str:
        return str(self.body.get("message", "")) if isinstance(self.body, dict) else str(self.body)


class ApiServer:
    """One API server and one identity."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http
        self._places: dict[tuple[str, str], tuple[str, bool]] = {}

    @classmethod
    @contextmanager
    def of(cls, file: Path) -> Iterator[Self]:
        """Speak as the current context of a kubeconfig does: with its certificate or its token."""
        config = yaml.safe_load(file.read_text())
        context = _named(config["contexts"], config["current-context"])["context"]
        cluster = _named(config["clusters"], context["cluster"])["cluster"]
        user = _named(config["users"], context["user"])["user"]
        trust = ssl.create_default_context(cadata=_content(cluster, "certificate-authority", file), cafile=None)
        with TemporaryDirectory() as folder:
            if certificate := _content(user, "client-certificate", file):
                pair = Path(folder) / "client.pem"
                pair.touch(mode=0o600)
                pair.write_text(f"{certificate}\n{_content(user, 'client-key', file)}")
                trust.load_cert_chain(pair)
            headers = {"Authorization": f"Bearer {user['token']}"} if "token" in user else {}
            with httpx.Client(base_url=cluster["server"], verify=trust, headers=headers, timeout=TIMEOUT_S) as http:
                yield cls(http)

    def call(self, method: str, path: str, body: Object | None = None, **query: str) -> Answer:
        """One request."""
        return self._answer(self._http.request(method, path, json=body, params=query))

    def merge(self, path: str, changed: Object) -> Answer:
        """Merge fields into an object, or into its status."""
        kind = {"Content-Type": "application/merge-patch+json"}
        return self._answer(self._http.patch(path, content=json.dumps(changed), headers=kind))

    @staticmethod
    def _answer(answer: httpx.Response) -> Answer:
        warnings = tuple(answer.headers.get_list("warning"))
        # A path of an API group that the server lacks is refused in plain text.
        spoken = answer.headers.get("content-type", "").startswith("application/json")
        return Answer(answer.status_code, answer.json() if spoken else answer.text, warnings)

    def create(self, item: Object, namespace: str, *, dry: bool = False) -> Answer:
        """Create an object, strictly: an unknown or doubled field is refused. `dry` leaves nothing behind."""
        query = {**STRICT, "dryRun": "All"} if dry else STRICT
        return self.call("POST", self.path(item, namespace), item, **query)

    def path(self, item: Object, namespace: str) -> str:
        """Where objects of that kind are created."""
        plural, namespaced = self._place(item["apiVersion"], item["kind"])
        root = f"/api/{item['apiVersion']}" if "/" not in item["apiVersion"] else f"/apis/{item['apiVersion']}"
        return (
            f"{root}/namespaces/{item['metadata'].get('namespace', namespace)}/{plural}"
            if namespaced
            else f"{root}/{plural}"
        )

    def knows(self, api_version: str, kind: str) -> bool:
        """Whether the server has that kind."""
        return (api_version, kind) in self._kinds(api_version)

    def may(self, account: str, namespace: str, verb: str, resource: str, name: str = "", where: str = "") -> bool:
        """Whether that ServiceAccount is allowed to, by SubjectAccessReview, with a core resource such as `pods/exec`.

        `where` is the object's namespace, `*` all of them.
        """
        plural, _, part = resource.partition("/")
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": f"system:serviceaccount:{namespace}:{account}",
                "groups": ["system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"],
                "resourceAttributes": {
                    "namespace": "" if where == "*" else where or namespace,
                    "verb": verb,
                    "resource": plural,
                    "subresource": part,
                    "name": name,
                },
            },
        }
        answer = self.call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
        assert answer.status in CREATED, answer.message
        return bool(answer.body["status"]["allowed"])

    def _place(self, api_version: str, kind: str) -> tuple[str, bool]:
        return self._kinds(api_version)[api_version, kind]

    def _kinds(self, api_version: str) -> dict[tuple[str, str], tuple[str, bool]]:
        if not any(version == api_version for version, _ in self._places):
            root = "/api" if "/" not in api_version else "/apis"
            answer = self.call("GET", f"{root}/{api_version}")
            for one in answer.body.get("resources", []) if answer.status == CREATED[0] else []:
                if "/" not in one["name"]:
                    self._places[api_version, one["kind"]] = (one["name"], one["namespaced"])
        return self._places


def _named(entries: list[Object], name: str) -> Object:
    return next(entry for entry in entries if entry["name"] == name)


def _content(entry: Object, key: str, file: Path) -> str | None:
    """A PEM of a kubeconfig, inline or in a file beside it."""
    if data := entry.get(f"{key}-data"):
        return base64.b64decode(data).decode()
    return (file.parent / entry[key]).read_text() if key in entry else None
