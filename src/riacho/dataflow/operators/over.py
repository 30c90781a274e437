"""OVER in the order of time: each row with what its frame comes to, once no earlier row can come any more.

Flink: OverAggregate (RowTime… and ProcTime…BoundedPrecedingFunction and …UnboundedPrecedingOver). Delta rule: rows are
only added, in and out. By row time, rows wait for the watermark and then come by time, those of one time by arrival;
late ones are dropped and counted: those behind the watermark or, of bounded frames, behind what came out of their
partition. By processing time they come as they arrive.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from riacho.dataflow.batch import NO_WATERMARK, Batch, Int64Array, WatermarkSteps
from riacho.dataflow.columns import integers
from riacho.dataflow.expressions import RowError, RowFailure, Settings
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.operators.batches import empty_batch
from riacho.dataflow.operators.over_calls import Lag
from riacho.dataflow.operators.over_frames import Frames, framed
from riacho.dataflow.operators.over_kinds import over_calls
from riacho.dataflow.operators.over_lateness import BoundedLateness
from riacho.dataflow.operators.rejects import Rejects, evaluate_rows
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.partitioned_rows import PartitionedRows
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.plan.relations import FrameUnit, Over, TimeAttribute

BoolArray = npt.NDArray[np.bool_]

MICROSECONDS = 1000

FIRST_SWEEP = 4096
"""Rows or partitions that are kept before the first look for those that no frame reaches any more."""


class OverOperator:
    """Keeps the rows that wait, those that frames to come reach back to, and totals where frames are unbounded.

    Bounded frames of time forget their rows, and then their partitions, as time goes on.
    """

    def __init__(self, relation: Over, settings: Settings, rejects: Rejects | None) -> None:
        below = relation.input.schema
        self._relation = relation
        self._schema = relation.schema
        self._clock = settings.clock
        self._rejects = rejects
        self._time = relation.order[0].column
        self._by_row_time = below[self._time].time is TimeAttribute.ROWTIME
        self._rows = PartitionedRows(below, relation.partition, below.fields)
        self._calls = over_calls(relation, self._rows.pool)
        self._lags = [Lag(call) for call in relation.calls if call.function == "LAG"]
        self._keys = Growable(np.int64)
        self._times = Growable(np.int64)
        self._lives = Growable(np.int64)
        preceding = relation.frame.preceding
        self._lateness = None
        if self._by_row_time and preceding is not None:
            self._lateness = BoundedLateness(preceding if self._ranged else None)
        self._has_lives = self._lateness is not None and self._ranged
        self._waiting = np.empty(0, np.int64)
        self._sweep_at = FIRST_SWEEP
        self._late = 0
        self._progress = NO_WATERMARK

    @property
    def _ranged(self) -> bool:
        return self._relation.frame.unit is FrameUnit.RANGE

    def process(self, inputs: tuple[Batch, ...]) -> Batch:
        (batch,) = inputs
        if self._by_row_time:
            output = self._process_row_time(batch)
        else:
            output = self._process_arrivals(batch)
        preceding = self._relation.frame.preceding
        if self._ranged and preceding is not None and self._size >= self._sweep_at:
            self._sweep(preceding)
        self._rows.end_pass()
        return output

    @property
    def _size(self) -> int:
        """Rows or partitions that are kept, whichever are more."""
        return max(len(self._rows), self._rows.partitions)

    def _process_row_time(self, batch: Batch) -> Batch:
        steps = batch.watermark
        earliest = np.zeros(len(self._waiting), np.int64)  # the first step that a row can come out with
        if len(batch):
            slots, sequence = self._take_in_time(*evaluate_rows(batch, self._milliseconds, self._rejects))
            self._waiting = np.concatenate((self._waiting, slots))
            earliest = np.concatenate((earliest, np.searchsorted(steps.sequence, sequence, side="left")))
        self._progress = steps.after
        closing = np.searchsorted(steps.value, self._times.values[self._waiting], side="left")
        closing = np.maximum(closing, earliest)
        due = closing < len(steps.value)
        if not due.any():
            return empty_batch(self._schema, steps)
        slots, self._waiting = self._waiting[due], self._waiting[~due]
        if self._lateness is not None:
            self._lateness.come_out(self._keys.values[slots], self._times.values[slots], self._lives.values[slots])
        return self._compute(slots, steps.sequence[closing[due]], steps)

    def _take_in_time(self, batch: Batch, times: Int64Array) -> tuple[Int64Array, Int64Array]:
        """Keep the rows that are not late; their slots and sequence numbers."""
        seen = batch.watermark.seen_by(batch.sequence)
        lives = np.zeros(len(batch), np.int64)
        if self._lateness is None:
            taken = times > seen
            keys = self._rows.find(batch.frame if taken.all() else batch.frame.filter(pl.Series(taken)))
        else:
            keys = self._rows.find(batch.frame)
            waiting = self._keys.values[self._waiting], self._times.values[self._waiting]
            taken, lives = self._lateness.admit(keys, times, seen, batch.watermark.before, *waiting)
            keys = keys[taken]
        if not taken.all():
            self._late += int((~taken).sum())
            batch, times, lives = batch.take(np.flatnonzero(taken)), times[taken], lives[taken]
        return self._take(batch, keys, times, lives), batch.sequence

    def _process_arrivals(self, batch: Batch) -> Batch:
        self._progress = max(self._progress, self._clock.now_ms())
        if not len(batch):
            return empty_batch(self._schema, batch.watermark)
        times = np.full(len(batch), self._progress)
        slots = self._take(batch, self._rows.find(batch.frame), times, np.zeros(len(batch), np.int64))
        return self._compute(slots, batch.sequence, batch.watermark)

    def _milliseconds(self, batch: Batch) -> Int64Array:
        times = batch.frame.to_series(self._time)
        if times.null_count():
            column = self._relation.input.schema.column(self._time)
            rows = np.flatnonzero(times.is_null().to_numpy()).tolist()
            raise RowError(tuple(RowFailure(row, "the row time is null", column) for row in rows))
        milliseconds: Int64Array = integers(times).to_numpy() // MICROSECONDS
        return milliseconds

    def _take(self, batch: Batch, keys: Int64Array, times: Int64Array, lives: Int64Array) -> Int64Array:
        """Keep the rows of a batch; their slots."""
        slots = self._rows.keep(batch.rows, self._rows.number(len(batch)))
        for part, values in ((self._keys, keys), (self._times, times), (self._lives, lives)):
            part.reserve(self._rows.store.slots_used)
            part.values[slots] = values
        return slots

    def _compute(self, slots: Int64Array, moments: Int64Array, watermark: WatermarkSteps) -> Batch:
        """Give these rows out, at these moments."""
        keys = np.unique(self._keys.values[slots])
        _, before = self._rows.rows_of(keys)
        every = np.concatenate((before, slots))
        new = np.ones(len(every), np.bool_)
        new[: len(before)] = False
        order = self._by_time(every)
        every, new = every[order], new[order]
        peers = self._ranged and (self._by_row_time or self._relation.frame.preceding is not None)
        frames = framed(
            self._rows.store.frame(every),
            self._runs(every),
            self._times.values[every],
            new,
            self._relation.frame,
            peers=peers,
        )._replace(rows=every)
        results: dict[int, pl.Series] = {}
        for places, call in self._calls:
            results |= dict(zip(places, call.values(frames), strict=True))
        names = self._schema.names[-len(self._relation.calls) :]
        added = [results[place].alias(name) for place, name in enumerate(names)]
        rows = frames.frame[frames.new].with_columns(added)
        given = every[frames.new]
        by_slot = np.empty(self._rows.store.slots_used, np.int64)
        by_slot[slots] = moments
        sequence = by_slot[given]
        order = np.lexsort((self._rows.arrivals[given], self._times.values[given], sequence))
        self._keep(frames, every, keys)
        return Batch(rows[order], sequence[order], watermark)

    def _by_time(self, rows: Int64Array) -> Int64Array:
        """The order of these rows by partition and its lives, time and arrival."""
        keys, lives, times = self._keys.values[rows], self._lives.values[rows], self._times.values[rows]
        arrivals = self._rows.arrivals[rows]
        if self._has_lives:
            return np.lexsort((arrivals, times, lives, keys))
        return np.lexsort((arrivals, times, keys))

    def _runs(self, rows: Int64Array) -> Int64Array:
        """A number for each of these sorted rows, equal for those that frames may have in common."""
        keys = self._keys.values[rows]
        if not self._has_lives:
            return keys
        lives = self._lives.values[rows]
        runs: Int64Array = np.cumsum((np.diff(keys, prepend=-1) != 0) | (np.diff(lives, prepend=-1) != 0))
        return runs

    def _keep(self, frames: Frames, every: Int64Array, keys: Int64Array) -> None:
        """Chain the rows that later ones look back to, and let the others go."""
        preceding = self._relation.frame.preceding
        places = np.searchsorted(keys, self._keys.values[every])
        if preceding is not None and self._ranged:
            kept = self._reached(every, preceding)
        else:
            reach = max([preceding or 0, *(lag.reach(frames.frame) for lag in self._lags)])
            kept = frames.last_rows[places] - np.arange(len(every)) < reach
        self._rows.chain(keys, places[kept], every[kept])
        self._rows.store.release(every[~kept])

    def _reached(self, rows: Int64Array, preceding: int) -> BoolArray:
        """Which of these rows a frame of time to come may look back to."""
        times = self._times.values[rows]
        if self._lateness is None:
            reached: BoolArray = times >= self._progress - preceding
            return reached
        return self._lateness.reached(self._keys.values[rows], times, self._lives.values[rows], self._progress)

    def _sweep(self, preceding: int) -> None:
        """Let go of the rows that no frame of time reaches any more, and of partitions that have none left."""
        keys = self._rows.live()
        places, rows = self._rows.rows_of(keys)
        alive = self._reached(rows, preceding)
        self._rows.chain(keys, places[alive], rows[alive])
        self._rows.store.release(rows[~alive])
        empty = np.setdiff1d(self._rows.without_rows(keys), self._keys.values[self._waiting])
        if self._lateness is not None:
            empty = self._lateness.forget(empty, self._progress)
        for _, call in self._calls:
            call.release(empty)
        self._rows.forget(empty)
        self._sweep_at = max(FIRST_SWEEP, 2 * self._size)

    def snapshot(self) -> StateArrays:
        slots = self._rows.store.slots_used
        arrays: StateArrays = {
            "progress": np.array([self._late, self._progress, self._sweep_at], np.int64),
            "waiting": self._waiting.copy(),
            "key": self._keys.copy(slots),
            "time": self._times.copy(slots),
            "life": self._lives.copy(slots),
            **prefixed("rows", self._rows.snapshot()),
        }
        if self._lateness is not None:
            arrays |= prefixed("lateness", self._lateness.snapshot())
        for number, (_, call) in enumerate(self._calls):
            arrays |= prefixed(f"call{number}", call.snapshot(self._rows.partition_slots))
        return arrays

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._late, self._progress, self._sweep_at = state["progress"].tolist()
        self._waiting = state["waiting"].copy()
        self._keys.load(state["key"])
        self._times.load(state["time"])
        self._lives.load(state["life"])
        self._rows.restore(section("rows", state))
        if self._lateness is not None:
            self._lateness.restore(section("lateness", state))
        for number, (_, call) in enumerate(self._calls):
            call.restore(section(f"call{number}", state))

    @property
    def state_bytes(self) -> int:
        rows = self._rows.bytes + self._keys.bytes + self._times.bytes + self._lives.bytes + self._waiting.nbytes
        lateness = 0 if self._lateness is None else self._lateness.bytes
        return rows + lateness + sum(call.bytes for _, call in self._calls)

    @property
    def late_rows(self) -> int:
        return self._late
