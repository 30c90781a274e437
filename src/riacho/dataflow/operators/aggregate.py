"""GROUP BY without windows: running aggregates and DISTINCT. Flink: GroupAggregate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from riacho.dataflow.aggregates.aggregates import Aggregates, Before
from riacho.dataflow.aggregates.contract import ALL
from riacho.dataflow.batch import ADDED, Batch, Int64Array
from riacho.dataflow.expressions import Settings
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.operators.batches import empty_batch
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.expiry import Expiry
from riacho.dataflow.state.key_index import KeyIndex
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.dataflow.state.strings import StringPool
from riacho.dataflow.state.words import RowCodec, build_rows
from riacho.formats.buffered import frame_of
from riacho.kernels.group_changes import differing_pairs, order_changes, touch_groups
from riacho.kernels.group_results import write_changes
from riacho.plan.changelog import is_updating
from riacho.plan.relations import Aggregate

BoolArray = npt.NDArray[np.bool_]

NO_SLOTS = np.empty(0, np.int64)


class Touched(NamedTuple):
    """The distinct slots of a pass in order of their first row, the first and last rows, and which it did not make."""

    slots: Int64Array
    first: Int64Array
    last: Int64Array
    had: BoolArray


class Grouping:
    """Which slots a batch touches, once each."""

    def __init__(self) -> None:
        self._marks = Growable(np.int64)
        self._base = 1

    @property
    def bytes(self) -> int:
        return self._marks.bytes

    def touch(self, slots: Int64Array, capacity: int, new_rows: Int64Array = NO_SLOTS) -> Touched:
        """What a pass's rows touch, of which these have made a slot."""
        self._marks.reserve(capacity)
        rows = len(slots)
        touched, first, last = np.empty(rows, np.int64), np.empty(rows, np.int64), np.empty(rows, np.int64)
        had = np.empty(rows, np.bool_)
        count = touch_groups(slots, new_rows, self._base, self._marks.values, touched, first, last, had)
        self._base += rows
        return Touched(touched[:count], first[:count], last[:count], had[:count])


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
        touched = self._grouping.touch(slots, self._index.slots_used, new_rows)
        before = self._aggregates.before(touched.slots)
        self._aggregates.update(batch.rows, slots, touched.slots, signs)
        has = self._aggregates.rows(touched.slots) > 0 if self._updating else ALL
        output = self._changes(batch, touched, has, before)
        self._end_pass(touched.slots[~has] if self._updating else NO_SLOTS)
        return output

    def _changes(self, batch: Batch, touched: Touched, has: BoolArray, before: Before) -> Batch:
        """The groups whose row is another than before: the old row, then the new one, at the moment of the change."""
        if self._aggregates.results is None:
            return self._column_changes(batch, touched, has, before)
        keys, most = self._codec.width, 2 * len(touched.slots)
        out = np.empty((keys + len(self._relation.calls), most), np.int64)
        valid = np.empty((len(self._relation.calls), most), np.bool_)
        diff, sequences = np.empty(most, np.int8), np.empty(most, np.int64)
        nulls = np.empty(len(valid) + 1, np.int64)
        count = write_changes(
            touched.last if self._relation.calls else touched.first,
            touched.slots,
            before.cells,
            self._aggregates.ledger,
            touched.had,
            has,
            self._aggregates.results,
            self._index.keys,
            batch.sequence,
            out,
            valid,
            diff,
            sequences,
            nulls,
        )
        if not count:
            return empty_batch(self._schema, batch.watermark)
        words, (*some, goes) = out[:, :count], nulls.tolist()
        columns = self._aggregates.columns_of_words(words[keys:], valid[:, :count], some)
        rows = build_rows(self._schema.fields, [*self._codec.decode_columns(words[:keys]), *columns], count)
        return Batch(rows, sequences[:count], batch.watermark, diff[:count] if goes else None)

    def _column_changes(self, batch: Batch, touched: Touched, has: BoolArray, before: Before) -> Batch:
        """The same, where results are computed as columns."""
        most = 2 * len(touched.slots)
        groups, when, diff = np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most, np.int8)
        count = order_changes(
            touched.last,
            touched.slots,
            before.cells,
            self._aggregates.ledger,
            touched.had,
            has,
            len(batch),
            groups,
            diff,
            when,
        )
        groups, when, diff = groups[:count], when[:count], diff[:count]
        results = self._aggregates.changed(before, touched.slots, groups, diff)
        columns = self._aggregates.columns(results)
        if not self._aggregates.always_changes:
            # Cells can change where results do not: a sum and its number of rows, with the same average.
            same = np.logical_and.reduce([result.same_as_before() for result in results])
            kept = np.empty(count, np.int64)
            kept = kept[: differing_pairs(groups, diff, same, kept)]
        else:
            kept = None
        if not count or (kept is not None and not len(kept)):
            return empty_batch(self._schema, batch.watermark)
        keys = self._codec.decode_columns(self._index.words_of(touched.slots[groups]))
        rows = build_rows(self._schema.fields, [*keys, *columns], count)
        if kept is not None and len(kept) < count:
            rows, when, diff = frame_of(rows)[kept], when[kept], diff[kept]
        signed = diff if touched.had.any() and (diff < 0).any() else None
        return Batch(rows, batch.sequence[when], batch.watermark, signed)

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
        self._expiry.restore(section("expiry", state), self._index.live())

    @property
    def state_bytes(self) -> int:
        return sum(part.bytes for part in (self._pool, self._index, self._aggregates, self._grouping, self._expiry))

    @property
    def late_rows(self) -> int:
        return 0
