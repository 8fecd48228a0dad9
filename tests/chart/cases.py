"""The ways to install that are rendered and checked: each profile, each optional part, each kind of cluster."""

from typing import Final

from tests.chart.helm import MONITORING, OLDEST, OPENSHIFT, Case, Values

GATEWAY_API: Final = ("gateway.networking.k8s.io/v1", "gateway.networking.k8s.io/v1/HTTPRoute")
CNPG: Final = ("postgresql.cnpg.io/v1", "postgresql.cnpg.io/v1/Cluster")
KSERVE: Final = ("serving.kserve.io/v1beta1", "serving.kserve.io/v1beta1/InferenceService")
BUCKETS: Final = ("objectbucket.io/v1alpha1", "objectbucket.io/v1alpha1/ObjectBucketClaim")
DIGEST: Final = "sha256:" + "0123456789abcdef" * 4
HOST: Final = "aiops.example.com"
MIRROR: Final = "mirror.example.com:5000/copies"
PROFILES: Final = ("sidecar", "vllm", "kserve")
SIZES: Final = ("3b", "8b", "70b")
ALL_APIS: Final = (*OPENSHIFT, *MONITORING, *CNPG, *KSERVE, *BUCKETS)
INGRESS: Final[Values] = {
    "route": {"enabled": False},
    "ingress": {"enabled": True, "host": HOST, "className": "nginx", "tlsSecret": "aiops-tls"},
}
GATEWAY: Final[Values] = {
    "route": {"enabled": False},
    "httpRoute": {"enabled": True, "host": HOST, "parentRefs": [{"name": "public", "namespace": "gateways"}]},
}


def llm(profile: str, size: str = "3b", **more: object) -> Values:
    return {"llm": {"enabled": True, "profile": profile, "size": size, **more}}


def store(provider: str, **more: object) -> Values:
    return {"objectStorage": {"enabled": True, "provider": provider, **more}}


