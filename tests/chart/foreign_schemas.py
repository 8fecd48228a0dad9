"""Strict schemas of the kinds that OpenShift and other operators bring, as far as the chart uses them.

Each follows the kind's published definition: Route, OAuthClient and ConsoleLink of openshift/api, the kinds of
prometheus-operator 0.93, Gateway API 1.6, CloudNativePG 1.30, KServe 0.20 and lib-bucket-provisioner. A field that is
not described here is refused; whoever lets the chart use one looks it up there and adds it. `test_cluster.py` shows the
objects to the definitions themselves, where a cluster has them.
"""

from typing import Any, Final

from tests.chart import core_schemas
from tests.chart.core_schemas import QUANTITY, Schema

HOST: Final[Schema] = {"type": "string", "pattern": r"^[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?$", "maxLength": 253}
NAME: Final[Schema] = {"type": "string", "minLength": 1, "maxLength": 253}
TEXT: Final[Schema] = {"type": "string"}
BOOL: Final[Schema] = {"type": "boolean"}
PORT: Final[Schema] = {"type": "integer", "minimum": 1, "maximum": 65535}
# As Prometheus writes them.
DURATION: Final[Schema] = {"type": "string", "pattern": r"^(0|(\d+y)?(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?)$"}
# Gateway API writes them in another way.
GATEWAY_DURATION: Final[Schema] = {"type": "string", "pattern": r"^(\d{1,5}(h|m|s|ms)){1,4}$"}
LABELS: Final[Schema] = {"type": "object", "additionalProperties": {"type": "string", "maxLength": 63}}
ANNOTATIONS: Final[Schema] = {"type": "object", "additionalProperties": TEXT}
CORE: Final = {
    name: {"$ref": f"#/$defs/{name}"}
    for name in ("V1Affinity", "V1Container", "V1EnvVar", "V1ResourceRequirements", "V1Toleration", "V1Volume")
}


def a(required: str = "", /, **properties: Schema) -> Schema:
    """An object with these properties and no other; `required` names those that may not be left out."""
    return {
        "type": "object",
        "properties": properties,
        "required": required.split(),
        "additionalProperties": False,
    }


def some(items: Schema, *, least: int = 0, most: int = 1000) -> Schema:
    return {"type": "array", "items": items, "minItems": least, "maxItems": most}


def one_of(*values: str) -> Schema:
    return {"enum": list(values)}


