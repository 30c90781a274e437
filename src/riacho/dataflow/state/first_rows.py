"""The first rows of each partition where rows are only added: N of them are kept, and no others are ever copied."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from riacho.dataflow.batch import Batch, Int64Array
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.expiry import Expiry
from riacho.dataflow.state.leaf_words import OrderWords, text_ranks
from riacho.dataflow.state.partitions import Partitions
from riacho.dataflow.state.ranks import RankChanges, rank_settings
from riacho.dataflow.state.rows import RowStore
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.formats.buffered import column_of, series_of
from riacho.kernels.first_rows import (
    BEFORE_COLUMNS,
    BEFORE_ROW,
    COUNTERS,
    GROUP_COLUMNS,
    SET_BLOCK,
    SET_LATER,
    SETTINGS,
    SHOWN_LINES,
    SHOWN_MOMENT,
    SHOWN_MOST,
    SHOWN_NUMBER,
    SHOWN_ROW,
    close_fronts,
    emit_first_rows,
    enter_rows,
    list_changed,
    seat_rows,
    touch_fronts,
    write_words,
)
from riacho.kernels.rank_layout import (
    BEFORE_USED,
    BLOCK_SIZES,
    GROUP_COUNT,
    POOL_USED,
    REMOVED_COUNT,
    TOUCHED_COLUMNS,
    TOUCHED_COUNT,
)
from riacho.plan.relations import Rank

FIRST_BLOCK = 4
"""Places that a partition gets at first, where it may need them."""


class Entered(NamedTuple):
    """A pass's rows, taken in: their partitions, the rows that were the first of theirs, and what has changed.

    `slots` are those of the rows that stay, in their order; `changed` are the partitions, `removed` rows that are not
    kept any more.
    """

    partitions: Int64Array
    new_rows: Int64Array
    slots: Int64Array
    touched: Int64Array
    changed: Int64Array
    removed: Int64Array


class Closed(NamedTuple):
    """What partitions had when they were closed: the shown rows, their numbers and owners; `gone` are all rows."""

    rows: Int64Array
    numbers: Int64Array
    owners: Int64Array
    gone: Int64Array


class FirstRows:
    """Keeps the first rows of each partition of a `Rank` whose input is only added to.

    In a pass: `begin` where partitions expire, `enter` its rows, look at the `changes` or not, and `finish`.
    """

    def __init__(self, relation: Rank, expiry: Expiry, *, later: bool = False) -> None:
        below = relation.input.schema
        self.partitions = Partitions(below, relation.partition)
        self.store = RowStore(below.fields)
        self._expiry = expiry
        self._order = OrderWords(below, relation.order)
        self._settings = rank_settings(relation, SETTINGS)
        self._settings[SET_LATER] = later
        self._settings[SET_BLOCK] = FIRST_BLOCK if relation.end >= FIRST_BLOCK else 2
        self._groups = Growable(np.int64, width=GROUP_COLUMNS)
        self._pool = Growable(np.int64, width=1 + self._order.width)
        self._free = np.zeros(BLOCK_SIZES, np.int64)
        self._before = Growable(np.int64, width=BEFORE_COLUMNS)
        self._removed = Growable(np.int64)
        self._counters = np.zeros(COUNTERS, np.int64)
        self._pool.reserve(1024)
        self._before.reserve(1024)

    def begin(self) -> None:
        """A pass begins: some partitions are forgotten to which no row came for too long."""
        if self._expiry:
            self._expiry.begin()
            self._forget(self._expiry.sweep(self.partitions.slots_used))

    def _forget(self, partitions: Int64Array) -> None:
        if len(partitions):
            self.store.release(self.close(partitions).gone)
            self._groups.values[partitions] = 0
            self._expiry.forget(partitions)

    def enter(self, batch: Batch) -> Entered:
        """Take a pass's rows in; those that stay are kept from now on. There must be some."""
        located = self.store.locate(batch.rows)
        if self._expiry:
            self._forget(self._expiry.stale(self.partitions.known(batch.rows, located)))
        partitions, new_rows = self.partitions.find(batch.rows, located)
        self._groups.reserve(self.partitions.slots_used)
        touched = self._touch(partitions)
        words = self._order.read(located)
        if self._order.texts:
            self._order_texts(batch, words, touched)
        self._enter(partitions, words)
        changed = np.empty(len(touched), np.int64)
        staying, places = np.empty(len(batch), np.int64), np.empty(len(batch), np.int64)
        made, stay = list_changed(
            partitions, self._groups.values, self._pool.values, changed, staying, places, self._counters
        )
        self._expiry.write(changed[:made], self.partitions.slots_used)
        slots = self.store.keep_located(located, staying[:stay])
        removed = self._removed.values[: self._counters[REMOVED_COUNT]]
        return Entered(partitions, new_rows, slots, touched, changed[:made], removed)

    def _touch(self, partitions: Int64Array) -> Int64Array:
        touched = np.empty((min(len(partitions), self.partitions.slots_used), TOUCHED_COLUMNS), np.int64)
        done, counters = 0, self._counters
        while True:
            done = touch_fronts(
                done,
                partitions,
                self._settings,
                self._groups.values,
                self._pool.values,
                touched,
                self._before.values,
                counters,
            )
            if done == len(partitions):
                self._removed.reserve(int(counters[BEFORE_USED]))
                return touched[: counters[TOUCHED_COUNT]]
            self._before.reserve(int(counters[BEFORE_USED] + self._groups.values[partitions[done], GROUP_COUNT]))

    def _order_texts(self, batch: Batch, words: Int64Array, touched: Int64Array) -> None:
        """Complete the words of an order by strings: their ranks among those of the pass and of the touched fronts."""
        before = self._before.values[: self._counters[BEFORE_USED], BEFORE_ROW].copy()
        kept = self.store.frame(before)
        for word, key in self._order.texts:
            new = series_of(column_of(batch.rows, key.column))
            ranks = text_ranks(pl.concat([kept.to_series(key.column), new]), key)
            words[:, word] = ranks[len(before) :]
            write_words(touched, word, ranks[: len(before)], self._groups.values, self._pool.values)

    def _enter(self, partitions: Int64Array, words: Int64Array) -> None:
        done = 0
        while True:
            done = enter_rows(
                done,
                partitions,
                words,
                self._settings,
                self._groups.values,
                self._pool.values,
                self._free,
                self._removed.values,
                self._counters,
            )
            if done == len(partitions):
                return
            needed = 2 * int(self._groups.values[partitions[done], GROUP_COUNT]) + FIRST_BLOCK
            self._pool.reserve(int(self._counters[POOL_USED]) + needed)

    def changes(self, entered: Entered, sequence: Int64Array) -> RankChanges:
        """How the shown rows change with a pass, whose rows have these sequence numbers."""
        most = int(self._counters[SHOWN_MOST])
        changes, diff = np.empty((SHOWN_LINES, most), np.int64), np.empty(most, np.int8)
        made, gone = emit_first_rows(
            entered.changed,
            self._settings,
            entered.slots,
            self._groups.values,
            self._pool.values,
            entered.touched,
            self._before.values,
            sequence,
            changes,
            diff,
        )
        return RankChanges(
            changes[SHOWN_ROW, :made],
            changes[SHOWN_NUMBER, :made],
            diff[:made] if gone else None,
            changes[SHOWN_MOMENT, :made],
        )

    def finish(self, entered: Entered) -> None:
        """Release the rows that are no longer kept, when they have been given out."""
        seat_rows(
            entered.changed, entered.slots, entered.touched, self._groups.values, self._pool.values, self._counters
        )
        self.store.release(entered.removed)

    def close(self, partitions: Int64Array) -> Closed:
        """Forget partitions that are over. Their rows are to be released once they were given out."""
        most = int(self._groups.values[partitions, GROUP_COUNT].sum())
        out, numbers, owners, gone = np.empty((4, most), np.int64)
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
        """Memory that the state holds."""
        parts = (self.partitions, self.store, self._groups, self._pool, self._before, self._removed, self._expiry)
        return sum(part.bytes for part in parts)

    def snapshot(self) -> StateArrays:
        """The state after a pass."""
        return {
            **prefixed("partitions", self.partitions.snapshot()),
            **prefixed("store", self.store.snapshot()),
            **prefixed("expiry", self._expiry.snapshot(self.partitions.slots_used)),
            "groups": self._groups.copy(self.partitions.slots_used),
            "pool": self._pool.copy(int(self._counters[POOL_USED])),
            "free": self._free.copy(),
            "counters": self._counters.copy(),
        }

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """Take over a snapshot."""
        self.partitions.restore(section("partitions", state))
        self.store.restore(section("store", state))
        self._expiry.restore(section("expiry", state), self.partitions.live())
        self._groups.load(state["groups"])
        self._pool.load(state["pool"])
        self._free[:] = state["free"]
        self._counters[:] = state["counters"]
