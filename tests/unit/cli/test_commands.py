"""What the client commands show: a table for people, the hub's own answer with --json, and warnings beside it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract import hub as hubs
from tests.unit.cli.answering import answering, prometheus
from tests.unit.cli.conftest import Aiops
from tests.unit.collector.notifications import alert, notification

AWAY = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def east(hub: hubs.Hub) -> Iterator[dict[str, Any]]:
    """A cluster whose Prometheus answers, with one alert."""
    with answering(prometheus) as url:
        cluster = hub.register("east-1", endpoints={"prometheus_url": url}, region="north")
        message = "disk\nis\x1b[31m full"
        body = notification(
            alert("DiskFull", severity="critical", annotations={"message": message, "summary": message})
        )
        headers = {"Authorization": f"Bearer {cluster['webhook']['token']}"}
        path = f"/api/v1/alerts/webhook/{cluster['id']}"
        assert hub.send("POST", path, body, headers).status < 300
        yield cluster


@pytest.fixture(scope="module")
def away(hub: hubs.Hub, east: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A second cluster that nobody can reach, beside the first."""
    cluster = hub.register("west-1", endpoints={"prometheus_url": AWAY})
    yield cluster
    assert hub.ask("DELETE", f"/api/v1/clusters/{cluster['id']}").status in (204, 404)


def cells(line: str) -> list[str]:
    return line.split()


def test_nothing_is_said_so_beside_an_empty_output(aiops: Aiops) -> None:
    result = aiops("cluster", "list", "--search", "no-such-cluster")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "nothing found\n")
    listed = aiops("cluster", "list", "--search", "no-such-cluster", "--json")
    assert json.loads(listed.stdout) == []


def test_a_list_is_a_table_and_with_json_the_hubs_answer(aiops: Aiops, hub: hubs.Hub, east: dict[str, Any]) -> None:
    head, row = aiops("cluster", "list", "--region", "north").stdout.splitlines()
    assert cells(head) == ["NAME", "STATE", "SCORE", "TYPE", "ENVIRONMENT", "REGION", "LAST", "SEEN"]
    assert cells(row)[0] == "east-1"
    assert {"SPOKE", "PRODUCTION", "north"} <= set(cells(row))
    assert head.index("REGION") == row.index("north")
    (found,) = json.loads(aiops("cluster", "list", "--region", "north", "--json").stdout)
    asked = hub.ask("GET", f"/api/v1/clusters/{east['id']}").json()
    assert {name: found[name] for name in ("id", "name", "endpoints")} == {
        name: asked[name] for name in ("id", "name", "endpoints")
    }


def test_a_table_shows_no_control_character_that_a_cluster_sent(aiops: Aiops, east: dict[str, Any]) -> None:
    shown = aiops("alerts", "list").stdout
    assert len(shown.splitlines()) == 2
    assert "disk is [31m full" in shown
    assert "\x1b" not in shown
    (told,) = json.loads(aiops("alerts", "list", "--json").stdout)
    assert told["message"] == "disk\nis\x1b[31m full"


def test_an_alert_is_shown_and_counted(aiops: Aiops, east: dict[str, Any]) -> None:
    (told,) = json.loads(aiops("alerts", "list", "--cluster", "east-1", "--json").stdout)
    shown = aiops("alerts", "show", told["id"]).stdout
    assert "DiskFull" in shown
    counted = [cells(line) for line in aiops("alerts", "summary").stdout.splitlines()]
    assert ["all", "1"] in counted
    assert ["cluster", "east-1", "1"] in counted
    assert ["severity", "CRITICAL", "1"] in counted


