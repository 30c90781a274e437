"""Aggregates by slot: each kernel applies a pass's rows, in order, to the cells of their groups.

A ledger is one row of 64-bit cells per group; an accumulator has some of its columns, from `at` on. `slots` names each
row's group. `signs` is +1 or −1 per row, empty where all are +1. `chosen` says which rows count (value not null,
filter true), empty where all do. Words are those of `dataflow.state.words`: fixed-width values in their order,
floating-point numbers in IEEE 754's total order, strings as ids into an arena.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import BYTES, READ_BOOL, READ_INT8, READ_INT64, READ_UINT64, inner, kernel
from riacho.kernels.primitives import int64, load_byte_at, load_word_at, prefetch, text_order, uint64

Bools = NDArray[np.bool_]
Bytes = NDArray[np.uint8]
Floats = NDArray[np.float64]
Int8s = NDArray[np.int8]
Int64s = NDArray[np.int64]
Uint64s = NDArray[np.uint64]

READ_LEDGER = "Array(int64, 2, 'C', True)"
LEDGER = "int64[:, ::1]"

# The cells of a floating-point sum: the sum, what rounding took from it, then counters.
FINITE: Final = 2
NANS: Final = 3
POSITIVE_INFINITIES: Final = 4
NEGATIVE_INFINITIES: Final = 5
FLOAT_CELLS: Final = 6

_LOW_63: Final = int64(0x7FFFFFFFFFFFFFFF)


@inner
def _sign(signs: Int8s, row: int) -> int:
    return int64(signs[row]) if signs.size > 0 else int64(1)


@inner
def _skipped(chosen: Bools, row: int) -> bool:
    return chosen.size > 0 and not chosen[row]


# The columns of a table of calls for `apply_calls`.
CALL_KIND: Final = 0
CALL_AT: Final = 1
"""The call's first column of the ledger."""
CALL_WORDS: Final = 2
"""The address of its argument's words; a COUNT has none."""
CALL_CHOSEN: Final = 3
"""The address of a byte per row, 1 where the row counts; 0: all count."""
CALL_COLUMNS: Final = 4

# The kinds of calls.
COUNT: Final = 0
"""The sum of the signs."""
SUM: Final = 1
"""Of integers, modulo 2^64, and then their count."""
LEAST: Final = 2
"""Of words that order as their values; then 1 where there is any. As those that follow, over added rows only."""
GREATEST: Final = 3
FIRST: Final = 4
LAST: Final = 5

_AHEAD: Final = 8
"""How many rows ahead a group's cells are fetched."""


@kernel(f"void({READ_INT64}, {READ_INT8}, {READ_LEDGER}, {LEDGER})")
def apply_calls(slots: Int64s, signs: Int8s, calls: Int64s, ledger: Int64s) -> None:
    """Apply each row to all the calls of a table: a group's cells are at hand for the second and the last."""
    width = ledger.shape[1]
    for row in range(slots.size):
        if row + _AHEAD < slots.size:
            prefetch(ledger, slots[row + _AHEAD] * width)
        slot = slots[row]
        sign = _sign(signs, row)
        for call in range(calls.shape[0]):
            kind, at = calls[call, CALL_KIND], calls[call, CALL_AT]
            weight = sign
            if calls[call, CALL_CHOSEN] != 0:
                weight *= int64(load_byte_at(uint64(calls[call, CALL_CHOSEN]) + uint64(row)))
            if kind == COUNT:
                ledger[slot, at] += weight
                continue
            word = int64(load_word_at(uint64(calls[call, CALL_WORDS]) + uint64(8 * row)))
            if kind == SUM:
                ledger[slot, at] += weight * word
                ledger[slot, at + 1] += weight
            elif weight != 0:
                kept = ledger[slot, at]
                better = (kind == GREATEST and word > kept) or (kind == LEAST and word < kept) or kind == LAST
                if better or ledger[slot, at + 1] == 0:
                    ledger[slot, at] = word
                    ledger[slot, at + 1] = 1


