"""Rows by partition, each partition's in the order that the operator gives them: what OVER keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from riacho.dataflow.operator import StateArrays
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.key_index import KeyIndex
from riacho.dataflow.state.rows import RowStore
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.dataflow.state.strings import StringPool
from riacho.dataflow.state.words import RowCodec
from riacho.formats.buffered import Columnar
from riacho.kernels.sessions import chain_rows, chained_rows
from riacho.plan.relations import Field, Schema

Int64Array = npt.NDArray[np.int64]


class PartitionedRows:
    """Rows of `fields`, in a chain for each partition: for each distinct value of some fields of an input.

    A row that was `keep`t is in no chain until its partition is `chain`ed anew, with all the rows that it then has.
    `arrivals` says, by slot of a row, which row of the input it was. `pool` has the partitions' strings; an operator
    may keep others in it.
    """

    def __init__(self, schema: Schema, partition: Sequence[int], fields: Sequence[Field]) -> None:
        self.pool = StringPool()
        self.store = RowStore(fields)
        self._partition = tuple(partition)
        self._codec = RowCodec(tuple(schema[key] for key in partition), self.pool)
        self._index = KeyIndex(self._codec.width)
        self._heads, self._tails, self._counts = (Growable(np.int64) for _ in range(3))
        self._arrivals, self._nexts = (Growable(np.int64) for _ in range(2))
        self._arrived = 0
        self._chained = 0

    def __len__(self) -> int:
        """The rows in chains."""
        return self._chained

    @property
    def partitions(self) -> int:
        """How many partitions there are."""
        return len(self._index)

    @property
    def partition_slots(self) -> int:
        """One past the greatest slot of a partition."""
        return self._index.slots_used

    @property
    def arrivals(self) -> Int64Array:
        return self._arrivals.values

    @property
    def bytes(self) -> int:
        parts = (self._index, self._heads, self._tails, self._counts, self._arrivals, self._nexts)
        return self.pool.bytes + self.store.bytes + sum(part.bytes for part in parts)

    # ---- partitions -------------------------------------------------------------------------------------------

    def known(self, frame: pl.DataFrame) -> Int64Array:
        """The slot of each row's partition, −1 where it has none."""
        return self._index.find(self._words(frame))

    def find(self, frame: pl.DataFrame) -> Int64Array:
        """The slot of each row's partition; one that has none gets one, without rows."""
        words = self._words(frame)
        slots, new_rows = self._index.upsert(words)
        self._codec.retain(words[new_rows])
        for part in (self._heads, self._tails, self._counts):
            part.reserve(self._index.slots_used)
            part.values[slots[new_rows]] = 0
        return slots

    def _words(self, frame: pl.DataFrame) -> Int64Array:
        return self._codec.encode([frame.to_series(key) for key in self._partition], frame.height)

    def live(self) -> Int64Array:
        """The slots of all partitions, ascending."""
        return self._index.live()

    def without_rows(self, partitions: Int64Array) -> Int64Array:
        """Those of these partitions that have none in their chains."""
        empty: Int64Array = partitions[self._counts.values[partitions] == 0]
        return empty

    def forget(self, partitions: Int64Array) -> None:
        """Free the slots of these partitions, which have no rows; each is given once."""
        self._codec.release(self._index.keys[partitions])
        self._index.release(partitions)

    # ---- rows -------------------------------------------------------------------------------------------------

    def number(self, count: int) -> Int64Array:
        """The arrivals of so many rows of the input."""
        first = self._arrived
        self._arrived += count
        return np.arange(first, self._arrived)

    def keep(self, rows: Columnar, arrivals: Int64Array) -> Int64Array:
        """The slots of these rows; `store.release` takes those back that are in no chain."""
        slots = self.store.keep(rows)
        for part in (self._arrivals, self._nexts):
            part.reserve(self.store.slots_used)
        self._arrivals.values[slots] = arrivals
        return slots

    def rows_of(self, partitions: Int64Array) -> tuple[Int64Array, Int64Array]:
        """The places of these partitions, and the slots of the rows in their chains, partition by partition."""
        places, slots = np.empty((2, int(self._counts.values[partitions].sum())), np.int64)
        chained_rows(partitions, self._heads.values, self._nexts.values, places, slots)
        return places, slots

    def chain(self, partitions: Int64Array, places: Int64Array, slots: Int64Array) -> None:
        """Make these rows, in their order, all that these partitions have; `places` are those of their partitions."""
        counts = np.bincount(places, minlength=len(partitions))
        self._chained += len(slots) - int(self._counts.values[partitions].sum())
        self._heads.values[partitions] = 0
        self._tails.values[partitions] = 0
        self._counts.values[partitions] = counts
        chain_rows(slots, partitions[places], self._heads.values, self._tails.values, self._nexts.values)

    def end_pass(self) -> None:
        """Reclaim memory."""
        self.store.end_pass()
        self.pool.collect()

    # ---- snapshots --------------------------------------------------------------------------------------------

    def snapshot(self) -> StateArrays:
        partitions, rows = self._index.slots_used, self.store.slots_used
        return {
            "progress": np.array([self._arrived, self._chained], np.int64),
            "heads": self._heads.copy(partitions),
            "tails": self._tails.copy(partitions),
            "counts": self._counts.copy(partitions),
            "arrivals": self._arrivals.copy(rows),
            "nexts": self._nexts.copy(rows),
            **prefixed("strings", self.pool.snapshot()),
            **prefixed("keys", self._index.snapshot()),
            **prefixed("rows", self.store.snapshot()),
        }

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._arrived, self._chained = state["progress"].tolist()
        self._heads.load(state["heads"])
        self._tails.load(state["tails"])
        self._counts.load(state["counts"])
        self._arrivals.load(state["arrivals"])
        self._nexts.load(state["nexts"])
        self.pool.restore(section("strings", state))
        self._index.restore(section("keys", state))
        self.store.restore(section("rows", state))
