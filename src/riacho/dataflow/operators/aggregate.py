"""GROUP BY without windows: running aggregates and DISTINCT. Flink: GroupAggregate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from riacho.dataflow.aggregates.aggregates import Aggregates, Before
from riacho.dataflow.aggregates.contract import ADDED
from riacho.dataflow.batch import Batch, Int64Array
from riacho.dataflow.buffered import frame_of
from riacho.dataflow.expressions import Settings
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.operators.batches import empty_batch
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.expiry import Expiry
from riacho.dataflow.state.key_index import KeyIndex
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.dataflow.state.strings import StringPool
from riacho.dataflow.state.words import RowCodec, build_rows
from riacho.kernels.group_changes import differing_pairs, order_changes, touch_groups
from riacho.plan.changelog import is_updating
from riacho.plan.relations import Aggregate

BoolArray = npt.NDArray[np.bool_]

NO_SLOTS = np.empty(0, np.int64)


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


def known_retractions(words: Int64Array, diff: npt.NDArray[np.int8], found: Int64Array) -> Int64Array:
    """The rows without those that retract from a group that nothing is known of, because it was forgotten."""
    kept = np.ones(len(words), np.bool_)
    unknown = np.flatnonzero(found < 0)
    if not len(unknown) or (diff[unknown] > 0).all():
        return np.flatnonzero(kept)
    groups = KeyIndex(words.shape[1]).upsert(words[unknown]).slots
    begun = np.full(int(groups.max()) + 1, len(words))
    added = diff[unknown] > 0
    np.minimum.at(begun, groups[added], unknown[added])
    kept[unknown] = unknown >= begun[groups]
    return np.flatnonzero(kept)


class AggregateOperator:
    """Keeps one row per group and emits −old +new for each group whose row a pass changed.

    A group ends with its last row. Without keys there is one group, which has no row before the first input.
    """

    def __init__(self, relation: Aggregate, settings: Settings) -> None:
        below = relation.input.schema
        self._relation = relation
        self._schema = relation.schema
        self._updating = is_updating(relation.input)
        self._pool = StringPool()
        self._codec = RowCodec(tuple(below[key] for key in relation.keys), self._pool)
        self._index = KeyIndex(self._codec.width)
        self._grouping = Grouping()
        ttl_ms = settings.state_ttl_ms if relation.ttl_ms is None else relation.ttl_ms
        self._expiry = Expiry(settings.clock, ttl_ms)
        ending = self._updating or bool(self._expiry)
        self._aggregates = Aggregates(relation.calls, below, self._pool, updating=self._updating, ending=ending)

    def process(self, inputs: tuple[Batch, ...]) -> Batch:
        (batch,) = inputs
        if self._expiry:
            self._expiry.begin()
            self._release(self._expiry.sweep(self._index.slots_used))
        if not len(batch):
            return empty_batch(self._schema, batch.watermark)
        columns = [batch.column(key) for key in self._relation.keys]
        words = self._codec.encode(columns, len(batch))
        if self._expiry:
            found = self._index.find(words)
            self._release(self._expiry.stale(found))
            if batch.diff is not None:
                kept = known_retractions(words, batch.diff, self._index.find(words))
                batch, words = batch.take(kept), words[kept]
                if not len(batch):
                    return empty_batch(self._schema, batch.watermark)
        signs = ADDED if batch.diff is None else batch.diff
        slots, new_rows = self._index.upsert(words)
        if len(new_rows):
            self._codec.retain(words[new_rows])
            self._aggregates.begin(slots[new_rows], self._index.slots_used)
        self._expiry.write(slots, self._index.slots_used)
        touched, first, last = self._grouping.touch(slots, self._index.slots_used)
        had = np.ones(len(touched), np.bool_)
        had[np.searchsorted(first, new_rows)] = False  # a new group's first row is what made it
        before = self._aggregates.before(touched)
        self._aggregates.update(batch.rows, slots, touched, signs)
        has = self._aggregates.rows(touched) > 0 if self._updating else np.ones(len(touched), np.bool_)
        output = self._changes(batch, touched, had, has, before, last if self._relation.calls else first)
        self._end_pass(touched[~has] if self._updating else NO_SLOTS)
        return output

    def _changes(
        self, batch: Batch, touched: Int64Array, had: BoolArray, has: BoolArray, before: Before, moments: Int64Array
    ) -> Batch:
        """The groups whose row is another than before: the old row, then the new one, at the moment of the change."""
        groups = np.empty(2 * len(touched), np.int64)
        diff = np.empty(2 * len(touched), np.int8)
        cells = before.cells if self._relation.calls else before.cells[:, :0]
        count = order_changes(moments, touched, cells, self._aggregates.ledger, had, has, len(batch), groups, diff)
        groups, diff = groups[:count], diff[:count]
        results = self._aggregates.changed(before, touched, groups, diff)
        columns = self._aggregates.columns(results)
        if not self._aggregates.always_changes and self._relation.calls:
            # Cells can change where results do not: a sum and its number of rows, with the same average.
            same = np.logical_and.reduce([result.same_as_before() for result in results])
            kept = np.empty(count, np.int64)
            kept = kept[: differing_pairs(groups, diff, same, kept)]
        else:
            kept = None
        if not count or (kept is not None and not len(kept)):
            return empty_batch(self._schema, batch.watermark)
        keys = self._codec.decode(self._index.keys[touched[groups]])
        rows = build_rows(self._schema.fields, [*keys, *columns], count)
        if kept is not None and len(kept) < count:
            rows, groups, diff = frame_of(rows)[kept], groups[kept], diff[kept]
        signed = None if (diff > 0).all() else diff
        return Batch(rows, batch.sequence[moments[groups]], batch.watermark, signed)

    def _end_pass(self, emptied: Int64Array) -> None:
        self._aggregates.end_pass()
        self._release(emptied)
        self._pool.collect()

    def _release(self, slots: Int64Array) -> None:
        """Forget groups."""
        if len(slots):
            self._codec.release(self._index.keys[slots])
            self._aggregates.release(slots)
            self._index.release(slots)
            self._expiry.forget(slots)

    def snapshot(self) -> StateArrays:
        return {
            **prefixed("strings", self._pool.snapshot()),
            **prefixed("keys", self._index.snapshot()),
            **prefixed("aggregates", self._aggregates.snapshot(self._index.slots_used)),
            **prefixed("expiry", self._expiry.snapshot(self._index.slots_used)),
        }

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._pool.restore(section("strings", state))
        self._index.restore(section("keys", state))
        self._aggregates.restore(section("aggregates", state))
        self._expiry.restore(section("expiry", state), self._index.slots_used)

    @property
    def state_bytes(self) -> int:
        return sum(part.bytes for part in (self._pool, self._index, self._aggregates, self._grouping, self._expiry))

    @property
    def late_rows(self) -> int:
        return 0
