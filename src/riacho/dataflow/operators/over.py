"""OVER in the order of time: each row with what its frame comes to, once no earlier row can come any more.

Flink: OverAggregate (RowTime… and ProcTime…BoundedPrecedingFunction and …UnboundedPrecedingOver). Delta rule: rows are
only added, in and out. By row time, rows wait for the watermark and then come by time, those of one time by arrival;
one that comes behind the watermark is dropped and counted. By processing time they come as they arrive.
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
from riacho.dataflow.operators.rejects import Rejects, evaluate_rows
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.key_index import KeyIndex
from riacho.dataflow.state.rows import RowStore
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.dataflow.state.strings import StringPool
from riacho.dataflow.state.words import RowCodec
from riacho.kernels.sessions import chain_rows, chained_rows
from riacho.plan.relations import FrameUnit, Over, TimeAttribute

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
        self._pool = StringPool()
        self._codec = RowCodec(tuple(below[key] for key in relation.partition), self._pool)
        self._index = KeyIndex(self._codec.width)
        self._calls = over_calls(relation, self._pool)
        self._lags = [Lag(call) for call in relation.calls if call.function == "LAG"]
        self._rows = RowStore(below.fields)
        self._keys = Growable(np.int64)
        self._times = Growable(np.int64)
        self._arrived = Growable(np.int64)
        self._nexts = Growable(np.int64)
        self._heads = Growable(np.int64)
        self._tails = Growable(np.int64)
        self._waiting = np.empty(0, np.int64)
        self._kept = 0
        self._sweep_at = FIRST_SWEEP
        self._arrivals = 0
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
        if self._ranged and preceding is not None and max(self._kept, len(self._index)) >= self._sweep_at:
            self._sweep(preceding)
        self._rows.end_pass()
        self._pool.collect()
        return output

    def _process_row_time(self, batch: Batch) -> Batch:
        steps = batch.watermark
        if len(batch):
            batch, times = evaluate_rows(batch, self._milliseconds, self._rejects)
            late = times <= steps.seen_by(batch.sequence)
            if late.any():
                self._late += int(late.sum())
            slots = self._take(batch, np.flatnonzero(~late), times[~late])
            self._waiting = np.concatenate((self._waiting, slots))
        self._progress = steps.after
        times = self._times.values[self._waiting]
        due = times <= self._progress
        if not due.any():
            return empty_batch(self._schema, steps)
        slots, self._waiting = self._waiting[due], self._waiting[~due]
        closing = np.searchsorted(steps.value, self._times.values[slots], side="left")
        return self._compute(slots, steps.sequence[closing], steps)

    def _process_arrivals(self, batch: Batch) -> Batch:
        self._progress = max(self._progress, self._clock.now_ms())
        if not len(batch):
            return empty_batch(self._schema, batch.watermark)
        slots = self._take(batch, np.arange(len(batch)), np.full(len(batch), self._progress))
        return self._compute(slots, batch.sequence, batch.watermark)

    def _milliseconds(self, batch: Batch) -> Int64Array:
        times = batch.frame.to_series(self._time)
        if times.null_count():
            column = self._relation.input.schema.column(self._time)
            rows = np.flatnonzero(times.is_null().to_numpy()).tolist()
            raise RowError(tuple(RowFailure(row, "the row time is null", column) for row in rows))
        milliseconds: Int64Array = integers(times).to_numpy() // MICROSECONDS
        return milliseconds

    def _take(self, batch: Batch, rows: Int64Array, times: Int64Array) -> Int64Array:
        """Keep these rows of a batch; their slots."""
        slots = self._rows.stage(batch.frame, rows)
        self._rows.settle(slots)
        for part in (self._keys, self._times, self._arrived, self._nexts):
            part.reserve(self._rows.slots_used)
        columns = [batch.frame.to_series(key)[rows] for key in self._relation.partition]
        words = self._codec.encode(columns, len(rows))
        keys, new_rows = self._index.upsert(words)
        self._codec.retain(words[new_rows])
        for part in (self._heads, self._tails):
            part.reserve(self._index.slots_used)
            part.values[keys[new_rows]] = 0
        self._keys.values[slots] = keys
        self._times.values[slots] = times
        self._arrived.values[slots] = self._arrivals + rows
        self._arrivals += len(batch)
        return slots

    def _compute(self, slots: Int64Array, moments: Int64Array, watermark: WatermarkSteps) -> Batch:
        """Give these rows out, at these moments."""
        keys = np.unique(self._keys.values[slots])
        before = self._kept_rows(keys)
        every = np.concatenate((before, slots))
        new = np.ones(len(every), np.bool_)
        new[: len(before)] = False
        order = np.lexsort((self._arrived.values[every], self._times.values[every], self._keys.values[every]))
        every, new = every[order], new[order]
        peers = self._ranged and (self._by_row_time or self._relation.frame.preceding is not None)
        frames = framed(
            self._rows.frame(every),
            self._keys.values[every],
            self._times.values[every],
            new,
            self._relation.frame,
            peers=peers,
        )
        results: dict[int, pl.Series] = {}
        for places, call in self._calls:
            results |= dict(zip(places, call.values(frames), strict=True))
        names = self._schema.names[-len(self._relation.calls) :]
        added = [results[place].alias(name) for place, name in enumerate(names)]
        rows = frames.frame[frames.new].with_columns(added)
        given = every[frames.new]
        by_slot = np.empty(self._rows.slots_used, np.int64)
        by_slot[slots] = moments
        sequence = by_slot[given]
        order = np.lexsort((self._arrived.values[given], self._times.values[given], sequence))
        self._keep(frames, every, keys)
        return Batch(rows[order], sequence[order], watermark)

    def _kept_rows(self, keys: Int64Array) -> Int64Array:
        """The rows of these partitions that frames reach back to, in their order."""
        places, rows = np.empty(self._kept, np.int64), np.empty(self._kept, np.int64)
        count = chained_rows(keys, self._heads.values, self._nexts.values, places, rows)
        return rows[:count]

    def _keep(self, frames: Frames, every: Int64Array, keys: Int64Array) -> None:
        """Chain the rows that later ones look back to, and let the others go."""
        preceding = self._relation.frame.preceding
        if preceding is not None and self._ranged:
            kept = frames.times >= self._reached_by_all(preceding)
        else:
            reach = max([preceding or 0, *(lag.reach(frames.frame) for lag in self._lags)])
            behind = frames.last_rows[np.searchsorted(keys, frames.keys)] - np.arange(len(every))
            kept = behind < reach
        self._kept += int(kept.sum()) - (len(every) - len(frames.new))
        self._heads.values[keys] = 0
        self._tails.values[keys] = 0
        chain_rows(every[kept], frames.keys[kept], self._heads.values, self._tails.values, self._nexts.values)
        self._rows.release(every[~kept])

    def _reached_by_all(self, preceding: int) -> int:
        """No row to come looks further back in time."""
        return max(self._progress - preceding, NO_WATERMARK)

    def _sweep(self, preceding: int) -> None:
        """Let go of the rows that no frame of time reaches any more, and of partitions that have none left."""
        keys = self._index.live()
        rows = self._kept_rows(keys)
        alive = self._times.values[rows] >= self._reached_by_all(preceding)
        live = rows[alive]
        self._heads.values[keys] = 0
        self._tails.values[keys] = 0
        chain_rows(live, self._keys.values[live], self._heads.values, self._tails.values, self._nexts.values)
        self._rows.release(rows[~alive])
        self._kept = len(live)
        empty = keys[self._heads.values[keys] == 0]
        empty = np.setdiff1d(empty, self._keys.values[self._waiting])
        for _, call in self._calls:
            call.release(empty)
        self._codec.release(self._index.keys[empty])
        self._index.release(empty)
        self._sweep_at = max(FIRST_SWEEP, 2 * max(self._kept, len(self._index)))

    def snapshot(self) -> StateArrays:
        keys, slots = self._index.slots_used, self._rows.slots_used
        arrays: StateArrays = {
            "progress": np.array([self._arrivals, self._late, self._progress, self._kept, self._sweep_at], np.int64),
            "waiting": self._waiting.copy(),
            "key": self._keys.copy(slots),
            "time": self._times.copy(slots),
            "arrived": self._arrived.copy(slots),
            "nexts": self._nexts.copy(slots),
            "heads": self._heads.copy(keys),
            "tails": self._tails.copy(keys),
            **prefixed("strings", self._pool.snapshot()),
            **prefixed("keys", self._index.snapshot()),
            **prefixed("rows", self._rows.snapshot()),
        }
        for number, (_, call) in enumerate(self._calls):
            arrays |= prefixed(f"call{number}", call.snapshot(keys))
        return arrays

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._arrivals, self._late, self._progress, self._kept, self._sweep_at = state["progress"].tolist()
        self._waiting = state["waiting"].copy()
        self._keys.load(state["key"])
        self._times.load(state["time"])
        self._arrived.load(state["arrived"])
        self._nexts.load(state["nexts"])
        self._heads.load(state["heads"])
        self._tails.load(state["tails"])
        self._pool.restore(section("strings", state))
        self._index.restore(section("keys", state))
        self._rows.restore(section("rows", state))
        for number, (_, call) in enumerate(self._calls):
            call.restore(section(f"call{number}", state))

    @property
    def state_bytes(self) -> int:
        parts = (self._keys, self._times, self._arrived, self._nexts, self._heads, self._tails, self._index)
        kept = self._rows.bytes + self._pool.bytes + self._waiting.nbytes
        return kept + sum(part.bytes for part in parts) + sum(call.bytes for _, call in self._calls)

    @property
    def late_rows(self) -> int:
        return self._late
