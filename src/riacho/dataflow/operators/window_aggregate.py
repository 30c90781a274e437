"""GROUP BY over windows that time lays out: each window emits its rows once, when the watermark passes its end.

Source: Flink, "Window Aggregation" (TUMBLE, HOP, CUMULATE, and windows that the rows have already). Windows that
overlap share partial results by slices as long as the slide, as Flink's SliceAssigners do: a row is added once, however
many windows hold it. Delta rule: a row adds to its slice; a window's result is the sum of its slices.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from riacho.dataflow.aggregates.aggregates import Aggregates
from riacho.dataflow.batch import ADDED, END_OF_TIME, NO_WATERMARK, Batch, Int64Array, WatermarkSteps
from riacho.dataflow.expressions import Settings
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.operators.aggregate import Grouping
from riacho.dataflow.operators.batches import concatenate, empty_batch
from riacho.dataflow.operators.rejects import Rejects, evaluate_rows
from riacho.dataflow.operators.window_layout import ALL_CLOSED, WindowLayout
from riacho.dataflow.operators.window_time import MICROSECONDS, attached_time, closing_limit, window_time
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.key_index import KeyIndex
from riacho.dataflow.state.row_runs import runs_of
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.dataflow.state.strings import StringPool
from riacho.dataflow.state.words import RowCodec, build_rows
from riacho.formats.arrow import Column
from riacho.kernels.windows import PARTED, begin_groups, closing_moments, in_one_slice, number_groups, part_groups
from riacho.plan.changelog import is_updating
from riacho.plan.relations import WindowAggregate, WindowKind, WindowProperty
from riacho.plan.types import TimestampType

BoolArray = npt.NDArray[np.bool_]

END = 0
"""The word of a group's key with its window's end, or its slice's."""
FIRST_OPEN = 1
"""In sliced groups, the word with the end of the first window that the group's rows count in."""


MAX_EXPANDED = 1 << 20
"""Slices that are merged at once: long windows of short slices that close together are done in parts."""


class _Fired(NamedTuple):
    """Windows that closed: their ends, the groups' keys word by word, and what their aggregates came to."""

    ends: Int64Array
    keys: Int64Array
    aggregates: Aggregates
    slots: Int64Array


class _Parted(NamedTuple):
    """The groups whose windows close, in the order of their births."""

    due: Int64Array
    """Those that have rows in the windows from their `first` end to their `last`."""
    first: Int64Array
    last: Int64Array
    windows: int
    """All these windows, group by group."""
    done: Int64Array
    """Those that count in no window that is still open."""
    least: int
    """The least end of a first open window of those that stay."""
    in_order: bool
    """Whether the `first` windows ascend."""