@inner
def _add_compensated(sums: Floats, slot: int, at: int, value: float) -> None:
    """Neumaier's sum: what rounding takes from the sum is kept beside it."""
    total = sums[slot, at]
    after = total + value
    if abs(total) >= abs(value):
        sums[slot, at + 1] += (total - after) + value
    else:
        sums[slot, at + 1] += (value - after) + total
    sums[slot, at] = after


@kernel(
    f"void({READ_INT64}, {READ_INT8}, {READ_BOOL}, {READ_INT64}, {LEDGER}, float64[:, ::1], int64)", makes_arrays=True
)
def add_floats(
    slots: Int64s, signs: Int8s, chosen: Bools, words: Int64s, ledger: Int64s, sums: Floats, at: int
) -> None:
    """SUM of floating-point numbers: finite ones compensated, NaN and infinities only counted.

    `sums` is the ledger's memory as floating-point numbers.
    """
    values = np.empty(1, np.int64)
    for row in range(slots.size):
        if _skipped(chosen, row):
            continue
        slot = slots[row]
        sign = _sign(signs, row)
        word = words[row]
        values[0] = word ^ ((word >> 63) & _LOW_63)
        value = values.view(np.float64)[0]
        if np.isfinite(value):
            ledger[slot, at + 2] += sign
            _add_compensated(sums, slot, at, sign * value)
        elif np.isnan(value):
            ledger[slot, at + 3] += sign
        elif value > 0:
            ledger[slot, at + 4] += sign
        else:
            ledger[slot, at + 5] += sign


@kernel(f"void({READ_INT64}, {READ_INT64}, {READ_LEDGER}, {LEDGER}, float64[:, ::1], int64)", makes_arrays=True)
def merge_floats(source: Int64s, target: Int64s, parts: Int64s, ledger: Int64s, sums: Floats, at: int) -> None:
    """Add the partial sum of each source slot to the target slot beside it."""
    word = np.empty(1, np.int64)
    for row in range(source.size):
        for cell in range(at + 2, at + 6):
            ledger[target[row], cell] += parts[source[row], cell]
        for cell in range(at, at + 2):
            word[0] = parts[source[row], cell]
            _add_compensated(sums, target[row], at, word.view(np.float64)[0])


@kernel(f"void({READ_INT64}, {READ_INT8}, {READ_BOOL}, {READ_INT64}, {READ_UINT64}, {LEDGER}, int64)")
def add_decimals(
    slots: Int64s, signs: Int8s, chosen: Bools, high: Int64s, low: Uint64s, ledger: Int64s, at: int
) -> None:
    """SUM of 128-bit integers in two halves (upper, lower), modulo 2^128, and their COUNT."""
    for row in range(slots.size):
        if _skipped(chosen, row):
            continue
        slot = slots[row]
        sign = _sign(signs, row)
        before = uint64(ledger[slot, at + 1])
        if sign > 0:
            after = before + low[row]
            ledger[slot, at] += high[row] + int64(after < before)
        else:
            after = before - low[row]
            ledger[slot, at] -= high[row] + int64(after > before)
        ledger[slot, at + 1] = int64(after)
        ledger[slot, at + 2] += sign


@kernel(f"void({READ_INT64}, {READ_INT64}, {READ_LEDGER}, {LEDGER}, int64)")
def merge_decimals(source: Int64s, target: Int64s, parts: Int64s, ledger: Int64s, at: int) -> None:
    """Add the partial sum of each source slot to the target slot beside it."""
    for row in range(source.size):
        slot, part = target[row], source[row]
        before = uint64(ledger[slot, at + 1])
        after = before + uint64(parts[part, at + 1])
        ledger[slot, at] += parts[part, at] + int64(after < before)
        ledger[slot, at + 1] = int64(after)
        ledger[slot, at + 2] += parts[part, at + 2]


@kernel(f"void({READ_INT64}, {READ_INT64}, {READ_LEDGER}, {LEDGER}, int64, int64)")
def merge_sums(source: Int64s, target: Int64s, parts: Int64s, ledger: Int64s, at: int, cells: int) -> None:
    """Add `cells` cells of each source slot to the target slot beside it, modulo 2^64."""
    for row in range(source.size):
        for cell in range(at, at + cells):
            ledger[target[row], cell] += parts[source[row], cell]


