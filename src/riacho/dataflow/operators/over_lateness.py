"""Which rows of a bounded frame count as late: per partition, those that are no newer than what came out of it.

Flink's RowTimeRowsBoundedPrecedingFunction and RowTimeRangeBoundedPrecedingFunction do not ask the watermark: a row
behind it is taken as long as its partition has given out nothing of its time or later, and comes out with the
watermark's next step. Once no frame of time can reach a partition's rows, it is cleaned up and begins a new life.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from riacho.dataflow.batch import END_OF_TIME, Int64Array
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.state.arena import Growable
from riacho.kernels.over_lateness import (
    CLEANED_BY,
    COUNTERS,
    LIFE,
    NEWEST,
    NONE,
    OVERTAKEN_COLUMNS,
    PARTITION_COLUMNS,
    USED,
    admit_rows,
    forget_partitions,
)

BoolArray = npt.NDArray[np.bool_]

FRESH = np.zeros(PARTITION_COLUMNS, np.int64)
FRESH[:LIFE] = NONE


class BoundedLateness:
    """What came out of each partition last, by its slot. `preceding` is in milliseconds; None: frames are of rows."""

    def __init__(self, preceding: int | None) -> None:
        self._preceding = -1 if preceding is None else preceding
        self._partitions = Growable(np.int64, width=PARTITION_COLUMNS)
        self._known = 0
        self._overtaken = Growable(np.int64, width=OVERTAKEN_COLUMNS)
        self._free = Growable(np.int64)
        self._counters = np.zeros(COUNTERS, np.int64)

    def admit(
        self,
        keys: Int64Array,
        times: Int64Array,
        seen: Int64Array,
        before: int,
        waiting: Int64Array,
        waiting_times: Int64Array,
    ) -> tuple[BoolArray, Int64Array]:
        """Which rows of a pass are taken, and the life of its partition that each is in.

        `keys` are their partitions, `seen` the watermarks before them, and `before` the one before the pass; `waiting`
        are the partitions of the rows that have been taken in earlier passes and not come out yet.
        """
        self._reserve(int(keys.max(initial=-1)) + 1)
        admitted, lives = np.ones(len(keys), np.bool_), np.zeros(len(keys), np.int64)
        late = times <= seen
        if not len(keys) or (self._preceding < 0 and not late.any()):
            return admitted, lives
        due_keys = np.concatenate((waiting, keys[~late]))
        due_times = np.concatenate((waiting_times, times[~late]))
        due = np.maximum(due_times, min(before, END_OF_TIME - 1) + 1)
        in_reach = due <= seen[-1]
        due_keys, due_times, due = due_keys[in_reach], due_times[in_reach], due[in_reach]
        by_due = np.lexsort((due, due_keys))
        order = np.argsort(keys, kind="stable")
        rooms = int(self._counters[USED]) + len(keys)
        self._overtaken.reserve(rooms)
        self._free.reserve(rooms)
        taken, life = np.empty(len(keys), np.bool_), np.empty(len(keys), np.int64)
        admit_rows(
            keys[order],
            times[order],
            seen[order],
            due_keys[by_due],
            due[by_due],
            due_times[by_due],
            self._preceding,
            self._partitions.values,
            self._overtaken.values,
            self._free.values,
            self._counters,
            taken,
            life,
        )
        admitted[order], lives[order] = taken, life
        return admitted, lives

    def _reserve(self, keys: int) -> None:
        if keys > self._known:
            self._partitions.reserve(keys)
            self._partitions.values[self._known : keys] = FRESH
            self._known = keys

    def come_out(self, keys: Int64Array, times: Int64Array, lives: Int64Array) -> None:
        """These rows have come out of their partitions."""
        partitions = self._partitions.values
        current = lives == partitions[keys, LIFE]
        np.maximum.at(partitions[:, NEWEST], keys[current], times[current])

    def reached(self, keys: Int64Array, times: Int64Array, lives: Int64Array, watermark: int) -> BoolArray:
        """Which rows of these partitions, whose frames are of time, one to come may look back to."""
        partitions = self._partitions.values
        alive = (lives == partitions[keys, LIFE]) & ~self._cleaned(keys, watermark)
        reached: BoolArray = alive & (times >= partitions[keys, NEWEST] - self._preceding)
        return reached

    def _cleaned(self, keys: Int64Array, watermark: int) -> BoolArray:
        by = self._partitions.values[keys, CLEANED_BY]
        cleaned: BoolArray = by <= watermark
        return cleaned

    def forget(self, keys: Int64Array, watermark: int) -> Int64Array:
        """Let go of those of these partitions that are cleaned up; returns them. None of their rows may be left."""
        cleaned = keys[self._cleaned(keys, watermark)]
        forget_partitions(cleaned, self._partitions.values, self._overtaken.values, self._free.values, self._counters)
        return cleaned

    @property
    def bytes(self) -> int:
        return self._partitions.bytes + self._overtaken.bytes + self._free.bytes

    def snapshot(self) -> StateArrays:
        used = int(self._counters[USED])
        return {
            "partitions": self._partitions.copy(self._known),
            "overtaken": self._overtaken.copy(used),
            "free": self._free.copy(used),
            "counters": self._counters.copy(),
        }

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._known = len(state["partitions"])
        self._partitions.load(state["partitions"])
        self._overtaken.load(state["overtaken"])
        self._free.load(state["free"])
        self._counters = state["counters"].copy()
