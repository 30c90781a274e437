"""Windows of GROUP BY that give rows before they close, and again when late rows come.

Source: Flink, GroupWindowAggregate over AggregateWindowOperator with EventTimeTriggers and ProcessingTimeTriggers.
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
from riacho.dataflow.operators.window_time import MICROSECONDS, closing_limit, window_time
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.key_index import KeyIndex
from riacho.dataflow.state.rows import RowStore
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.dataflow.state.strings import StringPool
from riacho.dataflow.state.words import RowCodec, build_frame
from riacho.dataflow.watermark import BEFORE_ALL_ROWS
from riacho.formats.arrow import Column
from riacho.plan.changelog import is_updating
from riacho.plan.relations import EmitStrategy, WindowAggregate, WindowProperty

BoolArray = npt.NDArray[np.bool_]

END = 0
"""The word of a group's key with its window's end."""

OPEN, CLOSED, BORN_LATE = range(3)
"""What a group's window is: not over; over, its row given; begun by a late row, so that every row of it is answered."""

NO_TIMER = END_OF_TIME


class _Placed(NamedTuple):
    """Rows in their windows: the rows' places in the batch, and the windows' ends."""

    rows: Int64Array
    ends: Int64Array

    def where(self, chosen: BoolArray) -> _Placed:
        return _Placed(self.rows[chosen], self.ends[chosen])