@kernel(f"void({READ_INT64}, {READ_BOOL}, {READ_INT64}, boolean, {READ_INT64}, {READ_INT64}, {BYTES}, {LEDGER}, int64)")
def keep_text_extremes(
    slots: Int64s,
    chosen: Bools,
    ids: Int64s,
    greatest: bool,
    starts: Int64s,
    lengths: Int64s,
    arena: Bytes,
    ledger: Int64s,
    at: int,
) -> None:
    """MAX or MIN of strings, by their bytes."""
    for row in range(slots.size):
        if _skipped(chosen, row):
            continue
        slot = slots[row]
        if ledger[slot, at + 1] != 0:
            order = text_order(ids[row], ledger[slot, at], starts, lengths, arena)
            if order <= 0 if greatest else order >= 0:
                continue
        ledger[slot, at] = ids[row]
        ledger[slot, at + 1] = 1


# The cells of the moments: the sum and the sum of squares, each in two floating-point numbers that do not overlap, then
# how many values are finite, and how many are not.
MOMENT_FINITE: Final = 4
MOMENT_OTHERS: Final = 5
MOMENT_CELLS: Final = 6

_SPLITTER: Final = 134217729.0
"""2^27 + 1: cuts a number into two halves whose products are exact (Veltkamp, Dekker)."""


@inner
def _add_twofold(sums: Floats, slot: int, at: int, value: float, rest: float) -> None:
    """Add `value` + `rest` to the sum in two parts, keeping some 106 bits (Knuth's two-sum)."""
    high = sums[slot, at]
    total = high + value
    shadow = total - high
    error = (high - (total - shadow)) + (value - shadow)
    low = sums[slot, at + 1] + error + rest
    sums[slot, at] = total + low
    sums[slot, at + 1] = low - (sums[slot, at] - total)


@kernel(
    f"void({READ_INT64}, {READ_INT8}, {READ_BOOL}, {READ_INT64}, {LEDGER}, float64[:, ::1], int64)", makes_arrays=True
)
def add_moments(
    slots: Int64s, signs: Int8s, chosen: Bools, words: Int64s, ledger: Int64s, sums: Floats, at: int
) -> None:
    """The sum of floating-point numbers and of their squares, without rounding that matters; others are counted."""
    values = np.empty(1, np.int64)
    for row in range(slots.size):
        if _skipped(chosen, row):
            continue
        slot = slots[row]
        sign = _sign(signs, row)
        word = words[row]
        values[0] = word ^ ((word >> 63) & _LOW_63)
        value = values.view(np.float64)[0]
        if not np.isfinite(value):
            ledger[slot, at + 5] += sign
            continue
        ledger[slot, at + 4] += sign
        square = value * value
        part = _SPLITTER * value
        high = part - (part - value)
        low = value - high
        error = ((high * high - square) + 2.0 * high * low) + low * low
        _add_twofold(sums, slot, at, sign * value, 0.0)
        _add_twofold(sums, slot, at + 2, sign * square, sign * error)


@kernel(f"void({READ_INT64}, {READ_INT64}, {READ_LEDGER}, {LEDGER}, float64[:, ::1], int64)", makes_arrays=True)
def merge_moments(source: Int64s, target: Int64s, parts: Int64s, ledger: Int64s, sums: Floats, at: int) -> None:
    """Add the partial moments of each source slot to the target slot beside it."""
    word = np.empty(2, np.int64)
    for row in range(source.size):
        for cell in range(at + 4, at + 6):
            ledger[target[row], cell] += parts[source[row], cell]
        for cell in range(at, at + 4, 2):
            word[0] = parts[source[row], cell]
            word[1] = parts[source[row], cell + 1]
            numbers = word.view(np.float64)
            _add_twofold(sums, target[row], cell, numbers[0], numbers[1])
