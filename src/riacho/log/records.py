"""Timestamps inside one batch, for the rare question that its header cannot answer: which record came first."""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import Final

from riacho.host import Buffer
from riacho.log.header import HEADER_BYTES, BatchHeader, Codec

_XERIAL_MAGIC: Final = b"\x82SNAPPY\x00"
_XERIAL_HEADER_BYTES: Final = 16
_BLOCK_LENGTH: Final = Struct(">i")


def first_at_or_after(batch: Buffer, timestamp_ms: int, start_offset: int) -> tuple[int, int] | None:
    """The (offset, timestamp) of the first record not older than `timestamp_ms` and not before `start_offset`.

    Records that cannot be read are judged by their batch: its base offset and largest timestamp.
    """
    header = BatchHeader.parse(batch)
    if header.is_log_append_time:
        stamps: Iterator[tuple[int, int]] = (
            (delta, header.max_timestamp) for delta in range(header.last_offset_delta + 1)
        )
    else:
        stamps = _timestamps(batch, header)
    try:
        for offset_delta, timestamp in stamps:
            offset = header.base_offset + offset_delta
            if timestamp >= timestamp_ms and offset >= start_offset:
                return offset, timestamp
    except _Unreadable:
        return max(header.base_offset, start_offset), header.max_timestamp
    return None


class _Unreadable(Exception):  # noqa: N818 - it never leaves this module
    """The records contradict their batch's header."""


def _timestamps(batch: Buffer, header: BatchHeader) -> Iterator[tuple[int, int]]:
    """Each record's offset delta and timestamp."""
    records = _decompress(memoryview(batch)[HEADER_BYTES : header.size], header.codec)
    position = 0
    for _ in range(header.record_count):
        length, position = _varint(records, position)
        timestamp_delta, after = _varint(records, position + 1)  # one byte of attributes
        offset_delta, _ = _varint(records, after)
        yield offset_delta, header.base_timestamp + timestamp_delta
        if length <= 0:
            raise _Unreadable
        position += length


def _varint(data: Buffer, position: int) -> tuple[int, int]:
    value = shift = 0
    try:
        while True:
            byte = data[position]
            position += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return (value >> 1) ^ -(value & 1), position
            shift += 7
    except IndexError as error:
        raise _Unreadable from error


def _decompress(records: memoryview, codec: int) -> Buffer:
    if codec == Codec.NONE:
        return records
    import cramjam  # loaded by the first question about a compressed batch

    try:
        match codec:
            case Codec.GZIP:
                return bytes(cramjam.gzip.decompress(records))
            case Codec.SNAPPY:
                return b"".join(bytes(cramjam.snappy.decompress_raw(block)) for block in _snappy_blocks(records))
            case Codec.LZ4:
                return bytes(cramjam.lz4.decompress(records))
            case Codec.ZSTD:
                return bytes(cramjam.zstd.decompress(records))
            case _:
                raise _Unreadable
    except cramjam.DecompressionError as error:
        raise _Unreadable from error


def _snappy_blocks(records: memoryview) -> Iterator[memoryview]:
    """Java's and librdkafka's clients frame snappy as xerial does: a header, then blocks after their lengths."""
    if not bytes(records[:_XERIAL_HEADER_BYTES]).startswith(_XERIAL_MAGIC):
        yield records
        return
    position = _XERIAL_HEADER_BYTES
    while position + _BLOCK_LENGTH.size <= len(records):
        (length,) = _BLOCK_LENGTH.unpack_from(records, position)
        position += _BLOCK_LENGTH.size
        yield records[position : position + length]
        position += length
