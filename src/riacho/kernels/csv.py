"""Find the fields of CSV lines. Source: RFC 4180; leniency is Jackson's CsvParser, which Flink uses."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import BYTES, READ_INT32, READ_INT64, inner, kernel
from riacho.kernels.primitives import int64, utf8_length
from riacho.kernels.tokens import ESCAPED, MISSING, STRING

Bytes = NDArray[np.uint8]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]

NONE: Final = -1
"""In place of a character: there is no such one."""


class Fault(IntEnum):
    """Why a record is no line of the table; 0 where it is."""

    NONE = 0
    SKIPPED = 1
    """Nothing is wrong: an empty record or a comment."""
    TOO_FEW = 2
    TOO_MANY = 3
    UNTERMINATED = 4
    AFTER_QUOTE = 5
    BAD_UTF8 = 6


@inner
def _is_utf8(data: Bytes, start: int, end: int) -> bool:
    while start < end:
        if data[start] < 0x80:
            start += 1
            continue
        length = utf8_length(data, start, end)
        if length == 0:
            return False
        start += length
    return True


@kernel(
    f"void({BYTES}, {READ_INT64}, {READ_INT32}, int64, int64, int64, boolean, boolean, {READ_INT32}, int64[:, ::1], "
    "int32[:, ::1], uint8[:, ::1], uint8[::1], int64[::1])"
)
def locate(
    data: Bytes,
    starts: Int64s,
    lengths: Int32s,
    delimiter: int,
    quote: int,
    escape: int,
    comments: bool,
    few_are_fine: bool,
    slots: Int32s,
    out_start: Int64s,
    out_length: Int32s,
    out_kind: Bytes,
    faults: Bytes,
    counts: Int64s,
) -> None:
    """Where the fields of each line are; `slots` names the slot of each column, or -1 where it is not wanted.

    A field with doubled quotes or escapes is ESCAPED. `counts` gets the number of fields. What follows a line's
    end is not looked at; one delimiter after the last column is allowed.
    """
    for row in range(starts.size):
        faults[row] = 0
        counts[row] = 0
        for slot in range(out_kind.shape[0]):
            out_kind[slot, row] = MISSING
        if lengths[row] < 0:
            continue
        position = starts[row]
        end = position + int64(lengths[row])
        if position == end or data[position] == 10 or data[position] == 13 or (comments and data[position] == 35):
            faults[row] = 1
            continue
        column = int64(0)
        fault = int64(0)
        while True:
            kind = STRING
            first = position
            if quote >= 0 and position < end and data[position] == quote:
                first = position + 1
                position = first
                closed = False
                while position < end:
                    byte = int64(data[position])
                    if escape >= 0 and byte == escape:
                        kind = ESCAPED
                        position += 2
                    elif byte == quote:
                        if position + 1 < end and data[position + 1] == quote:
                            kind = ESCAPED
                            position += 2
                        else:
                            closed = True
                            break
                    else:
                        position += 1
                if not closed:
                    fault = int64(4)
                    break
                stop = position
                position += 1
                while position < end and data[position] == 32 and delimiter != 32:
                    position += 1
                if position < end and not (data[position] == delimiter or data[position] == 10 or data[position] == 13):
                    fault = int64(5)
                    break
            else:
                while position < end:
                    byte = int64(data[position])
                    if byte == delimiter or byte == 10 or byte == 13:
                        break
                    if escape >= 0 and byte == escape:
                        kind = ESCAPED
                        position += 1
                    position += 1
                position = min(position, end)
                stop = position
            at_end = position >= end or data[position] != delimiter
            if column >= slots.size:
                if not (at_end and stop == first and column == slots.size):
                    fault = int64(3)
                    break
                break
            slot = int64(slots[column])
            if slot >= 0:
                if not _is_utf8(data, first, stop):
                    fault = int64(6)
                    break
                out_start[slot, row] = first
                out_length[slot, row] = stop - first
                out_kind[slot, row] = kind
            column += 1
            if at_end:
                break
            position += 1
        counts[row] = column
        if fault == 0 and column < slots.size and not few_are_fine:
            fault = int64(2)
        if fault != 0:
            faults[row] = fault
            for slot in range(out_kind.shape[0]):
                out_kind[slot, row] = MISSING


@kernel(f"int64({BYTES}, int64, int64, int64, int64, uint8[::1])")
def unescape(data: Bytes, start: int, end: int, quote: int, escape: int, out: Bytes) -> int:
    """The text of one ESCAPED field; its length, never more than the source's."""
    used = int64(0)
    while start < end:
        byte = int64(data[start])
        start += 1
        if escape >= 0 and byte == escape and start < end:
            byte = int64(data[start])
            start += 1
            if byte == 110:
                byte = int64(10)
            elif byte == 114:
                byte = int64(13)
            elif byte == 116:
                byte = int64(9)
            elif byte == 48:
                byte = int64(0)
        elif byte == quote and start < end and data[start] == quote:
            start += 1
        out[used] = byte
        used += 1
    return used


@kernel(f"int64({BYTES}, {READ_INT64}, {READ_INT32}, {BYTES}, {BYTES}, int64[::1], int64[::1], int32[::1])")
def split(
    data: Bytes,
    starts: Int64s,
    lengths: Int32s,
    kinds: Bytes,
    delimiter: Bytes,
    offsets: Int64s,
    out_start: Int64s,
    out_length: Int32s,
) -> int:
    """The parts of each STRING between delimiters; the empty text has none. Returns their number.

    `offsets` (one more than rows) gets the running total; with empty `out_start` the parts are only counted.
    """
    total = int64(0)
    size = delimiter.size
    for row in range(starts.size):
        offsets[row] = total
        if kinds[row] != STRING or lengths[row] == 0:
            continue
        first = starts[row]
        end = first + int64(lengths[row])
        position = first
        while True:
            found = False
            while position + size <= end:
                found = True
                for i in range(size):
                    if data[position + i] != delimiter[i]:
                        found = False
                        break
                if found:
                    break
                position += 1
            stop = position if found else end
            if out_start.size:
                out_start[total] = first
                out_length[total] = stop - first
            total += 1
            if not found:
                break
            position += size
            first = position
    offsets[starts.size] = total
    return total