class WindowAggregateOperator:
    """Groups by (window, keys), or by (slice, first open window, keys) where windows overlap.

    The second form holds what makes results independent of batching: a row that came after some of its windows had
    closed counts in the others only, wherever the pass was cut.
    """

    def __init__(self, relation: WindowAggregate, settings: Settings, rejects: Rejects | None) -> None:
        below = relation.input.schema
        self._relation = relation
        self._schema = relation.schema
        self._rejects = rejects
        self._attached = relation.kind is WindowKind.ATTACHED
        self._windows = WindowLayout.of(relation)
        self._time = (
            attached_time(relation, settings) if self._attached else window_time(below, relation.time_column, settings)
        )
        self._updating = is_updating(relation.input)
        self._pool = StringPool()
        keys = tuple(below[key] for key in relation.keys)
        self._codec = RowCodec(keys, self._pool)
        self._by_window = self._attached and all(isinstance(key.type, TimestampType) for key in keys)
        """Whether rows that have their windows are grouped by little else: they come window after window."""
        self._aggregates = self._fresh_aggregates()
        self._merged: Aggregates | None = None
        """What slices are added up in: the groups of the windows that closed last."""
        self._sliced = self._windows.overlapping and self._aggregates.mergeable and not self._updating
        self._before = 2 if self._sliced else 1
        self._index = KeyIndex(self._before + self._codec.width)
        self._born = Growable(np.int64)
        self._order = Growable(np.int64)
        """The groups in the order of their births."""
        self._grouping = Grouping()
        self._arrivals = 0
        self._late = 0
        self._progress = NO_WATERMARK
        self._next_end = END_OF_TIME
        """No window that ends before this has rows."""

    def _fresh_aggregates(self) -> Aggregates:
        relation = self._relation
        return Aggregates(relation.calls, relation.input.schema, self._pool, updating=self._updating, ending=True)

    def process(self, inputs: tuple[Batch, ...]) -> Batch:
        watermark = inputs[0].watermark
        steps = self._time.steps(inputs[0])
        if len(inputs[0]):
            batch, times = evaluate_rows(inputs[0], self._time.of_rows, self._rejects)
            if len(batch):
                self._add(batch, times, steps)
        output = self._fire(steps, watermark)
        self._progress = steps.after
        self._pool.collect()
        return output

    def _add(self, batch: Batch, times: Int64Array, steps: WatermarkSteps) -> None:
        if self._attached:  # the end is itself in no other window than that which it ends
            times = times - MICROSECONDS
            if self._by_window and self._add_runs(batch, times, steps):
                return
        words = np.empty((len(batch), self._before + self._codec.width), np.int64)
        late = self._windows.open(times, batch.sequence, steps, words)
        if late:
            self._late += late
            timely = np.flatnonzero(words[:, FIRST_OPEN] != ALL_CLOSED)
            batch, words = batch.take(timely), words[timely]
        if self._windows.overlapping and not self._sliced:
            rows, ends = self._windows.expand(words[:, FIRST_OPEN], self._windows.last_ends(words[:, END]))
            batch, words = batch.take(rows), words[rows]
            words[:, END] = ends
        if len(batch):
            self._update(batch, self._slots_of(batch, words))

    def _add_runs(self, batch: Batch, times: Int64Array, steps: WatermarkSteps) -> bool:
        """Add rows that are of one group one after another; False, and nothing is done, where they are not so plain."""
        alike = [times, batch.sequence]
        for key in self._relation.keys:
            column = batch.column(key)
            if not isinstance(column, Column) or column.valid is not None:
                return False
            alike.append(column.buffers[0])
        runs = runs_of(alike)
        heads = batch.take(runs.heads)
        words = np.empty((len(heads), self._before + self._codec.width), np.int64)
        if self._windows.open(times[runs.heads], heads.sequence, steps, words):
            return False
        self._update(batch, self._slots_of(heads, words)[runs.of_rows])
        return True

    def _slots_of(self, batch: Batch, words: Int64Array) -> Int64Array:
        """The rows' groups; where they lie in time stands in their words already."""
        self._codec.write([batch.column(key) for key in self._relation.keys], words, self._before)
        slots, new_rows = self._index.upsert(words)
        if len(new_rows):
            self._begin(slots, new_rows, words)
        self._arrivals += len(batch)
        return slots

    def _update(self, batch: Batch, slots: Int64Array) -> None:
        """Add rows to their groups."""
        touched = slots
        if self._aggregates.reads_touched:
            touched = self._grouping.touch(slots, self._index.slots_used).slots
        signs = ADDED if batch.diff is None else batch.diff
        self._aggregates.update(batch.rows, slots, touched, signs)
        self._aggregates.end_pass()

    def _begin(self, slots: Int64Array, new_rows: Int64Array, words: Int64Array) -> None:
        """Start the groups that these rows made."""
        if self._codec.interned:
            self._codec.retain(words[new_rows, self._before :])
        used = self._index.slots_used
        self._aggregates.reserve(used)
        self._born.reserve(used)
        self._order.reserve(used)
        first_end = begin_groups(
            slots,
            new_rows,
            words,
            self._before - 1,
            self._arrivals,
            self._aggregates.ledger,
            self._born.values,
            self._order.values,
            len(self._index) - len(new_rows),
        )
        self._next_end = min(self._next_end, first_end)

    def _fire(self, steps: WatermarkSteps, watermark: WatermarkSteps) -> Batch:
        """Emit the windows whose end − 1 ms the watermark has reached, and forget them."""
        limit = closing_limit(steps.after)
        if self._next_end > limit:
            return empty_batch(self._schema, watermark)
        groups = self._part(limit)
        if self._sliced:
            output = self._emit_slices(groups, steps, watermark)
        else:
            output = self._emit(self._fired_windows(groups), steps, watermark)
        self._forget(groups.done)
        least = groups.least
        if self._windows.grow and self._sliced:
            least = self._join_past_slices(limit)
        self._next_end = max(least, self._windows.first_end_after(limit - 1)) if self._sliced else least
        return output

    def _part(self, limit: int) -> _Parted:
        """Take the groups that are done from the order of births."""
        live = len(self._index)
        found, counts = np.empty((4, live), np.int64), np.empty(PARTED, np.int64)
        windows = self._windows
        open_end = windows.first_end_after(self._progress)
        part_groups(
            self._index.keys,
            self._sliced,
            windows.grow,
            windows.size,
            windows.slide,
            windows.offset,
            open_end,
            limit,
            self._order.values[:live],
            found,
            counts,
        )
        due, count, done, least, in_order = counts.tolist()
        return _Parted(found[0, :due], found[1, :due], found[2, :due], count, found[3, :done], least, in_order == 1)

    def _fired_windows(self, groups: _Parted) -> _Fired:
        slots, ends = groups.due, groups.first
        if self._updating:
            there = self._aggregates.rows(slots) > 0
            slots, ends = slots[there], ends[there]
        if not groups.in_order:
            slots, ends = self._by_end(slots, ends)
        return _Fired(ends, self._index.words_of(slots)[self._before :], self._aggregates, slots)

    def _by_end(self, slots: Int64Array, ends: Int64Array) -> tuple[Int64Array, Int64Array]:
        """Slots in the order of their births by their windows' ends."""
        if not len(slots):
            return slots, ends
        order = _stable_order(ends if self._attached else ends // self._windows.slide)
        return slots[order], ends[order]

    def _emit_slices(self, groups: _Parted, steps: WatermarkSteps, watermark: WatermarkSteps) -> Batch:
        """Merge the slices of each window that closed, not too many at a time.

        Windows that closed in earlier passes are not made again.
        """
        due, first, last = groups.due, groups.first, groups.last
        if not len(due):
            return empty_batch(self._schema, watermark)
        if groups.windows == len(due):  # one for each
            slots, ends = (due, first) if groups.in_order else self._by_end(due, first)
            return self._emit_merged(slots, ends, steps, watermark)
        if groups.windows < 2 * MAX_EXPANDED:
            rows, ends = self._windows.expand(first, last)
            return self._emit_merged(*self._by_end(due[rows], ends), steps, watermark)
        slide = self._windows.slide
        parts = min(groups.windows // MAX_EXPANDED, int(((last - first) // slide).max()) + 1)
        lowest, highest = int(first.min()), int(last.max())
        width = -(-(highest - lowest + slide) // parts)
        outputs = []
        for start in range(lowest, highest + 1, width):
            from_end, to_end = start + (first - start) % slide, start + width - 1
            rows, ends = self._windows.expand(np.maximum(first, from_end), np.minimum(last, to_end))
            outputs.append(self._emit_merged(*self._by_end(due[rows], ends), steps, watermark))
        return concatenate(outputs, self._schema.names, watermark)

    def _emit_merged(
        self, slots: Int64Array, ends: Int64Array, steps: WatermarkSteps, watermark: WatermarkSteps
    ) -> Batch:
        fired = self._fired_slices(slots, ends)
        output = self._emit(fired, steps, watermark)
        if fired.aggregates is not self._aggregates:
            fired.aggregates.release(fired.slots)
        return output

    def _fired_slices(self, slots: Int64Array, ends: Int64Array) -> _Fired:
        """The windows of which these are parts, by their ends and then by their first row."""
        if in_one_slice(slots, self._index.keys, self._before):  # in which no two groups have the same keys
            return _Fired(ends, self._index.words_of(slots)[self._before :], self._aggregates, slots)
        numbers = np.empty(len(slots), np.int64)
        groups = np.empty((2 + self._codec.width, len(slots)), np.int64)
        table = np.zeros(2 << len(slots).bit_length(), np.uint64)
        count = number_groups(slots, ends, self._index.keys, self._before, table, numbers, groups)
        merged = self._merged = self._merged or self._fresh_aggregates()
        merged.reserve(count)
        merged.ledger[:count] = 0
        merged.merge(self._aggregates, slots, numbers)
        return _Fired(groups[1, :count], groups[2:, :count], merged, np.arange(count))

    def _emit(self, fired: _Fired, steps: WatermarkSteps, watermark: WatermarkSteps) -> Batch:
        height = len(fired.ends)
        if not height:
            return empty_batch(self._schema, watermark)
        columns = [
            *self._codec.decode_columns(fired.keys),
            *fired.aggregates.columns_of(fired.slots),
            *(self._property(item, fired.ends) for item in self._relation.properties),
        ]
        rows = build_rows(self._schema.fields, columns, height)
        moments = np.empty(height, np.int64)
        closing_moments(fired.ends, steps.value, steps.sequence, moments)
        return Batch(rows, moments, watermark)

    def _property(self, item: WindowProperty, ends: Int64Array) -> Column:
        if item is WindowProperty.TIME:
            return self._time.column(ends - 1)
        bound = self._windows.starts(ends) if item is WindowProperty.START else ends
        return Column("tsu:", len(ends), (bound * MICROSECONDS,))

    def _join_past_slices(self, limit: int) -> int:
        """All slices before `limit` that begin a growing window count in the same windows from now on: one will do.

        Returns the least end of a first open window of all groups.
        """
        slots = self._order.values[: len(self._index)].copy()
        slots = slots[(self._index.keys[slots, END] <= limit) & (self._index.keys[slots, FIRST_OPEN] <= limit)]
        words = self._index.keys[slots]
        words[:, END] = words[:, FIRST_OPEN] = self._windows.begins(words[:, END]) + self._windows.slide
        targets, new_rows = self._index.upsert(words)
        if len(new_rows):
            self._begin(targets, new_rows, words)
            self._born.values[targets[new_rows]] = self._born.values[slots[new_rows]]
        moved = targets != slots
        sources, targets = slots[moved], targets[moved]
        if len(sources):
            self._aggregates.merge(self._aggregates, sources, targets)
            np.minimum.at(self._born.values, targets, self._born.values[sources])
            self._forget(sources)
            self._put_in_order()
        first_open = self._index.keys[self._order.values[: len(self._index)], FIRST_OPEN]
        return int(first_open.min(initial=END_OF_TIME))

    def _put_in_order(self) -> None:
        live = self._index.live()
        self._order.load(live[np.argsort(self._born.values[live], kind="stable")])

    def _forget(self, slots: Int64Array) -> None:
        if len(slots):
            if self._codec.interned:
                self._codec.release(self._index.keys[slots, self._before :])
            self._aggregates.release(slots)
            self._index.release(slots)

    def snapshot(self) -> StateArrays:
        slots = self._index.slots_used
        return {
            "progress": np.array([self._arrivals, self._late, self._progress, self._next_end], np.int64),
            **prefixed("time", self._time.snapshot()),
            "born": self._born.copy(slots),
            **prefixed("strings", self._pool.snapshot()),
            **prefixed("keys", self._index.snapshot()),
            **prefixed("aggregates", self._aggregates.snapshot(slots)),
        }

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._arrivals, self._late, self._progress, self._next_end = state["progress"].tolist()
        self._time.restore(section("time", state))
        self._born.load(state["born"])
        self._pool.restore(section("strings", state))
        self._index.restore(section("keys", state))
        self._aggregates.restore(section("aggregates", state))
        self._put_in_order()

    @property
    def wake_at_ms(self) -> int | None:
        return self._time.wake_at_ms(self._next_end)

    @property
    def state_bytes(self) -> int:
        parts = (self._pool, self._index, self._born, self._order, self._aggregates, self._grouping)
        merged = 0 if self._merged is None else self._merged.bytes
        return merged + sum(part.bytes for part in parts)

    @property
    def late_rows(self) -> int:
        return self._late


def _stable_order(values: Int64Array) -> Int64Array:
    """As a stable argsort; values near each other take a tenth of its time, as NumPy counts those of 16 bits."""
    offsets = values - values.min()
    return np.argsort(offsets.astype(np.uint16) if offsets.max() < 1 << 16 else offsets, kind="stable")
