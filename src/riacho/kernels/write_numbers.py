"""Write columns of numbers as text, each row at its own cursor: see `riacho.kernels.cursors`."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import BYTES, READ_BOOL, READ_INT64, inner, kernel
from riacho.kernels.cursors import QUOTE, TARGET, TEXTS, append, begin, text_address, write_integer
from riacho.kernels.primitives import copy_bytes, int64, load_byte_at, load_word_at, uint64

Bytes = NDArray[np.uint8]
Bools = NDArray[np.bool_]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]
Uint64s = NDArray[np.uint64]

INTEGER_WIDTH: Final = 20
NUMBER_WIDTH: Final = 30
"""The longest double in Java's notation, -1.7976931348623157E-308, with quotes where it is none."""


@kernel(f"void({TARGET}, {READ_INT64}, {READ_BOOL}, {BYTES}, boolean)")
def write_integers(
    out: Bytes,
    cursor: Int64s,
    prefix: Bytes,
    opening: int,
    values: Int64s,
    valid: Bools,
    null: Bytes,
    skip_nulls: bool,
) -> None:
    """`valid` may be empty: no row is null. A null is the text `null`, or nothing at all with `skip_nulls`."""
    for row in range(cursor.size):
        if valid.size and not valid[row]:
            if not skip_nulls:
                cursor[row] = append(out, begin(out, cursor[row], prefix, opening), null)
            continue
        cursor[row] = write_integer(out, begin(out, cursor[row], prefix, opening), values[row])


COLUMN_FIELDS: Final = 5
"""Of a column's line for `write_integer_columns`: the address of its values and their width in bytes, the address of
its validity, a byte a row (0: there is no null), and where in the prefixes its own begins and how long it is."""

_NOTHING: Final = np.empty(0, np.uint8)


@inner
def _integer_at(address: int, width: int) -> int:
    if width == 8:
        return int64(load_word_at(uint64(address)))
    value = int64(0)
    for i in range(width):
        value |= int64(load_byte_at(uint64(address + i))) << (8 * i)
    above = 64 - 8 * width
    return (value << above) >> above


@kernel(f"void({TARGET}, {READ_INT64}, {READ_INT64}, {BYTES}, boolean)")
def write_integer_columns(
    out: Bytes,
    cursor: Int64s,
    prefixes: Bytes,
    opening: int,
    columns: Int64s,
    places: Int64s,
    null: Bytes,
    skip_nulls: bool,
) -> None:
    """As `write_integers` of each of the columns in turn. Row i is at `places[i]` of them, at i where that is empty."""
    for row in range(cursor.size):
        place = places[row] if places.size else row
        position = cursor[row]
        for line in range(0, columns.size, COLUMN_FIELDS):
            is_null = columns[line + 2] != 0 and load_byte_at(uint64(columns[line + 2] + place)) == 0
            if is_null and skip_nulls:
                continue
            position = begin(out, position, _NOTHING, opening)
            copy_bytes(out, position, prefixes, columns[line + 3], columns[line + 4])
            position += columns[line + 4]
            if is_null:
                position = append(out, position, null)
            else:
                width = columns[line + 1]
                position = write_integer(out, position, _integer_at(columns[line] + place * width, width))
        cursor[row] = position


_INFINITY: Final = np.frombuffer(b"Infinity", np.uint8).copy()
_NAN: Final = np.frombuffer(b"NaN", np.uint8).copy()


@inner
def _java_number(out: Bytes, position: int, address: int, length: int, digits: Bytes, quotes_others: bool) -> int:
    at = int64(0)
    negative = load_byte_at(address) == 45
    if negative:
        at += 1
    first = load_byte_at(address + uint64(at))
    if first == 105 or first == 78:  # inf, NaN
        if quotes_others:
            out[position] = QUOTE
            position += 1
        if negative:
            out[position] = 45
            position += 1
        position = append(out, position, _INFINITY) if first == 105 else append(out, position, _NAN)
        if quotes_others:
            out[position] = QUOTE
            position += 1
        return position
    count = int64(0)
    whole = int64(-1)
    exponent = int64(0)
    while at < length:
        byte = int64(load_byte_at(address + uint64(at)))
        at += 1
        if byte == 46:
            whole = count
        elif byte == 101:
            below = False
            while at < length:
                byte = int64(load_byte_at(address + uint64(at)))
                if byte == 45:
                    below = True
                elif byte != 43:
                    exponent = exponent * 10 + (byte - 48)
                at += 1
            if below:
                exponent = -exponent
        else:
            digits[count] = byte
            count += 1
    if whole < 0:
        whole = count
    leading = int64(0)
    while leading < count and digits[leading] == 48:
        leading += 1
    while count > leading and digits[count - 1] == 48:
        count -= 1
    if negative:
        out[position] = 45
        position += 1
    if leading == count:
        out[position] = 48
        out[position + 1] = 46
        out[position + 2] = 48
        return position + 3
    exponent += whole - 1 - leading  # of the first digit that is not zero
    if exponent < -3 or exponent >= 7:
        out[position] = digits[leading]
        out[position + 1] = 46
        position += 2
        if leading + 1 == count:
            out[position] = 48
            position += 1
        for i in range(leading + 1, count):
            out[position] = digits[i]
            position += 1
        out[position] = 69
        return write_integer(out, position + 1, exponent)
    if exponent < 0:
        out[position] = 48
        out[position + 1] = 46
        position += 2
        for _ in range(-exponent - 1):
            out[position] = 48
            position += 1
        for i in range(leading, count):
            out[position] = digits[i]
            position += 1
        return position
    for i in range(exponent + 1):
        out[position] = digits[leading + i] if leading + i < count else np.uint8(48)
        position += 1
    out[position] = 46
    position += 1
    if leading + exponent + 1 >= count:
        out[position] = 48
        return position + 1
    for i in range(leading + exponent + 1, count):
        out[position] = digits[i]
        position += 1
    return position


@kernel(f"void({TARGET}, {TEXTS}, {READ_BOOL}, uint64, {BYTES}, boolean, boolean)", makes_arrays=True)
def write_numbers(
    out: Bytes,
    cursor: Int64s,
    prefix: Bytes,
    opening: int,
    views: Int32s,
    addresses: Uint64s,
    valid: Bools,
    base: int,
    null: Bytes,
    skip_nulls: bool,
    quotes_others: bool,
) -> None:
    """Doubles, given as their shortest digits in any notation (`1e+16`, `0.0001`, `inf`), as Java prints them.

    NaN and Infinity stand in quotes with `quotes_others`.
    """
    digits = np.empty(400, np.uint8)
    for row in range(cursor.size):
        if valid.size and not valid[row]:
            if not skip_nulls:
                cursor[row] = append(out, begin(out, cursor[row], prefix, opening), null)
            continue
        position = begin(out, cursor[row], prefix, opening)
        address = text_address(views, addresses, row, base)
        length = int64(views[4 * row])
        cursor[row] = _java_number(out, position, address, length, digits, quotes_others)
