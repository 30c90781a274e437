"""Frames of OVER: for each row of sorted partitions the first and the last row that it looks at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import READ_BOOL, READ_INT64, kernel
from riacho.kernels.primitives import int64

Bools = NDArray[np.bool_]
Int64s = NDArray[np.int64]


@kernel(f"void({READ_INT64}, {READ_INT64}, int64, boolean, boolean, int64[::1], int64[::1], int64[::1])")
def frame_bounds(
    keys: Int64s, times: Int64s, preceding: int, ranged: bool, peers: bool, begins: Int64s, lows: Int64s, highs: Int64s
) -> None:
    """Where each row's partition begins, and the first and last row of its frame.

    Rows of a partition (equal `keys`) stand together, by time. `preceding` is a number of rows, or of milliseconds if
    `ranged`; negative: unbounded. With `peers` a frame ends with the last row of the same time, else with the row.
    """
    size = keys.size
    begin, low = int64(0), int64(0)
    for row in range(size):
        if row == 0 or keys[row] != keys[row - 1]:
            begin = row
            low = row
        begins[row] = begin
        if preceding < 0:
            lows[row] = begin
        elif ranged:
            while times[low] < times[row] - preceding:
                low += 1
            lows[row] = low
        else:
            lows[row] = max(begin, row - preceding)
    for row in range(size - 1, -1, -1):
        same = row + 1 < size and keys[row + 1] == keys[row] and times[row + 1] == times[row]
        highs[row] = highs[row + 1] if peers and same else row


@kernel(f"void({READ_INT64}, {READ_BOOL}, int64[::1])")
def last_chosen(begins: Int64s, chosen: Bools, out: Int64s) -> None:
    """For each row the last chosen one of its partition up to it; −1 where there is none."""
    last = int64(-1)
    for row in range(begins.size):
        if begins[row] == row:
            last = int64(-1)
        if chosen[row]:
            last = int64(row)
        out[row] = last


@kernel(f"void({READ_INT64}, {READ_INT64}, {READ_INT64}, int64[::1], int64[::1])")
def expand_frames(rows: Int64s, lows: Int64s, highs: Int64s, outputs: Int64s, members: Int64s) -> None:
    """Each row's place among `rows` with every row of its frame, in order."""
    count = 0
    for place in range(rows.size):
        row = rows[place]
        for member in range(lows[row], highs[row] + 1):
            outputs[count] = place
            members[count] = member
            count += 1
