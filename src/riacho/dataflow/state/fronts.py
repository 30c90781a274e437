"""The first rows of each partition where rows may be retracted: all rows are kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from riacho.dataflow.batch import ADDED, Batch, Int64Array, WatermarkSteps
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.expiry import Expiry
from riacho.dataflow.state.partitions import Partitions
from riacho.dataflow.state.ranks import RankChanges, rank_settings
from riacho.dataflow.state.row_index import RowIndex
from riacho.dataflow.state.rows import RowStore
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.dataflow.state.sorted_rows import sort_rows
from riacho.kernels.rank import (
    COUNTERS,
    GROUP_COLUMNS,
    GROUP_REST_COUNT,
    ROW_ARRIVAL,
    ROW_COLUMNS,
    ROW_PLACE,
    ROW_TWIN,
    SET_FRONT,
    SETTINGS,
    SHORT_GROUP,
    emit_ranks,
    fill_front,
    list_rest,
    rank_rows,
    touch_partitions,
)
from riacho.kernels.rank_layout import (
    BEFORE_USED,
    BLOCK_SIZES,
    GROUP_BLOCK,
    GROUP_COUNT,
    POOL_USED,
    REMOVED_COUNT,
    ROW_NUMBER,
    SET_END,
    SET_KIND,
    TOUCHED_COLUMNS,
    TOUCHED_COUNT,
    TOUCHED_END,
    TOUCHED_GROUP,
    TOUCHED_START,
)
from riacho.plan.relations import Rank, RankKind

FRONT_ROWS = 4096
"""Rows of a partition that are kept sorted: so many of the first ones may go, one after another, before all of the
partition is looked at again."""

NO_END = 2**62
"""A front without end: rows that are numbered alike stand in it together, however many."""


class Added(NamedTuple):
    """A pass's rows, taken in: their partitions, and a list of those for the kernels; `removed` are not kept."""

    partitions: Int64Array
    touched: Int64Array
    removed: Int64Array


