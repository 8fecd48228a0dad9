"""The command as a process: terminals, pipes, signals, and the shells that complete it."""

import os
import pty
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.contract import hub as hubs
from tests.servers.waiting import until

PROGRAM = Path(sys.executable).with_name("aiops")
# What is typed after `aiops`, the last word of it incomplete -> what must be offered.
WORDS = [
    pytest.param(line.split(" "), set(offered.split()), id=line or "nothing")
    for line, offered in (
        ("", "up cluster query events"),
        ("clus", "cluster"),
        ("cluster re", "remove"),
        ("spoke manifests --exec", "--exec-namespace"),
        ("cluster add x --type FAR", "FAR_EDGE"),
        ("cluster show compl", "complete-1 complete-2"),
        ("query up --cluster complete-1", "complete-1"),
    )
]


def child(*words: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [PROGRAM, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **(env or {})},
    )


@pytest.fixture(scope="module")
def clusters(hub: hubs.Hub) -> None:
    for name in ("complete-1", "complete-2", "other"):
        hub.register(name)


def test_on_a_terminal_the_head_is_bold_and_in_a_pipe_it_is_not(environment: dict[str, str], clusters: None) -> None:
    outside, inside = pty.openpty()
    try:
        ended = subprocess.run(
            [PROGRAM, "cluster", "list"], stdout=inside, env={**os.environ, **environment}, timeout=30, check=True
        )
        shown = os.read(outside, 65_536).decode()
    finally:
        os.close(inside)
        os.close(outside)
    assert ended.returncode == 0
    assert shown.startswith("\x1b[1mNAME")
    piped, told = child("cluster", "list", env=environment).communicate(timeout=30)
    assert (piped[:4], told) == ("NAME", "")
    assert "\x1b" not in piped


def test_events_are_followed_until_so_many_came(hub: hubs.Hub, environment: dict[str, str]) -> None:
    process = child("events", "--type", "CLUSTER_REGISTERED", "--count", "1", env=environment)
    wait_for_a_client(hub)
    hub.register("told-1")
    shown, told = process.communicate(timeout=30)
    assert (process.returncode, told) == (0, "")
    assert shown.split()[1:] == ["CLUSTER_REGISTERED", "told-1"]


def test_a_reader_that_went_away_ends_events_without_a_word(hub: hubs.Hub, environment: dict[str, str]) -> None:
    process = child("events", "--type", "CLUSTER_REGISTERED", env=environment)
    assert process.stdout is not None
    wait_for_a_client(hub)
    hub.register("piped-1")
    assert "piped-1" in process.stdout.readline()
    process.stdout.close()
    hub.register("piped-2")
    hub.register("piped-3")
    assert process.wait(30) == 1
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.stderr.close()


def test_a_reader_that_went_away_ends_a_list_without_a_word() -> None:
    process = child("openapi")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.wait(30) == 1
    assert process.stderr.read() == ""
    process.stderr.close()


def test_ctrl_c_ends_events_in_peace(hub: hubs.Hub, environment: dict[str, str]) -> None:
    process = child("events", env=environment)
    wait_for_a_client(hub)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=30) == ("", "")
    assert process.returncode == 0


def test_ctrl_c_ends_a_question_that_nobody_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        process = child("cluster", "list", "--server", f"http://127.0.0.1:{silent.getsockname()[1]}")
        connection, _ = silent.accept()
        with connection:
            process.send_signal(signal.SIGINT)
            shown, told = process.communicate(timeout=30)
    assert (process.returncode, shown, told.strip()) == (1, "", "Aborted!")


def test_listing_the_commands_imports_none_of_them() -> None:
    code = (
        "import sys\nfrom aiops.cli import cli\ncli(['--help'], standalone_mode=False)\n"
        "print(*sorted(name for name in sys.modules if name.startswith('aiops.')), file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stderr.split() == ["aiops.cli"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_asks_the_program_that_it_completes(shell: str) -> None:
    script, told = child("completion", shell).communicate(timeout=30)
    assert told == ""
    assert f"_AIOPS_COMPLETE={shell}_complete" in script


@pytest.mark.parametrize(("words", "offered"), WORDS)
def test_bash_completes(words: list[str], offered: set[str], environment: dict[str, str], clusters: None) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not installed")
    asked = f'COMP_WORDS=(aiops "$@"); COMP_CWORD={len(words)}; _aiops_completion aiops "${{@: -1}}"'
    script = f'source <(aiops completion bash)\n{asked}\nprintf "%s\\n" "${{COMPREPLY[@]}}"'
    path = f"{PROGRAM.parent}{os.pathsep}{os.environ['PATH']}"
    ended = subprocess.run(
        [bash, "--norc", "-c", script, "bash", *words],
        capture_output=True,
        text=True,
        env={**os.environ, **environment, "PATH": path},
        timeout=60,
        check=True,
    )
    found = set(ended.stdout.split())
    assert ended.stderr == ""
    assert offered <= found
    if words[-1]:
        assert found == offered


@pytest.mark.parametrize("shell", ["zsh", "fish"])
@pytest.mark.parametrize(("words", "offered"), WORDS)
def test_what_the_scripts_of_the_other_shells_ask_is_answered(
    words: list[str], offered: set[str], shell: str, environment: dict[str, str], clusters: None
) -> None:
    line = " ".join(("aiops", *words))
    # fish gives the word alone, zsh its position.
    asked = {"COMP_WORDS": line, "COMP_CWORD": words[-1] if shell == "fish" else str(len(words))}
    shown, told = child(env={**environment, **asked, "_AIOPS_COMPLETE": f"{shell}_complete"}).communicate(timeout=30)
    assert told == ""
    lines = shown.splitlines()
    # zsh gets type, value and help on three lines; fish gets "type,value<tab>help".
    found = set(lines[1::3]) if shell == "zsh" else {one.partition(",")[2].partition("\t")[0] for one in lines}
    assert offered <= found


def test_completion_is_silent_where_no_hub_answers() -> None:
    asked = {"COMP_WORDS": "aiops cluster show a", "COMP_CWORD": "3", "_AIOPS_COMPLETE": "bash_complete"}
    assert child(env={**asked, "AIOPS_SERVER": "http://127.0.0.1:9"}).communicate(timeout=30) == ("\n", "")


def wait_for_a_client(hub: hubs.Hub) -> None:
    """Wait until exactly one socket is subscribed; those before it have gone."""

    def subscribed() -> bool | None:
        clients = hub.ask("GET", "/api/v1/streaming/clients").json()
        return [one["subscribed"] for one in clients["items"]] == [True] or None

    until(subscribed, what="one subscribed client")
