"""`aiops spoke manifests` prints what the chart renders for a spoke: without helm, the same rights and no more."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner

from aiops.cli import cli
from tests.chart.cases import SPOKE
from tests.chart.helm import Case, Object, documents, helm, objects
from tests.chart.test_schemas import mistakes

# Whose installation an object belongs to differs between the two, and nothing else.
OWN_LABELS: Final = tuple(f"app.kubernetes.io/{name}" for name in ("instance", "managed-by", "version"))
# To a parser of YAML these are a number, another one, and a truth value.
ODD: Final = ("007", "1e3", "y")
SAME: Final[dict[str, tuple[dict[str, Any], tuple[str, ...]]]] = {
    "as it is": ({}, ()),
    "another namespace": ({"namespace": "readers"}, ("--namespace", "readers")),
    "a namespace that is there": ({"createNamespace": False}, ("--no-namespace",)),
    "commands in pods": (
        {"execNamespaces": ["gpu", "training"]},
        ("--exec-namespace", "gpu", "--exec-namespace", "training"),
    ),
    "a namespace named twice": (
        {"execNamespaces": ["gpu", "gpu"]},
        ("--exec-namespace", "gpu", "--exec-namespace", "gpu"),
    ),
    **{
        f"namespaces that look like something else: {name}": (
            {"namespace": name, "execNamespaces": [name]},
            ("--namespace", name, "--exec-namespace", name),
        )
        for name in ODD
    },
}


def printed(*arguments: str) -> str:
    result = CliRunner().invoke(cli, ["spoke", "manifests", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def comparable(found: Iterable[Object]) -> dict[tuple[str, str | None, str], Object]:
    """The objects by kind, namespace and name, without what says who made them."""
    named = {}
    for item in found:
        metadata = item["metadata"]
        labels = {k: v for k, v in metadata["labels"].items() if k not in OWN_LABELS and k != "helm.sh/chart"}
        place = (item["kind"], metadata.get("namespace"), metadata["name"])
        assert place not in named, f"{place} twice"
        named[place] = {**item, "metadata": {**metadata, "labels": labels}}
    return named


@pytest.mark.parametrize(("values", "arguments"), SAME.values(), ids=SAME.keys())
def test_it_prints_what_the_chart_renders(values: dict[str, Any], arguments: tuple[str, ...]) -> None:
    rendered = comparable(objects(Case("spoke", {"spoke": {"enabled": True, **values}})))
    assert len(rendered) >= 4
    assert comparable(documents(printed(*arguments))) == rendered
    assert comparable(json.loads(printed(*arguments, "--json"))["items"]) == rendered


def test_off_openshift_its_monitoring_can_be_left_out() -> None:
    rendered = comparable(objects(Case("spoke", {"spoke": {"enabled": True}}, apis=())))
    assert comparable(documents(printed("--no-monitoring"))) == rendered
    assert "aiops-monitoring-view" in printed()


@pytest.mark.parametrize("name", ODD)
def test_kubectl_s_parser_reads_the_same(name: str, tmp_path: Path) -> None:
    """Helm reads YAML with kubectl's library, which takes more for numbers and truth values than Python's."""
    text = printed("--namespace", name, "--exec-namespace", name)
    assert not {"&", "*"} & set(text), "people do not like to follow anchors"
    (tmp_path / "Chart.yaml").write_text("apiVersion: v2\nname: reads\nversion: 1.0.0\n")
    (tmp_path / "templates").mkdir()
    lines = ['{{- range $path, $_ := .Files.Glob "printed/*" }}', "---", "{{ $.Files.Get $path | fromYaml | toJson }}"]
    (tmp_path / "templates" / "read.yaml").write_text("\n".join([*lines, "{{- end }}"]))
    (tmp_path / "printed").mkdir()
    for number, document in enumerate(text.split("---\n")[1:]):
        (tmp_path / "printed" / f"{number}.yaml").write_text(document)
    assert comparable(documents(helm("template", "reads", str(tmp_path)))) == comparable(documents(text))
    assert comparable(documents(text)) == comparable(
        json.loads(printed("--namespace", name, "--exec-namespace", name, "--json"))["items"]
    )


def test_the_api_takes_it() -> None:
    whole = documents(printed("--exec-namespace", "gpu"))
    assert [said for item in whole for said in mistakes(item, oldest=True)] == []
    assert {item["kind"] for item in whole} == {item["kind"] for item in objects(SPOKE)}


def test_what_is_needed_is_made_before_what_needs_it() -> None:
    kinds = [item["kind"] for item in documents(printed("--exec-namespace", "gpu"))]
    assert kinds[:2] == ["Namespace", "ServiceAccount"]
    assert kinds.index("ClusterRole") < kinds.index("ClusterRoleBinding")
    assert kinds.index("Role") < kinds.index("RoleBinding")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "it is empty"),
        ("Prod_1", "it has 'P', '_', and only a-z, 0-9 and '-' are allowed"),
        ("a.b", "it has '.'"),
        ("new\nline", r"it has '\n'"),
        ("-gpu", "it begins or ends with '-'"),
        ("gpu-", "it begins or ends with '-'"),
        ("a" * 64, "it has 64 characters, and 63 are the most"),
    ],
)
@pytest.mark.parametrize("option", ["--namespace", "--exec-namespace"])
def test_a_name_that_no_namespace_can_have_is_told_why(option: str, name: str, said: str) -> None:
    result = CliRunner().invoke(cli, ["spoke", "manifests", option, name])
    assert result.exit_code == 2
    assert f"Invalid value for '{option}'" in result.output
    assert said in result.output
    assert "apiVersion" not in result.output


def test_the_longest_name_is_taken() -> None:
    assert f'name: "{"a" * 63}"' in printed("--namespace", "a" * 63)
