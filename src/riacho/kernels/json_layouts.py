"""Texts that look like earlier ones: what is remembered of a kind of text, and how another is read by that.

A layout is the bytes that stood between one value and the next (`,"price":`). They are compared in place, and all
values are looked at, those of unwanted fields too: what comes out is what a parser of any text finds.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import inlined, inner
from riacho.kernels.json_syntax import QUOTE, scan_value
from riacho.kernels.json_targets import IS_OBJECT, TARGET_COLUMNS, convert, leave, take_back
from riacho.kernels.primitives import int64, load_byte_at, trailing_zeros, uint64
from riacho.kernels.program_memory import put, put8, put32, word_at
from riacho.kernels.text_words import (
    LANES,
    TEXT_LANES,
    address_in,
    differing_lanes,
    other_than_digit_lanes,
    special_lanes,
)
from riacho.kernels.tokens import INTEGER, MISSING, NULL, OBJECT, STRING, VALUE

Bytes = NDArray[np.uint8]

MAX_STEPS: Final = 256
"""Values of a row that a layout remembers; a longer row is always parsed member by member."""
SPARE: Final = LANES + 2 * TEXT_LANES
"""Bytes after a row that are read where it is predicted."""

# The words of a layout: how many steps it has, one a value, and how many slots whose kind is the same in all its rows;
# where the bytes after the last value are, and how many.
STEPS: Final = 0
_FIXED: Final = 1
SUFFIX: Final = 2
SUFFIX_SIZE: Final = 3
LAYOUT_WORDS: Final = 4

# The words of a step; the steps follow those of their layout.
BEFORE: Final = 0
"""Where the bytes before the value are."""
BEFORE_SIZE: Final = 1
SLOT: Final = 2
"""The value's slot, or -1."""
IS_LONG: Final = 3
"""Whether it has been a text longer than one look."""
USUAL_SIZE: Final = 4
"""The bytes of the value in most rows, or -1 where there is no such number."""
UNUSUAL_ROW: Final = 5
"""The last row where it had another size."""
STEP_WORDS: Final = 6

FIXED_WORDS: Final = 3
"""Where the kinds of a slot are, its kind, and where its statuses are if it is a VALUE, or 0."""
NEAR_ROWS: Final = 2
"""Where two values of unusual size are no farther apart, the next one's size is not foretold any more."""


@inlined
def _same_bytes(left: int, right: int, length: int) -> bool:
    """Whether the bytes at two addresses, one at least, are equal. Reads a vector after each."""
    if length <= LANES:
        return (differing_lanes(left, right) << uint64(64 - length)) == uint64(0)
    last = length - LANES
    i = int64(0)
    while i < last:
        if differing_lanes(left + i, right + i) != uint64(0):
            return False
        i += LANES
    return differing_lanes(left + last, right + last) == uint64(0)


