"""Texts as Arrow string views, and JSON strings without their escapes."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import BYTES, READ_INT32, READ_INT64, inlined, inner, kernel
from riacho.kernels.primitives import int64, prefetch, uint64, unescape_json
from riacho.kernels.tokens import ABSENT, BAD, DECIMAL, ESCAPED, HARD, MISSING, NULL, SPANS, STRING, TRUE, VALUE

Bytes = NDArray[np.uint8]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]


AHEAD: Final = 16
"""So many rows on, the text is brought into the caches: the records that hold it have left the inner ones."""


@inlined
def _word32(data: Bytes, start: int, count: int) -> int:
    """Up to four bytes as a little-endian number, the missing ones 0."""
    word = int64(0)
    for i in range(count):
        word |= int64(data[start + i]) << (8 * i)
    return word


@inlined
def _place_view(views: Int32s, row: int, data: Bytes, start: int, length: int, buffer: int) -> None:
    """Up to 12 bytes stand in the view itself; a longer text has its first 4 there, its buffer and its offset."""
    base = 4 * row
    views[base] = length
    if length > 12:
        views[base + 1] = _word32(data, start, int64(4))
        views[base + 2] = buffer
        views[base + 3] = start
    else:
        views[base + 1] = _word32(data, start, min(length, int64(4)))
        views[base + 2] = _word32(data, start + 4, min(length - 4, int64(4)))
        views[base + 3] = _word32(data, start + 8, min(length - 8, int64(4)))


@kernel(f"int64({SPANS}, int64, int64, int32[::1], uint8[::1], uint8[::1])")
def view_strings(
    data: Bytes,
    starts: Int64s,
    lengths: Int32s,
    kinds: Bytes,
    data_number: int,
    side_number: int,
    views: Int32s,
    side: Bytes,
    status: Bytes,
) -> int:
    """Arrow string views of four words a row: into `data`, or into `side` without escapes.

    The numbers are those of the buffers in the column. Numbers and booleans are their own text; containers are
    HARD. `side` must be as long as all ESCAPED spans together. Returns how many rows hold no value.
    """
    others = int64(0)
    used = int64(0)
    for row in range(starts.size):
        if row + AHEAD < starts.size:
            prefetch(data, starts[row + AHEAD])
        kind = kinds[row]
        outcome = VALUE
        if kind == STRING or (kind >= TRUE and kind <= DECIMAL):
            _place_view(views, row, data, starts[row], int64(lengths[row]), data_number)
        elif kind == ESCAPED:
            stop = unescape_json(data, starts[row], starts[row] + int64(lengths[row]), side, used)
            _place_view(views, row, side, used, stop - used, side_number)
            used = stop
        else:
            outcome = ABSENT if kind == NULL or kind == MISSING else HARD
            others += 1
            for word in range(4):
                views[4 * row + word] = 0
        status[row] = outcome
    return others


_NO_DIGIT: Final = 255
_BASE64: Final = np.full(256, _NO_DIGIT, np.uint8)
for _value, _character in enumerate(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"):
    _BASE64[_character] = _value
del _value, _character


@inner
def _decode_base64(data: Bytes, position: int, end: int, out: Bytes, used: int) -> int:
    """Write what a base64 text stands for; the position after it, or -1. White space between digits is skipped."""
    bits = uint64(0)
    digits = int64(0)
    padding = int64(0)
    while position < end:
        byte = data[position]
        position += 1
        if byte <= 32:
            continue
        if byte == 61:
            padding += 1
            continue
        digit = _BASE64[byte]
        if digit == _NO_DIGIT or padding:
            return int64(-1)
        bits = (bits << uint64(6)) | uint64(digit)
        digits += 1
        if digits & 3 == 0:
            out[used] = (bits >> uint64(16)) & uint64(255)
            out[used + 1] = (bits >> uint64(8)) & uint64(255)
            out[used + 2] = bits & uint64(255)
            used += 3
    rest = digits & 3
    if rest == 1 or (rest != 0 and padding != 4 - rest) or (rest == 0 and padding):
        return int64(-1)
    if rest >= 2:
        bits <<= uint64(6 * (4 - rest))
        out[used] = (bits >> uint64(16)) & uint64(255)
        used += 1
        if rest == 3:
            out[used] = (bits >> uint64(8)) & uint64(255)
            used += 1
    return used


@kernel(f"int64({SPANS}, int64, int32[::1], uint8[::1], uint8[::1])")
def view_base64(
    data: Bytes,
    starts: Int64s,
    lengths: Int32s,
    kinds: Bytes,
    side_number: int,
    views: Int32s,
    side: Bytes,
    status: Bytes,
) -> int:
    """Views of the bytes that base64 texts stand for, written to `side`, which is that buffer of the column.

    Returns how many rows hold no value.
    """
    others = int64(0)
    used = int64(0)
    for row in range(starts.size):
        kind = kinds[row]
        outcome = BAD
        if kind == STRING:
            stop = _decode_base64(data, starts[row], starts[row] + int64(lengths[row]), side, used)
            if stop >= 0:
                outcome = VALUE
                _place_view(views, row, side, used, stop - used, side_number)
                used = stop
        elif kind == NULL or kind == MISSING:
            outcome = ABSENT
        if outcome != VALUE:
            others += 1
            for word in range(4):
                views[4 * row + word] = 0
        status[row] = outcome
    return others


@kernel(f"void({BYTES}, {READ_INT64}, {READ_INT32}, {READ_INT64}, int64, int32[::1])")
def place_views(data: Bytes, starts: Int64s, lengths: Int32s, rows: Int64s, number: int, views: Int32s) -> None:
    """Set the views of some rows to these spans of `data`, which is buffer `number` of the column."""
    for i in range(rows.size):
        _place_view(views, rows[i], data, starts[i], int64(lengths[i]), number)


@kernel(f"int64({SPANS}, uint8[::1], int64[::1], int32[::1])")
def unescape_all(
    data: Bytes, starts: Int64s, lengths: Int32s, kinds: Bytes, out: Bytes, out_starts: Int64s, out_lengths: Int32s
) -> int:
    """Write the texts of ESCAPED spans one after another, without their escapes; the bytes written."""
    used = int64(0)
    for row in range(starts.size):
        out_starts[row] = used
        if kinds[row] == ESCAPED:
            used = unescape_json(data, starts[row], starts[row] + int64(lengths[row]), out, used)
        out_lengths[row] = used - out_starts[row]
    return used
