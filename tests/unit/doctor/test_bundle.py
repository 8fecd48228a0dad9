"""The support bundle holds what helps and none of the secrets, wherever in the installation they were planted."""

import json
import stat
import tarfile
from pathlib import Path

import psycopg
import pytest
from aiohttp import web
from click.testing import CliRunner

from aiops.cli import cli
from aiops.core.embedded.data_dir import DataDir
from aiops.doctor.bundle import Written, pack
from aiops.doctor.redaction import Redactor
from aiops.doctor.subject import of_environment
from aiops.settings import load
from tests.servers.loopback import free_port
from tests.servers.stores import data_dir
from tests.unit.core.http.servers import serving
from tests.unit.doctor.test_ways import HEALTH, kubeconfig

pytestmark = pytest.mark.anyio

CANARIES = {
    "AIOPS_ADMIN_TOKEN": "canary-admin-token",
    "AIOPS_INTERNAL_SECRET": "canary-new-secret,canary-old-secret",
    "AIOPS_SECRET_KEY": "Y2FuYXJ5LW9mLXRoZS1lbnZlbG9wZS1rZXktMzJieXQ=",
    "AWS_ACCESS_KEY_ID": "canary-access-key-id",
    "AWS_SECRET_ACCESS_KEY": "canary-secret-access-key",
    "LLM_API_KEY": "canary-model-key",
    "AIOPS_TELEMETRY_METRICS_TOKEN": "canary-metrics-token",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://me:canary-otlp-password@127.0.0.1:4318",
}
TOKEN = "canary-api-token"
A_CLUSTER = """
INSERT INTO clusters (id, name, display_name, cluster_type, platform, platform_version, environment, labels, endpoints,
                      status, state, recent, stale_at, version, credentials, credential_version, webhook_hash)
VALUES (gen_random_uuid(), 'name-of-a-customer', 'name-of-a-customer', 'SPOKE', 'OPENSHIFT', '4.16.3', 'PRODUCTION',
        '{}', '{}', '{}', 'OFFLINE', '[]', now(), 1, '{}', 1, '')
"""


def read(file: Path) -> dict[str, str]:
    """The files of a bundle by their names."""
    with tarfile.open(file) as archive:
        opened = {member.name.split("/", 1)[1]: archive.extractfile(member) for member in archive.getmembers()}
        return {name: member.read().decode() for name, member in opened.items() if member is not None}


async def packed(environ: dict[str, str], output: Path, *, data: Path | None = None, server: str = "") -> Written:
    subject = of_environment(environ, config=None, roles=(), data_dir=data, server=server, token=TOKEN)
    return await pack(subject, output)


async def test_it_tells_how_stores_and_roles_are(fresh_database: str, valkey_url: str, tmp_path: Path) -> None:
    with psycopg.connect(fresh_database) as connection:
        connection.execute(A_CLUSTER)
        connection.execute("INSERT INTO procrastinate_jobs (queue_name, task_name) VALUES ('registry', 'waiting')")

    async def hub(request: web.Request) -> web.Response:
        if request.path == "/metrics":
            return web.Response(text="up 1\n")
        if request.path == "/health/detailed":
            assert request.headers["Authorization"] == f"Bearer {TOKEN}"
            return web.json_response({"status": "healthy", "components": {}})
        return web.json_response(HEALTH)

    async with serving(hub) as url:
        environ = {"DATABASE_URL": fresh_database, "REDIS_URL": valkey_url, "CLUSTER_REGISTRY_URL": url}
        written = await packed(environ, tmp_path / "b.tar.gz", server=url)
    files = read(written.path)
    assert tuple(sorted(files)) == written.names
    database = json.loads(files["database.json"])
    assert database["schema"]["revision"] == database["schema"]["needed"]
    assert database["queues"] == [{"queue": "registry", "status": "todo", "jobs": 1}]
    assert database["outbox_rows"] == 0
    (kind,) = database["fleet"]
    assert (kind["state"], kind["platform"], kind["platform_version"], kind["clusters"]) == (
        "OFFLINE",
        "OPENSHIFT",
        "4.16.3",
        1,
    )
    assert database["alerts"] == []
    assert "name-of-a-customer" not in "".join(files.values())
    assert files["metrics/registry.txt"] == "up 1\n"
    assert {"clusters", "outbox"} <= {table["name"] for table in database["tables"]}
    assert json.loads(files["redis.json"])["info"]["maxmemory_policy"] == "noeviction"
    roles = json.loads(files["roles.json"])
    assert roles["registry /health"] == {"status": 200, "body": HEALTH}
    assert roles["hub /health/detailed"]["body"] == {"status": "healthy", "components": {}}
    assert json.loads(files["versions.json"])["packages"]["msgspec"]
    assert any(finding["area"] == "database" for finding in json.loads(files["doctor.json"])["findings"])
    assert "no pod" in json.loads(files["missing.json"])["pods.json"]


async def test_no_planted_secret_is_in_it(fresh_database: str, valkey_url: str, tmp_path: Path) -> None:
    async def parrot(_: web.Request) -> web.Response:
        """Says in its health what it must not know."""
        said = [*CANARIES.values(), TOKEN, "Bearer canary-of-a-header", "redis://:canary-of-redis@host/0"]
        return web.json_response({"role": "registry", "version": ", ".join(said)})

    with data_dir() as folder:
        plant(folder)
        async with serving(parrot) as url:
            environ = {
                **CANARIES,
                "DATABASE_URL": fresh_database
                + ("&" if "?" in fresh_database else "?")
                + "sslpassword=canary%2Fdatabase",
                "REDIS_URL": valkey_url,
                "CLUSTER_REGISTRY_URL": url.replace("//", "//me:canary-in-a-url@"),
                "INTELLIGENCE_ENGINE_URL": url,
            }
            written = await packed(environ, tmp_path / "b.tar.gz", data=folder.path, server=url)
        own = [path.read_bytes() for path in (folder.path / "secrets").iterdir()]
    files = read(written.path)
    assert "[redacted]" in files["settings.json"]
    assert "[redacted]" in files["logs/hub.log"]
    assert "a harmless line" in files["logs/hub.log"]
    whole = "\n".join(files.values())
    assert whole.count("canary") == 0, [line for line in whole.splitlines() if "canary" in line]
    password = fresh_database.split(":")[2].partition("@")[0]
    for planted in (*CANARIES.values(), *(raw.hex() for raw in own), password):
        assert planted not in whole


