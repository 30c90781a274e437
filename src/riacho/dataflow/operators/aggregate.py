"""GROUP BY without windows: running aggregates and DISTINCT. Flink: GroupAggregate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from riacho.dataflow.batch import Batch, Int64Array
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.operators.batches import empty_batch
from riacho.dataflow.state.accumulators import Changes, Count, Result
from riacho.dataflow.state.aggregates import ADDED, ALL, NO_WORDS, Aggregates
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.key_index import KeyIndex
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.dataflow.state.strings import StringPool
from riacho.dataflow.state.words import RowCodec, build_frame
from riacho.kernels.aggregate import order_changes, pick_changes, touch_groups
from riacho.plan.changelog import is_updating
from riacho.plan.relations import Aggregate


class Grouping:
    """Which slots a batch touches, once each, with the first and the last row of each."""

    def __init__(self) -> None:
        self._marks = Growable(np.int64)
        self._base = 1

    @property
    def bytes(self) -> int:
        return self._marks.bytes

    def touch(self, slots: Int64Array, capacity: int) -> tuple[Int64Array, Int64Array, Int64Array]:
        """(distinct slots in order of their first row, first rows, last rows)."""
        self._marks.reserve(capacity)
        rows = len(slots)
        touched, first, last = (np.empty(rows, np.int64) for _ in range(3))
        count = touch_groups(slots, self._base, self._marks.values, touched, first, last)
        self._base += rows
        return touched[:count], first[:count], last[:count]


class AggregateOperator:
    """Keeps one row per group and emits −old +new for each group whose row a pass changed.

    A group ends with its last row. Without keys there is one group, which has no row before the first input.
    """

    def __init__(self, relation: Aggregate) -> None:
        below = relation.input.schema
        self._relation = relation
        self._schema = relation.schema
        self._updating = is_updating(relation.input)
        self._pool = StringPool()
        self._codec = RowCodec(tuple(below[key] for key in relation.keys), self._pool)
        self._index = KeyIndex(self._codec.width)
        self._rows = Count()
        self._aggregates = Aggregates(relation.calls, below, self._pool, updating=self._updating)
        self._grouping = Grouping()

    def process(self, inputs: tuple[Batch, ...]) -> Batch:
        (batch,) = inputs
        if not len(batch):
            return empty_batch(self._schema, batch.watermark)
        signs = ADDED if batch.diff is None else batch.diff
        columns = [batch.frame.to_series(key) for key in self._relation.keys]
        words = self._codec.encode(columns, len(batch))
        slots, new_rows = self._index.upsert(words)
        new_slots = slots[new_rows]
        if len(new_rows):
            self._codec.retain(words[new_rows])
            self._begin(new_slots)
        touched, first, last = self._grouping.touch(slots, self._index.slots_used)
        had = np.ones(len(touched), np.bool_)
        had[np.searchsorted(first, new_rows)] = False  # a new group's first row is what made it
        before = self._aggregates.results(touched)
        self._aggregates.update(batch.frame, slots, touched, signs)
        has = self._count(slots, touched, signs)
        after = self._aggregates.results(touched)
        output = self._changes(batch, touched, had, has, before, after, last if self._relation.calls else first)
        self._end_pass(touched[~has])
        return output

    def _begin(self, new_slots: Int64Array) -> None:
        self._aggregates.begin(new_slots, self._index.slots_used)
        if self._updating:
            self._rows.reserve(self._index.slots_used)
            self._rows.reset(new_slots)

    def _count(self, slots: Int64Array, touched: Int64Array, signs: npt.NDArray[np.int8]) -> npt.NDArray[np.bool_]:
        """Count the rows of each group; which of the touched groups have any."""
        if not self._updating:
            return np.ones(len(touched), np.bool_)
        self._rows.update(Changes(slots, touched, signs, ALL, NO_WORDS))
        has: npt.NDArray[np.bool_] = self._rows.counts.values[touched] > 0
        return has

    def _changes(
        self,
        batch: Batch,
        touched: Int64Array,
        had: npt.NDArray[np.bool_],
        has: npt.NDArray[np.bool_],
        before: list[Result],
        after: list[Result],
        moments: Int64Array,
    ) -> Batch:
        """The groups whose row is another than before: the old row, then the new one, at the moment of the change."""
        changed = had != has
        for old, new in zip(before, after, strict=True):
            changed |= had & has & old.differs(new)
        source = np.empty(2 * len(touched), np.int64)
        diff = np.empty(2 * len(touched), np.int8)
        count = order_changes(moments, changed, had, has, len(batch), source, diff)
        if not count:
            return empty_batch(self._schema, batch.watermark)
        source, diff = source[:count], diff[:count]
        keys = self._codec.decode(self._index.keys[touched[source]])
        results = [_picked(old, new, source, diff) for old, new in zip(before, after, strict=True)]
        frame = build_frame(self._schema.fields, [*keys, *self._aggregates.columns(results)], count)
        signed = None if (diff > 0).all() else diff
        return Batch(frame, batch.sequence[moments[source]], batch.watermark, signed)

    def _end_pass(self, emptied: Int64Array) -> None:
        self._aggregates.end_pass()
        if len(emptied):
            self._codec.release(self._index.keys[emptied])
            self._aggregates.release(emptied)
            self._index.release(emptied)
        self._pool.collect()

    def snapshot(self) -> StateArrays:
        slots = self._index.slots_used
        return {
            **prefixed("strings", self._pool.snapshot()),
            **prefixed("keys", self._index.snapshot()),
            **prefixed("rows", self._rows.snapshot(slots) if self._updating else {}),
            **prefixed("aggregates", self._aggregates.snapshot(slots)),
        }

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._pool.restore(section("strings", state))
        self._index.restore(section("keys", state))
        if self._updating:
            self._rows.restore(section("rows", state))
        self._aggregates.restore(section("aggregates", state))

    @property
    def state_bytes(self) -> int:
        parts = (self._pool, self._index, self._rows, self._aggregates, self._grouping)
        return sum(part.bytes for part in parts)

    @property
    def late_rows(self) -> int:
        return 0


def _picked(old: Result, new: Result, source: Int64Array, diff: npt.NDArray[np.int8]) -> Result:
    """For each output row the result before or after the pass."""
    words, valid = np.empty(len(source), np.int64), np.empty(len(source), np.bool_)
    pick_changes(old.words, new.words, source, diff, words)
    pick_changes(old.valid, new.valid, source, diff, valid)
    if old.low is None or new.low is None:
        return Result(words, valid)
    low = np.empty(len(source), np.uint64)
    pick_changes(old.low, new.low, source, diff, low)
    return Result(words, valid, low)
