"""Aggregates by slot: each kernel applies a pass's rows, in order, to the accumulators of their groups.

`slots` names each row's group. `signs` is +1 or −1 per row, empty where all are +1. `chosen` says which rows count
(value not null, filter true), empty where all do. Words are those of `dataflow.state.words`: fixed-width values in
their order, floating-point numbers in IEEE 754's total order, strings as ids into an arena.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import BYTES, READ_BOOL, READ_INT64, READ_UINT64, inner, kernel
from riacho.kernels.primitives import int64

Bools = NDArray[np.bool_]
Bytes = NDArray[np.uint8]
Floats = NDArray[np.float64]
Int8s = NDArray[np.int8]
Int64s = NDArray[np.int64]
Uint64s = NDArray[np.uint64]

READ_INT8 = "Array(int8, 1, 'C', True)"

# The columns of a floating-point sum's counters.
FINITE: Final = 0
NANS: Final = 1
POSITIVE_INFINITIES: Final = 2
NEGATIVE_INFINITIES: Final = 3
FLOAT_COUNTERS: Final = 4

_LOW_63: Final = int64(0x7FFFFFFFFFFFFFFF)


@inner
def _sign(signs: Int8s, row: int) -> int:
    return int64(signs[row]) if signs.size > 0 else int64(1)


@inner
def _skipped(chosen: Bools, row: int) -> bool:
    return chosen.size > 0 and not chosen[row]


@kernel(f"int64({READ_INT64}, int64, int64[::1], int64[::1], int64[::1], int64[::1])")
def touch_groups(slots: Int64s, base: int, marks: Int64s, touched: Int64s, first: Int64s, last: Int64s) -> int:
    """The distinct slots in order of their first row, with the first and last row of each; returns how many.

    `marks[slot]` remembers `base` plus the place in `touched`: a caller that raises `base` by the number of rows
    after each call never clears it. Marks start at 0 and `base` at 1.
    """
    count = 0
    for row in range(slots.size):
        slot = slots[row]
        place = marks[slot] - base
        if place < 0:
            place = count
            marks[slot] = base + place
            touched[place] = slot
            first[place] = row
            count += 1
        last[place] = row
    return count


@kernel(f"void({READ_INT64}, {READ_INT8}, {READ_BOOL}, int64[::1])")
def add_counts(slots: Int64s, signs: Int8s, chosen: Bools, counts: Int64s) -> None:
    """COUNT: add the sign of each chosen row."""
    for row in range(slots.size):
        if not _skipped(chosen, row):
            counts[slots[row]] += _sign(signs, row)


@kernel(f"void({READ_INT64}, {READ_INT8}, {READ_BOOL}, {READ_INT64}, int64[::1], int64[::1])")
def add_integers(slots: Int64s, signs: Int8s, chosen: Bools, words: Int64s, sums: Int64s, counts: Int64s) -> None:
    """SUM and COUNT of integers, modulo 2^64."""
    for row in range(slots.size):
        if _skipped(chosen, row):
            continue
        sign = _sign(signs, row)
        sums[slots[row]] += sign * words[row]
        counts[slots[row]] += sign


@inner
def _add_compensated(sums: Floats, slot: int, value: float) -> None:
    """Neumaier's sum: what rounding takes from the sum is kept beside it."""
    total = sums[slot, 0]
    after = total + value
    if abs(total) >= abs(value):
        sums[slot, 1] += (total - after) + value
    else:
        sums[slot, 1] += (value - after) + total
    sums[slot, 0] = after


@kernel(f"void({READ_INT64}, {READ_INT8}, {READ_BOOL}, {READ_INT64}, float64[:, ::1], int64[:, ::1])")
def add_floats(slots: Int64s, signs: Int8s, chosen: Bools, words: Int64s, sums: Floats, counts: Int64s) -> None:
    """SUM of floating-point numbers: finite ones compensated, NaN and infinities only counted."""
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
            counts[slot, 0] += sign
            _add_compensated(sums, slot, sign * value)
        elif np.isnan(value):
            counts[slot, 1] += sign
        elif value > 0:
            counts[slot, 2] += sign
        else:
            counts[slot, 3] += sign


@kernel(f"void({READ_INT64}, {READ_INT64}, float64[:, ::1], int64[:, ::1], float64[:, ::1], int64[:, ::1])")
def merge_floats(
    source: Int64s, target: Int64s, from_sums: Floats, from_counts: Int64s, sums: Floats, counts: Int64s
) -> None:
    """Add the partial sum of each source slot to the target slot beside it."""
    for row in range(source.size):
        for column in range(from_counts.shape[1]):
            counts[target[row], column] += from_counts[source[row], column]
        _add_compensated(sums, target[row], from_sums[source[row], 0])
        _add_compensated(sums, target[row], from_sums[source[row], 1])


