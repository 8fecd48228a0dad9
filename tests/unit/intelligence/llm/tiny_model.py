"""Writes a real model in GGUF format, small enough for a test, that says what the test wants.

The format: GGUF version 3 (magic, counts, metadata, tensor table, data aligned to 32 bytes). The model: llama's
architecture with one layer that adds nothing, an embedding that tells tokens apart and an output matrix that holds for
each token the one that follows: a Markov chain that llama.cpp computes as it computes any other model.
"""

import struct
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

ALIGNMENT: Final = 32
UINT32, FLOAT32, STRING, ARRAY, INT32 = 4, 6, 8, 9, 5
NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6
HEADS: Final = 4
FEED_FORWARD: Final = 32
CERTAIN: Final = 8.0

BEGIN, END = "<s>", "</s>"
SPECIAL: Final = {"<unk>": UNKNOWN, BEGIN: CONTROL, END: CONTROL}
# The prompt's last character decides what is said: ":" of a question, "]" where tools were given, ">" for ever.
TEMPLATE: Final = (
    "{% for m in messages %}"
    "{% if m.role not in ('system', 'user', 'assistant', 'tool') %}{{ raise_exception('no such role') }}{% endif %}"
    "{{ m.role }}={{ m.content }};{% endfor %}"
    "{% if tools %}[{{ tools[0].function.name }}]"
    "{% elif messages[-1].content == 'talk' %}>{% else %}assistant:{% endif %}"
)
SAYS: Final[Mapping[str, Sequence[str]]] = {
    ":": ("▁All", "▁clusters", "▁are", "▁healthy", "!"),
    "]": ("▁One", "▁tool", "▁was", "▁given", "?"),
    ">": ("▁on", "▁and", "▁on"),
}


def vocabulary() -> dict[str, int]:
    """Each token and its type: the special ones, every byte, and the words."""
    words = dict.fromkeys((word for said in SAYS.values() for word in said if len(word) > 1), NORMAL)
    return {**SPECIAL, **{f"<0x{byte:02X}>": BYTE for byte in range(256)}, **words}


def write(path: Path, *, context: int = 512) -> Path:
    """Write the model; its path."""
    tokens = vocabulary()
    ids = {token: number for number, token in enumerate(tokens)}
    width = -(-len(tokens) // (2 * HEADS)) * 2 * HEADS
    metadata: dict[str, tuple[int, Any]] = {
        "general.architecture": (STRING, "llama"),
        "general.name": (STRING, "tiny"),
        "llama.context_length": (UINT32, context),
        "llama.embedding_length": (UINT32, width),
        "llama.block_count": (UINT32, 1),
        "llama.feed_forward_length": (UINT32, FEED_FORWARD),
        "llama.attention.head_count": (UINT32, HEADS),
        "llama.attention.layer_norm_rms_epsilon": (FLOAT32, 1e-5),
        "llama.vocab_size": (UINT32, len(tokens)),
        "tokenizer.ggml.model": (STRING, "llama"),
        "tokenizer.ggml.tokens": (ARRAY, (STRING, list(tokens))),
        "tokenizer.ggml.scores": (ARRAY, (FLOAT32, [0.0] * len(tokens))),
        "tokenizer.ggml.token_type": (ARRAY, (INT32, list(tokens.values()))),
        "tokenizer.ggml.bos_token_id": (UINT32, ids[BEGIN]),
        "tokenizer.ggml.eos_token_id": (UINT32, ids[END]),
        "tokenizer.ggml.unknown_token_id": (UINT32, ids["<unk>"]),
        "tokenizer.chat_template": (STRING, TEMPLATE),
    }
    path.write_bytes(_file(metadata, _weights(ids, width)))
    return path


def _weights(ids: Mapping[str, int], width: int) -> dict[str, NDArray[np.float32]]:
    embedding = np.zeros((len(ids), width), np.float32)
    np.fill_diagonal(embedding, 1)
    follows = np.zeros((len(ids), width), np.float32)
    for before, after in _pairs():
        follows[ids[after], ids[before]] = CERTAIN
    ones, square = np.ones(width, np.float32), np.zeros((width, width), np.float32)
    wide, narrow = np.zeros((FEED_FORWARD, width), np.float32), np.zeros((width, FEED_FORWARD), np.float32)
    return {
        "token_embd.weight": embedding,
        "output_norm.weight": ones,
        "output.weight": follows,
        "blk.0.attn_norm.weight": ones,
        **{f"blk.0.attn_{name}.weight": square for name in ("q", "k", "v", "output")},
        "blk.0.ffn_norm.weight": ones,
        "blk.0.ffn_gate.weight": wide,
        "blk.0.ffn_up.weight": wide,
        "blk.0.ffn_down.weight": narrow,
    }


def _pairs() -> list[tuple[str, str]]:
    """Which token follows which."""
    pairs: list[tuple[str, str]] = []
    for prompt, said in SAYS.items():
        chain = [token if len(token) > 1 else f"<0x{ord(token):02X}>" for token in (prompt, *said)]
        pairs += pairwise(chain)
        if prompt != ">":
            pairs.append((chain[-1], END))
    return pairs


def _file(metadata: Mapping[str, tuple[int, Any]], tensors: Mapping[str, NDArray[np.float32]]) -> bytes:
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    for key, (kind, value) in metadata.items():
        head += _string(key) + struct.pack("<I", kind) + _value(kind, value)
    data = b""
    for name, tensor in tensors.items():
        shape = tensor.shape[::-1]  # the fastest dimension first
        head += _string(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, 0, len(data))
        data += _padded(tensor.tobytes())
    return _padded(head) + data


def _value(kind: int, value: Any) -> bytes:
    if kind == STRING:
        return _string(value)
    if kind == ARRAY:
        item_kind, items = value
        return struct.pack("<IQ", item_kind, len(items)) + b"".join(_value(item_kind, item) for item in items)
    return struct.pack({UINT32: "<I", INT32: "<i", FLOAT32: "<f"}[kind], value)


def _string(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def _padded(raw: bytes) -> bytes:
    return raw + b"\0" * (-len(raw) % ALIGNMENT)
