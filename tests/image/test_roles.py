"""Every role from the image: as a user id at random, on a read-only root, within the memory that a pod asks for."""

import json
import signal
from pathlib import Path

import psutil
import pytest

from tests.image.conftest import TOKEN
from tests.image.running import GROUP_ID, USER_ID, RoleInImage
from tests.servers.loopback import request
from tests.servers.waiting import until

MEBIBYTE = 1024 * 1024
# What the chart's smallest profile requests for each role, in MiB.
MEMORY_MIB = {
    "gateway": 256,
    "registry": 512,
    "collector": 1024,
    "intelligence": 1024,
    "streaming": 256,
    "frontend": 128,
}


@pytest.mark.parametrize("name", MEMORY_MIB)
def test_a_role_is_ready_as_any_user_and_small_when_idle(roles: dict[str, RoleInImage], name: str) -> None:
    role = roles[name]
    status, answer = request(role.port, "/ready")
    assert (status, json.loads(answer)) == (200, {"ready": True, "reasons": []})
    process = psutil.Process(role.pid)
    assert process.uids().effective == USER_ID
    assert process.gids().effective == GROUP_ID
    memory_mib = process.memory_info().rss / MEBIBYTE
    print(f"{name}: {memory_mib:.1f} MiB idle")  # noqa: T201 - a figure that people ask for
    assert memory_mib <= 0.8 * MEMORY_MIB[name], "above 80 % a memory autoscaler adds replicas of an idle role"


def test_a_role_sees_a_root_that_it_cannot_write(roles: dict[str, RoleInImage]) -> None:
    for role in roles.values():
        mounts = Path(f"/proc/{role.pid}/mounts").read_text().splitlines()
        options = {fields[1]: fields[3].split(",") for fields in map(str.split, mounts)}
        assert "ro" in options["/"]
        assert "rw" in options["/tmp"]  # noqa: S108 - what a pod mounts


def test_the_roles_together_are_a_healthy_hub(roles: dict[str, RoleInImage]) -> None:
    def healthy() -> bool:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        status, answer = request(roles["gateway"].port, "/health/detailed", headers=headers)
        return status == 200 and json.loads(answer)["status"] == "healthy"

    assert until(healthy, what="the hub to be healthy")
    headers = {"Authorization": f"Bearer {TOKEN}"}
    status, answer = request(roles["gateway"].port, "/api/v1/clusters", headers=headers)
    assert (status, json.loads(answer)["items"]) == (200, [])


@pytest.mark.parametrize("name", ["frontend", "gateway"])
def test_the_dashboard_comes_with_its_policy_and_its_files(roles: dict[str, RoleInImage], name: str) -> None:
    port = roles[name].port
    status, page = request(port, "/clusters")
    assert status == 200
    assert b'<div id="root"' in page
    script = page.split(b'src="', 1)[1].split(b'"', 1)[0].decode()
    assert request(port, script)[0] == 200
    assert request(port, "/api/v1/no-such-path")[0] in (401, 404)


def test_every_role_leaves_when_told(roles: dict[str, RoleInImage]) -> None:
    for role in roles.values():
        role.signal(signal.SIGTERM)
    for name, role in roles.items():
        until(lambda role=role: not role.running, what=f"{name} to leave", timeout_s=30)  # type: ignore[misc]
    assert {name: role.returncode for name, role in roles.items()} == dict.fromkeys(roles, 0)