@inlined
def predicted(
    data: Bytes,
    base: int,
    start: int,
    end: int,
    row: int,
    rows: int,
    layout: int,
    fixed: int,
    table: int,
    starts: int,
    lengths: int,
    kinds: int,
    nesting: int,
    times: int,
) -> bool:
    """Read a text as one of this layout; false, and nothing is put anywhere, where it is of another.

    All but `start` and `end`, which are positions in the data, are addresses. Reads up to `SPARE` bytes after the text.
    """
    at, until = base + start, base + end
    step = layout + 8 * LAYOUT_WORDS
    last = step + 8 * STEP_WORDS * word_at(layout, STEPS)
    while step < last:
        size = word_at(step, BEFORE_SIZE)
        if at + size >= until or not _same_bytes(at, word_at(step, BEFORE), size):
            break
        at += size
        first = at
        usual_size = word_at(step, USUAL_SIZE)
        if load_byte_at(at) == QUOTE:
            first += 1
            stop = first
            special = special_lanes(stop)
            if word_at(step, IS_LONG) != 0:  # a branch by what is found would mostly be predicted wrong
                nothing = int64(special == uint64(0))
                special |= special_lanes(stop + TEXT_LANES) & uint64(-nothing)
                stop += TEXT_LANES * nothing
            elif special == uint64(0):
                put(step, IS_LONG, int64(1))
            while special == uint64(0) and stop + TEXT_LANES < until:
                stop += TEXT_LANES
                special = special_lanes(stop)
            stop += trailing_zeros(special)
            kind, after = STRING, stop + 1
            usual = load_byte_at(stop) == QUOTE
        else:
            others = other_than_digit_lanes(at)
            stop = at + trailing_zeros(others & ~uint64(1))  # the first byte may be a sign
            kind, after = INTEGER, stop
            digit = at + int64(others & uint64(1))
            usual = digit == at or load_byte_at(at) == 45
            usual = usual and digit < stop < at + LANES and (stop == digit + 1 or load_byte_at(digit) != 48)
            usual = usual and load_byte_at(stop) != 46 and load_byte_at(stop) | 32 != 101
        slot = word_at(step, SLOT)
        target = table + 8 * TARGET_COLUMNS * slot
        if not usual:
            kind, first, stop, after, fault = scan_value(data, at - base, end, nesting)
            first, stop, after = first + base, stop + base, after + base
            if fault != 0 or (kind == OBJECT and slot >= 0 and word_at(target, 0) == IS_OBJECT):
                break
        # The processor foretells a branch, and so looks at the next value before it knows where this one ends.
        if after - at == usual_size:
            at += usual_size
        else:
            if usual_size >= 0:
                near = row - word_at(step, UNUSUAL_ROW) <= NEAR_ROWS
                put(step, USUAL_SIZE, int64(-1) if near else after - at)
                put(step, UNUSUAL_ROW, row)
            at = after
        if slot >= 0:
            cell = slot * rows + row
            put8(kinds, cell, kind)
            if kind != NULL and not convert(first, first - base, stop - first, kind, target, row, times):
                put(starts, cell, first - base)
                put32(lengths, cell, stop - first)
                leave(target, kind, row)
        step += 8 * STEP_WORDS
    size = word_at(layout, SUFFIX_SIZE)
    if step == last and at + size <= until and _same_bytes(at, word_at(layout, SUFFIX), size):
        last = fixed + 8 * FIXED_WORDS * word_at(layout, _FIXED)
        while fixed < last:
            put8(word_at(fixed, 0), row, word_at(fixed, 1))
            if word_at(fixed, 2) != 0:
                put8(word_at(fixed, 2), row, int64(VALUE))
            fixed += 8 * FIXED_WORDS
        return True
    while step > layout + 8 * LAYOUT_WORDS:
        step -= 8 * STEP_WORDS
        slot = word_at(step, SLOT)
        if slot >= 0:
            put8(kinds, slot * rows + row, int64(MISSING))
            take_back(table + 8 * TARGET_COLUMNS * slot, row)
    return False


@inner
def complete_layout(
    layout: int, fixed: int, base: int, end: int, size: int, count: int, row: int, out_kind: Bytes, table: int
) -> None:
    """Note what follows the last value of a row, and the slots that are the same in all rows of its layout."""
    put(layout, SUFFIX, base + end)
    put(layout, SUFFIX_SIZE, size)
    put(layout, STEPS, count)
    fixed_count = int64(0)
    for slot in range(out_kind.shape[0]):
        kind = int64(out_kind[slot, row])
        varies = kind == MISSING
        for step in range(count):
            varies = varies or word_at(layout, LAYOUT_WORDS + STEP_WORDS * step + SLOT) == slot
        if varies:
            continue
        target = table + 8 * TARGET_COLUMNS * slot
        put(fixed, 0, address_in(out_kind, slot * out_kind.shape[1]))
        put(fixed, 1, kind)
        put(fixed, 2, word_at(target, 2) if kind == OBJECT and word_at(target, 0) == IS_OBJECT else int64(0))
        fixed += 8 * FIXED_WORDS
        fixed_count += 1
    put(layout, _FIXED, fixed_count)
