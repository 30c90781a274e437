"""Numbers and booleans from their texts, a column at a time: what JSON and CSV have in common.

Each kernel reads one span per row (`start`, `length`, and its `kind`, see `riacho.kernels.tokens`) and fills `out` and
`status`. What a kernel cannot do exactly it leaves to its caller as HARD: more digits than fit, escapes. The texts that
are taken are those of Flink's JSON and CSV formats, that is of Java's parsers.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import inlined, inner, kernel
from riacho.kernels.primitives import int64, is_digit, load_word, prefetch, uint64
from riacho.kernels.tokens import (
    ABSENT,
    ARRAY,
    BAD,
    DECIMAL,
    ESCAPED,
    HARD,
    INTEGER,
    MISSING,
    NULL,
    OBJECT,
    SPANS,
    STRING,
    TRUE,
    VALUE,
)

Bytes = NDArray[np.uint8]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]
Float64s = NDArray[np.float64]

AHEAD: Final = 16
"""So many rows on, the text is brought into the caches: the records that hold it have left the inner ones."""

_ZEROS: Final = 0x3030303030303030
_TENTH: Final = 922337203685477580
"""A tenth of the largest BIGINT, 9223372036854775807, without its fraction."""
_POWERS: Final = np.array([10.0**i for i in range(23)])
_INTEGER_POWERS: Final = np.array([10**i for i in range(19)], np.int64)


@inner
def _trimmed(data: Bytes, start: int, end: int) -> tuple[int, int]:
    """Without the leading and trailing bytes up to the space: Java's String.trim."""
    while start < end and data[start] <= 32:
        start += 1
    while start < end and data[end - 1] <= 32:
        end -= 1
    return start, end


@inlined
def _eight_digits(data: Bytes, position: int, count: int) -> int:
    """A number of 1 to 8 digits, by three multiplications; negative where they are none. Reads 8 bytes."""
    word = load_word(data, position)
    if count < 8:
        word = (word << uint64(64 - 8 * count)) | (uint64(_ZEROS) >> uint64(8 * count))
    # A digit is 0x30 to 0x39: its upper half is 3, and still 3 once 6 is added. Each sum is compared by itself.
    upper = uint64(0xF0F0F0F0F0F0F0F0)
    if (word & upper) != uint64(_ZEROS) or ((word + uint64(0x0606060606060606)) & upper) != uint64(_ZEROS):
        return int64(-1)
    word -= uint64(_ZEROS)
    word = word * uint64(10) + (word >> uint64(8))
    pairs = (word & uint64(0x000000FF000000FF)) * uint64(0x000F424000000064)
    others = ((word >> uint64(16)) & uint64(0x000000FF000000FF)) * uint64(0x0000271000000001)
    return int64((pairs + others) >> uint64(32))


@kernel(f"int64({SPANS}, int64, int64, boolean, int64[::1], uint8[::1])")
def parse_integers(
    data: Bytes,
    starts: Int64s,
    lengths: Int32s,
    kinds: Bytes,
    low: int,
    high: int,
    fractions: bool,
    out: Int64s,
    status: Bytes,
) -> int:
    """Integers from `low` to `high`; returns how many rows hold none. With `fractions`, 1.5 is HARD, else BAD."""
    others = int64(0)
    for row in range(starts.size):
        if row + AHEAD < starts.size:
            prefetch(data, starts[row + AHEAD])
        kind = kinds[row]
        outcome = BAD
        value = int64(0)
        if kind == INTEGER or kind == STRING:
            position = starts[row]
            end = position + int64(lengths[row])
            if kind == STRING:
                position, end = _trimmed(data, position, end)
            negative = False
            if position < end and (data[position] == 45 or data[position] == 43):
                negative = data[position] == 45
                position += 1
            digits = end - position
            if 0 < digits <= 8 and position + 8 <= data.size:
                value = _eight_digits(data, position, digits)
                if value >= 0:
                    outcome = VALUE
                if negative:
                    value = -value
            elif 8 < digits <= 16 and position + 16 <= data.size:
                upper = _eight_digits(data, position, int64(8))
                value = _eight_digits(data, position + 8, digits - 8)
                if upper >= 0 and value >= 0:
                    outcome = VALUE
                value += upper * _INTEGER_POWERS[digits - 8]
                if negative:
                    value = -value
            elif digits <= 18:
                if position < end:
                    outcome = VALUE
                while position < end:
                    digit = int64(data[position]) - 48
                    if digit < 0 or digit > 9:
                        outcome = BAD
                        break
                    value = value * 10 + digit
                    position += 1
                if negative:
                    value = -value
            else:
                outcome = VALUE
                while position < end:
                    digit = int64(data[position]) - 48
                    # Built towards the negative side, which holds one number more.
                    last = int64(8 if negative else 7)
                    if digit < 0 or digit > 9 or value < -_TENTH or (value == -_TENTH and digit > last):
                        outcome = BAD
                        break
                    value = value * 10 - digit
                    position += 1
                if not negative:
                    value = -value
            if value < low or value > high:
                outcome = BAD
        elif kind == NULL or kind == MISSING:
            outcome = ABSENT
        elif kind == DECIMAL and fractions:
            outcome = HARD
        out[row] = value
        status[row] = outcome
        if outcome != VALUE:
            others += 1
    return others


