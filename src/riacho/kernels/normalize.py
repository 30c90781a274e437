"""Upserts to a changelog, row by row: what each upsert replaces, and what it leaves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import READ_INT8, READ_INT64, kernel
from riacho.kernels.keys import READ_WORDS

Int8s = NDArray[np.int8]
Int64s = NDArray[np.int64]
Words = NDArray[np.int64]


@kernel(
    f"int64({READ_INT64}, {READ_INT8}, {READ_WORDS}, int64[:, ::1], int64[::1], int64[:, ::1], int64[::1], int8[::1])"
)
def normalize_upserts(
    slots: Int64s,
    signs: Int8s,
    words: Words,
    current: Words,
    present: Int64s,
    out: Words,
    rows: Int64s,
    diff: Int8s,
) -> int:
    """Apply upserts (sign +1) and tombstones (−1) in order to `current`, the last row of each key's slot.

    `present` is 1 where a slot has a row. The changes go to `out`, `rows` (the upsert that caused each) and `diff`;
    returns how many. An upsert equal to the row that it replaces changes nothing, nor does a tombstone of no row.
    """
    width = words.shape[1]
    count = 0
    for row in range(slots.size):
        slot = slots[row]
        deleted = signs.size > 0 and signs[row] < 0
        if present[slot] == 1:
            if not deleted:
                same = True
                for column in range(width):
                    if current[slot, column] != words[row, column]:
                        same = False
                        break
                if same:
                    continue
            for column in range(width):
                out[count, column] = current[slot, column]
            rows[count] = row
            diff[count] = -1
            count += 1
        elif deleted:
            continue
        present[slot] = 0
        if not deleted:
            present[slot] = 1
            for column in range(width):
                current[slot, column] = words[row, column]
                out[count, column] = words[row, column]
            rows[count] = row
            diff[count] = 1
            count += 1
    return count
