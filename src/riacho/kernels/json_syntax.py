"""Where a JSON value ends, everything in it checked: inner functions that the kernels of `json` share.

Source: RFC 8259; the depth limit is that of Jackson, which Flink uses.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import inner
from riacho.kernels.primitives import int64, trailing_zeros, uint64, utf8_length
from riacho.kernels.program_memory import int8_at, put8
from riacho.kernels.text_words import LANES, TEXT_LANES, address_in, other_than_digit_lanes, special_lanes
from riacho.kernels.tokens import ARRAY, DECIMAL, ESCAPED, FALSE, INTEGER, NULL, OBJECT, STRING, TRUE

Bytes = NDArray[np.uint8]

MAX_DEPTH: Final = 1000
"""How deep values may nest: Jackson's default `StreamReadConstraints.maxNestingDepth`."""


class Fault(IntEnum):
    """Why a text is not a JSON object; 0 where it is."""

    NONE = 0
    EMPTY = 1
    NOT_AN_OBJECT = 2
    AN_ARRAY = 3
    UNTERMINATED = 4
    EXPECTED_KEY = 5
    EXPECTED_COLON = 6
    EXPECTED_COMMA = 7
    EXPECTED_VALUE = 8
    BAD_ESCAPE = 9
    BAD_UTF8 = 10
    BAD_NUMBER = 11
    TOO_DEEP = 12


QUOTE: Final = 34
_BACKSLASH: Final = 92


@inner
def skip_space(data: Bytes, position: int, end: int) -> int:
    """The position of the next byte that is no white space."""
    while position < end:
        byte = data[position]
        if byte != 32 and byte != 10 and byte != 13 and byte != 9:
            break
        position += 1
    return position


@inner
def _is_hex(byte: int) -> bool:
    return (48 <= byte <= 57) or (65 <= byte <= 70) or (97 <= byte <= 102)


@inner
def string_end(data: Bytes, position: int, end: int) -> tuple[int, int, int]:
    """From the byte after an opening quote: (position of the closing one, STRING or ESCAPED, fault)."""
    kind = STRING
    while True:
        while position < end and position + TEXT_LANES <= data.size:
            special = special_lanes(address_in(data, position))
            if special != uint64(0):
                position += trailing_zeros(special)
                break
            position += TEXT_LANES
        if position >= end:
            return end, kind, int64(4)
        byte = data[position]
        if byte == QUOTE:
            return position, kind, int64(0)
        if byte == _BACKSLASH:
            kind = ESCAPED
            if position + 1 >= end:
                return position, kind, int64(4)
            escape = data[position + 1]
            if escape == 117:
                if position + 6 > end:
                    return position, kind, int64(4)
                for i in range(2, 6):
                    if not _is_hex(data[position + i]):
                        return position, kind, int64(9)
                position += 6
            elif (
                escape == 34
                or escape == 92
                or escape == 47
                or escape == 98
                or escape == 102
                or escape == 110
                or escape == 114
                or escape == 116
            ):
                position += 2
            else:
                return position, kind, int64(9)
        elif byte < 0x80:  # also a control character, as in Flink
            position += 1
        else:
            length = utf8_length(data, position, end)
            if length == 0:
                return position, kind, int64(10)
            position += length


@inner
def _digits_end(data: Bytes, position: int, end: int) -> int:
    """The position of the next byte that is no digit."""
    while position < end and position + LANES <= data.size:
        others = other_than_digit_lanes(address_in(data, position))
        if others != uint64(0):
            return min(position + trailing_zeros(others), end)
        position += LANES
    while position < end and uint64(data[position]) - uint64(48) <= uint64(9):
        position += 1
    return min(position, end)


