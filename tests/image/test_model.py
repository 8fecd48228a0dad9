"""The target that serves a model: built without a GPU it computes on the processor, as it does where no GPU is left."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.image.building import Image, built, compiling_base
from tests.image.running import command, run
from tests.servers.loopback import free_port, request
from tests.servers.processes import Process, missing
from tests.servers.waiting import until
from tests.unit.intelligence.llm.tiny_model import write

ALIAS = "tiny-words"
# CUDA's compiler is the one thing that is left out.
WITHOUT_CUDA = "-DGGML_CUDA=OFF -DGGML_NATIVE=OFF -DGGML_OPENMP=OFF -DLLAVA_BUILD=OFF"


@pytest.fixture(scope="module")
def cuda_image() -> Iterator[Image]:
    if os.getuid() != 0:
        missing("building and entering an image without a container engine needs root")
    with built("runtime-cuda", CUDA_IMAGE=compiling_base(), LLAMA_CMAKE_ARGS=WITHOUT_CUDA) as image:
        # The folder that the chart mounts a claim at.
        (image.root / "models").mkdir()
        write(image.root / "models" / "tiny.gguf")
        yield image


@pytest.fixture(scope="module")
def port(cuda_image: Image, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Of a model that is served as the chart's sidecar serves one."""
    port = free_port()
    words = ("llm", "serve", "--model", "/models/tiny.gguf", "--alias", ALIAS, "--port", str(port), "--context", "256")
    log = tmp_path_factory.mktemp("llm") / "llm.log"
    with Process(command(cuda_image, *words, env={}), log=log, cwd=Path("/")) as process:
        until(lambda: answers(port) or not process.running, what="the model to be served", timeout_s=60)
        assert process.running, process.output()
        yield port


def answers(port: int) -> bool:
    try:
        return request(port, "/ready")[0] == 200
    except OSError:
        return False


def test_it_serves_a_model_as_any_user_on_a_root_that_it_cannot_write(port: int) -> None:
    body = json.dumps({"messages": [{"role": "user", "content": "how is the fleet"}], "temperature": 0}).encode()
    headers = {"Content-Type": "application/json"}
    status, answer = request(port, "/v1/chat/completions", method="POST", body=body, headers=headers, timeout_s=60)
    assert status == 200, answer
    assert json.loads(answer)["choices"][0]["message"]["content"].strip() == "All clusters are healthy!"


def test_its_probe_sees_the_model(cuda_image: Image, port: int) -> None:
    seen = run(cuda_image, "llm", "check", "--port", str(port), "--ask", env={})
    assert seen.returncode == 0, seen.stderr
    assert ALIAS in seen.stdout


def test_it_is_any_role_too_and_lists_the_engine(cuda_image: Image) -> None:
    assert run(cuda_image, "--version", env={}).returncode == 0
    bill = json.loads((cuda_image.root / "opt/aiops/sbom.cdx.json").read_text())
    assert "llama-cpp-python" in {component["name"].replace("_", "-") for component in bill["components"]}


def test_no_compiler_is_left_in_it(cuda_image: Image) -> None:
    folders = [cuda_image.root / path for path in ("usr/bin", "usr/local/bin", "opt/aiops/bin")]
    assert [
        tool for folder in folders for tool in ("gcc", "g++", "cmake", "make", "ninja") if (folder / tool).exists()
    ] == []
