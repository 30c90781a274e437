"""Runs of rows that are alike in some columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import READ_UINT64, kernel
from riacho.kernels.primitives import int64, load_word_at, uint64

Addresses = NDArray[np.uint64]
Int64s = NDArray[np.int64]


@kernel(f"int64({READ_UINT64}, int64[::1], int64[::1])")
def number_runs(columns: Addresses, heads: Int64s, runs: Int64s) -> int:
    """Write each run's first row, and which run each row is in; returns how many runs there are.

    `columns` says where words are, one a row.
    """
    count = int64(0)
    for row in range(runs.size):
        alike = row > 0
        for column in range(columns.size):
            at = columns[column] + uint64(8 * row)
            if alike and load_word_at(at) != load_word_at(at - uint64(8)):
                alike = False
        if not alike:
            heads[count] = row
            count += 1
        runs[row] = count - 1
    return count
