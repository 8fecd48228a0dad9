"""`aiops llm check`: the model on this machine, or the one that the settings name."""

import os
import subprocess
import sys

import pytest

from tests.servers.loopback import free_port
from tests.unit.intelligence.llm.conftest import ALIAS, ModelServer


def check(*words: object, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "aiops", "llm", "check", *map(str, words)]
    given = {name: value for name, value in os.environ.items() if not name.startswith("LLM_")}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env={**given, **env}, check=False)


def refusal(*words: object, **env: str) -> str:
    done = check(*words, **env)
    assert (done.returncode, done.stdout) == (1, ""), done
    assert done.stderr.startswith("Error: ")
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.real
def test_a_model_on_this_machine(model_server: ModelServer) -> None:
    done = check("--port", model_server.port)
    assert (done.returncode, done.stdout) == (0, f"{ALIAS}: 256 tokens of context\n"), done.stderr
    done = check("--port", model_server.port, "--ask")
    assert done.returncode == 0
    assert "it said a token after 0." in done.stdout


@pytest.mark.real
def test_the_model_of_the_settings(model_server: ModelServer) -> None:
    configured = {"LLM_PROVIDER": "local", "LLM_LOCAL_URL": f"http://127.0.0.1:{model_server.port}/v1"}
    done = check("--ask", **configured, LLM_MODEL=ALIAS)
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, f"{ALIAS}: 256 tokens of context"), done.stderr
    told = refusal(**configured, LLM_MODEL="meta-llama/Llama-3.2-3B-Instruct")
    assert f"meta-llama/Llama-3.2-3B-Instruct is not served; there are: {ALIAS}" in told
    # As the probe beside a model does: whatever the settings say, that port is meant.
    assert check("--port", model_server.port, **configured, LLM_MODEL="another").returncode == 0


def test_nobody_there() -> None:
    port = free_port()
    told = refusal("--port", port)
    assert told.startswith(
        f"Error: no model answers at http://127.0.0.1:{port}/v1: 127.0.0.1:{port}: connection refused"
    )
    assert "is 'aiops llm serve' running there?" in told
    told = refusal(LLM_PROVIDER="local", LLM_LOCAL_URL=f"http://127.0.0.1:{port}/v1")
    assert "is the model's server running" in told
    told = refusal("--host", "::1", "--port", port)
    assert f"http://[::1]:{port}/v1" in told


def test_settings_that_name_no_model() -> None:
    told = refusal(LLM_PROVIDER="openai")
    assert "LLM_API_KEY is not set" in told
    assert "LLM_MODEL is not set" in told
    assert "LLM_PROVIDER ([llm] provider): must be one of none, local" in refusal(LLM_PROVIDER="me")
