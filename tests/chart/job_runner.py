"""Runs a release's Jobs on an API server without nodes: the part of kubelet and Job controller that a hook needs.

A Job's command runs as a process of this machine with a token of the Job's own ServiceAccount, so that its roles decide
what it may do. Its image is not used. It refuses Jobs whose container is not the product's own command.
"""

import os
import subprocess
import sys
import tempfile
import threading
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import yaml

from tests.chart.api_server import CREATED, ApiServer, kubeconfig
from tests.chart.helm import Object
from tests.chart.workloads import environment

PAUSE_S: Final = 0.2
TIMEOUT_S: Final = 60


class JobRunner:
    """Use it as `with JobRunner(server, namespace) as jobs`; `jobs.said` is what each Job printed, in order."""

    def __init__(self, server: ApiServer, namespace: str) -> None:
        self._server, self._namespace = server, namespace
        self._seen: set[str] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.said: list[str] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(PAUSE_S):
            found = self._server.call("GET", f"/apis/batch/v1/namespaces/{self._namespace}/jobs").body["items"]
            for job in found:
                if job["metadata"]["uid"] not in self._seen:
                    self._seen.add(job["metadata"]["uid"])
                    self._finish(job, self._run(job))

    def _run(self, job: Object) -> bool:
        pod = job["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        assert "command" not in container, "only the image's own command is known here"
        variables = {name: entry["value"] for name, entry in environment(container).items() if "value" in entry}
        with tempfile.TemporaryDirectory() as folder:
            file = self._as(pod["serviceAccountName"], Path(folder) / "kubeconfig")
            own = {"KUBECONFIG": str(file), "POD_NAMESPACE": self._namespace}
            done = subprocess.run(
                [sys.executable, "-m", "aiops", *container["args"]],
                env={**os.environ, **variables, **own},
                capture_output=True,
                text=True,
                timeout=TIMEOUT_S,
                check=False,
            )
        self.said.append(done.stdout + done.stderr)
        return done.returncode == 0

    def _as(self, account: str, file: Path) -> Path:
        """A kubeconfig with a token of that ServiceAccount."""
        place = f"/api/v1/namespaces/{self._namespace}/serviceaccounts/{account}/token"
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 600}}
        answer = self._server.call("POST", place, request)
        assert answer.status in CREATED, answer.message
        given = kubeconfig()
        config = yaml.safe_load(given.read_text())
        context = next(one["context"] for one in config["contexts"] if one["name"] == config["current-context"])
        cluster = next(one["cluster"] for one in config["clusters"] if one["name"] == context["cluster"])
        if "certificate-authority" in cluster:
            cluster["certificate-authority"] = str(given.parent / cluster["certificate-authority"])
        named = {"name": context["user"], "user": {"token": answer.body["status"]["token"]}}
        file.touch(mode=0o600)
        file.write_text(yaml.safe_dump({**config, "users": [named]}))
        return file

    def _finish(self, job: Object, succeeded: bool) -> None:  # noqa: FBT001 - what the process ended with
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        names = ("SuccessCriteriaMet", "Complete") if succeeded else ("FailureTarget", "Failed")
        conditions = [
            {"type": name, "status": "True", "reason": "Ended", "lastProbeTime": now, "lastTransitionTime": now}
            for name in names
        ]
        counted = {"succeeded": 1, "completionTime": now} if succeeded else {"failed": 1}
        status = {"startTime": now, "conditions": conditions, "active": 0, "ready": 0, "terminating": 0, **counted}
        place = f"/apis/batch/v1/namespaces/{self._namespace}/jobs/{job['metadata']['name']}/status"
        answer = self._server.merge(place, {"status": status})
        assert answer.status in CREATED, answer.message
