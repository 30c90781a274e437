"""Kafka's record batch, format 2: bytes to columns and columns to bytes.

The fields are those of https://kafka.apache.org/documentation/#recordbatch. Reading takes two steps, because
decompression happens between them, outside these kernels: `scan_batches` lists the batches of a buffer, one row of
numbers each; `decode_records` then checks their sums and reads the records of those that are wanted. Neither trusts
a byte: a contradiction ends them with a code of `Fault` and its position in the buffer.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.batch_sums import crc32c
from riacho.kernels.compile import BYTES, READ_BOOL, READ_INT32, READ_INT64, inner, kernel
from riacho.kernels.primitives import (
    copy_bytes,
    int64,
    read_int16,
    read_int32,
    read_int64,
    read_varint,
    uint64,
    varint_size,
    write_varint,
)

Bytes = NDArray[np.uint8]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]
Bools = NDArray[np.bool_]

HEADER_SIZE: Final = 61
"""Bytes of a batch before its first record."""
LENGTH_END: Final = 12
"""Bytes of a batch that its length field does not count: the base offset and the length."""
CRC_POSITION: Final = 17
CRC_START: Final = 21
"""Where the checksummed part of a batch begins: at its attributes."""
MINIMAL_RECORD: Final = 7
"""Bytes of the smallest record: seven fields of one byte."""

CODEC_MASK: Final = 0x07
LOG_APPEND_TIME: Final = 0x08
TRANSACTIONAL: Final = 0x10
CONTROL: Final = 0x20

# The columns of a scanned batch.
POSITION: Final = 0
END: Final = 1
BASE_OFFSET: Final = 2
NEXT_OFFSET: Final = 3
LEADER_EPOCH: Final = 4
ATTRIBUTES: Final = 5
BASE_TIMESTAMP: Final = 6
MAX_TIMESTAMP: Final = 7
PRODUCER_ID: Final = 8
COUNT: Final = 9
RECORDS: Final = 10
RECORDS_END: Final = 11
BATCH_FIELDS: Final = 12

# The rows of the two arrays that `decode_records` fills.
OFFSET: Final = 0
TIMESTAMP: Final = 1
KEY_START: Final = 2
VALUE_START: Final = 3
HEADER_START: Final = 4
WIDE_FIELDS: Final = 5
KEY_LENGTH: Final = 0
VALUE_LENGTH: Final = 1
HEADER_LENGTH: Final = 2
HEADER_COUNT: Final = 3
NARROW_FIELDS: Final = 4


NO_END: Final = (1 << 63) - 1
"""An offset past all others: every record is wanted."""


class Fault(IntEnum):
    """What was wrong with the bytes; 0 where nothing was."""

    NONE = 0
    MAGIC = 1
    BATCH_LENGTH = 2
    RECORD_COUNT = 3
    RECORD_LENGTH = 4
    VARINT = 5
    FIELD_LENGTH = 6
    OFFSET_DELTA = 7
    HEADER_COUNT = 8
    TRAILING_BYTES = 9
    CHECKSUM = 10


# Kernels take plain integers as constants, not members of an enumeration.
_MAGIC: Final = 1
_BATCH_LENGTH: Final = 2
_RECORD_COUNT: Final = 3
_RECORD_LENGTH: Final = 4
_VARINT: Final = 5
_FIELD_LENGTH: Final = 6
_OFFSET_DELTA: Final = 7
_HEADER_COUNT: Final = 8
_TRAILING_BYTES: Final = 9
_CHECKSUM: Final = 10


@kernel(f"UniTuple(int64, 3)({BYTES}, int64, int64[:, ::1])")
def scan_batches(data: Bytes, position: int, batches: Int64s) -> tuple[int, int, int]:
    """List the whole batches of a buffer from `position`, as many as `batches` has rows: (count, fault, position).

    The position is where the next batch begins; a batch that the buffer's end cuts off is left out without a
    fault, as a fetch may end so. `RECORDS` and `RECORDS_END` bound the records as they are, compressed or not.
    """
    count = 0
    while count < batches.shape[0] and position + HEADER_SIZE <= data.size:
        length = read_int32(data, position + 8)
        if data[position + 16] != 2:
            return count, _MAGIC, position
        if length < HEADER_SIZE - LENGTH_END:
            return count, _BATCH_LENGTH, position
        end = position + LENGTH_END + length
        if end > data.size:
            break
        records = read_int32(data, position + 57)
        last_offset_delta = read_int32(data, position + 23)
        if records < 0 or last_offset_delta < 0:
            return count, _RECORD_COUNT, position
        batch = batches[count]
        batch[POSITION] = position
        batch[END] = end
        batch[BASE_OFFSET] = read_int64(data, position)
        batch[NEXT_OFFSET] = batch[BASE_OFFSET] + last_offset_delta + 1
        batch[LEADER_EPOCH] = read_int32(data, position + 12)
        batch[ATTRIBUTES] = read_int16(data, position + 21)
        batch[BASE_TIMESTAMP] = read_int64(data, position + 27)
        batch[MAX_TIMESTAMP] = read_int64(data, position + 35)
        batch[PRODUCER_ID] = read_int64(data, position + 43)
        batch[COUNT] = records
        batch[RECORDS] = position + HEADER_SIZE
        batch[RECORDS_END] = end
        count += 1
        position = end
    return count, 0, position


@inner
def _varint(data: Bytes, position: int, end: int) -> tuple[int, int]:
    """`read_varint`, with the one and two byte forms first: nearly all numbers in a record are these."""
    if position < end:
        first = int64(data[uint64(position)])  # unsigned: no test for an index from the end
        if first < 0x80:
            return (first >> 1) ^ -(first & 1), position + 1
        if position + 1 < end:
            second = int64(data[uint64(position + 1)])
            if second < 0x80:
                raw = (first & 0x7F) | (second << 7)
                return (raw >> 1) ^ -(raw & 1), position + 2
    return read_varint(data, position, end)


@kernel(f"UniTuple(int64, 3)({BYTES}, int64[:, ::1], {READ_BOOL}, int64, int64, boolean, int64[:, ::1], int32[:, ::1])")
def decode_records(
    data: Bytes,
    batches: Int64s,
    wanted: Bools,
    from_offset: int,
    until_offset: int,
    sums: bool,
    wide: Int64s,
    narrow: Int32s,
) -> tuple[int, int, int]:
    """Read the records of the `wanted` batches, uncompressed, with `from_offset` <= offset < `until_offset`.

    Returns (count, fault, position). The `sums` of all batches, wanted or not, are checked where that is asked for.
    `wide` and `narrow` have room for every record that is wanted; their rows are named above. Starts are positions in
    `data`; the length of a null key or value is -1. The headers' bytes begin after their count and are not read.
    """
    row = 0
    for index in range(batches.shape[0]):
        batch = batches[index]
        if sums:
            position = batch[POSITION]
            stored = int64(read_int32(data, position + CRC_POSITION)) & 0xFFFFFFFF
            if int64(crc32c(data, position + CRC_START, batch[END])) != stored:
                return row, _CHECKSUM, position
        if not wanted[index]:
            continue
        position = batch[RECORDS]
        batch_end = batch[RECORDS_END]
        count = batch[COUNT]
        if count > (batch_end - position) // MINIMAL_RECORD or row + count > wide.shape[1]:
            return row, _RECORD_COUNT, position
        base_offset = batch[BASE_OFFSET]
        next_offset = batch[NEXT_OFFSET]
        base_timestamp = batch[BASE_TIMESTAMP]
        appended = (batch[ATTRIBUTES] & LOG_APPEND_TIME) != 0
        append_time = batch[MAX_TIMESTAMP]
        for _ in range(count):
            length, body = _varint(data, position, batch_end)
            if body < 0:
                return row, _VARINT, position
            if length < MINIMAL_RECORD - 1 or length > batch_end - body:
                return row, _RECORD_LENGTH, position
            end = body + length
            timestamp_delta, at = _varint(data, body + 1, end)
            if at < 0:
                return row, _VARINT, position
            offset_delta, at = _varint(data, at, end)
            if at < 0:
                return row, _VARINT, position
            key_length, key_start = _varint(data, at, end)
            if key_start < 0:
                return row, _VARINT, position
            if key_length < -1 or key_length > end - key_start:
                return row, _FIELD_LENGTH, position
            at = key_start + max(key_length, 0)
            value_length, value_start = _varint(data, at, end)
            if value_start < 0:
                return row, _VARINT, position
            if value_length < -1 or value_length > end - value_start:
                return row, _FIELD_LENGTH, position
            at = value_start + max(value_length, 0)
            headers, header_start = _varint(data, at, end)
            if header_start < 0:
                return row, _VARINT, position
            if headers < 0 or headers > (end - header_start) // 2:
                return row, _HEADER_COUNT, position
            if headers == 0 and header_start != end:
                return row, _TRAILING_BYTES, position
            offset = base_offset + offset_delta
            if offset_delta < 0 or offset >= next_offset:
                return row, _OFFSET_DELTA, position
            position = end
            if offset < from_offset or offset >= until_offset:
                continue
            wide[OFFSET, row] = offset
            wide[TIMESTAMP, row] = append_time if appended else base_timestamp + timestamp_delta
            wide[KEY_START, row] = key_start
            wide[VALUE_START, row] = value_start
            wide[HEADER_START, row] = header_start
            narrow[KEY_LENGTH, row] = key_length
            narrow[VALUE_LENGTH, row] = value_length
            narrow[HEADER_LENGTH, row] = end - header_start
            narrow[HEADER_COUNT, row] = headers
            row += 1
        if position != batch_end:
            return row, _TRAILING_BYTES, position
    return row, 0, 0


@kernel(f"UniTuple(int64, 2)({BYTES}, {READ_INT64}, {READ_INT32}, {READ_INT32}, int64[:, ::1])")
def decode_headers(data: Bytes, start: Int64s, length: Int32s, count: Int32s, out: Int64s) -> tuple[int, int]:
    """Read the headers of records, in order: (fault, position).

    `out` has a row for each header, sum(count) in all: record, name start, name length, value start, value length.
    """
    row = 0
    for record in range(start.size):
        position = start[record]
        end = position + length[record]
        for _ in range(count[record]):
            name_length, name_start = _varint(data, position, end)
            if name_start < 0:
                return _VARINT, position
            if name_length < 0 or name_length > end - name_start:
                return _FIELD_LENGTH, position
            value_length, value_start = _varint(data, name_start + name_length, end)
            if value_start < 0:
                return _VARINT, position
            if value_length < -1 or value_length > end - value_start:
                return _FIELD_LENGTH, position
            out[row, 0] = record
            out[row, 1] = name_start
            out[row, 2] = name_length
            out[row, 3] = value_start
            out[row, 4] = value_length
            row += 1
            position = value_start + max(value_length, 0)
        if position != end:
            return _TRAILING_BYTES, position
    return 0, 0


@kernel(
    f"UniTuple(int64, 3)(uint8[::1], int64, int64, int64, {READ_INT64}, int64, {READ_INT64}, "
    f"{BYTES}, {READ_INT64}, {READ_INT32}, {BYTES}, {READ_INT64}, {READ_INT32}, "
    f"{BYTES}, {READ_INT64}, {READ_INT32}, {READ_INT32})"
)
def encode_records(
    out: Bytes,
    position: int,
    first_delta: int,
    base_timestamp: int,
    rows: Int64s,
    first_row: int,
    timestamp: Int64s,
    key_data: Bytes,
    key_start: Int64s,
    key_length: Int32s,
    value_data: Bytes,
    value_start: Int64s,
    value_length: Int32s,
    header_data: Bytes,
    header_start: Int64s,
    header_length: Int32s,
    header_count: Int32s,
) -> tuple[int, int, int]:
    """Write the records `rows[first_row:]` from `position`, as many as fit: (written, end, greatest timestamp).

    `first_delta` is the first record's offset delta, `base_timestamp` the batch's. A column of no elements stands
    for null keys, null values, or no headers. The greatest timestamp is the smallest integer where none was written.
    """
    greatest = int64(-0x8000000000000000)
    written = 0
    for index in range(first_row, rows.size):
        row = rows[index]
        delta = timestamp[row] - base_timestamp
        key = int64(key_length[row]) if key_length.size else int64(-1)
        value = int64(value_length[row]) if value_length.size else int64(-1)
        headers = int64(header_count[row]) if header_count.size else int64(0)
        header_bytes = int64(header_length[row]) if header_count.size else int64(0)
        offset_delta = first_delta + written
        length = (
            1
            + varint_size(delta)
            + varint_size(offset_delta)
            + varint_size(key)
            + max(key, 0)
            + varint_size(value)
            + max(value, 0)
            + varint_size(headers)
            + header_bytes
        )
        if position + varint_size(length) + length > out.size:
            break
        position = write_varint(out, position, length)
        out[position] = 0
        position = write_varint(out, position + 1, delta)
        position = write_varint(out, position, offset_delta)
        position = write_varint(out, position, key)
        if key > 0:
            copy_bytes(out, position, key_data, key_start[row], key)
            position += key
        position = write_varint(out, position, value)
        if value > 0:
            copy_bytes(out, position, value_data, value_start[row], value)
            position += value
        position = write_varint(out, position, headers)
        if header_bytes > 0:
            copy_bytes(out, position, header_data, header_start[row], header_bytes)
            position += header_bytes
        greatest = max(greatest, timestamp[row])
        written += 1
    return written, position, greatest


@kernel(f"void(int32[::1], int64, {READ_INT32})")
def add_header_sizes(size: Int32s, name_length: int, value_length: Int32s) -> None:
    """Add to each record's header bytes what one more header takes: its name, its value, both lengths."""
    name = varint_size(name_length) + name_length
    for row in range(size.size):
        value = int64(value_length[row])
        size[row] += name + varint_size(value) + max(value, 0)


@kernel(f"void(uint8[::1], int64[::1], {BYTES}, {BYTES}, {READ_INT64}, {READ_INT32})")
def write_headers(out: Bytes, position: Int64s, name: Bytes, data: Bytes, start: Int64s, length: Int32s) -> None:
    """Write one header of every record at its `position`, and move that to the header's end."""
    for row in range(position.size):
        at = write_varint(out, position[row], name.size)
        copy_bytes(out, at, name, 0, name.size)
        at = write_varint(out, at + name.size, length[row])
        value = max(int64(length[row]), 0)
        copy_bytes(out, at, data, start[row], value)
        position[row] = at + value