def test_a_query_shows_one_line_a_series(aiops: Aiops, east: dict[str, Any]) -> None:
    head, row = aiops("query", "up").stdout.splitlines()
    assert cells(head) == ["CLUSTER", "SERIES", "VALUE", "AT"]
    assert cells(row) == ["east-1", 'up{cluster="east-1",', 'job="a"}', "1", "2030-03-17T17:46:40Z"]
    ranged = aiops("query", "up", "--since", "10m", "--step", "1m", "--cluster", "east-1")
    assert "1 -> 0 (11 points)" in ranged.stdout
    answer = json.loads(aiops("query", "up", "--json").stdout)
    assert answer["results"][0]["data"][0]["metric"]["job"] == "a"


def test_what_is_missing_of_an_answer_is_named_on_stderr(aiops: Aiops, away: dict[str, Any]) -> None:
    result = aiops("query", "up", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["partial"]
    assert "warning: west-1: ERROR: " in result.stderr
    denied = aiops("query", "up", "--partial", "deny")
    assert (denied.exit_code, denied.stdout) == (1, "")
    assert "west-1" in denied.stderr


def test_a_query_is_the_fleets_or_each_clusters(aiops: Aiops, east: dict[str, Any]) -> None:
    fleet = aiops("query", "sum(up)", "--time", "2030-03-17T17:46:40Z", "--json", "--cluster", "east-1")
    assert json.loads(fleet.stdout)["federation"]["mode"] == "global"
    each = aiops("query", "sum(up)", "--mode", "per_cluster", "--json")
    assert json.loads(each.stdout)["federation"]["mode"] == "per_cluster"


def test_a_plan_is_shown_and_nothing_asked(aiops: Aiops, east: dict[str, Any], away: dict[str, Any]) -> None:
    shown = aiops("query", "--explain", 'count(up{cluster=~".*-1"})').stdout
    assert "$1 = count(up)" in shown
    assert "asked of east-1, west-1; 1 point each" in shown
    assert "finished here: sum($1)" in shown
    plan = json.loads(aiops("query", "--explain", "up", "--since", "1h", "--json").stdout)
    assert plan["shape"] == "union"
    assert plan["pushed"][0]["steps"] == 61
    assert aiops("query", "--explain", "up", "--mode", "per_cluster").exit_code == 2


@pytest.mark.parametrize(
    "wrong", [("--time", "2030-01-01T00:00:00Z", "--since", "1h"), ("--end", "2030-01-01T00:00:00Z"), ("--mode", "x")]
)
def test_a_query_that_contradicts_itself_is_refused(aiops: Aiops, wrong: tuple[str, ...]) -> None:
    assert aiops("query", "up", *wrong).exit_code == 2


def test_a_wrong_expression_is_told_with_the_code_of_the_hub(aiops: Aiops, east: dict[str, Any]) -> None:
    result = aiops("query", "up{", "--cluster", "east-1")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: INVALID_PROMQL: ")


def test_anomalies_are_told_in_words(aiops: Aiops, east: dict[str, Any]) -> None:
    result = aiops("anomalies", "up", "--since", "1h", "--cluster", "east-1")
    head, row = result.stdout.splitlines()
    assert cells(head) == ["AT", "SEVERITY", "TYPE", "CLUSTER", "EXPLANATION"]
    assert cells(row)[1:4] == ["MEDIUM", "DROP", "east-1"]
    assert "0 where it had been constant at 1 for the 60 points before" in row


def test_a_registration_shows_the_receiver_with_its_token(aiops: Aiops, hub: hubs.Hub) -> None:
    result = aiops("cluster", "add", "south-1", "--prometheus", AWAY, "--label", "team=ran", "--region", "r")
    assert result.exit_code == 0
    found = hub.ask("GET", "/api/v1/clusters/by-name/south-1").json()
    assert (found["labels"], found["region"]) == ({"team": "ran"}, "r")
    assert found["endpoints"]["prometheus_url"] == AWAY
    assert f"/api/v1/alerts/webhook/{found['id']}" in result.stdout
    assert "credentials: aiops_webhook_" in result.stdout
    assert aiops("cluster", "remove", "south-1", "--yes").stdout == "south-1 is removed\n"


def test_the_name_may_be_an_option(aiops: Aiops) -> None:
    assert aiops("cluster", "add", "--name", "south-2", "--prometheus", AWAY).stdout.startswith("south-2 is registered")
    assert aiops("cluster", "remove", "south-2", "--yes").exit_code == 0


@pytest.mark.parametrize("option", ["--token-file", "--kubeconfig", "--ca-file"])
def test_a_file_that_cannot_be_read_leaves_nothing_behind(
    aiops: Aiops, hub: hubs.Hub, tmp_path: Path, option: str
) -> None:
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe\x00")
    for path, status in ((binary, 1), (tmp_path, 2), (tmp_path / "absent", 2)):
        result = aiops("cluster", "add", "north-1", "--prometheus", AWAY, option, str(path))
        assert result.exit_code == status
        assert str(path) in result.stderr
    assert "north-1" not in hub.names()


def test_refused_credentials_do_not_cost_the_webhooks_token(aiops: Aiops, hub: hubs.Hub, tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text("no: [kubeconfig")
    result = aiops("cluster", "add", "north-2", "--kubeconfig", str(kubeconfig))
    assert result.exit_code == 1
    assert "credentials: aiops_webhook_" in result.stdout
    assert "north-2 is registered, but without credentials: CREDENTIALS_INVALID" in result.stderr
    assert "aiops cluster remove north-2" in result.stderr
    assert "north-2" in hub.names()
    both = aiops("cluster", "add", "north-3", "--kubeconfig", str(kubeconfig), "--token-file", str(kubeconfig))
    assert both.exit_code == 2
    assert "north-3" not in hub.names()


def test_a_removal_wants_the_name_typed(aiops: Aiops, hub: hubs.Hub) -> None:
    hub.register("doomed")
    wrong = aiops("cluster", "remove", "doomed", typed="domed\n")
    assert (wrong.exit_code, "doomed" in hub.names()) == (1, True)
    assert "not removed" in wrong.stderr
    assert aiops("cluster", "remove", "doomed", typed="doomed\n").exit_code == 0
    assert "doomed" not in hub.names()


def test_a_token_is_made_used_listed_and_revoked(aiops: Aiops, hub: hubs.Hub) -> None:
    made = json.loads(aiops("token", "create", "ci", "--label", "team=ran", "--expires-in", "1d", "--json").stdout)
    assert made["clusters"] == {"labels": {"team": "ran"}}
    assert hub.signed_in(made["token"]).ask("GET", "/api/v1/me").status == 200
    listed = aiops("token", "list").stdout
    assert made["id"] in listed
    assert made["token"] not in listed
    assert aiops("token", "revoke", made["id"]).stdout == f"{made['id']} is revoked\n"
    assert hub.signed_in(made["token"]).ask("GET", "/api/v1/me").status == 401


def test_a_label_without_a_value_never_widens_a_token(aiops: Aiops) -> None:
    before = aiops("token", "list", "--json").stdout
    result = aiops("token", "create", "ci", "--label", "team=ran", "--label", "tier")
    assert result.exit_code == 2
    assert "--label tier: write key=value" in result.stderr
    assert aiops("token", "list", "--json").stdout == before


def test_a_lost_administrator_gets_a_token_from_the_data_folder(aiops: Aiops, hub: hubs.Hub) -> None:
    folder = hub.process.log.parent / "data"
    made = aiops("token", "create", "--data-dir", str(folder))
    assert made.exit_code == 0
    answer = hub.signed_in(made.stdout.strip()).ask("GET", "/api/v1/tokens")
    assert answer.status == 200
    assert "recovered administrator" in {one["name"] for one in answer.json()["items"]}


def test_a_folder_that_no_hub_wrote_gives_no_token(aiops: Aiops, tmp_path: Path) -> None:
    result = aiops("token", "create", "--data-dir", str(tmp_path))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "holds no data of a hub" in result.stderr
    assert list(tmp_path.iterdir()) == []
