"""Sorting kept rows by a table of sort keys."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import READ_INT64, READ_TABLE, READ_UINT64, kernel
from riacho.kernels.row_words import compare_rows

Hashes = NDArray[np.uint64]
Int64s = NDArray[np.int64]
Words = NDArray[np.int64]


@kernel(f"void({READ_INT64}, int64[::1], int64, int64[:, ::1], {READ_UINT64}, {READ_TABLE})")
def merge_runs(slots: Int64s, out: Int64s, length: int, store: Words, chunks: Hashes, keys: Words) -> None:
    """Merge pairs of sorted runs of this length into `out`; equal rows stay as they are."""
    for start in range(0, slots.size, 2 * length):
        middle, end = min(start + length, slots.size), min(start + 2 * length, slots.size)
        left, right = start, middle
        for place in range(start, end):
            first = right >= end
            if left < middle and right < end:
                first = compare_rows(store, slots[left], slots[right], keys, chunks) <= 0
            if first:
                out[place] = slots[left]
                left += 1
            else:
                out[place] = slots[right]
                right += 1