@kernel(
    f"void({READ_INT64}, {READ_INT8}, {READ_BOOL}, {READ_INT64}, {READ_UINT64}, int64[::1], uint64[::1], int64[::1])"
)
def add_decimals(
    slots: Int64s,
    signs: Int8s,
    chosen: Bools,
    high: Int64s,
    low: Uint64s,
    sum_high: Int64s,
    sum_low: Uint64s,
    counts: Int64s,
) -> None:
    """SUM and COUNT of 128-bit integers in two halves, modulo 2^128."""
    for row in range(slots.size):
        if _skipped(chosen, row):
            continue
        slot = slots[row]
        sign = _sign(signs, row)
        before = sum_low[slot]
        if sign > 0:
            after = before + low[row]
            sum_high[slot] += high[row] + int64(after < before)
        else:
            after = before - low[row]
            sum_high[slot] -= high[row] + int64(after > before)
        sum_low[slot] = after
        counts[slot] += sign


@kernel(f"void({READ_INT64}, {READ_INT64}, {READ_INT64}, int64[::1])")
def merge_counts(source: Int64s, target: Int64s, from_counts: Int64s, counts: Int64s) -> None:
    """Add the number of each source slot to the target slot beside it, modulo 2^64."""
    for row in range(source.size):
        counts[target[row]] += from_counts[source[row]]


@kernel(f"void({READ_INT64}, {READ_BOOL}, {READ_INT64}, boolean, int64[::1], int64[::1])")
def keep_extremes(
    slots: Int64s, chosen: Bools, words: Int64s, greatest: bool, extremes: Int64s, counts: Int64s
) -> None:
    """MAX (`greatest`) or MIN of words that order as their values; `counts` tells whether there was any."""
    for row in range(slots.size):
        if _skipped(chosen, row):
            continue
        slot = slots[row]
        word = words[row]
        if counts[slot] == 0 or (word > extremes[slot] if greatest else word < extremes[slot]):
            extremes[slot] = word
        counts[slot] += 1


@inner
def _text_order(one: int, other: int, starts: Int64s, lengths: Int64s, arena: Bytes) -> int:
    """Negative, zero or positive as the first string is less, equal or greater, byte by byte."""
    if one == other:
        return int64(0)
    common = min(lengths[one], lengths[other])
    for i in range(common):
        difference = int64(arena[starts[one] + i]) - int64(arena[starts[other] + i])
        if difference != 0:
            return difference
    return int64(lengths[one] - lengths[other])


@kernel(
    f"void({READ_INT64}, {READ_BOOL}, {READ_INT64}, boolean, {READ_INT64}, {READ_INT64}, {BYTES}, "
    "int64[::1], int64[::1])"
)
def keep_text_extremes(
    slots: Int64s,
    chosen: Bools,
    ids: Int64s,
    greatest: bool,
    starts: Int64s,
    lengths: Int64s,
    arena: Bytes,
    extremes: Int64s,
    counts: Int64s,
) -> None:
    """MAX or MIN of strings, by their bytes."""
    for row in range(slots.size):
        if _skipped(chosen, row):
            continue
        slot = slots[row]
        if counts[slot] == 0:
            extremes[slot] = ids[row]
        else:
            order = _text_order(ids[row], extremes[slot], starts, lengths, arena)
            if order > 0 if greatest else order < 0:
                extremes[slot] = ids[row]
        counts[slot] += 1


@kernel(f"int64({READ_INT64}, {READ_INT8}, {READ_BOOL}, int64[::1], int64[::1], int8[::1])")
def count_values(entries: Int64s, signs: Int8s, chosen: Bools, counts: Int64s, rows: Int64s, crossings: Int8s) -> int:
    """Count each row's (group, value) entry; returns how many rows made a value appear or vanish.

    Those rows go to `rows`, with +1 or −1 in `crossings`: they are the rows of the DISTINCT values.
    """
    found = 0
    for row in range(entries.size):
        if _skipped(chosen, row):
            continue
        before = counts[entries[row]]
        after = before + _sign(signs, row)
        counts[entries[row]] = after
        if (before > 0) != (after > 0):
            rows[found] = row
            crossings[found] = 1 if after > 0 else -1
            found += 1
    return found