class GroupWindowAggregateOperator:
    """Groups by (window, keys), and keeps of each group the row that it gave.

    Rule: when a group fires, −(the row it gave) +(its row now), where they differ. It fires when its window closes;
    before that, with early fire, at each of its rows or every so often by the clock; after it, with late fire, likewise
    until the watermark is further past the end than the allowed lateness, when the group is forgotten. A row is late
    for a window by the watermark that stood before it, so that what is given without a clock does not depend on how the
    input was cut into passes.
    """

    def __init__(self, relation: WindowAggregate, settings: Settings, rejects: Rejects | None) -> None:
        below = relation.input.schema
        assert relation.emit is not None, "windows of table functions give their rows once"
        self._relation = relation
        self._schema = relation.schema
        self._windows = WindowLayout.of(relation)
        self._emit: EmitStrategy = relation.emit
        self._rejects = rejects
        self._clock = settings.clock
        self._time = window_time(below, relation.time_column, settings)
        self._updating = is_updating(relation.input)
        self._pool = StringPool()
        self._codec = RowCodec(tuple(below[key] for key in relation.keys), self._pool)
        self._index = KeyIndex(1 + self._codec.width)
        self._aggregates = Aggregates(relation.calls, below, self._pool, updating=self._updating, ending=True)
        self._grouping = Grouping()
        self._born = Growable(np.int64)
        self._phase = Growable(np.int64)
        self._timer = Growable(np.int64)
        """When the clock fires a group next."""
        self._given = Growable(np.int64)
        """One more than the place in `_rows` of the row that a group gave; 0 where it gave none."""
        self._rows = RowStore(self._schema.fields)
        self._arrivals = 0
        self._late = 0
        self._last_sequence = BEFORE_ALL_ROWS
        self._next_close = END_OF_TIME
        """No open window that ends before this has rows."""
        self._next_end = END_OF_TIME
        """No window at all that ends before this has rows."""
        self._next_timer = NO_TIMER

    def process(self, inputs: tuple[Batch, ...]) -> Batch:
        (batch,) = inputs
        watermark, now = batch.watermark, self._clock.now_ms()
        steps = self._time.steps(batch)
        outputs = []
        late = None
        if len(batch):
            batch, times = evaluate_rows(batch, self._time.of_rows, self._rejects)
        if len(batch):
            placed = self._place(batch, times, steps)
            is_late = placed.ends - 1 <= steps.seen_by(batch.sequence)[placed.rows]
            late = placed.where(is_late)
            outputs.append(self._add_timely(batch, placed.where(~is_late), now))
            self._last_sequence = int(batch.sequence[-1])
        outputs.append(self._close(steps, watermark))
        if late is not None and len(late.rows):
            outputs.append(self._add_late(batch, late, now))
        if len(steps.sequence):
            self._last_sequence = max(self._last_sequence, int(steps.sequence[-1]))
        outputs.append(self._fire_timers(now, watermark))
        self._forget(closing_limit(self._lagging(steps).after))
        self._rows.end_pass()
        self._pool.collect()
        return concatenate(outputs, self._schema.names, watermark)

    # ---- rows come in -----------------------------------------------------------------------------------------

    def _lagging(self, steps: WatermarkSteps) -> WatermarkSteps:
        """The watermark less the allowed lateness: windows that it has passed take no more rows."""
        values = np.append(steps.value, steps.before)
        lateness = self._emit.lateness_ms
        moving = (values > NO_WATERMARK + lateness) & (values < END_OF_TIME)
        values = np.where(moving, values - lateness, np.where(values < END_OF_TIME, NO_WATERMARK, END_OF_TIME))
        return WatermarkSteps(int(values[-1]), steps.sequence, values[:-1])

    def _place(self, batch: Batch, times: Int64Array, steps: WatermarkSteps) -> _Placed:
        """Each row in those of its windows that still take rows, those that end first first."""
        places = np.empty((len(batch), 2), np.int64)
        late = self._windows.open(times, batch.sequence, self._lagging(steps), places)
        self._late += late
        taken = np.flatnonzero(places[:, 1] != ALL_CLOSED)
        rows, ends = self._windows.expand(places[taken, 1], self._windows.last_ends(places[taken, 0]))
        return _Placed(taken[rows], ends)

    def _add_timely(self, batch: Batch, placed: _Placed, now: int) -> Batch:
        """Rows of windows that are not over, which early fire answers."""
        early = self._emit.early_ms
        touched, last = self._accumulate(batch, placed, OPEN)
        if early is None:
            return empty_batch(self._schema, batch.watermark)
        if early:
            self._start_timers(touched, now + early)
            return empty_batch(self._schema, batch.watermark)
        return self._fire(touched, batch.sequence[placed.rows[last]], batch.watermark)

    def _add_late(self, batch: Batch, placed: _Placed, now: int) -> Batch:
        """Rows of windows that are over, which late fire answers."""
        touched, last = self._accumulate(batch, placed, BORN_LATE)
        if self._emit.late_ms:
            waiting = self._phase.values[touched] == CLOSED
            self._start_timers(touched[waiting], now + self._emit.late_ms)
            touched, last = touched[~waiting], last[~waiting]
        return self._fire(touched, batch.sequence[placed.rows[last]], batch.watermark)

    def _accumulate(self, batch: Batch, placed: _Placed, phase: int) -> tuple[Int64Array, Int64Array]:
        """The groups that got rows, in order of their last one, and its place."""
        if not len(placed.rows):
            return np.empty(0, np.int64), np.empty(0, np.int64)
        if len(placed.rows) != len(batch) or (placed.rows[1:] == placed.rows[:-1]).any():
            batch = batch.take(placed.rows)
        columns = [batch.column(key) for key in self._relation.keys]
        words = self._codec.encode(columns, len(batch), before=1)
        words[:, END] = placed.ends
        slots, new_rows = self._index.upsert(words)
        used = self._index.slots_used
        if len(new_rows):
            new = slots[new_rows]
            self._codec.retain(words[new_rows, 1:])
            self._aggregates.begin(new, used)
            for part, value in (
                (self._born, self._arrivals + new_rows),
                (self._phase, phase),
                (self._timer, NO_TIMER),
                (self._given, 0),
            ):
                part.reserve(used)
                part.values[new] = value
            first = int(words[new_rows, END].min())
            self._next_end = min(self._next_end, first)
            if phase == OPEN:
                self._next_close = min(self._next_close, first)
        self._arrivals += len(batch)
        touched, _, last, _ = self._grouping.touch(slots, used)
        self._aggregates.update(batch.rows, slots, touched, ADDED if batch.diff is None else batch.diff)
        self._aggregates.end_pass()
        order = np.argsort(last, kind="stable")
        return touched[order], last[order]

    # ---- groups fire ------------------------------------------------------------------------------------------

    def _close(self, steps: WatermarkSteps, watermark: WatermarkSteps) -> Batch:
        """The rows of the windows that the watermark closes."""
        limit = closing_limit(steps.after)
        if self._next_close > limit:
            return empty_batch(self._schema, watermark)
        live = self._index.live()
        open_ones = live[self._phase.values[live] == OPEN]
        ends = self._index.keys[open_ones, END]
        closing = np.flatnonzero(ends <= limit)
        self._next_close = int(ends[ends > limit].min(initial=END_OF_TIME))
        closing = closing[np.lexsort((self._born.values[open_ones[closing]], ends[closing]))]
        slots, ends = open_ones[closing], ends[closing]
        self._phase.values[slots] = CLOSED
        if self._emit.early_ms != self._emit.late_ms:  # Flink's timers of one interval are one and the same
            self._stop_timers(slots, live)
        moments = steps.sequence[np.searchsorted(steps.value, ends - 1, side="left")]
        return self._fire(slots, moments, watermark)

    def _start_timers(self, slots: Int64Array, due: int) -> None:
        slots = slots[self._timer.values[slots] == NO_TIMER]
        if len(slots):
            self._timer.values[slots] = due
            self._next_timer = min(self._next_timer, due)

    def _stop_timers(self, slots: Int64Array, live: Int64Array) -> None:
        self._timer.values[slots] = NO_TIMER
        self._next_timer = int(self._timer.values[live].min(initial=NO_TIMER))

    def _fire_timers(self, now: int, watermark: WatermarkSteps) -> Batch:
        """The rows of the groups whose time has come, which will come again."""
        if self._next_timer > now:
            return empty_batch(self._schema, watermark)
        live = self._index.live()
        timers = self._timer.values
        due = live[timers[live] <= now]
        is_open = self._phase.values[due] == OPEN
        interval = np.where(is_open, self._emit.early_ms or 0, self._emit.late_ms or 0)
        assert (interval > 0).all(), "only delays have timers"
        timers[due] += ((now - timers[due]) // interval + 1) * interval
        self._next_timer = int(timers[live].min(initial=NO_TIMER))
        due = due[np.argsort(self._born.values[due], kind="stable")]
        return self._fire(due, np.full(len(due), self._last_sequence), watermark)

    def _fire(self, slots: Int64Array, moments: Int64Array, watermark: WatermarkSteps) -> Batch:
        """The old row and the new one of each of these groups that has another row than it gave."""
        if not len(slots):
            return empty_batch(self._schema, watermark)
        given = self._given.values
        has = self._aggregates.rows(slots) > 0 if self._updating else np.ones(len(slots), np.bool_)
        had = given[slots] > 0
        fresh = np.flatnonzero(has)
        frame = build_frame(self._schema.fields, self._columns(slots[fresh]), len(fresh))
        made = np.full(len(slots), -1)
        made[fresh] = self._rows.stage(frame)
        both = np.flatnonzero(has & had)
        if len(both):
            old = self._rows.frame(given[slots[both]] - 1)
            new = frame[np.searchsorted(fresh, both)]
            differs = np.zeros(len(both), np.bool_)
            for one, other in zip(old.get_columns(), new.get_columns(), strict=True):
                differs |= one.ne_missing(other).to_numpy()
            same = both[~differs]
            self._rows.release(made[same])
            has[same] = had[same] = False
        places = np.column_stack((given[slots] - 1, made)).ravel()
        changing = np.column_stack((had, has)).ravel()
        self._rows.settle(made[has])
        if not changing.any():
            return empty_batch(self._schema, watermark)
        out = self._rows.frame(places[changing])
        self._rows.release(given[slots[had]] - 1)
        given[slots[had]] = 0
        given[slots[has]] = made[has] + 1
        diff = np.tile(np.array([-1, 1], np.int8), len(slots))[changing]
        return Batch(out, np.repeat(moments, 2)[changing], watermark, None if (diff > 0).all() else diff)

    def _columns(self, slots: Int64Array) -> list[Any]:
        """The rows of these groups, by column."""
        words = self._index.keys[slots]
        return [
            *self._codec.decode(words[:, 1:]),
            *self._aggregates.columns_of(slots),
            *(self._property(item, words[:, END]) for item in self._relation.properties),
        ]

    def _property(self, item: WindowProperty, ends: Int64Array) -> Column:
        if item is WindowProperty.TIME:
            return self._time.column(ends - 1)
        bound = ends if item is WindowProperty.END else self._windows.starts(ends)
        return Column("tsu:", len(ends), (bound * MICROSECONDS,))

    def _forget(self, limit: int) -> None:
        """Let go of the windows that take no more rows."""
        if self._next_end > limit:
            return
        live = self._index.live()
        ends = self._index.keys[live, END]
        self._next_end = int(ends[ends > limit].min(initial=END_OF_TIME))
        slots = live[ends <= limit]
        given = self._given.values[slots]
        self._rows.release(given[given > 0] - 1)
        self._stop_timers(slots, live)
        self._codec.release(self._index.keys[slots, 1:])
        self._aggregates.release(slots)
        self._index.release(slots)

    # ---- snapshots --------------------------------------------------------------------------------------------

    def snapshot(self) -> StateArrays:
        slots = self._index.slots_used
        progress = [
            self._arrivals,
            self._late,
            self._last_sequence,
            self._next_close,
            self._next_end,
            self._next_timer,
        ]
        return {
            "progress": np.array(progress, np.int64),
            "born": self._born.copy(slots),
            "phase": self._phase.copy(slots),
            "timer": self._timer.copy(slots),
            "given": self._given.copy(slots),
            **prefixed("time", self._time.snapshot()),
            **prefixed("strings", self._pool.snapshot()),
            **prefixed("keys", self._index.snapshot()),
            **prefixed("aggregates", self._aggregates.snapshot(slots)),
            **prefixed("rows", self._rows.snapshot()),
        }

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        (
            self._arrivals,
            self._late,
            self._last_sequence,
            self._next_close,
            self._next_end,
            self._next_timer,
        ) = state["progress"].tolist()
        self._born.load(state["born"])
        self._phase.load(state["phase"])
        self._timer.load(state["timer"])
        self._given.load(state["given"])
        self._time.restore(section("time", state))
        self._pool.restore(section("strings", state))
        self._index.restore(section("keys", state))
        self._aggregates.restore(section("aggregates", state))
        self._rows.restore(section("rows", state))

    @property
    def wake_at_ms(self) -> int | None:
        closing = self._time.wake_at_ms(self._next_close)
        if self._next_timer == NO_TIMER:
            return closing
        return self._next_timer if closing is None else min(closing, self._next_timer)

    @property
    def state_bytes(self) -> int:
        parts = (
            self._pool,
            self._index,
            self._aggregates,
            self._grouping,
            self._born,
            self._phase,
            self._timer,
            self._given,
            self._rows,
        )
        return sum(part.bytes for part in parts)

    @property
    def late_rows(self) -> int:
        return self._late