DEFAULT: Final = Case("default")
DEV: Final = Case("development", files=("values-dev.yaml",))
PROD: Final = Case("production", files=("values-prod.yaml",))
# The default profile with what the specification's commands set and its examples show.
AS_SPECIFIED: Final = Case(
    "as specified",
    {
        "route": {"host": HOST},
        "auth": {"mode": "openshift"},
        "rbac": {"clusterScoped": True},
        **llm("vllm", namespace="aiops-nextgen-llm"),
        **store(
            "minio",
            namespace="aiops-nextgen-storage",
            minio={"image": "registry.example.com/minio:1.0"},
            existingSecret="minio",
        ),
    },
)
CLUSTER_ADMIN: Final = Case(
    "cluster administrator",
    {"rbac": {"clusterScoped": True}, "route": {"host": HOST}, "auth": {"mode": "openshift"}},
    files=("values-prod.yaml",),
)
OWN_OAUTH_SECRET: Final = Case(
    "cluster administrator, own secret of the OAuth client",
    {
        "rbac": {"clusterScoped": True},
        "route": {"host": HOST},
        "auth": {"mode": "openshift", "oauthExistingSecret": "own-oauth-secret"},
    },
)
NAMESPACE_ADMIN: Final = Case("namespace administrator", {"route": {"host": HOST}, "auth": {"mode": "openshift"}})
# Rendered for a spoke: nothing of the hub.
SPOKE: Final = Case("spoke", {"spoke": {"enabled": True, "execNamespaces": ["gpu"]}})
LLM: Final = {
    (profile, size): Case(
        f"{profile} {size}",
        llm(profile, size, **({"existingClaim": "models"} if profile == "sidecar" else {})),
        apis=ALL_APIS,
    )
    for profile in PROFILES
    for size in SIZES
}
MIRRORED: Final = tuple(
    Case(
        f"air-gapped {name}",
        {"global": {"mirrorRegistry": MIRROR}, "image": {"digest": DIGEST}, **values},
        files=("values-prod.yaml",),
        apis=ALL_APIS,
    )
    for name, values in {
        "default": {},
        "vllm": llm("vllm", offline=True, existingClaim="models"),
        "kserve": llm("kserve", offline=True, existingClaim="models"),
        "sidecar": llm("sidecar", existingClaim="models"),
        "minio": store("minio", minio={"image": "registry.example.com/minio:1.0"}),
    }.items()
)
CNPG_DATABASE: Final = Case("CloudNativePG", {"postgresql": {"mode": "cnpg", "replicas": 3}}, apis=ALL_APIS)
MINIO: Final = Case("MinIO", store("minio", minio={"image": "registry.example.com/minio:1.0"}))
STRICT_EGRESS: Final = Case("strict egress", {"networkPolicy": {"strictEgress": True, "egressPorts": [443, 6443]}})
STORES: Final = (
    Case("external database", {"postgresql": {"mode": "external", "existingSecret": "database"}}),
    Case("external database, by enabled", {"postgresql": {"enabled": False, "existingSecret": "database"}}),
    Case(
        "external stores with own authorities",
        {
            "postgresql": {"mode": "external", "existingSecret": "database", "tls": {"caSecret": "database-ca"}},
            "redis": {"mode": "external", "existingSecret": "redis", "tls": {"caSecret": "redis-ca"}},
        },
    ),
    CNPG_DATABASE,
    Case("standby", {"postgresql": {"replicas": 2}}),
    Case("synchronous standby", {"postgresql": {"replicas": 2, "synchronous": True}}),
    Case("sentinel", {"redis": {"mode": "sentinel", "replicas": 3}}),
    Case("S3", store("s3", url="s3://reports/aiops", endpoint="https://s3.example.com", existingSecret="s3")),
    Case("ODF", store("odf"), apis=ALL_APIS),
    MINIO,
)
CLUSTERS: Final = (
    Case("oldest OpenShift", kube=OLDEST, files=("values-prod.yaml",)),
    Case("plain Kubernetes", kube=OLDEST, apis=()),
    Case("plain Kubernetes, development", kube=OLDEST, apis=(), files=("values-dev.yaml",)),
    Case("plain Kubernetes with Ingress", INGRESS, apis=MONITORING, files=("values-prod.yaml",)),
    Case("plain Kubernetes with Gateway API", GATEWAY, kube=OLDEST, apis=(*GATEWAY_API, *MONITORING)),
    NAMESPACE_ADMIN,
    CLUSTER_ADMIN,
    OWN_OAUTH_SECRET,
)
OPTIONS: Final = (
    Case(
        "everything given",
        {
            "auth": {"existingSecret": "keys"},
            "postgresql": {"mode": "external", "existingSecret": "database"},
            "redis": {"mode": "external", "existingSecret": "redis"},
            "secrets": {"hook": {"enabled": False}},
        },
    ),
    Case("no policies", {"networkPolicy": {"enabled": False}}),
    STRICT_EGRESS,
    Case("no monitoring", {"monitoring": {"serviceMonitor": {"enabled": False}, "prometheusRule": {"enabled": False}}}),
    Case("own host, own certificate", {"route": {"host": HOST, "externalCertificate": "aiops-tls"}}),
    Case("trusted authorities", {"trustedCA": {"inject": True}}),
    Case("dashboard", {"monitoring": {"grafanaDashboard": {"enabled": True}}}),
    Case("scaled on sockets", {"realtime-streaming": {"scaleOnSockets": 500}}),
    Case("external model", llm("external", external={"url": "https://llm.example.com/v1", "existingSecret": "llm"})),
    Case(
        "behind a proxy",
        {
            "proxy": {
                "httpsProxy": "http://proxy.example.com:3128",
                "httpProxy": "http://proxy.example.com:3128",
                "noProxy": ".example.com,10.0.0.0/8",
            },
            "networkPolicy": {"strictEgress": True},
        },
    ),
    Case("behind a proxy with a password", {"proxy": {"existingSecret": "proxy"}, **llm("vllm")}),
    Case(
        "a provider's model",
        {
            **llm("external", model="some-model", external={"existingSecret": "llm"}),
            "intelligence-engine": {"llm": {"provider": "anthropic"}},
        },
    ),
    Case("model elsewhere", llm("vllm", namespace="models")),
    Case(
        "everything added",
        {
            "pod": {
                "extraEnv": [{"name": "AIOPS_COLLECTOR_MAX_SETTLED_BYTES", "value": "0"}],
                "extraVolumes": [{"name": "more", "configMap": {"name": "more"}}],
                "extraVolumeMounts": [{"name": "more", "mountPath": "/more", "readOnly": True}],
                "annotations": {"example.com/owner": "sre"},
                "labels": {"example.com/team": "sre"},
                "nodeSelector": {"node-role.kubernetes.io/infra": ""},
                "tolerations": [{"key": "node-role.kubernetes.io/infra", "operator": "Exists"}],
                "priorityClassName": "high",
                "topologySpreadConstraints": [
                    {"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "ScheduleAnyway"}
                ],
            },
            "global": {"imagePullSecrets": ["pull"]},
            "config": {"extra": {"AIOPS_REGISTRY_HISTORY_DAYS": "30"}, "otlpEndpoint": "http://otel-collector:4318"},
            "serviceAccount": {"annotations": {"example.com/owner": "sre"}},
        },
    ),
)
CASES: Final = (
    *(DEFAULT, DEV, PROD, AS_SPECIFIED),
    *CLUSTERS,
    *STORES,
    *OPTIONS,
    *(case for (profile, size), case in LLM.items() if size == "3b" or profile == "vllm"),
    *MIRRORED,
)
# Values that people change on a running release; each has to be possible without taking anything down by hand.
CHANGES: Final = (
    Case("more replicas", {"api-gateway": {"autoscaling": {"enabled": False}, "replicas": 5}}),
    Case(
        "other resources",
        {
            "postgresql": {
                "resources": {"requests": {"cpu": "2", "memory": "4Gi"}, "limits": {"cpu": "8", "memory": "8Gi"}}
            }
        },
    ),
    Case("a new image", {"global": {"imageTag": "1.1.0"}}),
    Case("a mirror", {"global": {"mirrorRegistry": MIRROR}}),
    Case("a host", {"route": {"host": HOST}}),
    Case("pod settings", OPTIONS[-1].values),
    Case("strict egress", {"networkPolicy": {"strictEgress": True}}),
    Case("a model", llm("vllm")),
    Case("object storage", store("s3", url="s3://reports/aiops", existingSecret="s3")),
    Case("no autoscaling", {"frontend": {"autoscaling": {"enabled": False}}}),
    Case("more connections", {"postgresql": {"maxConnections": 900}}),
)
ROLLED_OUT_ANEW: Final = Case("another log level", {"config": {"logLevel": "DEBUG"}})
