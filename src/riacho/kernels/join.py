"""Rows chained by join key, in order of arrival, and the pairs that probing the chains finds.

Links are row slots plus one; 0 ends a chain, so fresh memory is an empty chain.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import READ_INT64, kernel
from riacho.kernels.primitives import int64

Bools = NDArray[np.bool_]
Int8s = NDArray[np.int8]
Int64s = NDArray[np.int64]

READ_INT8 = "Array(int8, 1, 'C', True)"


@kernel(f"void({READ_INT64}, {READ_INT64}, int64[::1], int64[::1], int64[::1], int64[::1])")
def append_rows(rows: Int64s, keys: Int64s, heads: Int64s, tails: Int64s, nexts: Int64s, previous: Int64s) -> None:
    """Put each row at the end of its key's chain. A negative key has no chain."""
    for index in range(rows.size):
        key = keys[index]
        if key < 0:
            continue
        link = rows[index] + 1
        last = tails[key]
        nexts[rows[index]] = 0
        previous[rows[index]] = last
        if last > 0:
            nexts[last - 1] = link
        else:
            heads[key] = link
        tails[key] = link


@kernel(f"void({READ_INT64}, {READ_INT64}, int64[::1], int64[::1], int64[::1], int64[::1])")
def remove_rows(rows: Int64s, keys: Int64s, heads: Int64s, tails: Int64s, nexts: Int64s, previous: Int64s) -> None:
    """Take each row out of its key's chain."""
    for index in range(rows.size):
        key = keys[index]
        if key < 0:
            continue
        before = previous[rows[index]]
        after = nexts[rows[index]]
        if before > 0:
            nexts[before - 1] = after
        else:
            heads[key] = after
        if after > 0:
            previous[after - 1] = before
        else:
            tails[key] = before


@kernel(f"int64({READ_INT64}, {READ_INT64}, {READ_INT64}, int64[::1], int64[::1])")
def probe_chains(keys: Int64s, heads: Int64s, nexts: Int64s, probes: Int64s, rows: Int64s) -> int:
    """Pairs of a probing position and each row in the chain of its key; returns how many there are.

    They are written as far as `probes` and `rows` reach. A negative key finds nothing.
    """
    count = 0
    for index in range(keys.size):
        if keys[index] < 0:
            continue
        link = heads[keys[index]]
        while link > 0:
            if count < rows.size:
                probes[count] = index
                rows[count] = link - 1
            count += 1
            link = nexts[link - 1]
    return count


@kernel(
    f"int64({READ_INT64}, {READ_INT64}, {READ_INT64}, {READ_INT64}, {READ_INT64}, {READ_INT64}, int64[::1], "
    f"{READ_INT64}, int64, int64[::1], int64[::1], int64[::1], boolean[::1], int64[::1])"
)
def count_matches(
    changed: Int64s,
    changed_before: Int64s,
    changed_at: Int64s,
    paired: Int64s,
    more: Int64s,
    paired_at: Int64s,
    matches: Int64s,
    weights: Int64s,
    base: int,
    marks: Int64s,
    rows: Int64s,
    before: Int64s,
    had: Bools,
    moments: Int64s,
) -> int:
    """Add to each row's `matches` what its new pairs bring; returns how many rows a pass touched.

    They are the `changed` ones, of which there were `changed_before`, and those of `paired`, each once in `rows`: how
    often it occurred `before`, whether it `had` a match, and the last moment that touched it. `marks[row]` remembers
    `base` plus the place in `rows`, as in `touch_groups`.
    """
    count = 0
    for index in range(changed.size):
        row = changed[index]
        marks[row] = base + count
        rows[count] = row
        before[count] = changed_before[index]
        had[count] = matches[row] > 0
        moments[count] = changed_at[index]
        count += 1
    for index in range(paired.size):
        row = paired[index]
        place = marks[row] - base
        if place < 0:
            place = count
            marks[row] = base + place
            rows[place] = row
            before[place] = weights[row]
            had[place] = matches[row] > 0
            moments[place] = paired_at[index]
            count += 1
        matches[row] += more[index]
        moments[place] = max(moments[place], paired_at[index])
    return count


@kernel(f"void({READ_INT64}, {READ_INT64}, int64, int64[::1], int64[::1])")
def order_by_moment(sequence: Int64s, change: Int64s, low: int, counts: Int64s, order: Int64s) -> None:
    """The order by sequence, what is retracted first, and as it was among equals: a counting sort.

    `counts` are zeros, two for each moment from `low` to the greatest, and one.
    """
    for index in range(sequence.size):
        counts[2 * (sequence[index] - low) + int64(change[index] > 0) + 1] += 1
    for place in range(1, counts.size):
        counts[place] += counts[place - 1]
    for index in range(sequence.size):
        place = 2 * (sequence[index] - low) + int64(change[index] > 0)
        order[counts[place]] = index
        counts[place] += 1


@kernel(
    f"void({READ_INT64}, {READ_INT64}, {READ_INT64}, {READ_INT64}, {READ_INT64}, int64[::1], int64[::1], int64[::1], "
    "int8[::1])"
)
def repeat_pairs(
    order: Int64s,
    left: Int64s,
    right: Int64s,
    change: Int64s,
    sequence: Int64s,
    out_left: Int64s,
    out_right: Int64s,
    out_sequence: Int64s,
    out_diff: Int8s,
) -> None:
    """Each pair, in this order, as often as it changed."""
    count = 0
    for place in range(order.size):
        index = order[place]
        for _ in range(abs(change[index])):
            out_left[count] = left[index]
            out_right[count] = right[index]
            out_sequence[count] = sequence[index]
            out_diff[count] = 1 if change[index] > 0 else -1
            count += 1


@kernel(f"int64({READ_INT64}, {READ_INT64}, {READ_INT8}, {READ_INT64}, int64[::1], int64[::1], int64, int64[::1])")
def divide_pairs(
    sequence: Int64s, keys: Int64s, signs: Int8s, sides: Int64s, left: Int64s, right: Int64s, limit: int, bounds: Int64s
) -> int:
    """Where to divide a pass, so that no part makes more than `limit` pairs, unless a single row does.

    `sequence` ascends over the rows of both inputs; `sides` is 0 for a row of the left one. `left` and `right` have
    the number of rows by key, and follow the pass. The sequence number before each division goes to `bounds`;
    returns how many there are. A negative key pairs with nothing.
    """
    count = int64(0)
    made = int64(0)
    previous = int64(0)
    row = 0
    while row < sequence.size:
        moment = sequence[row]
        here = int64(0)
        while row < sequence.size and sequence[row] == moment:  # what came at one moment stays together
            key = keys[row]
            if key >= 0:
                if sides[row] == 0:
                    here += right[key]
                    left[key] = max(left[key] + signs[row], 0)
                else:
                    here += left[key]
                    right[key] = max(right[key] + signs[row], 0)
            row += 1
        if made > 0 and made + here > limit:
            bounds[count] = previous
            count += 1
            made = 0
        made += here
        previous = moment
    return count
