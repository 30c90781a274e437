"""Record batches (magic 2) in plain Python, for the few that the broker itself writes or looks into.

These are the coordinators' own records and, for compacted topics, the keys of what clients produce. Whatever passes
in bulk is handled by its header alone. Format: https://kafka.apache.org/documentation/#recordbatch
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from crc32c import crc32c

from riacho.host import Buffer

HEADER_SIZE = 61
_HEAD = struct.Struct(">qiibIhiqqqhii")
_AFTER_CRC = struct.Struct(">hiqqqhii")
_CODEC_MASK = 0x07
NO_PRODUCER = (-1, -1, -1)
"""Producer id, epoch and base sequence of a batch that is not idempotent."""


class MalformedRecordError(Exception):
    """The records do not follow the format, or contradict their batch's header."""


class Record(NamedTuple):
    key: bytes | None
    value: bytes | None


def encode_batch(records: Sequence[tuple[bytes | None, bytes | None]], timestamp_ms: int) -> bytearray:
    """One uncompressed batch at base offset 0, every record stamped `timestamp_ms`.

    >>> batch = encode_batch([(b"k", b"v"), (b"k", None)], timestamp_ms=5)
    >>> list(decode_records(batch))
    [Record(key=b'k', value=b'v'), Record(key=b'k', value=None)]
    """
    assert records, "a batch has at least one record"
    body = bytearray()
    for delta, (key, value) in enumerate(records):
        record = bytearray(b"\0\0")  # attributes; timestamp delta 0
        _put_varint(record, delta)
        _put_bytes(record, key)
        _put_bytes(record, value)
        record.append(0)  # no headers
        _put_varint(body, len(record))
        body += record
    last_delta = len(records) - 1
    rest = _AFTER_CRC.pack(0, last_delta, timestamp_ms, timestamp_ms, *NO_PRODUCER, len(records)) + body
    length = len(rest) + HEADER_SIZE - _AFTER_CRC.size - 12
    return bytearray(struct.pack(">qiibI", 0, length, -1, 2, crc32c(rest)) + rest)


def decode_records(data: Buffer) -> Iterator[Record]:
    """The records of one batch or of several. Raises `MalformedRecordError`."""
    position = 0
    view = memoryview(data)
    while position < len(view):
        if len(view) - position < HEADER_SIZE:
            raise MalformedRecordError("a batch ends within its header")
        head = _HEAD.unpack_from(view, position)
        end = position + 12 + head[1]
        if head[3] != 2 or end > len(view):
            raise MalformedRecordError("not a whole batch of magic 2")
        attributes, count = head[5], head[12]
        records = _decompress(view[position + HEADER_SIZE : end], attributes & _CODEC_MASK)
        yield from _records(records, count)
        position = end


def _records(data: Buffer, count: int) -> Iterator[Record]:
    position = 0
    try:
        for _ in range(count):
            length, position = _varint(data, position)
            end = position + length
            if length < 0 or end > len(data):
                raise MalformedRecordError("a record reaches past its batch")
            position += 1  # attributes
            _, position = _varint(data, position)  # timestamp delta
            _, position = _varint(data, position)  # offset delta
            key, position = _bytes(data, position)
            value, position = _bytes(data, position)
            if position > end:
                raise MalformedRecordError("a record's fields reach past its end")
            yield Record(key, value)
            position = end
    except IndexError as error:
        raise MalformedRecordError("a record ends within a number") from error


def _decompress(data: memoryview, codec: int) -> Buffer:
    if codec == 0:
        return data
    import cramjam

    try:
        match codec:
            case 1:
                return bytes(cramjam.gzip.decompress(data))
            case 2:
                return _snappy(bytes(data))
            case 3:
                return bytes(cramjam.lz4.decompress(data))
            case 4:
                return bytes(cramjam.zstd.decompress(data))
            case _:
                raise MalformedRecordError(f"there is no compression codec {codec}")
    except cramjam.DecompressionError as error:
        raise MalformedRecordError(f"the records cannot be decompressed: {error}") from error


_XERIAL_MAGIC = b"\x82SNAPPY\0"
_XERIAL_HEADER = 16
"""Java's and librdkafka's snappy comes in xerial's framing: a header, then blocks, each after its length."""


def _snappy(data: bytes) -> bytes:
    import cramjam

    if not data.startswith(_XERIAL_MAGIC):
        return bytes(cramjam.snappy.decompress_raw(data))
    blocks = []
    position = _XERIAL_HEADER
    while position + 4 <= len(data):
        (size,) = struct.unpack_from(">i", data, position)
        blocks.append(bytes(cramjam.snappy.decompress_raw(data[position + 4 : position + 4 + size])))
        position += 4 + size
    return b"".join(blocks)


def _bytes(data: Buffer, position: int) -> tuple[bytes | None, int]:
    length, position = _varint(data, position)
    if length < 0:
        return None, position
    return bytes(data[position : position + length]), position + length


def _varint(data: Buffer, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), position
        shift += 7


def _put_varint(out: bytearray, value: int) -> None:
    value = (value << 1) ^ (value >> 63)
    while value > 0x7F:
        out.append((value & 0x7F) | 0x80)
        value >>= 7
    out.append(value)


def _put_bytes(out: bytearray, value: bytes | None) -> None:
    if value is None:
        _put_varint(out, -1)
    else:
        _put_varint(out, len(value))
        out += value