SELECTOR: Final = a(
    matchLabels=LABELS, matchExpressions=some(a("key operator", key=TEXT, operator=TEXT, values=some(TEXT)))
)
TO_SERVICE: Final = a("kind name", kind=one_of("Service"), name=NAME, weight={"type": "integer", "maximum": 256})
RELABELING: Final = a(
    sourceLabels=some(TEXT),
    separator=TEXT,
    targetLabel=TEXT,
    regex=TEXT,
    replacement=TEXT,
    action=one_of("replace", "keep", "drop", "hashmod", "labelmap", "labeldrop", "labelkeep", "lowercase", "uppercase"),
)
SECRET_KEY: Final = a("key", name=TEXT, key=TEXT, optional=BOOL)
SPECS: Final[dict[tuple[str, str], Schema]] = {
    ("route.openshift.io/v1", "Route"): a(
        "to",
        host=HOST,
        subdomain=HOST,
        path={"type": "string", "pattern": "^/"},
        to=TO_SERVICE,
        port=a("targetPort", targetPort={"type": ["integer", "string"]}),
        tls=a(
            "termination",
            termination=one_of("edge", "reencrypt", "passthrough"),
            insecureEdgeTerminationPolicy=one_of("Allow", "None", "Redirect"),
            certificate=TEXT,
            key=TEXT,
            caCertificate=TEXT,
            destinationCACertificate=TEXT,
            externalCertificate=a("name", name=NAME),
        ),
        wildcardPolicy=one_of("None", "Subdomain"),
    ),
    ("console.openshift.io/v1", "ConsoleLink"): a(
        "href location text",
        href={"type": "string", "pattern": "^(https://|mailto:)"},
        location=one_of("ApplicationMenu", "HelpMenu", "UserMenu", "NamespaceDashboard"),
        text=TEXT,
        applicationMenu=a("section", section=TEXT, imageURL=TEXT),
        namespaceDashboard=a(namespaces=some(TEXT), namespaceSelector=SELECTOR),
    ),
    ("monitoring.coreos.com/v1", "ServiceMonitor"): a(
        "endpoints selector",
        jobLabel=TEXT,
        targetLabels=some(TEXT),
        podTargetLabels=some(TEXT),
        selector=SELECTOR,
        namespaceSelector=a(any=BOOL, matchNames=some(TEXT)),
        sampleLimit={"type": "integer", "minimum": 0},
        endpoints=some(
            a(
                port=TEXT,
                targetPort={"type": ["integer", "string"]},
                path={"type": "string", "pattern": "^/"},
                scheme=one_of("http", "https"),
                interval=DURATION,
                scrapeTimeout=DURATION,
                honorLabels=BOOL,
                relabelings=some(RELABELING),
                metricRelabelings=some(RELABELING),
                authorization=a(type=TEXT, credentials=SECRET_KEY),
                tlsConfig=a(
                    serverName=TEXT,
                    insecureSkipVerify=BOOL,
                    ca=a(secret=SECRET_KEY, configMap=SECRET_KEY),
                ),
            ),
            least=1,
        ),
    ),
    ("monitoring.coreos.com/v1", "PrometheusRule"): a(
        groups=some(
            a(
                "name",
                name=NAME,
                interval=DURATION,
                labels=LABELS,
                rules=some(
                    a(
                        "expr",
                        alert=TEXT,
                        record=TEXT,
                        expr=TEXT,
                        keep_firing_for=DURATION,
                        labels=ANNOTATIONS,
                        annotations=ANNOTATIONS,
                        **{"for": DURATION},
                    )
                ),
            )
        )
    ),
    ("gateway.networking.k8s.io/v1", "HTTPRoute"): a(
        hostnames=some(HOST, most=16),
        parentRefs=some(
            a("name", group=TEXT, kind=TEXT, name=NAME, namespace=NAME, sectionName=NAME, port=PORT), most=32
        ),
        rules=some(
            a(
                name=NAME,
                matches=some(
                    a(
                        path=a(
                            type=one_of("Exact", "PathPrefix", "RegularExpression"),
                            value={"type": "string", "pattern": "^/", "maxLength": 1024},
                        )
                    ),
                    most=64,
                ),
                backendRefs=some(a("name port", group=TEXT, kind=TEXT, name=NAME, port=PORT), most=16),
                timeouts=a(request=GATEWAY_DURATION, backendRequest=GATEWAY_DURATION),
            ),
            least=1,
            most=16,
        ),
    ),
    ("postgresql.cnpg.io/v1", "Cluster"): a(
        "instances",
        description=TEXT,
        instances={"type": "integer", "minimum": 1},
        imageName=TEXT,
        imagePullPolicy=one_of("Always", "IfNotPresent", "Never"),
        imagePullSecrets=some(a("name", name=NAME)),
        minSyncReplicas={"type": "integer", "minimum": 0},
        maxSyncReplicas={"type": "integer", "minimum": 0},
        priorityClassName=TEXT,
        inheritedMetadata=a(labels=LABELS, annotations=ANNOTATIONS),
        bootstrap=a(
            initdb=a(
                database=NAME,
                owner=NAME,
                secret=a("name", name=NAME),
                encoding=TEXT,
                locale=TEXT,
                localeCType=TEXT,
                localeCollate=TEXT,
                localeProvider=TEXT,
                builtinLocale=TEXT,
                dataChecksums=BOOL,
            )
        ),
        storage=a(size={**QUANTITY, "type": "string"}, storageClass=TEXT, resizeInUseVolumes=BOOL),
        walStorage=a(size={**QUANTITY, "type": "string"}, storageClass=TEXT),
        monitoring=a(enablePodMonitor=BOOL),
        resources=CORE["V1ResourceRequirements"],
        affinity=a(
            enablePodAntiAffinity=BOOL,
            podAntiAffinityType=one_of("preferred", "required"),
            topologyKey=TEXT,
            nodeSelector=LABELS,
            tolerations=some(CORE["V1Toleration"]),
        ),
        postgresql=a(
            parameters=ANNOTATIONS,
            synchronous=a(
                "method number",
                method=one_of("any", "first"),
                number={"type": "integer", "minimum": 1},
                dataDurability=one_of("required", "preferred"),
            ),
        ),
    ),
    ("objectbucket.io/v1alpha1", "ObjectBucketClaim"): a(
        "storageClassName",
        storageClassName=NAME,
        bucketName=NAME,
        generateBucketName=NAME,
        additionalConfig=ANNOTATIONS,
    ),
    ("serving.kserve.io/v1beta1", "InferenceService"): a(
        "predictor",
        predictor=a(
            minReplicas={"type": "integer", "minimum": 0},
            maxReplicas={"type": "integer", "minimum": 0},
            serviceAccountName=NAME,
            automountServiceAccountToken=BOOL,
            enableServiceLinks=BOOL,
            imagePullSecrets=some(a("name", name=NAME)),
            annotations=ANNOTATIONS,
            labels=LABELS,
            nodeSelector=LABELS,
            affinity=CORE["V1Affinity"],
            tolerations=some(CORE["V1Toleration"]),
            priorityClassName=TEXT,
            securityContext={"type": "object"},
            timeout={"type": "integer", "minimum": 0},
            containers=some(CORE["V1Container"]),
            volumes=some(CORE["V1Volume"]),
            model=a(
                "modelFormat",
                modelFormat=a("name", name=TEXT, version=TEXT),
                runtime=TEXT,
                storageUri=TEXT,
                args=some(TEXT),
                env=some(CORE["V1EnvVar"]),
                resources=CORE["V1ResourceRequirements"],
            ),
        ),
    ),
    ("serving.kserve.io/v1alpha1", "ServingRuntime"): a(
        "containers",
        annotations=ANNOTATIONS,
        labels=LABELS,
        multiModel=BOOL,
        supportedModelFormats=some(a("name", name=TEXT, version=TEXT, autoSelect=BOOL)),
        containers=some(CORE["V1Container"], least=1),
        volumes=some(CORE["V1Volume"]),
        tolerations=some(CORE["V1Toleration"]),
        nodeSelector=LABELS,
        imagePullSecrets=some(a("name", name=NAME)),
    ),
}
# The one kind that keeps its fields beside the metadata.
FLAT: Final[dict[tuple[str, str], dict[str, Schema]]] = {
    ("oauth.openshift.io/v1", "OAuthClient"): {
        "secret": TEXT,
        "additionalSecrets": some(TEXT),
        "redirectURIs": some({"type": "string", "pattern": "^https?://"}),
        "grantMethod": one_of("auto", "prompt"),
        "respondWithChallenges": BOOL,
        "accessTokenMaxAgeSeconds": {"type": "integer", "minimum": 0},
        "scopeRestrictions": some({"type": "object"}),
    }
}


def schema(api_version: str, kind: str, *, oldest: bool) -> Schema:
    """The schema of a foreign kind. Raises `KeyError` where it is not described here."""
    place = (api_version, kind)
    fields = FLAT[place] if place in FLAT else {"spec": SPECS[place]}
    pod = core_schemas.schema("v1", "Pod", oldest=oldest)["$defs"]
    top: dict[str, Any] = a(
        " ".join(["apiVersion", "kind", "metadata", *(["spec"] if "spec" in fields else [])]),
        apiVersion={"const": api_version},
        kind={"const": kind},
        metadata={"$ref": "#/$defs/V1ObjectMeta"},
        **fields,
    )
    return {**top, "$defs": pod}
