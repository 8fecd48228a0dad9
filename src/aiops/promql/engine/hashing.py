"""Where limit_ratio draws its line: the hash of a label set, as Prometheus computes it.

Source: https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md (XXH64, seed 0); Prometheus,
`model/labels/labels_stringlabels.go`.
"""

import struct
from typing import Final

from aiops.promql.engine.labels import Labels

MASK: Final = 0xFFFFFFFFFFFFFFFF
PRIMES: Final = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5)
LONG: Final = 255
STRIPE: Final = 32


def sampling_offset(labels: Labels) -> float:
    """A number from 0 to 1 that stays with the label set."""
    return float(xxh64(_encoded(labels))) / float(MASK)


def _encoded(labels: Labels) -> bytes:
    """Each name and value after its length: one byte, or 255 and three bytes."""
    parts = bytearray()
    for text in (text for pair in labels for text in pair):
        raw = text.encode()
        parts += bytes([len(raw)]) if len(raw) < LONG else bytes([LONG]) + len(raw).to_bytes(3, "little")
        parts += raw
    return bytes(parts)


def xxh64(data: bytes) -> int:
    """XXH64 with seed 0."""
    first, second, _, _, fifth = PRIMES
    position, end = 0, len(data)
    if end >= STRIPE:
        lanes = [(first + second) & MASK, second, 0, -first & MASK]
        while position + STRIPE <= end:
            for lane, word in enumerate(struct.unpack_from("<4Q", data, position)):
                lanes[lane] = _round(lanes[lane], word)
            position += STRIPE
        value = sum(_rotated(lane, turn) for lane, turn in zip(lanes, (1, 7, 12, 18), strict=True)) & MASK
        for lane in lanes:
            value = ((value ^ _round(0, lane)) * first + PRIMES[3]) & MASK
    else:
        value = fifth
    return _finished((value + end) & MASK, data, position)


def _finished(value: int, data: bytes, position: int) -> int:
    first, second, third, fourth, fifth = PRIMES
    while position + 8 <= len(data):
        word = int.from_bytes(data[position : position + 8], "little")
        value = (_rotated(value ^ _round(0, word), 27) * first + fourth) & MASK
        position += 8
    if position + 4 <= len(data):
        word = int.from_bytes(data[position : position + 4], "little")
        value = (_rotated(value ^ (word * first & MASK), 23) * second + third) & MASK
        position += 4
    for byte in data[position:]:
        value = _rotated(value ^ (byte * fifth & MASK), 11) * first & MASK
    for shift, prime in ((33, second), (29, third)):
        value = (value ^ (value >> shift)) * prime & MASK
    return value ^ (value >> 32)


def _round(lane: int, word: int) -> int:
    return _rotated((lane + word * PRIMES[1]) & MASK, 31) * PRIMES[0] & MASK


def _rotated(value: int, turn: int) -> int:
    return ((value << turn) | (value >> (64 - turn))) & MASK