@inner
def _number_end(data: Bytes, position: int, end: int) -> tuple[int, int, int]:
    """From the first byte of a number: (position after it, INTEGER or DECIMAL, fault)."""
    kind = INTEGER
    if data[position] == 45:
        position += 1
    first = position
    position = _digits_end(data, position, end)
    digits = position - first
    if digits == 0 or (digits > 1 and data[first] == 48):
        return position, kind, int64(11)
    if position < end and data[position] == 46:
        kind = DECIMAL
        position += 1
        first = position
        position = _digits_end(data, position, end)
        if position == first:
            return position, kind, int64(11)
    if position < end and (data[position] | 32) == 101:
        kind = DECIMAL
        position += 1
        if position < end and (data[position] == 43 or data[position] == 45):
            position += 1
        first = position
        position = _digits_end(data, position, end)
        if position == first:
            return position, kind, int64(11)
    return position, kind, int64(0)


@inner
def _scalar(data: Bytes, position: int, end: int) -> tuple[int, int, int, int, int]:
    """A string, number, true, false or null: (kind, start and end of its span, position after it, fault)."""
    byte = data[position]
    if byte == QUOTE:
        stop, kind, fault = string_end(data, position + 1, end)
        return kind, position + 1, stop, stop + 1, fault
    if byte == 45 or (48 <= byte <= 57):
        stop, kind, fault = _number_end(data, position, end)
        return kind, position, stop, stop, fault
    if byte == 110 and position + 4 <= end and data[position + 1] == 117:
        if data[position + 2] == 108 and data[position + 3] == 108:
            return NULL, position, position + 4, position + 4, int64(0)
    elif byte == 116 and position + 4 <= end and data[position + 1] == 114:
        if data[position + 2] == 117 and data[position + 3] == 101:
            return TRUE, position, position + 4, position + 4, int64(0)
    elif byte == 102 and position + 5 <= end and data[position + 1] == 97:
        if data[position + 2] == 108 and data[position + 3] == 115 and data[position + 4] == 101:
            return FALSE, position, position + 5, position + 5, int64(0)
    return NULL, position, position, position, int64(8)


@inner
def _container(data: Bytes, position: int, end: int, nesting: int) -> tuple[int, int, int, int, int]:
    """A whole object or array, checked: as `_scalar`, the span with its brackets. `nesting` is where `MAX_DEPTH` bytes
    are.
    """
    start = position
    kind = OBJECT if data[position] == 123 else ARRAY
    depth = 0
    put8(nesting, 0, data[position])
    position = skip_space(data, position + 1, end)
    fresh = True
    while True:
        if position >= end:
            return kind, start, position, position, int64(4)
        in_object = int8_at(nesting, depth) == 123
        byte = data[position]
        if byte == (125 if in_object else 93):
            # A comma before it was refused below, where a key or a value had to follow.
            position += 1
            if depth == 0:
                return kind, start, position, position, int64(0)
            depth -= 1
            fresh = False
            position = skip_space(data, position, end)
            continue
        if not fresh:
            if byte != 44:
                return kind, start, position, position, int64(7)
            position = skip_space(data, position + 1, end)
            if position >= end:
                return kind, start, position, position, int64(4)
        if in_object:
            if data[position] != QUOTE:
                return kind, start, position, position, int64(5)
            stop, _, fault = string_end(data, position + 1, end)
            if fault != 0:
                return kind, start, stop, stop, fault
            position = skip_space(data, stop + 1, end)
            if position >= end:
                return kind, start, position, position, int64(4)
            if data[position] != 58:
                return kind, start, position, position, int64(6)
            position = skip_space(data, position + 1, end)
            if position >= end:
                return kind, start, position, position, int64(4)
        byte = data[position]
        if byte == 123 or byte == 91:
            depth += 1
            if depth >= MAX_DEPTH:
                return kind, start, position, position, int64(12)
            put8(nesting, depth, byte)
            position = skip_space(data, position + 1, end)
            fresh = True
            continue
        _, _, stop, position, fault = _scalar(data, position, end)
        if fault != 0:
            return kind, start, stop, stop, fault
        fresh = False
        position = skip_space(data, position, end)


@inner
def scan_value(data: Bytes, position: int, end: int, nesting: int) -> tuple[int, int, int, int, int]:
    """Any value: (kind, start and end of its span, position after it, fault)."""
    byte = data[position]
    if byte == 123 or byte == 91:
        return _container(data, position, end, nesting)
    return _scalar(data, position, end)
