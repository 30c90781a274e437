"""FIRST_VALUE and LAST_VALUE of different values over bounded frames.

Flink counts how often a value is in the frame: it comes in with its first row, keeps that place for as long as one of
its rows is there, and has gone with the last of them. The first value is the one that came in first, the last one the
one that came in last; a row of a value that is there changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from riacho.dataflow.operator import StateArrays
from riacho.dataflow.operators.over_frames import Frames
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.strings import StringPool
from riacho.dataflow.state.words import RowCodec
from riacho.plan.expressions import AggregateCall
from riacho.plan.relations import Schema

Int64Array = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

NEVER = -1
"""The place of a row without a value."""


class DistinctEdge:
    """One such call. Of each row that is kept it knows when its value came in, by the row's slot."""

    def __init__(self, call: AggregateCall, schema: Schema, pool: StringPool) -> None:
        self._column = call.arguments[0].index
        self._last = call.function == "LAST_VALUE"
        self._codec = RowCodec((schema[self._column],), pool)
        self._came = Growable(np.int64)
        self._slots = 0
        self._count = 0

    def values(self, frames: Frames) -> list[pl.Series]:
        assert frames.rows is not None, "bounded frames are of kept rows"
        column = frames.frame.to_series(self._column)
        self._slots = max(self._slots, int(frames.rows.max(initial=-1)) + 1)
        self._came.reserve(self._slots)
        came = self._came_in(frames, column)
        self._came.values[frames.rows] = came
        lows, highs = frames.lows[frames.new], frames.highs[frames.new]
        best = _greatest(came if self._last else np.where(came == NEVER, NEVER, self._count - came), lows, highs)
        found = came[best] != NEVER
        values = column[best]
        if found.all():
            return [values]
        return [pl.select(pl.when(pl.lit(pl.Series(found))).then(pl.lit(values))).to_series()]

    def _came_in(self, frames: Frames, column: pl.Series) -> Int64Array:
        """When each row's value came in, counted in rows; `NEVER` for null."""
        size = len(column)
        new = np.zeros(size, np.bool_)
        new[frames.new] = True
        came = np.where(new, self._count + np.arange(size), self._came.values[frames.rows])
        self._count += size
        present = column.is_not_null().to_numpy()
        came[~present] = NEVER
        rows = np.flatnonzero(present)
        if len(rows):
            words = self._codec.encode([column[rows]], len(rows))
            _, values = np.unique(words, axis=0, return_inverse=True)
            values = values.reshape(-1)
            order = np.lexsort((rows, values, frames.keys[rows]))
            rows, values = rows[order], values[order]
            same = (np.diff(values) == 0) & (np.diff(frames.keys[rows]) == 0) & (rows[:-1] >= frames.lows[rows[1:]])
            starts = np.concatenate(([True], ~same)) | ~new[rows]
            came[rows] = came[rows[starts]][np.cumsum(starts) - 1]
        return came

    def release(self, keys: Int64Array) -> None:
        """Nothing is held by partition."""

    @property
    def bytes(self) -> int:
        return self._came.bytes

    def snapshot(self, keys: int) -> StateArrays:
        del keys
        return {"came": self._came.copy(self._slots), "count": np.array([self._count], np.int64)}

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._slots = len(state["came"])
        self._came.load(state["came"])
        self._count = int(state["count"][0])


def _greatest(numbers: Int64Array, lows: Int64Array, highs: Int64Array) -> Int64Array:
    """Where the greatest number of each span lies, its first and last place included.

    >>> _greatest(np.array([3, 9, 4, 1]), np.array([0, 2, 3]), np.array([2, 3, 3])).tolist()
    [1, 2, 3]
    """
    lengths = highs - lows + 1
    best, found = np.arange(len(numbers)), np.empty(len(lows), np.int64)
    length = 1
    while True:  # `best` has the greatest of the `length` numbers from each place on
        spans = np.flatnonzero((lengths >= length) & (lengths < 2 * length))
        one, other = best[lows[spans]], best[highs[spans] - length + 1]
        found[spans] = np.where(numbers[one] >= numbers[other], one, other)
        if not (lengths >= 2 * length).any():
            return found
        one, other = best[:-length], best[length:]
        best = np.where(numbers[one] >= numbers[other], one, other)
        length *= 2
