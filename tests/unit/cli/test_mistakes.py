"""What goes wrong: usage ends with 2, everything else with 1, told on stderr with what to do and without a stack."""

import socket
from collections.abc import Iterator

import click
import pytest
from click.testing import Result

from aiops.cli import cli
from tests.unit.cli.answering import Form, answering
from tests.unit.cli.conftest import Aiops, invoke

COMMANDS = (
    ("cluster", "list"),
    ("cluster", "show", "east-1"),
    ("alerts", "list"),
    ("query", "up"),
    ("anomalies", "up"),
    ("token", "list"),
)
ADDRESS = "is --server (or AIOPS_SERVER) the address of a running hub?"


def failure(result: Result) -> str:
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: ")
    return result.stderr.removeprefix("Error: ").strip()


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


@pytest.mark.parametrize("path", [path for path, _ in commands(cli)], ids=" ".join)
def test_every_command_says_what_it_is_for(path: tuple[str, ...]) -> None:
    result = invoke(*path, "--help")
    assert result.exit_code == 0
    usage, _, rest = result.stdout.partition("\n\n")
    assert usage.startswith(f"Usage: aiops {' '.join(path)}")
    text = rest.partition("\n\n")[0].strip()
    assert text.endswith((".", ").", "bash)."))
    assert text.partition(" ")[0] != "Options:"


def test_the_list_of_commands_says_what_each_is_for() -> None:
    listed = invoke("-h").stdout
    for path, _ in commands(cli):
        if len(path) == 1:
            (line,) = [line for line in listed.splitlines() if line.split()[:1] == [path[0]]]
            assert len(line.split()) > 2


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",),
        ("cluster", "nonsense"),
        ("cluster", "list", "--nonsense"),
        ("cluster", "list", "--limit", "0"),
        ("cluster", "add"),
        ("cluster", "add", "east-1", "--name", "east-1"),
        ("cluster", "add", "east-1", "--type", "MOON"),
        ("cluster", "add", "east-1", "--label", "novalue"),
        ("alerts", "list", "--state", "SLEEPING"),
        ("query",),
        ("query", "up", "--since", "often"),
        ("anomalies", "up", "--since", "often"),
        ("anomalies", "up", "--sensitivity", "SOME"),
        ("completion", "tcsh"),
        ("db", "check"),
        ("db", "upgrade"),
        ("serve",),
        ("up", "--host", "192.0.2.1"),
        ("up", "--port", "70000"),
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_2_and_says_how_it_goes(words: tuple[str, ...]) -> None:
    result = invoke(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Usage: aiops ")
    assert "\nError: " in result.stderr


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_hub_that_is_away_is_named_with_what_to_do(words: tuple[str, ...]) -> None:
    told = failure(invoke(*words, "--server", "http://127.0.0.1:9"))
    assert told == f"the hub cannot be asked: 127.0.0.1:9: connection refused; {ADDRESS}"


def test_a_hub_that_never_answers_is_waited_for_no_longer_than_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        told = failure(invoke("cluster", "list", "--server", url, "--timeout", "0.3"))
    assert ADDRESS in told


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
@pytest.mark.parametrize(
    ("status", "body"),
    [(200, b"<html>Sign in</html>"), (502, b"Bad Gateway"), (404, b'{"detail": "not found"}'), (200, b"\xff\xfe")],
)
def test_a_proxy_that_answers_instead_of_the_hub_is_told(words: tuple[str, ...], status: int, body: bytes) -> None:
    def says(_: str, __: Form) -> tuple[int, bytes]:
        return status, body

    with answering(says) as url:
        assert failure(invoke(*words, "--server", url)) == f"something answered {status} that is no hub; {ADDRESS}"


@pytest.mark.parametrize("server", ["hub", "ftp://hub", "http://hub:port", "https://"])
def test_an_address_that_is_none_is_told(server: str) -> None:
    assert "URL" in failure(invoke("cluster", "list", "--server", server))


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_token_and_a_wrong_one_are_told_with_the_hubs_code(
    words: tuple[str, ...], environment: dict[str, str]
) -> None:
    server = environment["AIOPS_SERVER"]
    assert failure(invoke(*words, env={"AIOPS_SERVER": server})).startswith("AUTH_REQUIRED: ")
    assert failure(invoke(*words, env={**environment, "AIOPS_TOKEN": "wrong"})).startswith("AUTH_FAILED: ")
    assert "the token" in failure(invoke(*words, env={**environment, "AIOPS_TOKEN": "wröng"}))


def test_the_options_win_over_the_environment(environment: dict[str, str]) -> None:
    elsewhere = {"AIOPS_SERVER": "http://127.0.0.1:9", "AIOPS_TOKEN": "wrong"}
    given = ("--server", environment["AIOPS_SERVER"] + "/", "--token", environment["AIOPS_TOKEN"])
    assert invoke("token", "list", *given, "--json", env=elsewhere).exit_code == 0


def test_what_is_not_there_is_told_with_the_hubs_code(aiops: Aiops) -> None:
    assert failure(aiops("cluster", "show", "nowhere")).startswith("CLUSTER_NOT_FOUND: ")
    assert failure(aiops("alerts", "show", "none")).startswith("ALERT_NOT_FOUND: ")
    assert failure(aiops("cluster", "add", "A")).startswith("INVALID_CLUSTER_NAME: ")
    assert failure(aiops("query", "up", "--start", "yesterday")).startswith("INVALID_REQUEST: ")
    assert failure(aiops("events", "--cluster", "nowhere")).startswith("CLUSTER_NOT_FOUND: ")


@pytest.mark.parametrize("command", ["check", "upgrade"])
@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"DATABASE_URL": "postgresql://127.0.0.1:9/aiops"}, "the database is away"),
        ({"DATABASE_URL": "mysql://127.0.0.1/aiops"}, "must begin with postgresql://"),
        ({"DATABASE_URL": "postgresql://127.0.0.1:9/aiops", "AIOPS_HTTP_PORT": "x"}, "AIOPS_HTTP_PORT"),
    ],
)
def test_a_database_that_cannot_be_used_is_told(command: str, environ: dict[str, str], told: str) -> None:
    assert told in failure(invoke("db", command, env=environ))


def test_the_schema_is_checked_and_brought_up_to_date(postgres_url: str) -> None:
    environ = {"DATABASE_URL": postgres_url}
    assert "run 'aiops db upgrade'" in failure(invoke("db", "check", env=environ))
    assert invoke("db", "upgrade", env=environ).exit_code == 0
    again = invoke("db", "upgrade", env=environ)
    assert again.exit_code == 0
    checked = invoke("db", "check", env=environ)
    assert (checked.exit_code, checked.stdout.split(";")[0]) == (0, again.stdout.strip())


def test_a_role_that_is_none_and_settings_that_lack_are_told() -> None:
    assert "there is no role 'moon'; the roles are " in failure(invoke("serve", "--role", "moon"))
    told = failure(invoke("serve", "--role", "registry"))
    assert {"DATABASE_URL is not set", "AIOPS_SECRET_KEY is not set"} <= set(told.splitlines())
