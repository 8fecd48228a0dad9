"""What `aiops llm serve` says when it cannot serve: one line with the file, the reason and what to do."""

import os
import socket
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from aiops.cli.llm import usable_cpus


def serve(*words: object, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "aiops", "llm", "serve", "--port", "0", *map(str, words)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, env={**os.environ, **(env or {})}, check=False
    )


def refusal(*words: object, env: dict[str, str] | None = None) -> str:
    done = serve(*words, env=env)
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    lines = done.stderr.strip().splitlines()
    assert lines[-1].startswith("Error: ")
    assert "Traceback" not in done.stderr
    return lines[-1]


@pytest.mark.parametrize(
    ("head", "why"),
    [
        (b"PK\x03\x04" + bytes(100), "is not a model in GGUF format: it begins with b'PK"),
        (b"", "is not a model in GGUF format: it begins with b''"),
        (b"GGUF" + struct.pack("<I", 1), "GGUF version 1; versions 2 and 3 can be read"),
        (b"GGUF", "GGUF version 0"),
    ],
    ids=["zip", "empty", "old", "cut"],
)
def test_a_file_that_is_no_model_is_told_by_its_head(tmp_path: Path, head: bytes, why: str) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(head)
    told = refusal("--model", file)
    assert str(file) in told
    assert why in told


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "absent.gguf: No such file or directory" in refusal("--model", tmp_path / "absent.gguf")


def test_without_the_extra_it_says_how_to_get_it(tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(b"GGUF" + struct.pack("<I", 3))
    # Found before the real one, and as absent as a package can be made to be.
    (tmp_path / "llama_cpp.py").write_text("raise ModuleNotFoundError(\"No module named 'llama_cpp'\")")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    told = refusal("--model", file, env={"PYTHONPATH": path})
    assert "llama-cpp-python is not installed" in told
    assert "pip install 'aiops-nextgen[llm]'" in told


@pytest.mark.real
def test_a_model_that_was_cut_short_is_told_from_one_that_fits(tiny_model: Path, tmp_path: Path) -> None:
    file = tmp_path / "half.gguf"
    file.write_bytes(tiny_model.read_bytes()[:500_000])
    told = refusal("--model", file)
    assert f"llama.cpp cannot load {file}" in told
    assert "cut short" in told


@pytest.mark.real
def test_layers_for_a_gpu_that_the_library_cannot_use_are_refused(tiny_model: Path) -> None:
    assert "--gpu-layers 10 needs a llama-cpp-python that was built for a GPU" in refusal(
        "--model", tiny_model, "--gpu-layers", 10
    )


def test_a_port_that_is_taken_is_told_before_the_model_is_read(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        told = refusal("--model", tmp_path / "absent.gguf", "--port", port)
    assert f"cannot listen on 127.0.0.1:{port}" in told


def test_it_listens_on_loopback_only() -> None:
    done = serve("--model", "any.gguf", "--host", "0.0.0.0")  # noqa: S104 - what is refused
    assert done.returncode == 2
    assert "'0.0.0.0' is not one of '127.0.0.1', 'localhost', '::1'" in done.stderr


def test_it_computes_on_no_more_cpus_than_it_may_use() -> None:
    assert 1 <= usable_cpus() <= (os.cpu_count() or 1)