def plant(folder: DataDir) -> None:
    """Secrets where a hub keeps them, and where a careless message would leave them."""
    (folder.path / "logs").mkdir()
    lines = [
        "a harmless line",
        "connecting to postgresql://me:canary-url@host/db?password=canary-query&x=1",
        "redis+sentinel://:canary-pass@one:1,two:2/aiops?sentinel_password=canary-sentinel",
        "Authorization: Bearer canary-bearer-token",
        f"the token {TOKEN} and the key {CANARIES['AIOPS_SECRET_KEY']}",
        "old secret canary-old-secret, otlp canary-otlp-password",
        f"internal {folder.secret('internal').hex()}",
    ]
    (folder.path / "logs" / "hub.log").write_text("\n".join(lines))


async def test_what_is_away_is_named_and_the_rest_is_there(tmp_path: Path) -> None:
    nobody = free_port()
    environ = {"DATABASE_URL": f"postgresql://127.0.0.1:{nobody}/x", "REDIS_URL": f"redis://127.0.0.1:{nobody}"}
    files = read((await packed(environ, tmp_path / "b.tar.gz")).path)
    missing = json.loads(files["missing.json"])
    assert "the database is away" in missing["database.json"]
    assert "Redis is away" in missing["redis.json"]
    assert {"settings.json", "doctor.json", "versions.json"} <= set(files)


async def test_pods_and_events_without_their_environment(
    fresh_database: str, valkey_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POD_NAMESPACE", "aiops-nextgen")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    container = {"name": "registry", "image": "aiops:1", "env": [{"name": "X", "value": "canary-of-the-environment"}]}
    waiting = {"name": "registry", "image": "aiops:1", "imageID": "", "ready": False, "restartCount": 3}
    pod = {
        "metadata": {"name": "registry-0", "annotations": {"applied": "canary-of-an-annotation"}},
        "spec": {"containers": [container], "nodeName": "node-1"},
        "status": {
            "phase": "Pending",
            "containerStatuses": [{**waiting, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}],
        },
    }
    event = {
        "metadata": {"name": "e"},
        "involvedObject": {"kind": "Pod", "name": "registry-0"},
        "type": "Warning",
        "reason": "BackOff",
        "message": "back-off restarting, token=canary-admin-token",
        "lastTimestamp": "2030-01-01T00:00:00Z",
        "count": 7,
    }

    async def api(request: web.Request) -> web.Response:
        if request.method == "POST":
            return web.json_response({"spec": {}, "status": {"allowed": True}}, status=201)
        return web.json_response({"items": [pod if request.path.endswith("/pods") else event]})

    async with serving(api) as url:
        kubeconfig(tmp_path / "kubeconfig", url)
        environ = {**CANARIES, "DATABASE_URL": fresh_database, "REDIS_URL": valkey_url}
        files = read((await packed(environ, tmp_path / "b.tar.gz")).path)
    (shown,) = json.loads(files["pods.json"])
    assert shown == {
        "name": "registry-0",
        "phase": "Pending",
        "node": "node-1",
        "images": ["aiops:1"],
        "restarts": 3,
        "waiting_for": ["registry: CrashLoopBackOff"],
    }
    (happened,) = json.loads(files["events.json"])
    assert (happened["about"], happened["reason"], happened["count"]) == ("Pod/registry-0", "BackOff", 7)
    assert "canary" not in "\n".join(files.values())


def test_secrets_are_masked_in_every_spelling() -> None:
    settings = load({"REDIS_URL": "redis+sentinel://:p%2Fss-word@one,two/aiops?sentinel_password=sec+ond%26"})
    redact = Redactor(settings, ["api-token-x"]).text
    said = "p/ss-word p%2Fss-word sec+ond& sec+ond%26 sec%2Bond%26 api-token-x aiops"
    assert redact(said) == f"{' '.join(['[redacted]'] * 6)} aiops"


def test_the_commands_end_with_what_was_found(tmp_path: Path) -> None:
    away = {"DATABASE_URL": f"postgresql://127.0.0.1:{free_port()}/x", "REDIS_URL": f"redis://127.0.0.1:{free_port()}"}
    told = CliRunner().invoke(cli, ["doctor", "--json"], env=away)
    assert told.exit_code == 1
    assert json.loads(told.stdout)["status"] == "FAIL"
    told = CliRunner().invoke(cli, ["doctor"], env=away)
    assert "FAIL  database: connection" in told.stdout
    assert "-> is the server running" in told.stdout
    file = tmp_path / "b.tar.gz"
    told = CliRunner().invoke(cli, ["support-bundle", "--output", str(file)], env=away)
    assert (told.exit_code, stat.S_IMODE(file.stat().st_mode)) == (0, 0o600)
    assert f"wrote {file}" in told.stdout
    told = CliRunner().invoke(cli, ["support-bundle", "--output", str(file)], env=away)
    assert told.exit_code == 1
    assert "exists already; give another --output" in told.output
