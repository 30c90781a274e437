"""The first rows of each partition by an order, kept in state: what every top-N is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from riacho.dataflow.aggregates.contract import ADDED
from riacho.dataflow.batch import Batch, Int64Array
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.partitions import Partitions
from riacho.dataflow.state.row_index import RowIndex
from riacho.dataflow.state.rows import RowStore
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.kernels.rank import (
    BEFORE_USED,
    BLOCK_SIZES,
    COUNTERS,
    DENSE_RANK,
    GROUP_COLUMNS,
    GROUP_COUNT,
    GROUP_TOUCHED,
    POOL_USED,
    RANK,
    REMOVED_COUNT,
    ROW_COLUMNS,
    ROW_COLUMNS_APPENDED,
    ROW_NUMBER,
    ROW_PLACE,
    ROW_TWIN,
    SET_END,
    SET_FRONT,
    SET_KIND,
    SET_LATER,
    SET_NUMBERED,
    SET_RETRACTING,
    SET_START,
    SETTINGS,
    TOUCHED_COLUMNS,
    TOUCHED_COUNT,
    TOUCHED_END,
    TOUCHED_GROUP,
    TOUCHED_START,
    close_fronts,
    emit_ranks,
    rank_rows,
)
from riacho.plan.changelog import is_updating
from riacho.plan.relations import Rank, RankKind

FRONT_ROWS = 4096
"""Rows of a partition that are kept sorted where any may be retracted: so many of the first ones may go, one after
another, before all of the partition is looked at again."""

NO_END = 2**62
"""A front without end: rows that are numbered alike stand in it together, however many."""

_KINDS = {RankKind.ROW_NUMBER: ROW_NUMBER, RankKind.RANK: RANK, RankKind.DENSE_RANK: DENSE_RANK}


class Added(NamedTuple):
    """A pass's rows, taken in: their slots and partitions, and the rows that were the first of theirs.

    `touched` is a list of partitions for the kernels; `removed` are rows that are not kept any more.
    """

    slots: Int64Array
    partitions: Int64Array
    new_rows: Int64Array
    touched: Int64Array
    removed: Int64Array


class RankChanges(NamedTuple):
    """How the shown rows change: slots, numbers, signs, and the row of the pass that made each change."""

    rows: Int64Array
    numbers: Int64Array
    diff: npt.NDArray[np.int8]
    moments: Int64Array


class Closed(NamedTuple):
    """What partitions had when they were closed: the shown rows, their numbers and owners; `gone` are all rows."""

    rows: Int64Array
    numbers: Int64Array
    owners: Int64Array
    gone: Int64Array


class Fronts:
    """Keeps the first rows of each partition of a `Rank`; all rows where they may be retracted.

    In a pass: `add` its rows, look at the `changes` or not, and `let_go` of what is no longer kept.
    """

    def __init__(self, relation: Rank, *, later: bool = False) -> None:
        below = relation.input.schema
        self.partitions = Partitions(below, relation.partition)
        self.store = RowStore(below.fields)
        self._keys = self.store.sort_keys(relation.order)
        self._index = RowIndex(self.store) if is_updating(relation.input) else None
        retracting = self._index is not None
        self._settings = np.zeros(SETTINGS, np.int64)
        self._settings[SET_KIND] = _KINDS[relation.kind]
        self._settings[SET_START], self._settings[SET_END] = relation.start, relation.end
        self._settings[SET_NUMBERED], self._settings[SET_RETRACTING] = relation.number is not None, retracting
        self._settings[SET_LATER] = later
        sortable = relation.kind is RankKind.ROW_NUMBER
        self._settings[SET_FRONT] = max(FRONT_ROWS, 2 * relation.end) if sortable else NO_END
        self._groups = Growable(np.int64, width=GROUP_COLUMNS)
        self._rows = Growable(np.int64, width=ROW_COLUMNS if retracting else ROW_COLUMNS_APPENDED)
        self._pool = Growable(np.int64)
        self._free = np.zeros(BLOCK_SIZES, np.int64)
        self._before = Growable(np.int64)
        self._counters = np.zeros(COUNTERS, np.int64)
        self._pool.reserve(1024)
        self._before.reserve(1024)

    def add(self, batch: Batch) -> Added:
        """Take a pass's rows in; what stays of them is settled."""
        partitions, new_rows = self.partitions.find(batch.frame)
        self._groups.reserve(self.partitions.slots_used)
        self._groups.values[partitions[new_rows]] = 0
        slots = self.store.stage(batch.frame)
        self._rows.reserve(self.store.slots_used)
        touched, removed = self._rank(batch, slots, partitions)
        self.store.settle(slots[self._rows.values[slots, ROW_PLACE] != 0])
        return Added(slots, partitions, new_rows, touched, removed)

    def _rank(self, batch: Batch, slots: Int64Array, partitions: Int64Array) -> tuple[Int64Array, Int64Array]:
        """Take a pass's rows in; the touched partitions, and the rows that are no longer kept."""
        equals = slots if self._index is None else self._index.upsert(slots)
        signs = ADDED if batch.diff is None else batch.diff
        touched = np.empty((len(slots), TOUCHED_COLUMNS), np.int64)
        removed = Growable(np.int64)
        removed.reserve(2 * len(slots) + 64)
        self._counters[REMOVED_COUNT] = 0
        done = 0
        while True:
            done = rank_rows(
                done,
                slots,
                equals,
                partitions,
                signs,
                self.store.words,
                self.store.chunk_addresses,
                self._keys,
                self._settings,
                self._groups.values,
                self._rows.values,
                self._pool.values,
                self._free,
                touched,
                self._before.values,
                removed.values,
                self._counters,
            )
            if done == len(slots):
                return touched[: self._counters[TOUCHED_COUNT]], removed.values[: self._counters[REMOVED_COUNT]]
            more = 2 * int(self._groups.values[partitions[done], GROUP_COUNT]) + 64
            for part in (self._pool, self._before, removed):
                part.reserve(len(part.values) + more)

    def changes(self, added: Added) -> RankChanges:
        """How the shown rows change with a pass; partitions without rows are forgotten."""
        touched = added.touched
        counts = self._groups.values[touched[:, TOUCHED_GROUP], GROUP_COUNT]
        if self._settings[SET_KIND] == ROW_NUMBER:
            counts = np.minimum(counts, self._settings[SET_END])
        most = int(counts.sum() + (touched[:, TOUCHED_END] - touched[:, TOUCHED_START]).sum())
        out, numbers, moments = (np.empty(most, np.int64) for _ in range(3))
        diff, emptied = np.empty(most, np.int8), np.empty(len(touched), np.int64)
        made = emit_ranks(
            added.partitions,
            self.store.words,
            self.store.chunk_addresses,
            self._keys,
            self._settings,
            self._groups.values,
            self._rows.values,
            self._pool.values,
            self._free,
            touched,
            self._before.values,
            out,
            numbers,
            diff,
            moments,
            emptied,
            self._counters,
        )
        self.partitions.release(emptied[: self._counters[TOUCHED_COUNT]])
        self._counters[TOUCHED_COUNT] = 0
        return RankChanges(out[:made], numbers[:made], diff[:made], moments[:made])

    def let_go(self, added: Added) -> None:
        """Release the rows that are no longer kept."""
        removed = added.removed
        if self._index is not None:
            removed = np.unique(removed)
            removed = removed[self._rows.values[removed, ROW_PLACE] == 0]
            self._index.remove(removed)
        self.store.release(removed)
        # Where nobody asked for the changes.
        self._groups.values[added.touched[:, TOUCHED_GROUP], GROUP_TOUCHED] = 0
        self._counters[[TOUCHED_COUNT, BEFORE_USED]] = 0

    def close(self, partitions: Int64Array) -> Closed:
        """Forget partitions that are over. Their rows are to be released once they were given out."""
        most = int(self._groups.values[partitions, GROUP_COUNT].sum())
        out, numbers, owners, gone = (np.empty(most, np.int64) for _ in range(4))
        counts = np.zeros(1, np.int64)
        made = close_fronts(
            partitions,
            self._settings,
            self._groups.values,
            self._pool.values,
            self._free,
            out,
            numbers,
            owners,
            gone,
            counts,
        )
        self.partitions.release(partitions)
        return Closed(out[:made], numbers[:made], owners[:made], gone[: counts[0]])

    def end_pass(self) -> None:
        """Reclaim memory."""
        self.store.end_pass()
        self.partitions.end_pass()

    @property
    def bytes(self) -> int:
        parts = (self.partitions, self.store, self._groups, self._rows, self._pool, self._before)
        return sum(part.bytes for part in parts) + (0 if self._index is None else self._index.bytes)

    def snapshot(self) -> StateArrays:
        return {
            **prefixed("partitions", self.partitions.snapshot()),
            **prefixed("store", self.store.snapshot()),
            "groups": self._groups.copy(self.partitions.slots_used),
            "rows": self._rows.copy(self.store.slots_used),
            "pool": self._pool.copy(int(self._counters[POOL_USED])),
            "free": self._free.copy(),
            "counters": self._counters.copy(),
        }

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self.partitions.restore(section("partitions", state))
        self.store.restore(section("store", state))
        self._groups.load(state["groups"])
        self._rows.load(state["rows"])
        self._pool.load(state["pool"])
        self._free[:] = state["free"]
        self._counters[:] = state["counters"]
        if self._index is not None:
            self._rebuild_index()

    def _rebuild_index(self) -> None:
        """Enter the rows that are the first of their values; the others are their twins."""
        assert self._index is not None
        live = self.store.live()
        twins = self._rows.values[live, ROW_TWIN]
        self._index.rebuild(np.setdiff1d(live, twins[twins > 0] - 1, assume_unique=True))
