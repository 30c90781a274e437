"""How often each value occurs in each group, a counter per FILTER: what DISTINCT and retracted extremes are made of.

An entry is a distinct (group, value). A group's entries are chained: links are entry numbers plus one, 0 ends a chain.
`signs` and masks are empty where all rows are added and where all count.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import BYTES, READ_INT8, READ_INT64, inner, kernel
from riacho.kernels.primitives import int64, prefetch, text_order

Bools = NDArray[np.bool_]
Bytes = NDArray[np.uint8]
Int8s = NDArray[np.int8]
Int64s = NDArray[np.int64]

READ_COUNTS = "Array(int64, 2, 'C', True)"
READ_MASKS = "Array(boolean, 2, 'C', True)"

_AHEAD = 12
"""How many rows ahead an entry's counters are fetched."""

NO_CELL = -1
"""The place in the ledger of a counter that nobody reads as a number of distinct values."""


@inner
def _sign(signs: Int8s, row: int) -> int:
    return int64(signs[row]) if signs.size > 0 else int64(1)


@kernel(
    f"void({READ_INT64}, {READ_INT64}, {READ_INT8}, {READ_MASKS}, {READ_INT64}, int64[:, ::1], int64[:, ::1], "
    "int8[:, ::1])"
)
def count_values(
    entries: Int64s,
    slots: Int64s,
    signs: Int8s,
    masks: Bools,
    cells: Int64s,
    counts: Int64s,
    ledger: Int64s,
    crossings: Int8s,
) -> None:
    """Count each row's entry under each filter; a value that appears or vanishes changes the group's distinct count.

    `cells[f]` is the ledger's column of filter `f`'s distinct count, or `NO_CELL`. `crossings[f, row]` becomes +1 or
    −1 where the row made its value appear or vanish; it has no columns where nobody asks.
    """
    width = counts.shape[1]
    for row in range(entries.size):
        if row + _AHEAD < entries.size:
            prefetch(counts, entries[row + _AHEAD] * width)
        entry = entries[row]
        sign = _sign(signs, row)
        for which in range(width):
            if masks.shape[1] > 0 and not masks[which, row]:
                continue
            before = counts[entry, which]
            after = before + sign
            counts[entry, which] = after
            if (before > 0) != (after > 0):
                crossing = int64(1) if after > 0 else int64(-1)
                if cells[which] >= 0:
                    ledger[slots[row], cells[which]] += crossing
                if crossings.shape[1] > 0:
                    crossings[which, row] = crossing


@kernel(f"void({READ_INT64}, {READ_INT64}, {READ_MASKS}, {READ_INT64}, int64[::1], int64[:, ::1], int8[:, ::1])")
def mark_values(
    entries: Int64s, slots: Int64s, masks: Bools, cells: Int64s, marks: Int64s, ledger: Int64s, crossings: Int8s
) -> None:
    """The same for rows that are only added: that a value occurred under a filter is a bit of the entry's mark."""
    for row in range(entries.size):
        if row + _AHEAD < entries.size:
            prefetch(marks, entries[row + _AHEAD])
            prefetch(ledger, slots[row + _AHEAD] * ledger.shape[1])
        entry = entries[row]
        mark = marks[entry]
        fresh = int64(0)
        for which in range(cells.size):
            holds = int64(1) if masks.shape[1] == 0 else int64(masks[which, row])
            fresh |= holds << which
        fresh &= ~mark
        if fresh == 0:
            continue
        marks[entry] = mark | fresh
        for which in range(cells.size):
            bit = (fresh >> which) & 1
            if cells[which] >= 0:
                ledger[slots[row], cells[which]] += bit
            if crossings.shape[1] > 0:
                crossings[which, row] = bit


@kernel(f"void({READ_INT64}, {READ_INT64}, int64[:, ::1])")
def weigh_values(entries: Int64s, weights: Int64s, counts: Int64s) -> None:
    """Add each row's weight, which may be negative, to its entry's only count."""
    for row in range(entries.size):
        counts[entries[row], 0] += weights[row]


@kernel(f"int64({READ_INT64}, {READ_INT8}, int64[:, ::1], int64[::1])")
def vanished_entries(entries: Int64s, signs: Int8s, counts: Int64s, out: Int64s) -> int:
    """The entries, each once, of retracted rows that no counter counts any more; returns how many."""
    count = 0
    for row in range(entries.size):
        if signs[row] > 0:
            continue
        entry = entries[row]
        empty = True
        for which in range(counts.shape[1]):
            if counts[entry, which] != 0:
                empty = False
                break
        if empty:
            counts[entry, 0] = -1  # listed: not to be listed again
            out[count] = entry
            count += 1
    for index in range(count):
        counts[out[index], 0] = 0
    return count


@kernel(f"void({READ_INT64}, {READ_INT64}, int64[::1], int64[::1], int64[::1])")
def link_entries(entries: Int64s, slots: Int64s, heads: Int64s, nexts: Int64s, previous: Int64s) -> None:
    """Put each entry at the head of its slot's chain."""
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


@kernel(f"int64({READ_INT64}, {READ_INT64}, {READ_INT64}, int64[::1], int64[::1])")
def chained_entries(slots: Int64s, heads: Int64s, nexts: Int64s, out: Int64s, ends: Int64s) -> int:
    """Every entry in the chains of these slots, one slot after another; returns how many, also where `out` is short.

    `ends[i]` is where the entries of slot `i` end in `out`.
    """
    count = 0
    for index in range(slots.size):
        link = heads[slots[index]]
        while link > 0:
            if count < out.size:
                out[count] = link - 1
            count += 1
            link = nexts[link - 1]
        ends[index] = count
    return count


@kernel(
    f"void({READ_INT64}, {READ_INT64}, {READ_INT64}, {READ_COUNTS}, {READ_COUNTS}, int64, boolean, boolean, "
    f"{READ_INT64}, {READ_INT64}, {BYTES}, int64[:, ::1], int64)"
)
def rescan_extremes(
    slots: Int64s,
    heads: Int64s,
    nexts: Int64s,
    keys: Int64s,
    counts: Int64s,
    which: int,
    greatest: bool,
    text: bool,
    starts: Int64s,
    lengths: Int64s,
    arena: Bytes,
    ledger: Int64s,
    at: int,
) -> None:
    """MAX or MIN of each slot's values whose count is positive; the second cell is 1 where there is one.

    The value of an entry is the second word of its key.
    """
    for index in range(slots.size):
        slot = slots[index]
        best = int64(-1)
        link = heads[slot]
        while link > 0:
            entry = link - 1
            link = nexts[entry]
            if counts[entry, which] <= 0:
                continue
            if best < 0:
                best = entry
                continue
            if text:
                order = text_order(keys[entry, 1], keys[best, 1], starts, lengths, arena)
            else:
                order = int64(keys[entry, 1] > keys[best, 1]) - int64(keys[entry, 1] < keys[best, 1])
            if order > 0 if greatest else order < 0:
                best = entry
        ledger[slot, at + 1] = int64(best >= 0)
        ledger[slot, at] = keys[best, 1] if best >= 0 else int64(0)
