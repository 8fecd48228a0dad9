"""What a person gets wrong in values is refused before anything is installed, by a message that names the key."""

from typing import Any, Final

import pytest

from tests.chart.cases import DEFAULT
from tests.chart.helm import Case, Refused, text

# What was written, and what the message must name.
MISTAKES: Final[tuple[tuple[dict[str, Any], str], ...]] = (
    # Keys that are not there: typing errors, other spellings, other charts' habits.
    ({"apiGateway": {"replicas": 3}}, "apiGateway"),
    ({"api-gateways": {}}, "api-gateways"),
    ({"replicaCount": 3}, "replicaCount"),
    ({"oauth": {"clientSecret": "x"}}, "oauth"),
    ({"global": {"imageregistry": "quay.io/x"}}, "imageregistry"),
    ({"global": {"tag": "1.0"}}, "tag"),
    ({"global": {"postgresql": {"password": "x"}}}, "password"),
    ({"image": {"tag": "1.0"}}, "tag"),
    ({"api-gateway": {"replica": 3}}, "replica"),
    ({"api-gateway": {"resources": {"request": {}}}}, "request"),
    ({"api-gateway": {"autoscaling": {"min": 2}}}, "min"),
    ({"postgresql": {"password": "x"}}, "password"),
    ({"postgresql": {"persistence": {"storage": "1Gi"}}}, "storage"),
    ({"redis": {"sentinels": 3}}, "sentinels"),
    ({"auth": {"type": "openshift"}}, "type"),
    ({"route": {"hostname": "x.example.com"}}, "hostname"),
    ({"networkPolicy": {"strict": True}}, "strict"),
    ({"monitoring": {"serviceMonitor": {"enable": True}}}, "enable"),
    ({"llm": {"sidecar": {"gpu": 1}}}, "gpu"),
    ({"objectStorage": {"s3": {}}}, "s3"),
    # Values of a wrong type.
    ({"api-gateway": {"enabled": "yes"}}, "enabled"),
    ({"api-gateway": {"replicas": "2"}}, "replicas"),
    ({"global": {"imageTag": 1.1}}, "imageTag"),
    ({"global": {"imagePullSecrets": "pull"}}, "imagePullSecrets"),
    ({"pod": {"tolerations": {"key": "x"}}}, "tolerations"),
    ({"pod": {"extraEnv": {"A": "b"}}}, "extraEnv"),
    ({"pod": {"securityContext": {"runAsUser": "999"}}}, "runAsUser"),
    ({"pod": {"securityContext": {"runAsUser": 0}}}, "runAsUser"),
    ({"pod": {"securityContext": {"runAsNonRoot": False}}}, "runAsNonRoot"),
    ({"config": {"extra": {"A": {"b": "c"}}}}, "A"),
    ({"networkPolicy": {"egressPorts": ["443"]}}, "egressPorts"),
    # Values out of their range or choice.
    ({"api-gateway": {"replicas": -1}}, "replicas"),
    ({"api-gateway": {"autoscaling": {"cpu": 0}}}, "cpu"),
    ({"api-gateway": {"resources": {"requests": {"memory": "512MB"}}}}, "memory"),
    ({"api-gateway": {"resources": {"requests": {"cpu": "half"}}}}, "cpu"),
    ({"postgresql": {"mode": "patroni"}}, "mode"),
    ({"postgresql": {"persistence": {"size": "20G B"}}}, "size"),
    ({"redis": {"mode": "cluster"}}, "mode"),
    ({"auth": {"mode": "ldap"}}, "mode"),
    ({"config": {"logLevel": "verbose"}}, "logLevel"),
    ({"config": {"logFormat": "xml"}}, "logFormat"),
    ({"image": {"digest": "0123abcd"}}, "digest"),
    ({"image": {"pullPolicy": "always"}}, "pullPolicy"),
    ({"llm": {"enabled": True, "profile": "ollama"}}, "profile"),
    ({"llm": {"size": "7b"}}, "size"),
    ({"intelligence-engine": {"llm": {"provider": "azure"}}}, "provider"),
    ({"objectStorage": {"enabled": True, "provider": "gcs"}}, "provider"),
    ({"networkPolicy": {"egressPorts": [70000]}}, "egressPorts"),
    ({"route": {"host": "https://aiops.example.com"}}, "host"),
    # Values that do not go together.
    ({"global": {"namespace": "another"}}, "namespace"),
    ({"llm": {"enabled": True, "profile": "none"}}, "profile"),
    ({"llm": {"enabled": True, "profile": "external"}}, "url"),
    ({"llm": {"enabled": True, "profile": "vllm"}, "intelligence-engine": {"llm": {"provider": "openai"}}}, "profile"),
    (
        {
            "llm": {"enabled": True, "profile": "external", "model": "m"},
            "intelligence-engine": {"llm": {"provider": "openai"}},
        },
        "existingSecret",
    ),
    (
        {
            "llm": {"enabled": True, "profile": "external", "external": {"existingSecret": "llm"}},
            "intelligence-engine": {"llm": {"provider": "openai"}},
        },
        "llm.model",
    ),
    ({"proxy": {"httpsProxy": "proxy.example.com:3128"}}, "httpsProxy"),
    ({"proxy": {"httpsProxy": "http://me:secret@proxy.example.com:3128"}}, "httpsProxy"),
    ({"proxy": {"https": "http://proxy.example.com:3128"}}, "https"),
    ({"postgresql": {"mode": "external"}}, "existingSecret"),
    ({"postgresql": {"enabled": False}}, "existingSecret"),
    ({"redis": {"mode": "external"}}, "existingSecret"),
    ({"redis": {"mode": "sentinel", "replicas": 2}}, "replicas"),
    ({"redis": {"replicas": 3}}, "replicas"),
    ({"postgresql": {"replicas": 3}}, "replicas"),
    ({"postgresql": {"synchronous": True}}, "synchronous"),
    ({"objectStorage": {"enabled": True, "provider": "s3"}}, "url"),
    ({"objectStorage": {"enabled": True, "provider": "minio"}}, "image"),
    ({"ingress": {"enabled": True, "host": "aiops.example.com/"}}, "host"),
    ({"httpRoute": {"enabled": True, "host": "aiops.example.com"}}, "parentRefs"),
    ({"secrets": {"hook": {"enabled": False}}}, "existingSecret"),
    ({"api-gateway": {"autoscaling": {"minReplicas": 5, "maxReplicas": 3}}}, "minReplicas"),
)


@pytest.mark.parametrize(("values", "key"), MISTAKES, ids=lambda part: str(part)[:70])
def test_the_mistake_is_refused_and_named(values: dict[str, Any], key: str) -> None:
    with pytest.raises(Refused) as refused:
        text(Case("mistaken", values))
    assert key in str(refused.value)
    assert "nil pointer" not in str(refused.value)
    assert "interface conversion" not in str(refused.value)


def test_nothing_else_is_refused() -> None:
    assert text(DEFAULT)
