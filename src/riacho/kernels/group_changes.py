"""What a pass changed in groups: which it touched, and their rows before and after in the order of the changes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import READ_BOOL, READ_INT8, READ_INT64, kernel
from riacho.kernels.primitives import int64

Bools = NDArray[np.bool_]
Int8s = NDArray[np.int8]
Int64s = NDArray[np.int64]

READ_LEDGER = "Array(int64, 2, 'C', True)"


@kernel(f"int64({READ_INT64}, {READ_INT64}, int64, int64[::1], int64[::1], int64[::1], int64[::1], boolean[::1])")
def touch_groups(
    slots: Int64s, new_rows: Int64s, base: int, marks: Int64s, touched: Int64s, first: Int64s, last: Int64s, had: Bools
) -> int:
    """The distinct slots in order of their first row, with the first and last row of each; returns how many.

    `had` says which were there before: all but those that the rows `new_rows`, which ascend, have made.

    `marks[slot]` remembers `base` plus the place in `touched`: a caller that raises `base` by the number of rows
    after each call never clears it. Marks start at 0 and `base` at 1.
    """
    count = 0
    made = 0
    for row in range(slots.size):
        slot = slots[row]
        place = marks[slot] - base
        if place < 0:
            place = count
            marks[slot] = base + place
            touched[place] = slot
            first[place] = row
            fresh = made < new_rows.size and new_rows[made] == row
            had[place] = not fresh
            made += int64(fresh)
            count += 1
        last[place] = row
    return count


@kernel(f"void({READ_LEDGER}, {READ_INT64}, int64[:, ::1])")
def copy_cells(ledger: Int64s, slots: Int64s, out: Int64s) -> None:
    """The ledger's rows at these slots."""
    for row in range(slots.size):
        for cell in range(out.shape[1]):
            out[row, cell] = ledger[slots[row], cell]


@kernel(
    f"int64({READ_INT64}, {READ_INT64}, {READ_LEDGER}, {READ_LEDGER}, {READ_BOOL}, {READ_BOOL}, int64, "
    "int64[::1], int8[::1], int64[::1])",
    makes_arrays=True,
)
def order_changes(
    moments: Int64s,
    touched: Int64s,
    before: Int64s,
    ledger: Int64s,
    had: Bools,
    has: Bools,
    rows: int,
    groups: Int64s,
    diff: Int8s,
    when: Int64s,
) -> int:
    """The output rows of the groups whose cells changed, by moment, old before new; returns how many.

    `moments` are distinct rows of the pass, below `rows`. `has` is empty where all groups are still there. `groups`
    says whose row each is, `diff` which of the two, `when` its moment.
    """
    at_moment = np.full(rows, -1, np.int64)
    for group in range(moments.size):
        changed = had[group] != (has.size == 0 or has[group])
        if not changed and had[group]:
            for cell in range(before.shape[1]):
                if before[group, cell] != ledger[touched[group], cell]:
                    changed = True
                    break
        if changed:
            at_moment[moments[group]] = group
    count = 0
    for row in range(rows):
        group = at_moment[row]
        if group < 0:
            continue
        if had[group]:
            groups[count] = group
            diff[count] = -1
            when[count] = row
            count += 1
        if has.size == 0 or has[group]:
            groups[count] = group
            diff[count] = 1
            when[count] = row
            count += 1
    return count


@kernel(f"int64({READ_LEDGER}, {READ_LEDGER}, {READ_INT64}, {READ_INT64}, {READ_INT8}, int64[:, ::1])")
def pick_cells(before: Int64s, ledger: Int64s, touched: Int64s, groups: Int64s, diff: Int8s, out: Int64s) -> int:
    """For each output row its group's cells: before the pass where `diff` is negative, else after it; a row a cell.

    Returns a bit for each cell that is zero in some row.
    """
    zeros = int64(0)
    for row in range(groups.size):
        group = groups[row]
        slot = touched[group]
        for cell in range(out.shape[0]):
            value = before[group, cell] if diff[row] < 0 else ledger[slot, cell]
            out[cell, row] = value
            zeros |= int64(value == 0) << min(cell, 62)
    return zeros


@kernel(f"int64({READ_LEDGER}, {READ_INT64}, int64[:, ::1])")
def take_columns(table: Int64s, slots: Int64s, out: Int64s) -> int:
    """The table's rows at these slots, a row of `out` for each of their columns. Returns as `pick_cells`."""
    zeros = int64(0)
    for row in range(slots.size):
        slot = slots[row]
        for column in range(out.shape[0]):
            value = table[slot, column]
            out[column, row] = value
            zeros |= int64(value == 0) << min(column, 62)
    return zeros


@kernel(f"int64({READ_INT64}, {READ_INT8}, {READ_BOOL}, int64[::1])")
def differing_pairs(groups: Int64s, diff: Int8s, same: Bools, kept: Int64s) -> int:
    """The output rows but for pairs of old and new that are the same; returns how many.

    `same[row]` says whether the row's results are those of the row before it.
    """
    count = 0
    row = int64(0)
    while row < groups.size:
        paired = row + 1 < groups.size and diff[row] < 0 and groups[row + 1] == groups[row]
        if paired and same[row + 1]:
            row += 2
            continue
        kept[count] = row
        count += 1
        row += 1
    return count