@kernel(f"void({READ_INT64}, {READ_INT64}, int64[::1], int64[::1], int64[::1])")
def link_entries(entries: Int64s, slots: Int64s, heads: Int64s, nexts: Int64s, previous: Int64s) -> None:
    """Put each entry at the head of its slot's chain. Links are entry numbers plus one; 0 ends a chain."""
    for index in range(entries.size):
        entry = entries[index]
        after = heads[slots[index]]
        nexts[entry] = after
        previous[entry] = 0
        if after > 0:
            previous[after - 1] = entry + 1
        heads[slots[index]] = entry + 1


@kernel(f"void({READ_INT64}, {READ_INT64}, int64[::1], int64[::1], int64[::1])")
def unlink_entries(entries: Int64s, slots: Int64s, heads: Int64s, nexts: Int64s, previous: Int64s) -> None:
    """Take each entry out of its slot's chain."""
    for index in range(entries.size):
        entry = entries[index]
        if previous[entry] > 0:
            nexts[previous[entry] - 1] = nexts[entry]
        else:
            heads[slots[index]] = nexts[entry]
        if nexts[entry] > 0:
            previous[nexts[entry] - 1] = previous[entry]


@kernel(f"int64({READ_INT64}, {READ_INT64}, {READ_INT64}, int64[::1])")
def chained_entries(slots: Int64s, heads: Int64s, nexts: Int64s, out: Int64s) -> int:
    """Every entry in the chains of these slots, one slot after another; returns how many, also where `out` is short."""
    count = 0
    for index in range(slots.size):
        link = heads[slots[index]]
        while link > 0:
            if count < out.size:
                out[count] = link - 1
            count += 1
            link = nexts[link - 1]
    return count


@kernel(
    f"void({READ_INT64}, {READ_INT64}, {READ_INT64}, {READ_INT64}, {READ_INT64}, boolean, boolean, "
    f"{READ_INT64}, {READ_INT64}, {BYTES}, int64[::1], int64[::1])"
)
def rescan_extremes(
    slots: Int64s,
    heads: Int64s,
    nexts: Int64s,
    values: Int64s,
    counts: Int64s,
    greatest: bool,
    text: bool,
    starts: Int64s,
    lengths: Int64s,
    arena: Bytes,
    extremes: Int64s,
    present: Int64s,
) -> None:
    """MAX or MIN of each slot's values whose count is positive; `present` is 1 where there is one."""
    for index in range(slots.size):
        slot = slots[index]
        best = int64(-1)
        link = heads[slot]
        while link > 0:
            entry = link - 1
            link = nexts[entry]
            if counts[entry] <= 0:
                continue
            if best < 0:
                best = entry
                continue
            if text:
                order = _text_order(values[entry], values[best], starts, lengths, arena)
            else:
                order = int64(values[entry] > values[best]) - int64(values[entry] < values[best])
            if order > 0 if greatest else order < 0:
                best = entry
        present[slot] = int64(best >= 0)
        extremes[slot] = values[best] if best >= 0 else int64(0)


@kernel(f"int64({READ_INT64}, {READ_BOOL}, {READ_BOOL}, {READ_BOOL}, int64, int64[::1], int8[::1])")
def order_changes(
    moments: Int64s, changed: Bools, had: Bools, has: Bools, rows: int, groups: Int64s, diff: Int8s
) -> int:
    """The output rows of the changed groups by moment, old before new; returns how many.

    `moments` are distinct rows of the pass, below `rows`. `groups` says whose row each is, `diff` which of the two.
    """
    at_moment = np.full(rows, -1, np.int64)
    for group in range(moments.size):
        if changed[group]:
            at_moment[moments[group]] = group
    count = 0
    for row in range(rows):
        group = at_moment[row]
        if group < 0:
            continue
        if had[group]:
            groups[count] = group
            diff[count] = -1
            count += 1
        if has[group]:
            groups[count] = group
            diff[count] = 1
            count += 1
    return count


@kernel(
    f"void({READ_INT64}, {READ_INT64}, {READ_INT64}, {READ_INT8}, int64[::1])",
    f"void({READ_UINT64}, {READ_UINT64}, {READ_INT64}, {READ_INT8}, uint64[::1])",
    f"void({READ_BOOL}, {READ_BOOL}, {READ_INT64}, {READ_INT8}, boolean[::1])",
)
def pick_changes(old: NDArray[Any], new: NDArray[Any], groups: Int64s, diff: Int8s, out: NDArray[Any]) -> None:
    """For each output row its group's old value where `diff` is negative, else the new one."""
    for row in range(groups.size):
        out[row] = old[groups[row]] if diff[row] < 0 else new[groups[row]]
