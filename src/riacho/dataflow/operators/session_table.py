"""SESSION as a table function: each row with its session, once the session is over.

Delta rule: a row waits until no other can change its session; then it comes with the session's bounds, its sign as it
was. Flink: UnalignedWindowTableFunctionOperator.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from riacho.dataflow.batch import Batch, Int64Array, WatermarkSteps
from riacho.dataflow.expressions import Settings
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.operators.batches import empty_batch
from riacho.dataflow.operators.rejects import Rejects, evaluate_rows
from riacho.dataflow.operators.window_time import MICROSECONDS, closing_limit, window_time
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.rows import RowStore
from riacho.dataflow.state.sessions import Closed, SessionIndex
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.dataflow.state.strings import StringPool
from riacho.dataflow.state.words import RowCodec, build_frame
from riacho.formats.arrow import Column
from riacho.kernels.sessions import chain_rows, chained_rows, join_chains
from riacho.plan.changelog import is_updating
from riacho.plan.relations import WindowTable


class SessionTableOperator:
    """Keeps the rows of every open session, chained by session in order of arrival."""

    def __init__(self, relation: WindowTable, settings: Settings, rejects: Rejects | None) -> None:
        below = relation.input.schema
        self._schema = relation.schema
        self._partition = relation.partition
        self._rejects = rejects
        self._updating = is_updating(relation.input)
        self._time = window_time(below, relation.time_column, settings)
        self._pool = StringPool()
        self._key_codec = RowCodec(tuple(below[key] for key in relation.partition), self._pool)
        self._sessions = SessionIndex(self._key_codec, relation.size)
        self._rows = RowStore(below.fields)
        self._arrived = Growable(np.int64)
        self._signs = Growable(np.int8)
        self._nexts = Growable(np.int64)
        self._heads = Growable(np.int64)
        self._tails = Growable(np.int64)
        self._arrivals = 0

    def process(self, inputs: tuple[Batch, ...]) -> Batch:
        (batch,) = inputs
        watermark = batch.watermark
        steps = self._time.steps(batch)
        if len(batch):
            batch, times = evaluate_rows(batch, self._time.of_rows, self._rejects)
            if len(batch):
                self._add(batch, times, steps)
        closed = self._sessions.close(closing_limit(steps.after))
        output = self._emit(closed, steps, watermark)
        self._sessions.forget(closed)
        self._rows.end_pass()
        self._pool.collect()
        return output

    def _add(self, batch: Batch, times: Int64Array, steps: WatermarkSteps) -> None:
        columns = [batch.frame.to_series(key) for key in self._partition]
        assigned = self._sessions.assign(self._key_codec.encode(columns, len(batch)), times, batch.sequence, steps)
        for part in (self._heads, self._tails):
            part.reserve(self._sessions.numbers_used)
            part.values[assigned.made] = 0
        if len(assigned.merged):
            join_chains(assigned.merged, assigned.into, self._heads.values, self._tails.values, self._nexts.values)
        arrived = self._arrivals + assigned.timely
        self._arrivals += len(batch)
        slots = self._rows.stage(batch.frame, assigned.timely)
        self._rows.settle(slots)
        for kept in (self._arrived, self._signs, self._nexts):
            kept.reserve(self._rows.slots_used)
        self._arrived.values[slots] = arrived
        self._signs.values[slots] = batch.signs()[assigned.timely]
        chain_rows(slots, assigned.sessions, self._heads.values, self._tails.values, self._nexts.values)

    def _emit(self, closed: Closed, steps: WatermarkSteps, watermark: WatermarkSteps) -> Batch:
        if not len(closed.sessions):
            return empty_batch(self._schema, watermark)
        places, slots = np.empty(len(self._rows), np.int64), np.empty(len(self._rows), np.int64)
        count = chained_rows(closed.sessions, self._heads.values, self._nexts.values, places, slots)
        places, slots = places[:count], slots[:count]
        # Merged sessions were chained one after the other.
        order = np.lexsort((self._arrived.values[slots], places))
        places, slots = places[order], slots[order]
        starts, ends = self._sessions.starts[closed.sessions][places], closed.ends[places]
        columns = [
            *self._rows.columns(slots),
            Column("tsu:", count, (starts * MICROSECONDS,)),
            Column("tsu:", count, (ends * MICROSECONDS,)),
            self._time.column(ends - 1),
        ]
        frame = build_frame(self._schema.fields, columns, count)
        closing = np.searchsorted(steps.value, ends - 1, side="left")
        diff = self._signs.values[slots] if self._updating else None
        self._rows.release(slots)
        return Batch(frame, steps.sequence[closing], watermark, diff)

    def snapshot(self) -> StateArrays:
        return {
            **prefixed("time", self._time.snapshot()),
            **prefixed("strings", self._pool.snapshot()),
            **prefixed("sessions", self._sessions.snapshot()),
            **prefixed("rows", self._rows.snapshot()),
            "arrived": self._arrived.copy(self._rows.slots_used),
            "signs": self._signs.copy(self._rows.slots_used),
            "nexts": self._nexts.copy(self._rows.slots_used),
            "heads": self._heads.copy(self._sessions.numbers_used),
            "tails": self._tails.copy(self._sessions.numbers_used),
            "arrivals": np.array([self._arrivals], np.int64),
        }

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._time.restore(section("time", state))
        self._pool.restore(section("strings", state))
        self._sessions.restore(section("sessions", state))
        self._rows.restore(section("rows", state))
        self._arrived.load(state["arrived"])
        self._signs.load(state["signs"])
        self._nexts.load(state["nexts"])
        self._heads.load(state["heads"])
        self._tails.load(state["tails"])
        self._arrivals = int(state["arrivals"][0])

    @property
    def wake_at_ms(self) -> int | None:
        return self._time.wake_at_ms(self._sessions.next_end)

    @property
    def state_bytes(self) -> int:
        parts = (self._rows, self._arrived, self._signs, self._nexts, self._heads, self._tails)
        return self._pool.bytes + self._sessions.bytes + sum(part.bytes for part in parts)

    @property
    def late_rows(self) -> int:
        return self._sessions.late
