"""Strict JSON schemas of Kubernetes' own kinds, made from the models of the Kubernetes client that the product uses.

Every field must be known and have the right type, and none that the API demands may be missing. For the oldest release
that the chart supports, the fields that came later are taken out again. What a schema cannot know (label syntax,
references, admission) is the API server's to judge: `test_cluster.py`.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from kubernetes_asyncio import client
from kubernetes_asyncio.client import models

Schema = dict[str, Any]

# The kinds that a chart of ours may make, each with its only API version.
KINDS: Final = {
    ("apps/v1", "Deployment"): "V1Deployment",
    ("apps/v1", "StatefulSet"): "V1StatefulSet",
    ("autoscaling/v2", "HorizontalPodAutoscaler"): "V2HorizontalPodAutoscaler",
    ("batch/v1", "CronJob"): "V1CronJob",
    ("batch/v1", "Job"): "V1Job",
    ("networking.k8s.io/v1", "Ingress"): "V1Ingress",
    ("networking.k8s.io/v1", "NetworkPolicy"): "V1NetworkPolicy",
    ("policy/v1", "PodDisruptionBudget"): "V1PodDisruptionBudget",
    ("rbac.authorization.k8s.io/v1", "ClusterRole"): "V1ClusterRole",
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"): "V1ClusterRoleBinding",
    ("rbac.authorization.k8s.io/v1", "Role"): "V1Role",
    ("rbac.authorization.k8s.io/v1", "RoleBinding"): "V1RoleBinding",
    ("v1", "ConfigMap"): "V1ConfigMap",
    ("v1", "Namespace"): "V1Namespace",
    ("v1", "PersistentVolumeClaim"): "V1PersistentVolumeClaim",
    ("v1", "Pod"): "V1Pod",
    ("v1", "Secret"): "V1Secret",
    ("v1", "Service"): "V1Service",
    ("v1", "ServiceAccount"): "V1ServiceAccount",
}
# Fields of these kinds that Kubernetes 1.29 does not know: an object with one loses it there without a word.
SINCE_1_30: Final = {
    "V1Container": {"restartPolicyRules"},
    "V1EnvVarSource": {"fileKeyRef"},
    "V1JobSpec": {"managedBy", "successPolicy"},
    "V1Lifecycle": {"stopSignal"},
    "V1PodResourceClaim": {"resourceClaimName", "resourceClaimTemplateName"},
    "V1PodSecurityContext": {"appArmorProfile", "seLinuxChangePolicy", "supplementalGroupsPolicy"},
    "V1PodSpec": {"hostnameOverride", "resources", "schedulingGroup"},
    "V1SecurityContext": {"appArmorProfile"},
    "V1ServiceSpec": {"trafficDistribution"},
    "V1Volume": {"image"},
    "V1VolumeMount": {"recursiveReadOnly"},
    "V1VolumeProjection": {"podCertificate"},
    "V2HPAScalingRules": {"tolerance"},
}
QUANTITY: Final = {"type": ["string", "number"], "pattern": r"^\d+(\.\d+)?(m|k|[KMGT]i?)?$"}
PORT: Final = {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 65535}, {"type": "string", "maxLength": 15}]}
AMOUNT: Final = {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": r"^\d+%$"}]}
# What the models call a text or any object, and is more.
SPECIAL: Final[dict[str, Schema]] = {
    "V1EmptyDirVolumeSource.sizeLimit": QUANTITY,
    "V1HTTPGetAction.port": PORT,
    "V1TCPSocketAction.port": PORT,
    "V1NetworkPolicyPort.port": PORT,
    "V1ServicePort.targetPort": PORT,
    "V1PodDisruptionBudgetSpec.maxUnavailable": AMOUNT,
    "V1PodDisruptionBudgetSpec.minAvailable": AMOUNT,
    "V1RollingUpdateDeployment.maxSurge": AMOUNT,
    "V1RollingUpdateDeployment.maxUnavailable": AMOUNT,
    "V1RollingUpdateStatefulSetStrategy.maxUnavailable": AMOUNT,
    "V1ResourceRequirements.limits": {"type": "object", "additionalProperties": QUANTITY},
    "V1ResourceRequirements.requests": {"type": "object", "additionalProperties": QUANTITY},
    "V1VolumeResourceRequirements.requests": {"type": "object", "additionalProperties": QUANTITY},
    "V1Container.imagePullPolicy": {"enum": ["Always", "IfNotPresent", "Never"]},
    "V1ContainerPort.protocol": {"enum": ["TCP", "UDP", "SCTP"]},
    "V1ContainerPort.containerPort": {"type": "integer", "minimum": 1, "maximum": 65535},
    "V1ServicePort.port": {"type": "integer", "minimum": 1, "maximum": 65535},
    "V1ServiceSpec.type": {"enum": ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"]},
    "V1PodSpec.restartPolicy": {"enum": ["Always", "Never", "OnFailure"]},
    "V1PodDisruptionBudgetSpec.unhealthyPodEvictionPolicy": {"enum": ["AlwaysAllow", "IfHealthyBudget"]},
    "V1CronJobSpec.concurrencyPolicy": {"enum": ["Allow", "Forbid", "Replace"]},
    "V1DeploymentStrategy.type": {"enum": ["Recreate", "RollingUpdate"]},
    "V1StatefulSetSpec.podManagementPolicy": {"enum": ["OrderedReady", "Parallel"]},
}
PLAIN: Final[dict[str, Schema]] = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "datetime": {"type": "string"},
    "object": {},
}
LIST: Final = re.compile(r"list\[(.+)\]")
MAP: Final = re.compile(r"dict\(str, (.+)\)")


@cache
def schema(api_version: str, kind: str, *, oldest: bool) -> Schema:
    """The schema of one kind, for Kubernetes 1.29 or for the client's own release. Raises `KeyError` for others."""
    root = KINDS[api_version, kind]
    definitions: dict[str, Schema] = {}
    waiting = [root]
    while waiting:
        name = waiting.pop()
        if name not in definitions:
            definitions[name] = _definition(name, oldest=oldest)
            waiting.extend(_references(definitions[name]))
    top = definitions[root]
    top["properties"]["apiVersion"] = {"const": api_version}
    top["properties"]["kind"] = {"const": kind}
    top["required"] = sorted({*top["required"], "apiVersion", "kind", "metadata"})
    return {"$ref": f"#/$defs/{root}", "$defs": definitions}


def _definition(name: str, *, oldest: bool) -> Schema:
    model = getattr(models, name)
    later = SINCE_1_30.get(name, set()) if oldest else set()
    properties = {
        key: SPECIAL.get(f"{name}.{key}") or _type(model.openapi_types[field])
        for field, key in model.attribute_map.items()
        if key not in later
    }
    return {
        "type": "object",
        "properties": properties,
        "required": sorted(_required(model)),
        "additionalProperties": False,
    }


def _type(given: str) -> Schema:
    if match := LIST.fullmatch(given):
        return {"type": "array", "items": _type(match[1])}
    if match := MAP.fullmatch(given):
        return {"type": "object", "additionalProperties": _type(match[1])}
    return dict(PLAIN[given]) if given in PLAIN else {"$ref": f"#/$defs/{given}"}


def _required(model: Any) -> Iterator[str]:
    """The fields that the model refuses to do without."""
    empty = model.__new__(model)
    empty.local_vars_configuration = client.Configuration()
    for field, key in model.attribute_map.items():
        try:
            setattr(empty, field, None)
        except ValueError:
            yield key


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"].removeprefix("#/$defs/")
        for value in part.values():
            yield from _references(value)
    elif isinstance(part, list):
        for value in part:
            yield from _references(value)
