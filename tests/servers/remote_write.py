"""Prometheus's remote write, version 1: how tests put samples of any past time into a real server.

Unlike `promtool tsdb create-blocks-from openmetrics` it can write staleness markers, which every real server holds, and
native histograms. The protobuf message is small enough to be written here; snappy's format allows a body that is not
compressed at all.

Protocol: https://prometheus.io/docs/specs/prw/remote_write_spec/; snappy's format description.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tests.servers.loopback import request

LITERAL_BYTES: Final = 60_000


@dataclass(frozen=True)
class NativeHistogram:
    """A histogram sample. `buckets` are counts of neighbouring buckets, of which bucket 0 ends at 1.

    With schema 0 each bucket ends at twice the end of the one before.
    """

    buckets: Sequence[int]
    total: float

    def message(self, at: int) -> bytes:
        """Count, sum, schema 0, a span from bucket 0 on, and the counts as steps from one to the next."""
        steps = [count - before for before, count in zip([0, *self.buckets], self.buckets, strict=False)]
        return b"".join(
            (
                b"\x08" + _varint(sum(self.buckets)),
                b"\x19" + struct.pack("<d", self.total),
                _field(11, b"\x08\x00\x10" + _varint(len(self.buckets))),
                _field(12, b"".join(_varint(step << 1 if step >= 0 else ~(step << 1)) for step in steps)),
                b"\x78" + _varint(at),
            )
        )


Series = tuple[Mapping[str, str], Sequence[tuple[int, float]]]
# A series may have samples of either kind.
AnySeries = tuple[Mapping[str, str], Sequence[tuple[int, float | NativeHistogram]]]


def write(port: int, series: Iterable[AnySeries]) -> None:
    """Send series of (milliseconds, value or histogram) to a Prometheus with a remote write receiver, in one request.

    Raises `RuntimeError` with the server's reason when it refuses any of them.
    """
    message = b"".join(_field(1, _time_series(labels, samples)) for labels, samples in series)
    headers = {
        "Content-Encoding": "snappy",
        "Content-Type": "application/x-protobuf",
        "X-Prometheus-Remote-Write-Version": "0.1.0",
    }
    status, answer = request(port, "/api/v1/write", method="POST", body=_snappy(message), headers=headers, timeout_s=60)
    if status // 100 != 2:
        raise RuntimeError(f"Prometheus answered {status} to a remote write: {answer[:500]!r}")


def _time_series(labels: Mapping[str, str], samples: Sequence[tuple[int, float | NativeHistogram]]) -> bytes:
    parts = [_field(1, _field(1, name.encode()) + _field(2, labels[name].encode())) for name in sorted(labels)]
    parts += [
        _field(4, value.message(at))
        if isinstance(value, NativeHistogram)
        else _field(2, b"\x09" + struct.pack("<d", value) + b"\x10" + _varint(at))
        for at, value in samples
    ]
    return b"".join(parts)


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    found = bytearray()
    while number >= 0x80:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def _snappy(content: bytes) -> bytes:
    """The content as literals: length, then pieces that each name theirs in two bytes."""
    pieces = [content[at : at + LITERAL_BYTES] for at in range(0, len(content), LITERAL_BYTES)]
    return _varint(len(content)) + b"".join(b"\xf4" + struct.pack("<H", len(piece) - 1) + piece for piece in pieces)
