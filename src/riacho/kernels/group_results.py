"""What groups come to before and after a pass, where each result is read off their cells: the whole change at once."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import READ_BOOL, READ_INT64, READ_TABLE, inner, kernel
from riacho.kernels.primitives import int64

Bools = NDArray[np.bool_]
Int8s = NDArray[np.int8]
Int64s = NDArray[np.int64]


# The columns of a table of results.
RESULT_KIND: Final = 0
RESULT_AT: Final = 1
"""The first of its cells."""
RESULT_BITS: Final = 2
"""Bits that an integer wraps to."""
RESULT_COLUMNS: Final = 3

# The kinds of results.
NUMBER: Final = 0
"""The cell, which is never null."""
VALUE: Final = 1
"""The cell, null where the next one is 0."""
WRAPPED: Final = 2
"""The same, wrapped."""
QUOTIENT: Final = 3
"""The cell divided by the next one, toward zero; null where that is 0."""


@inner
def _word(cells: Int64s, row: int, kind: int, at: int, bits: int) -> int:
    word = int64(cells[row, at])
    if kind == QUOTIENT:
        divisor = cells[row, at + 1]
        if divisor == 0:
            return int64(0)
        quotient = word // divisor
        if quotient < 0 and quotient * divisor != word:
            quotient += 1
        word = quotient
    if kind >= WRAPPED and bits < 64:
        word = (word << int64(64 - bits)) >> int64(64 - bits)
    return word


@inner
def _write(
    cells: Int64s, row: int, results: Int64s, keys: Int64s, slot: int, place: int, out: Int64s, valid: Bools
) -> None:
    width = keys.shape[1]
    for column in range(width):
        out[column, place] = keys[slot, column]
    for call in range(results.shape[0]):
        kind, at = results[call, RESULT_KIND], results[call, RESULT_AT]
        out[width + call, place] = _word(cells, row, kind, at, results[call, RESULT_BITS])
        valid[call, place] = kind == NUMBER or cells[row, at + 1] != 0


@inner
def _same(out: Int64s, valid: Bools, width: int, place: int) -> bool:
    """Whether the results at a place are those of the next one."""
    for call in range(valid.shape[0]):
        if valid[call, place] != valid[call, place + 1]:
            return False
        if valid[call, place] and out[width + call, place] != out[width + call, place + 1]:
            return False
    return True


@kernel(
    f"int64({READ_INT64}, {READ_INT64}, {READ_TABLE}, {READ_TABLE}, {READ_BOOL}, {READ_BOOL}, {READ_TABLE}, "
    f"{READ_TABLE}, {READ_INT64}, int64[:, ::1], boolean[:, ::1], int8[::1], int64[::1], int64[::1])",
    makes_arrays=True,
)
def write_changes(
    moments: Int64s,
    touched: Int64s,
    before: Int64s,
    ledger: Int64s,
    had: Bools,
    has: Bools,
    results: Int64s,
    keys: Int64s,
    sequence: Int64s,
    out: Int64s,
    valid: Bools,
    diff: Int8s,
    sequences: Int64s,
    nulls: Int64s,
) -> int:
    """The rows of the groups that came, went or have other results, by moment, old before new; returns how many.

    `moments` are distinct rows of the pass, which have the numbers `sequence`. `has` is empty where all groups are
    still there. `out` gets the words of the key and of each result, a row of it for each; `valid` which results are
    not null, and `nulls` whether one is: its last element, whether a row goes.
    """
    width = keys.shape[1]
    at_moment = np.full(sequence.size, -1, np.int64)
    for group in range(moments.size):
        at_moment[moments[group]] = group
    for call in range(nulls.size):
        nulls[call] = 0
    count = 0
    for row in range(sequence.size):
        group = at_moment[row]
        if group < 0:
            continue
        slot = touched[group]
        stays = has.size == 0 or has[group]
        first = count
        if had[group]:
            _write(before, group, results, keys, slot, count, out, valid)
            diff[count] = -1
            count += 1
        if stays:
            _write(ledger, slot, results, keys, slot, count, out, valid)
            diff[count] = 1
            count += 1
        if count == first + 2 and _same(out, valid, width, first):
            count = first
            continue
        for place in range(first, count):
            sequences[place] = sequence[row]
            for call in range(results.shape[0]):
                nulls[call] |= int64(not valid[call, place])
            nulls[results.shape[0]] |= int64(diff[place] < 0)
    return count
