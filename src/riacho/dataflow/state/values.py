"""How often each value occurs in each group: what DISTINCT, and MIN and MAX over retractions, are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from riacho.dataflow.operator import StateArrays
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.key_index import KeyIndex
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.dataflow.state.strings import StringPool
from riacho.kernels.aggregate import (
    chained_entries,
    count_values,
    link_entries,
    rescan_extremes,
    unlink_entries,
)

Int64Array = npt.NDArray[np.int64]
Int8Array = npt.NDArray[np.int8]
BoolArray = npt.NDArray[np.bool_]


class ValueCounts:
    """Counts of (group, value) pairs for one argument, a counter for each FILTER that it is used with.

    A group's values are chained, so the greatest of the remaining ones can be found when the greatest is retracted.
    """

    def __init__(self, filters: int, *, interned: bool, pool: StringPool) -> None:
        self._index = KeyIndex(2)
        self._counts = [Growable(np.int64) for _ in range(filters)]
        self._nexts = Growable(np.int64)
        self._previous = Growable(np.int64)
        self._heads = Growable(np.int64)
        self._interned = interned
        self._pool = pool
        self._touched: list[Int64Array] = []

    @property
    def bytes(self) -> int:
        parts = [*self._counts, self._nexts, self._previous, self._heads]
        return self._index.bytes + sum(part.bytes for part in parts)

    def reserve(self, slots: int) -> None:
        """Make room for groups up to `slots`."""
        self._heads.reserve(slots)

    def entries(self, slots: Int64Array, words: Int64Array) -> Int64Array:
        """The entry of each (group, value), made where it is new."""
        pairs = np.empty((len(slots), 2), np.int64)
        pairs[:, 0] = slots
        pairs[:, 1] = words
        found, new_rows = self._index.upsert(pairs)
        for part in (*self._counts, self._nexts, self._previous):
            part.reserve(self._index.slots_used)
        new = found[new_rows]
        if len(new):
            for part in self._counts:
                part.values[new] = 0
            link_entries(new, slots[new_rows], self._heads.values, self._nexts.values, self._previous.values)
            if self._interned:
                self._pool.retain(words[new_rows])
        self._touched.append(found)
        return found

    def count(
        self, which: int, entries: Int64Array, signs: Int8Array, chosen: BoolArray
    ) -> tuple[Int64Array, Int8Array]:
        """Count the rows; which of them made their value appear (+1) or vanish (−1) in its group."""
        rows = np.empty(len(entries), np.int64)
        crossings = np.empty(len(entries), np.int8)
        found = count_values(entries, signs, chosen, self._counts[which].values, rows, crossings)
        return rows[:found], crossings[:found]

    def extremes(
        self, which: int, slots: Int64Array, extremes: Int64Array, present: Int64Array, *, greatest: bool
    ) -> None:
        """Write each group's greatest or least value, and whether it has one."""
        rescan_extremes(
            slots,
            self._heads.values,
            self._nexts.values,
            self._index.keys[:, 1].copy() if len(slots) else np.empty(0, np.int64),
            self._counts[which].values,
            greatest,
            self._interned,
            *self._pool.storage,
            extremes,
            present,
        )

    def forget_vanished(self) -> None:
        """At the end of a pass: free the entries that no counter counts any more."""
        if not self._touched:
            return
        touched = np.unique(np.concatenate(self._touched))
        self._touched.clear()
        gone = np.ones(len(touched), np.bool_)
        for part in self._counts:
            gone &= part.values[touched] == 0
        self._free(touched[gone])

    def forget_groups(self, slots: Int64Array) -> None:
        """Free every entry of these groups."""
        out = np.empty(1024, np.int64)
        while (count := chained_entries(slots, self._heads.values, self._nexts.values, out)) > len(out):
            out = np.empty(count, np.int64)
        self._free(out[:count])

    def _free(self, entries: Int64Array) -> None:
        if not len(entries):
            return
        keys = self._index.keys[entries]
        unlink_entries(
            entries,
            np.ascontiguousarray(keys[:, 0]),
            self._heads.values,
            self._nexts.values,
            self._previous.values,
        )
        if self._interned:
            self._pool.release(keys[:, 1])
        self._index.release(entries)

    def snapshot(self) -> StateArrays:
        used = self._index.slots_used
        arrays = {
            "next": self._nexts.copy(used),
            "previous": self._previous.copy(used),
            "head": self._heads.copy(len(self._heads.values)),
        }
        arrays |= {f"count{i}": part.copy(used) for i, part in enumerate(self._counts)}
        return arrays | prefixed("index", self._index.snapshot())

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._index.restore(section("index", state))
        self._nexts.load(state["next"])
        self._previous.load(state["previous"])
        self._heads.load(state["head"])
        for i, part in enumerate(self._counts):
            part.load(state[f"count{i}"])
