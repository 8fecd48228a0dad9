"""What the rendered roles and bindings give to whom."""

from collections.abc import Iterator

from tests.chart.helm import Case, Object, objects

# account, where ("*" is the whole cluster), resource with its group, verb, name ("*" is any).
Grant = tuple[str, str, str, str, str]


def grants(case: Case) -> Iterator[Grant]:
    """What the rendered bindings give to ServiceAccounts; a role of somebody else's counts as its name."""
    rendered = objects(case)
    roles = {
        (item["kind"], item["metadata"].get("namespace", case.namespace), item["metadata"]["name"]): item
        for item in rendered
    }
    for binding in rendered:
        if binding["kind"] not in ("RoleBinding", "ClusterRoleBinding"):
            continue
        place = binding["metadata"].get("namespace", case.namespace)
        where = "*" if binding["kind"] == "ClusterRoleBinding" else place
        kind, name = binding["roleRef"]["kind"], binding["roleRef"]["name"]
        role = next(
            (
                role
                for (k, p, n), role in roles.items()
                if (k, n) == (kind, name) and (k == "ClusterRole" or p == place)
            ),
            None,
        )
        for subject in binding["subjects"]:
            assert subject["kind"] == "ServiceAccount", "people are given roles by their own administrators"
            if role is None:
                yield subject["name"], where, f"role {name}", "*", "*"
            else:
                yield from ((subject["name"], where, *rest) for rest in _rules(role))


def _rules(role: Object) -> Iterator[tuple[str, str, str]]:
    for rule in role["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                for verb in rule["verbs"]:
                    for name in rule.get("resourceNames", ["*"]):
                        yield f"{group}/{resource}".lstrip("/"), verb, name