class Fronts:
    """Keeps the rows of each partition of a `Rank`, the first ones in order.

    In a pass: `begin`, `enter` its rows, look at the `changes`, and `finish`. A partition's time to live begins anew
    with each row that comes or goes.
    """

    def __init__(self, relation: Rank, expiry: Expiry) -> None:
        below = relation.input.schema
        self._expiry = expiry
        self.partitions = Partitions(below, relation.partition)
        self.store = RowStore(below.fields)
        self._keys = self.store.sort_keys(relation.order)
        self._index = RowIndex(self.store)
        self._settings = rank_settings(relation, SETTINGS)
        sortable = relation.kind is RankKind.ROW_NUMBER
        self._settings[SET_FRONT] = max(FRONT_ROWS, 2 * relation.end) if sortable else NO_END
        self._groups = Growable(np.int64, width=GROUP_COLUMNS)
        self._rows = Growable(np.int64, width=ROW_COLUMNS)
        self._pool = Growable(np.int64)
        self._free = np.zeros(BLOCK_SIZES, np.int64)
        self._before = Growable(np.int64)
        self._counters = np.zeros(COUNTERS, np.int64)
        self._pool.reserve(1024)
        self._before.reserve(1024)

    def begin(self) -> None:
        """A pass begins: some partitions are forgotten to which nothing happened for too long."""
        if self._expiry:
            self._expiry.begin()
            self._forget(self._expiry.sweep(self.partitions.slots_used))

    def _forget(self, partitions: Int64Array) -> None:
        """Take all rows of these partitions back, and tell nobody."""
        if not len(partitions):
            return
        slots = self._rows_of(partitions)
        gone = Batch(self.store.frame(slots), slots, WatermarkSteps.still(), np.full(len(slots), -1, np.int8))
        added = self._take(gone)
        self.changes(added, gone.sequence)
        self.finish(added)
        self.end_pass()

    def _rows_of(self, partitions: Int64Array) -> Int64Array:
        groups = self._groups.values[partitions]
        blocks, counts = groups[:, GROUP_BLOCK], groups[:, GROUP_COUNT]
        places = np.repeat(blocks - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())
        parts = [self._pool.values[places]]
        for group in partitions[groups[:, GROUP_REST_COUNT] > 0].tolist():
            rest = np.empty(self._groups.values[group, GROUP_REST_COUNT], np.int64)
            list_rest(group, self._groups.values, self._rows.values, rest)
            parts.append(rest)
        return np.concatenate(parts)

    def enter(self, batch: Batch) -> Added:
        """Take a pass's rows in; what stays of them is settled. There must be some."""
        if self._expiry:
            self._forget(self._expiry.stale(self.partitions.known(batch.rows, self.store.locate(batch.rows))))
        added = self._take(batch)
        self._expiry.write(added.partitions, self.partitions.slots_used)
        return added

    def _take(self, batch: Batch) -> Added:
        located = self.store.locate(batch.rows)
        partitions, new_rows = self.partitions.find(batch.rows, located)
        self._groups.reserve(self.partitions.slots_used)
        self._groups.values[partitions[new_rows]] = 0
        slots = self.store.stage_located(located, np.arange(len(batch)))
        self._rows.reserve(self.store.slots_used)
        touched = self._touch(partitions)
        removed = self._rank(batch, slots, partitions)
        self.store.settle(slots[self._rows.values[slots, ROW_PLACE] != 0])
        return Added(partitions, touched, removed)

    def _touch(self, partitions: Int64Array) -> Int64Array:
        touched = np.empty((min(len(partitions), self.partitions.slots_used), TOUCHED_COLUMNS), np.int64)
        done, counters = 0, self._counters
        while True:
            done = touch_partitions(
                done,
                partitions,
                self._groups.values,
                self._rows.values,
                self._pool.values,
                touched,
                self._before.values,
                counters,
            )
            if done == len(partitions):
                return touched[: counters[TOUCHED_COUNT]]
            self._before.reserve(int(counters[BEFORE_USED] + self._groups.values[partitions[done], GROUP_COUNT]))

    def _rank(self, batch: Batch, slots: Int64Array, partitions: Int64Array) -> Int64Array:
        """Take a pass's rows in; the rows that are no longer kept."""
        equals = self._index.upsert(slots)
        signs = ADDED if batch.diff is None else batch.diff
        removed = np.empty(2 * len(slots), np.int64)
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
                removed,
                self._counters,
            )
            if self._counters[SHORT_GROUP]:
                self._refill(int(self._counters[SHORT_GROUP]) - 1)
                self._counters[SHORT_GROUP] = 0
            elif done == len(slots):
                return removed[: self._counters[REMOVED_COUNT]]
            else:
                self._grow_pool(int(partitions[done]))

    def _grow_pool(self, group: int) -> None:
        self._pool.reserve(int(self._counters[POOL_USED] + 2 * self._groups.values[group, GROUP_COUNT]) + 1)

    def _refill(self, group: int) -> None:
        """Move the first rows of the rest into the front: several at once, since finding them looks at all of it."""
        count, size = self._groups.values[group, [GROUP_COUNT, GROUP_REST_COUNT]].tolist()
        rest = np.empty(size, np.int64)
        list_rest(group, self._groups.values, self._rows.values, rest)
        rest = rest[np.argsort(self._rows.values[rest, ROW_ARRIVAL])]
        wanted = min(max(size >> 4, 2 * int(self._settings[SET_END])), int(self._settings[SET_FRONT]) - count, size)
        chosen = sort_rows(self.store, self._keys, rest)[:wanted]
        while True:
            done = fill_front(
                chosen, group, self._groups.values, self._rows.values, self._pool.values, self._free, self._counters
            )
            chosen = chosen[done:]
            if not len(chosen):
                return
            self._grow_pool(group)

    def changes(self, added: Added, sequence: Int64Array) -> RankChanges:
        """How the shown rows change with a pass, whose rows have these sequence numbers.

        Partitions without rows are forgotten.
        """
        touched = added.touched
        counts = self._groups.values[touched[:, TOUCHED_GROUP], GROUP_COUNT]
        if self._settings[SET_KIND] == ROW_NUMBER:
            counts = np.minimum(counts, self._settings[SET_END])
        most = int(counts.sum() + (touched[:, TOUCHED_END] - touched[:, TOUCHED_START]).sum())
        out, numbers, moments = np.empty((3, most), np.int64)
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
        emptied = emptied[: self._counters[TOUCHED_COUNT]]
        self.partitions.release(emptied)
        self._expiry.forget(emptied)
        self._counters[TOUCHED_COUNT] = 0
        only_come = bool((diff[:made] > 0).all())
        return RankChanges(out[:made], numbers[:made], None if only_come else diff[:made], sequence[moments[:made]])

    def finish(self, added: Added) -> None:
        """Release the rows that are no longer kept, when they have been given out."""
        removed = np.unique(added.removed)
        removed = removed[self._rows.values[removed, ROW_PLACE] == 0]
        self._index.remove(removed)
        self.store.release(removed)

    def end_pass(self) -> None:
        """Reclaim memory."""
        self.store.end_pass()
        self.partitions.end_pass()

    @property
    def bytes(self) -> int:
        """Memory that the state holds."""
        rows = (self.store, self._rows, self._pool, self._before, self._index)
        parts = (self.partitions, self._groups, self._expiry, *rows)
        return sum(part.bytes for part in parts)

    def snapshot(self) -> StateArrays:
        """The state after a pass."""
        return {
            **prefixed("partitions", self.partitions.snapshot()),
            **prefixed("store", self.store.snapshot()),
            "groups": self._groups.copy(self.partitions.slots_used),
            "rows": self._rows.copy(self.store.slots_used),
            "pool": self._pool.copy(int(self._counters[POOL_USED])),
            "free": self._free.copy(),
            "counters": self._counters.copy(),
            **prefixed("expiry", self._expiry.snapshot(self.partitions.slots_used)),
        }

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """Take over a snapshot."""
        self.partitions.restore(section("partitions", state))
        self.store.restore(section("store", state))
        self._groups.load(state["groups"])
        self._rows.load(state["rows"])
        self._pool.load(state["pool"])
        self._free[:] = state["free"]
        self._counters[:] = state["counters"]
        self._expiry.restore(section("expiry", state), self.partitions.live())
        self._rebuild_index()

    def _rebuild_index(self) -> None:
        """Enter the rows that are the first of their values; the others are their twins."""
        live = self.store.live()
        twins = self._rows.values[live, ROW_TWIN]
        self._index.rebuild(np.setdiff1d(live, twins[twins > 0] - 1, assume_unique=True))
