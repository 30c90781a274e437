"""Top-N: the first rows of each partition by an order. Flink: Rank, and SortLimit and Limit as one without partition.

Flink's AppendFastStrategy over rows that are only added, its RetractStrategy over others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from riacho.dataflow.aggregates.contract import ADDED
from riacho.dataflow.batch import Batch, Int64Array
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.operators.batches import empty_batch
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.partitions import Partitions
from riacho.dataflow.state.row_index import RowIndex
from riacho.dataflow.state.rows import RowStore
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.dataflow.state.words import build_frame
from riacho.formats.arrow import Column
from riacho.kernels.rank import (
    BLOCK_SIZES,
    COUNTERS,
    DENSE_RANK,
    GROUP_COLUMNS,
    GROUP_COUNT,
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
    SET_NUMBERED,
    SET_RETRACTING,
    SET_START,
    SETTINGS,
    TOUCHED_COLUMNS,
    TOUCHED_COUNT,
    TOUCHED_END,
    TOUCHED_GROUP,
    TOUCHED_START,
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


class RankOperator:
    """Keeps the first rows of each partition, all rows where they may be retracted.

    Rule: a pass enters and takes out the partition's rows one by one, an equal one after those that came before; then
    each touched partition emits − for the rows that are no longer shown, or under another number, and + for those that
    now are. Rows beyond the last number are let go at once over input that is only added to.
    """

    def __init__(self, relation: Rank) -> None:
        below = relation.input.schema
        self._schema = relation.schema
        self._numbered = relation.number is not None
        self._partitions = Partitions(below, relation.partition)
        self._store = RowStore(below.fields)
        self._keys = self._store.sort_keys(relation.order)
        self._index = RowIndex(self._store) if is_updating(relation.input) else None
        retracting = self._index is not None
        self._settings = np.zeros(SETTINGS, np.int64)
        self._settings[SET_KIND] = _KINDS[relation.kind]
        self._settings[SET_START], self._settings[SET_END] = relation.start, relation.end
        self._settings[SET_NUMBERED], self._settings[SET_RETRACTING] = self._numbered, retracting
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

    def process(self, inputs: tuple[Batch, ...]) -> Batch:
        (batch,) = inputs
        if not len(batch):
            return empty_batch(self._schema, batch.watermark)
        store = self._store
        partitions, new_rows = self._partitions.find(batch.frame)
        self._groups.reserve(self._partitions.slots_used)
        self._groups.values[partitions[new_rows]] = 0
        slots = store.stage(batch.frame)
        self._rows.reserve(store.slots_used)
        touched, removed = self._rank(batch, slots, partitions)
        store.settle(slots[self._rows.values[slots, ROW_PLACE] != 0])
        output = self._changes(batch, partitions, touched)
        if self._index is not None:
            removed = np.unique(removed)
            removed = removed[self._rows.values[removed, ROW_PLACE] == 0]
            self._index.remove(removed)
        store.release(removed)
        store.end_pass()
        self._partitions.end_pass()
        return output

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
                self._store.words,
                self._store.chunk_addresses,
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

    def _changes(self, batch: Batch, partitions: Int64Array, touched: Int64Array) -> Batch:
        """How the result changes with the pass."""
        counts = self._groups.values[touched[:, TOUCHED_GROUP], GROUP_COUNT]
        if self._settings[SET_KIND] == ROW_NUMBER:
            counts = np.minimum(counts, self._settings[SET_END])
        most = int(counts.sum() + (touched[:, TOUCHED_END] - touched[:, TOUCHED_START]).sum())
        out, numbers, moments = (np.empty(most, np.int64) for _ in range(3))
        diff, emptied = np.empty(most, np.int8), np.empty(len(touched), np.int64)
        made = emit_ranks(
            partitions,
            self._store.words,
            self._store.chunk_addresses,
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
        self._partitions.release(emptied[: self._counters[TOUCHED_COUNT]])
        self._counters[TOUCHED_COUNT] = 0
        if not made:
            return empty_batch(self._schema, batch.watermark)
        columns: list[Column | pl.Series] = self._store.columns(out[:made])
        if self._numbered:
            columns.append(Column("l", made, (numbers[:made],)))
        diff = diff[:made]
        return Batch(
            build_frame(self._schema.fields, columns, made),
            batch.sequence[moments[:made]],
            batch.watermark,
            None if (diff > 0).all() else diff,
        )

    def snapshot(self) -> StateArrays:
        return {
            **prefixed("partitions", self._partitions.snapshot()),
            **prefixed("store", self._store.snapshot()),
            "groups": self._groups.copy(self._partitions.slots_used),
            "rows": self._rows.copy(self._store.slots_used),
            "pool": self._pool.copy(int(self._counters[POOL_USED])),
            "free": self._free.copy(),
            "counters": self._counters.copy(),
        }

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._partitions.restore(section("partitions", state))
        self._store.restore(section("store", state))
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
        live = self._store.live()
        twins = self._rows.values[live, ROW_TWIN]
        self._index.rebuild(np.setdiff1d(live, twins[twins > 0] - 1, assume_unique=True))

    @property
    def state_bytes(self) -> int:
        parts = (self._partitions, self._store, self._groups, self._rows, self._pool, self._before)
        return sum(part.bytes for part in parts) + (0 if self._index is None else self._index.bytes)

    @property
    def late_rows(self) -> int:
        return 0
