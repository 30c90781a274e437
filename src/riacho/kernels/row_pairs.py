"""Pairs of rows of two batches that have equal keys, the keys being numbered already."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import READ_INT64, kernel
from riacho.kernels.primitives import int64

Int64s = NDArray[np.int64]


@kernel(f"void({READ_INT64}, int64[::1], int64[::1])")
def group_rows(keys: Int64s, starts: Int64s, rows: Int64s) -> None:
    """The rows by their keys, each key's in their order and from its place in `starts` on to that of the next.

    `starts` is of zeros, two more than there are keys. A row whose key is negative is in none.
    """
    for row in range(keys.size):
        if keys[row] >= 0:
            starts[keys[row] + 2] += 1
    for key in range(2, starts.size):
        starts[key] += starts[key - 1]
    for row in range(keys.size):
        if keys[row] >= 0:
            rows[starts[keys[row] + 1]] = row
            starts[keys[row] + 1] += 1


@kernel(f"UniTuple(int64, 2)({READ_INT64}, {READ_INT64}, int64, int64)")
def count_pairs(keys: Int64s, starts: Int64s, first: int, most: int) -> tuple[int, int]:
    """(where to stop, the pairs up to there) of the rows from `first` on: `most` of them, or those of one row."""
    pairs = int64(0)
    for row in range(first, keys.size):
        if keys[row] < 0:
            continue
        count = starts[keys[row] + 1] - starts[keys[row]]
        if pairs > 0 and pairs + count > most:
            return int64(row), pairs
        pairs += count
    return int64(keys.size), pairs


@kernel(f"void({READ_INT64}, {READ_INT64}, {READ_INT64}, int64, int64, int64[::1], int64[::1])")
def write_pairs(
    keys: Int64s, starts: Int64s, rows: Int64s, first: int, stop: int, lefts: Int64s, rights: Int64s
) -> None:
    """Each row from `first` up to `stop` with every one of the grouped rows of its key."""
    pair = int64(0)
    for row in range(first, stop):
        if keys[row] < 0:
            continue
        for place in range(starts[keys[row]], starts[keys[row] + 1]):
            lefts[pair] = row
            rights[pair] = rows[place]
            pair += 1
