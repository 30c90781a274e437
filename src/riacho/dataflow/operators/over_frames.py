"""The rows of a pass that an OVER computes together: partitions side by side, each by time, with their frames."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from riacho.kernels.over import frame_bounds
from riacho.plan.relations import Frame, FrameUnit

Int64Array = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


class Frames(NamedTuple):
    """Rows sorted by partition, time and arrival: those that were kept for their followers, and the new ones.

    `keys` are the partitions' slots. `begins` is where a row's partition begins, `lows` and `highs` are the bounds of
    its frame. `new` are the rows that are to be given out. `rows` are the slots in which an operator keeps them.
    """

    frame: pl.DataFrame
    keys: Int64Array
    times: Int64Array
    begins: Int64Array
    lows: Int64Array
    highs: Int64Array
    new: Int64Array
    rows: Int64Array | None = None

    @property
    def last_rows(self) -> Int64Array:
        """The last row of each partition."""
        ends = np.ones(len(self.keys), np.bool_)
        ends[:-1] = self.keys[1:] != self.keys[:-1]
        return np.flatnonzero(ends)


def framed(
    frame: pl.DataFrame, keys: Int64Array, times: Int64Array, new: BoolArray, bounds: Frame, *, peers: bool
) -> Frames:
    """The frames of sorted rows. `peers`: those of one time look at the same rows."""
    begins, lows, highs = (np.empty(len(keys), np.int64) for _ in range(3))
    preceding = -1 if bounds.preceding is None else bounds.preceding
    frame_bounds(keys, times, preceding, bounds.unit is FrameUnit.RANGE, peers, begins, lows, highs)
    return Frames(frame, keys, times, begins, lows, highs, np.flatnonzero(new))
