"""JSON values of the usual shape into columns, while they are found: inner functions of `riacho.kernels.json`.

What becomes of the values of each slot stands in a table of targets, whose columns and statuses are zeros at first:
nothing is done for a row without a value. What these functions do not take is no fault: it is left to the conversions
of `text_values`, `text_times` and `strings`, which read spans.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import inlined, inner
from riacho.kernels.primitives import int64, load_word_at, uint64
from riacho.kernels.program_memory import int8_at, put, put8, put16, put32, word_at
from riacho.kernels.text_words import digits_at, put_view, usual_timestamp
from riacho.kernels.tokens import ABSENT, DECIMAL, HARD, INTEGER, NULL, OBJECT, STRING, TRUE, VALUE

Bytes = NDArray[np.uint8]
Int64s = NDArray[np.int64]

# The columns of a table of targets.
ACTION: Final = 0
VALUES: Final = 1
"""The address of the column's values, of its first row."""
STATUS: Final = 2
"""The address of a byte per row: VALUE, ABSENT, or HARD for what is left to the caller."""
SHIFT: Final = 3
"""The base-2 logarithm of the bytes of a value."""
LEAST: Final = 4
"""Of an integer; of a string the number of the buffer; of a timestamp the character between day and hour."""
GREATEST: Final = 5
"""Of an integer; of a timestamp whether a Z must follow."""
UNIT: Final = 6
"""Of a timestamp: it is cut to multiples of so many microseconds."""
OTHERS: Final = 7
"""Filled: how many rows hold no value."""
LEFT: Final = 8
"""Filled: how many of them are HARD."""
TARGET_COLUMNS: Final = 9

# What is done with a value.
LOCATE: Final = 0  # its span is noted, no more
IS_OBJECT: Final = 1  # it is an object, or null
TEXT: Final = 2
INTEGER_NUMBER: Final = 3
TIMESTAMP: Final = 4

READ_BYTES: Final = 24
"""What `convert` reads at most from a value's start on."""


@inlined
def _put_number(values: int, shift: int, row: int, value: int) -> None:
    if shift == 3:
        put(values, row, value)
    elif shift == 2:
        put32(values, row, value)
    elif shift == 1:
        put16(values, row, value)
    else:
        put8(values, row, value)


@inner
def take_back(target: int, row: int) -> None:
    """Make a row absent again, into which something was put."""
    if word_at(target, 0) == TEXT:
        put(word_at(target, 1), 2 * row, int64(0))
        put(word_at(target, 1), 2 * row + 1, int64(0))
    elif word_at(target, 0) >= INTEGER_NUMBER:
        _put_number(word_at(target, 1), word_at(target, 3), row, int64(0))
    if word_at(target, 0) != LOCATE:
        put8(word_at(target, 2), row, int64(ABSENT))


@inlined
def convert(text: int, first: int, length: int, kind: int, target: int, row: int, known: int) -> bool:
    """Put a value where its target, a row of the table, says; false where it is not of the usual shape.

    `text` is its address, `first` its place in the buffer; `known` remembers the last timestamp: three words and what
    they stand for.
    """
    action, values = word_at(target, 0), word_at(target, 1)
    if action == TEXT:
        if kind != STRING and (kind < TRUE or kind > DECIMAL):
            return False
        put_view(values + 16 * row, text, length, word_at(target, 4), first)
    elif action == INTEGER_NUMBER:
        sign = int64(int8_at(text, 0) == 45)
        if kind != INTEGER or length - sign > 16:
            return False
        value = (digits_at(text + sign, length - sign) ^ -sign) + sign
        if value < word_at(target, 4) or value > word_at(target, 5):
            return False
        _put_number(values, word_at(target, 3), row, value)
    elif action == TIMESTAMP:
        local = length - word_at(target, 5)
        if kind != STRING or local < 19 or local > 23 or (local < length and int8_at(text, local) != 90):
            return False
        low, middle = word_at(text, 0), word_at(text, 1)
        rest = int64(load_word_at(text + 16) & ~(~uint64(0) << uint64(8 * (local - 16))))
        value = word_at(known, 3)
        # The next one's text is often the same: no text has three words of zeros.
        if low != word_at(known, 0) or middle != word_at(known, 1) or rest != word_at(known, 2):
            usual, value = usual_timestamp(text, local, word_at(target, 4))
            if not usual:
                return False
            put(known, 0, low)
            put(known, 1, middle)
            put(known, 2, rest)
            put(known, 3, value)
        if word_at(target, 6) > 1000:
            value -= value % word_at(target, 6)
        put(values, row, value)
    elif action != IS_OBJECT or kind != OBJECT:
        return False
    put8(word_at(target, 2), row, int64(VALUE))
    return True


@inlined
def leave(target: int, kind: int, row: int) -> None:
    """Of a value whose span is noted and that is not converted: it is left to the caller, unless it is none."""
    if kind > NULL and word_at(target, 0) != LOCATE:
        put8(word_at(target, 2), row, int64(HARD))


@inner
def count_statuses(target: int, rows: int) -> None:
    """Fill a target's OTHERS and LEFT."""
    others, left = int64(0), int64(0)
    if word_at(target, 0) != LOCATE:
        status = word_at(target, 2)
        for row in range(rows):
            found = int8_at(status, row)
            others += int64(found != VALUE)
            left += int64(found == HARD)
    put(target, 7, others)
    put(target, 8, left)