@kernel(f"int64({SPANS}, float64[::1], uint8[::1])")
def parse_floats(data: Bytes, starts: Int64s, lengths: Int32s, kinds: Bytes, out: Float64s, status: Bytes) -> int:
    """Doubles whose digits and power of ten are exact in a double (Clinger's fast path); other numbers are HARD,
    and so is every text that is no plain number. Returns how many rows hold no value.
    """
    others = int64(0)
    for row in range(starts.size):
        kind = kinds[row]
        outcome = HARD
        value = 0.0
        if kind == INTEGER or kind == DECIMAL:
            position = starts[row]
            end = position + int64(lengths[row])
            negative = data[position] == 45
            if negative:
                position += 1
            digits = uint64(0)
            exponent = int64(0)
            first = position
            while position < end and is_digit(data[position]):
                digits = digits * uint64(10) + (uint64(data[position]) - uint64(48))
                position += 1
            count = position - first
            if position < end and data[position] == 46:
                position += 1
                first = position
                while position < end and is_digit(data[position]):
                    digits = digits * uint64(10) + (uint64(data[position]) - uint64(48))
                    position += 1
                exponent = first - position
                count -= exponent
            if position < end and count <= 18:
                position += 1  # e
                sign = int64(1)
                if data[position] == 45:
                    sign = int64(-1)
                    position += 1
                elif data[position] == 43:
                    position += 1
                written = int64(0)
                while position < end and written < 10000:
                    written = written * 10 + (int64(data[position]) - 48)
                    position += 1
                exponent += sign * written
            if count <= 18 and digits <= uint64(9007199254740992) and -22 <= exponent <= 22:
                value = float(digits)
                if exponent < 0:
                    value /= _POWERS[-exponent]
                else:
                    value *= _POWERS[exponent]
                if negative:
                    value = -value
                outcome = VALUE
        elif kind == NULL or kind == MISSING:
            outcome = ABSENT
        elif kind != STRING:
            outcome = BAD
        out[row] = value
        status[row] = outcome
        if outcome != VALUE:
            others += 1
    return others


@kernel(f"int64({SPANS}, uint8[::1], uint8[::1])")
def parse_booleans(data: Bytes, starts: Int64s, lengths: Int32s, kinds: Bytes, out: Bytes, status: Bytes) -> int:
    """Java's Boolean.parseBoolean: TRUE is true, whatever else is written false. Containers are BAD."""
    others = int64(0)
    for row in range(starts.size):
        kind = kinds[row]
        outcome = VALUE
        value = kind == TRUE
        if kind == STRING:
            position, end = _trimmed(data, starts[row], starts[row] + int64(lengths[row]))
            value = (
                end - position == 4
                and data[position] | 32 == 116
                and data[position + 1] | 32 == 114
                and data[position + 2] | 32 == 117
                and data[position + 3] | 32 == 101
            )
        elif kind == NULL or kind == MISSING:
            outcome = ABSENT
        elif kind == ESCAPED:
            outcome = HARD
        elif kind == OBJECT or kind == ARRAY:
            outcome = BAD
        out[row] = value
        status[row] = outcome
        if outcome != VALUE:
            others += 1
    return others


@kernel(f"int64({SPANS}, int64, int64, int64[::1], uint8[::1])")
def parse_decimals(
    data: Bytes,
    starts: Int64s,
    lengths: Int32s,
    kinds: Bytes,
    precision: int,
    scale: int,
    out: Int64s,
    status: Bytes,
) -> int:
    """DECIMAL(precision, scale) as 128-bit integers, two words a row, rounded half up; ABSENT where the digits do
    not fit, as in Flink. Numbers of more than 18 digits are HARD. Returns how many rows hold no value.
    """
    others = int64(0)
    for row in range(starts.size):
        kind = kinds[row]
        outcome = BAD
        value = int64(0)
        if kind == INTEGER or kind == DECIMAL or kind == STRING:
            position = starts[row]
            end = position + int64(lengths[row])
            if kind == STRING:
                position, end = _trimmed(data, position, end)
            negative = False
            if position < end and (data[position] == 45 or (data[position] == 43 and kind == STRING)):
                negative = data[position] == 45
                position += 1
            digits = int64(0)
            fraction = int64(0)
            dot = False
            plain = position < end
            while position < end and digits < 19:
                byte = data[position]
                if byte == 46 and not dot:
                    dot = True
                elif is_digit(byte):
                    value = value * 10 + (int64(byte) - 48)
                    digits += 1
                    if dot:
                        fraction += 1
                else:
                    plain = False
                    break
                position += 1
            shift = scale - fraction
            if not plain or digits == 0 or digits > 18 or digits + shift > 18 or shift < -18:
                outcome = HARD
            else:
                outcome = VALUE
                if shift >= 0:
                    value *= _INTEGER_POWERS[shift]
                else:
                    unit = _INTEGER_POWERS[-shift]
                    rest = value % unit
                    value = value // unit
                    if 2 * rest >= unit:
                        value += 1
                if precision <= 18 and value >= _INTEGER_POWERS[precision]:
                    outcome = ABSENT
                if negative:
                    value = -value
        elif kind == ESCAPED:
            outcome = HARD
        elif kind == NULL or kind == MISSING:
            outcome = ABSENT
        out[2 * row] = value
        out[2 * row + 1] = value >> 63
        status[row] = outcome
        if outcome != VALUE:
            others += 1
    return others
