"""Record batches for the log's tests, built from the format's description alone."""

from __future__ import annotations

from uuid import UUID

from crc32c import crc32c

from riacho.log.header import ATTRIBUTES_AT, BatchHeader

NOW_MS = 1_700_000_000_000
TOPIC_ID = UUID(int=1)


def _varint(value: int) -> bytes:
    value = (value << 1) ^ (value >> 63)
    out = bytearray()
    while value > 0x7F:
        out.append((value & 0x7F) | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def records(values: list[bytes], timestamps: list[int], base_timestamp: int) -> bytes:
    """Records without keys and headers."""
    out = b""
    for delta, (value, timestamp) in enumerate(zip(values, timestamps, strict=True)):
        body = b"\0" + _varint(timestamp - base_timestamp) + _varint(delta) + _varint(-1)
        body += _varint(len(value)) + value + b"\0"
        out += _varint(len(body)) + body
    return out


def batch_of(
    values: list[bytes],
    *,
    timestamps: list[int] | None = None,
    producer: tuple[int, int, int] = (-1, -1, -1),
    attributes: int = 0,
    base_offset: int = 0,
    payload: bytes | None = None,
) -> bytearray:
    """One batch as a client sends it. `producer` is (id, epoch, base sequence); `payload` replaces the records."""
    stamps = timestamps or [NOW_MS] * len(values)
    body = records(values, stamps, stamps[0]) if payload is None else payload
    header = BatchHeader(
        base_offset,
        49 + len(body),
        -1,
        2,
        0,
        attributes,
        len(values) - 1,
        stamps[0],
        max(stamps),
        *producer,
        len(values),
    )
    batch = bytearray(header.pack() + body)
    return seal(batch)


def seal(batch: bytearray) -> bytearray:
    """Give a batch that was changed its right checksum."""
    batch[17:21] = crc32c(bytes(batch[ATTRIBUTES_AT:])).to_bytes(4, "big")
    return batch
