"""Joins of rows of the same window, once the window closes. Flink: WindowJoinOperator.

Delta rule: rows are only added, in and out. Both sides of a window wait until the watermark of both inputs passes its
end; then they are joined as a whole, and forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from riacho.dataflow.batch import END_OF_TIME, Batch, Int64Array, WatermarkSteps
from riacho.dataflow.columns import integers
from riacho.dataflow.expressions import Settings
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.operators.batches import empty_batch
from riacho.dataflow.operators.join import JoinOperator
from riacho.dataflow.operators.whole_join import WholeJoin
from riacho.dataflow.operators.window_time import EventTime, closing_limit
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.rows import RowStore
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.formats.arrow import Column
from riacho.formats.buffered import Columnar, frame_of, gathered
from riacho.kernels.windows import closing_moments, part_rows
from riacho.plan.relations import JoinKind, Schema, WindowJoin


class WindowJoinOperator:
    """Keeps the rows of the windows that are open. A window's join is an ordinary one, of all its rows at once."""

    def __init__(self, relation: WindowJoin, settings: Settings) -> None:
        self._relation = relation
        self._schema = relation.schema
        self._settings = settings
        left_end, right_end = relation.left_keys[relation.end_key], relation.right_keys[relation.end_key]
        left = relation.left.schema
        self._time = EventTime(left, left_end, settings.zone, zoned=relation.zoned, local=True)
        self._sides = _Side(left, left_end), _Side(relation.right.schema, right_end)
        self._whole = WholeJoin(relation, settings) if relation.kind is JoinKind.INNER else None

    def process(self, inputs: tuple[Batch, ...]) -> Batch:
        watermark = inputs[0].watermark
        steps = self._time.steps_of(watermark)
        limit = closing_limit(steps.after)
        left, right = self._sides
        came = len(inputs[0]) or len(inputs[1])
        if not came and left.next_end > limit and right.next_end > limit:
            return empty_batch(self._schema, watermark)
        passing = [side.add(batch, steps, limit) for side, batch in zip(self._sides, inputs, strict=True)]
        if left.next_end > limit and right.next_end > limit and not any(len(part.ends) for part in passing):
            return empty_batch(self._schema, watermark)
        closed = tuple(
            side.close(part, limit, steps, watermark) for side, part in zip(self._sides, passing, strict=True)
        )
        if self._whole is not None:
            output = self._whole.process(closed[0].batch, closed[1].batch, watermark)
        else:
            output = JoinOperator(self._relation, self._settings).process(tuple(part.batch for part in closed))
        for side, part in zip(self._sides, closed, strict=True):
            side.release(part.slots)
        return output

    def snapshot(self) -> StateArrays:
        left, right = self._sides
        return {**prefixed("left", left.snapshot()), **prefixed("right", right.snapshot())}

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        for side, name in zip(self._sides, ("left", "right"), strict=True):
            side.restore(section(name, state))

    @property
    def state_bytes(self) -> int:
        sides = sum(side.bytes for side in self._sides)
        return sides if self._whole is None else sides + self._whole.bytes

    @property
    def late_rows(self) -> int:
        return sum(side.late for side in self._sides)


class _Passing(NamedTuple):
    """Rows whose windows close in the pass that they came in, and the ends of those: they need not be kept."""

    rows: Columnar
    ends: Int64Array


class _Closed(NamedTuple):
    """The rows of one side whose windows have closed, in the order in which they did and then of arrival."""

    batch: Batch
    slots: Int64Array


class _Side:
    """One input's rows in windows that are open."""

    def __init__(self, schema: Schema, end: int) -> None:
        self._end = end
        self._rows = RowStore(schema.fields)
        self._ends = Growable(np.int64)
        self._waiting = np.empty(0, np.int64)
        self.next_end = END_OF_TIME
        """No window that ends before this has rows."""
        self.late = 0

    def add(self, batch: Batch, steps: WatermarkSteps, limit: int) -> _Passing:
        """Keep the rows whose windows were open before them and still are; what the others are."""
        if not len(batch):
            return _Passing(batch.rows, np.empty(0, np.int64))
        rows = len(batch)
        ends, staying, passing = np.empty((3, rows), np.int64)
        stay, passed = part_rows(
            self._ends_of(batch),
            batch.sequence,
            steps.sequence,
            steps.value,
            steps.before,
            limit,
            ends,
            staying,
            passing,
        )
        self.late += rows - stay - passed
        if stay:
            staying = staying[:stay]
            slots = self._rows.stage(batch.frame, staying)
            self._rows.settle(slots)
            self._rows.end_pass()
            self._ends.reserve(self._rows.slots_used)
            self._ends.values[slots] = ends[staying]
            self._waiting = np.concatenate((self._waiting, slots))
            self.next_end = min(self.next_end, int(ends[staying].min()))
        if passed == rows:
            return _Passing(batch.rows, ends)
        passing = passing[:passed]
        return _Passing(gathered(batch.rows, passing), ends[passing])

    def _ends_of(self, batch: Batch) -> Int64Array:
        """In microseconds."""
        column = batch.column(self._end)
        if isinstance(column, Column):
            ends_us: Int64Array = column.buffers[0]
            return ends_us
        return integers(column).to_numpy()

    def close(self, passing: _Passing, limit: int, steps: WatermarkSteps, watermark: WatermarkSteps) -> _Closed:
        """The rows of the windows that end at `limit` or before; those that wait came before those that do not."""
        waiting = self._ends.values[self._waiting]
        due = waiting <= limit
        slots, self._waiting = self._waiting[due], self._waiting[~due]
        self.next_end = int(waiting[~due].min(initial=END_OF_TIME))
        ends, rows = np.concatenate((waiting[due], passing.ends)), passing.rows
        if len(slots):
            waited = self._rows.frame(slots)
            rows = pl.concat([waited, frame_of(rows)]) if len(passing.ends) else waited
        moments = np.empty(len(ends), np.int64)
        if not closing_moments(ends, steps.value, steps.sequence, moments):
            order = np.argsort(np.searchsorted(steps.value, ends - 1, side="left"), kind="stable")
            rows, moments = frame_of(rows)[order], moments[order]
        return _Closed(Batch(rows, moments, watermark), slots)

    def release(self, slots: Int64Array) -> None:
        """Forget rows that were joined."""
        self._rows.release(slots)
        self._rows.end_pass()

    @property
    def bytes(self) -> int:
        return self._rows.bytes + self._ends.bytes + self._waiting.nbytes

    def snapshot(self) -> StateArrays:
        return {
            **prefixed("rows", self._rows.snapshot()),
            "ends": self._ends.copy(self._rows.slots_used),
            "waiting": self._waiting.copy(),
            "progress": np.array([self.next_end, self.late], np.int64),
        }

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._rows.restore(section("rows", state))
        self._ends.load(state["ends"])
        self._waiting = state["waiting"].copy()
        self.next_end, self.late = state["progress"].tolist()
