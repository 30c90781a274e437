"""The first rows of each partition of a window, given once, when the window closes. Flink: WindowRank."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from riacho.dataflow.batch import END_OF_TIME, Batch, WatermarkSteps
from riacho.dataflow.expressions import Settings
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.operators.batches import empty_batch
from riacho.dataflow.operators.window_time import MICROSECONDS, EventTime, closing_limit
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.expiry import Expiry
from riacho.dataflow.state.first_rows import FirstRows
from riacho.dataflow.state.given_rows import GivenRows, OutputRows
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.formats.arrow import Column
from riacho.plan.relations import WindowRank

NO_WINDOW = END_OF_TIME
"""The end of a partition that is not there."""


class WindowRankOperator:
    """Keeps the first rows of each partition until its window closes, and emits them then; nothing is retracted.

    Rule: a row counts unless the watermark before it had reached its window's end − 1 ms; then it is late, dropped and
    counted. Windows that close in one pass come by their ends, their partitions by their first rows.
    """

    def __init__(self, relation: WindowRank, settings: Settings) -> None:
        self._relation = relation
        self._schema = relation.schema
        numbers = int(relation.number is not None)
        self._output_rows = OutputRows(relation.schema.fields, [len(relation.input.schema), numbers])
        self._time = EventTime(
            relation.input.schema, relation.window_end, settings.zone, zoned=relation.zoned, local=True
        )
        self._fronts = FirstRows(relation.rank, Expiry(settings.clock, 0), later=relation.later)
        self._ends = Growable(np.int64)
        self._born = Growable(np.int64)
        self._next_end = END_OF_TIME
        self._arrivals = 0
        self._late = 0

    def process(self, inputs: tuple[Batch, ...]) -> Batch:
        (batch,) = inputs
        steps = self._time.steps(batch)
        if len(batch):
            self._add(batch, steps)
        output = self._close(steps, batch.watermark)
        self._fronts.end_pass()
        return output

    def _add(self, batch: Batch, steps: WatermarkSteps) -> None:
        ends = self._time.of_rows(batch) // MICROSECONDS
        timely = np.flatnonzero(ends - 1 > steps.seen_by(batch.sequence))
        self._late += len(batch) - len(timely)
        if not len(timely):
            return
        if len(timely) < len(batch):
            batch, ends = batch.take(timely), ends[timely]
        entered = self._fronts.enter(batch)
        new = entered.partitions[entered.new_rows]
        for part in (self._ends, self._born):
            part.reserve(self._fronts.partitions.slots_used)
        self._ends.values[new] = ends[entered.new_rows]
        self._born.values[new] = self._arrivals + entered.new_rows
        self._arrivals += len(batch)
        self._next_end = min(self._next_end, int(ends.min()))
        self._fronts.finish(entered)

    def _close(self, steps: WatermarkSteps, watermark: WatermarkSteps) -> Batch:
        limit = closing_limit(steps.after)
        if self._next_end > limit:
            return empty_batch(self._schema, watermark)
        ends = self._ends.values[: self._fronts.partitions.slots_used]
        closing = np.flatnonzero(ends <= limit)
        closing = closing[np.lexsort((self._born.values[closing], ends[closing]))]
        closed_at = ends[closing]
        closed = self._fronts.close(closing)
        ends[closing] = NO_WINDOW
        self._next_end = int(ends.min(initial=END_OF_TIME))
        parts: list[GivenRows | Column] = [self._fronts.store.give(closed.rows)]
        if self._relation.number is not None:
            parts.append(Column("l", len(closed.rows), (closed.numbers,)))
        rows = self._output_rows.rows(parts, len(closed.rows))
        self._fronts.store.release(closed.gone)
        moments = steps.sequence[np.searchsorted(steps.value, closed_at[closed.owners] - 1, side="left")]
        return Batch(rows, moments, watermark)

    def snapshot(self) -> StateArrays:
        used = self._fronts.partitions.slots_used
        return {
            **prefixed("fronts", self._fronts.snapshot()),
            "ends": self._ends.copy(used),
            "born": self._born.copy(used),
            "progress": np.array([self._next_end, self._arrivals, self._late], np.int64),
        }

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._fronts.restore(section("fronts", state))
        self._ends.load(state["ends"])
        self._born.load(state["born"])
        self._next_end, self._arrivals, self._late = state["progress"].tolist()

    @property
    def state_bytes(self) -> int:
        return self._fronts.bytes + self._ends.bytes + self._born.bytes

    @property
    def late_rows(self) -> int:
        return self._late
