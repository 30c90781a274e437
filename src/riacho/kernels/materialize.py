"""Several rows of one primary key in order of arrival: which is the last that is still there.

Links are row slots plus one; 0 ends a chain, so fresh memory is an empty chain.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import READ_INT8, READ_INT64, kernel

Int8s = NDArray[np.int8]
Int64s = NDArray[np.int64]


@kernel(f"void({READ_INT64}, {READ_INT64}, {READ_INT8}, int64[::1], int64[::1], int64[::1], int64[::1])")
def arrange_rows(
    rows: Int64s, keys: Int64s, signs: Int8s, weights: Int64s, tails: Int64s, nexts: Int64s, previous: Int64s
) -> None:
    """Apply changes in order: a row that is added goes to the end of its key's chain, one that is gone leaves it.

    `weights` counts equal rows. Without `signs` every row is added.
    """
    for index in range(rows.size):
        row = rows[index]
        key = keys[index]
        added = signs.size == 0 or signs[index] > 0
        weight = weights[row] + (1 if added else -1)
        weights[row] = weight
        if (added and weight > 1) or (not added and weight == 0):
            before = previous[row]
            after = nexts[row]
            if before > 0:
                nexts[before - 1] = after
            if after > 0:
                previous[after - 1] = before
            else:
                tails[key] = before
            nexts[row] = 0
            previous[row] = 0
        if added and weight > 0:
            last = tails[key]
            nexts[row] = 0
            previous[row] = last
            if last > 0:
                nexts[last - 1] = row + 1
            tails[key] = row + 1


@kernel(f"int64({READ_INT64}, {READ_INT64}, {READ_INT64}, int64[::1])")
def rows_of_keys(keys: Int64s, tails: Int64s, previous: Int64s, rows: Int64s) -> int:
    """The rows of these keys, as far as `rows` reaches; returns how many there are."""
    count = 0
    for index in range(keys.size):
        link = tails[keys[index]]
        while link > 0:
            if count < rows.size:
                rows[count] = link - 1
            count += 1
            link = previous[link - 1]
    return count
