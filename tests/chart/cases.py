"""The ways to install that are rendered and checked: each profile, each optional part, each kind of cluster."""

from typing import Final

from tests.chart.helm import MONITORING, OLDEST, OPENSHIFT, Case, Values

GATEWAY_API: Final = ("gateway.networking.k8s.io/v1", "gateway.networking.k8s.io/v1/HTTPRoute")
DIGEST: Final = "sha256:" + "0123456789abcdef" * 4
HOST: Final = "aiops.example.com"


def llm(profile: str, size: str = "3b") -> Values:
    return {"llm": {"enabled": True, "profile": profile, "size": size}}


DEFAULT: Final = Case("default")
DEV: Final = Case("development", files=("values-dev.yaml",))
PROD: Final = Case("production", files=("values-prod.yaml",))
# The default profile with what the specification's commands set and its examples show.
AS_SPECIFIED: Final = Case("specified", {"route": {"host": HOST}})
CLUSTER_ADMIN: Final = Case("cluster admin", {"rbac": {"clusterScoped": True}, "route": {"host": HOST}})
SPOKE: Final = Case("spoke", {"spoke": {"enabled": True}})
LLM: Final = {
    (profile, size): Case(f"{profile} {size}", llm(profile, size))
    for profile in ("sidecar", "vllm", "kserve")
    for size in ("3b", "8b", "70b")
}
CASES: Final = (
    DEFAULT,
    DEV,
    PROD,
)
