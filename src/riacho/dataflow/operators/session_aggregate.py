"""GROUP BY over SESSION windows: each session emits its row once, when the watermark passes its end.

Delta rule: a row adds to the partial result of its session; a row between two sessions adds their partial results.
Flink: WindowAggregate over UnsliceWindowAggProcessor.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from riacho.dataflow.aggregates.aggregates import Aggregates
from riacho.dataflow.batch import ADDED, Batch, Int64Array, WatermarkSteps
from riacho.dataflow.expressions import Settings
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.operators.aggregate import Grouping
from riacho.dataflow.operators.batches import empty_batch
from riacho.dataflow.operators.rejects import Rejects, evaluate_rows
from riacho.dataflow.operators.window_time import MICROSECONDS, closing_limit, window_time
from riacho.dataflow.state.sessions import Closed, SessionIndex
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.dataflow.state.strings import StringPool
from riacho.dataflow.state.words import RowCodec, build_rows
from riacho.formats.arrow import Column
from riacho.plan.changelog import is_updating
from riacho.plan.relations import WindowAggregate, WindowProperty


class SessionAggregateOperator:
    """Keeps the partial results of every open session; of a session that is over, and of its key, nothing is left.

    The planner gives it aggregates whose partial results can be added; others are computed from the rows, which the
    session table function keeps.
    """

    def __init__(self, relation: WindowAggregate, settings: Settings, rejects: Rejects | None) -> None:
        below = relation.input.schema
        self._relation = relation
        self._schema = relation.schema
        self._rejects = rejects
        self._time = window_time(below, relation.time_column, settings)
        self._pool = StringPool()
        self._codec = RowCodec(tuple(below[key] for key in relation.keys), self._pool)
        self._sessions = SessionIndex(self._codec, relation.size)
        self._aggregates = Aggregates(relation.calls, below, self._pool, updating=False, ending=True)
        self._grouping = Grouping()
        assert self._aggregates.unites, "the planner keeps the rows for what cannot be merged"
        assert not is_updating(relation.input), "the planner keeps the rows of an input that retracts"

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
        self._aggregates.release(closed.numbers)
        self._sessions.forget(closed)
        self._pool.collect()
        return output

    def _add(self, batch: Batch, times: Int64Array, steps: WatermarkSteps) -> None:
        columns = [batch.column(key) for key in self._relation.keys]
        words = self._codec.encode(columns, len(batch))
        assigned = self._sessions.assign(words, times, batch.sequence, steps)
        used = self._sessions.numbers_used
        self._aggregates.begin(assigned.made, used)
        if len(assigned.merged):
            self._aggregates.unite(assigned.merged, assigned.into)
        if len(assigned.timely) < len(batch):
            batch = batch.take(assigned.timely)
        if len(batch):
            touched = assigned.sessions
            if self._aggregates.reads_touched:
                touched = self._grouping.touch(touched, used).slots
            self._aggregates.update(batch.rows, assigned.sessions, touched, ADDED)
        self._aggregates.end_pass()

    def _emit(self, closed: Closed, steps: WatermarkSteps, watermark: WatermarkSteps) -> Batch:
        height = len(closed.sessions)
        if not height:
            return empty_batch(self._schema, watermark)
        columns = [
            *self._codec.decode(self._sessions.key_words(closed.sessions)),
            *self._aggregates.columns_of(closed.sessions),
            *(self._property(item, closed) for item in self._relation.properties),
        ]
        rows = build_rows(self._schema.fields, columns, height)
        closing = np.searchsorted(steps.value, closed.ends - 1, side="left")
        return Batch(rows, steps.sequence[closing], watermark)

    def _property(self, item: WindowProperty, closed: Closed) -> Column:
        if item is WindowProperty.TIME:
            return self._time.column(closed.ends - 1)
        bound = closed.ends if item is WindowProperty.END else self._sessions.starts[closed.sessions]
        return Column("tsu:", len(bound), (bound * MICROSECONDS,))

    def snapshot(self) -> StateArrays:
        return {
            **prefixed("time", self._time.snapshot()),
            **prefixed("strings", self._pool.snapshot()),
            **prefixed("sessions", self._sessions.snapshot()),
            **prefixed("aggregates", self._aggregates.snapshot(self._sessions.numbers_used)),
        }

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._time.restore(section("time", state))
        self._pool.restore(section("strings", state))
        self._sessions.restore(section("sessions", state))
        self._aggregates.restore(section("aggregates", state))

    @property
    def wake_at_ms(self) -> int | None:
        return self._time.wake_at_ms(self._sessions.next_end)

    @property
    def state_bytes(self) -> int:
        return sum(part.bytes for part in (self._pool, self._sessions, self._aggregates, self._grouping))

    @property
    def late_rows(self) -> int:
        return self._sessions.late
