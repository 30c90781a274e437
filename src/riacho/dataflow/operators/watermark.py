"""WATERMARK FOR: evaluates the watermark expression and says where the watermark stands before each row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from riacho.dataflow.batch import END_OF_TIME, Batch, Int64Array, WatermarkSteps
from riacho.dataflow.columns import integers
from riacho.dataflow.expressions import Evaluator, Settings
from riacho.dataflow.functions import NON_DETERMINISTIC
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.operators.rejects import Rejects, evaluate_rows
from riacho.dataflow.programs import program_of
from riacho.dataflow.watermark import BEFORE_ALL_ROWS, SplitWatermarks
from riacho.formats import arrow
from riacho.plan.expressions import Call, Column, walk
from riacho.plan.relations import Filter, Project, Relation, Watermark

EVERY = np.empty(0, np.bool_)
"""No row lacks a value."""

MICROSECONDS = 1000
"""Microseconds in a millisecond: frames hold the former, watermarks are the latter."""


def postponed(relation: Relation, settings: Settings) -> Project | None:
    """The projection under a watermark that its readers can apply as well, since a program does all of it."""
    if not isinstance(relation, Watermark) or not isinstance(relation.input, Project):
        return None
    below = relation.input
    if any(
        isinstance(part, Call) and part.function in NON_DETERMINISTIC
        for each in below.expressions
        for part in walk(each)
    ):
        return None  # each reader would see another moment
    steps: list[Filter | Project] = [below, Project(below, (relation.expression,), ("watermark",))]
    _, done = program_of(steps, below.input.schema, settings)
    return below if done == len(steps) else None


class WatermarkOperator:
    """Passes rows through unchanged; only their watermark is new.

    The rows may be those `below` the projection of computed columns under the watermark, which whoever reads them
    applies: of the columns that it does not keep, and in the rows that it filters away, nothing is computed.
    """

    def __init__(
        self, relation: Watermark, settings: Settings, rejects: Rejects | None, below: Project | None = None
    ) -> None:
        value = Project(relation.input, (relation.expression,), ("watermark",))
        steps = [value] if below is None else [below, value]
        self._program, done = program_of(steps, steps[0].input.schema, settings)
        assert below is None or done == len(steps), "only a program reads what is below the projection"
        read = relation.expression if below is None else None
        self._place = read.index if isinstance(read, Column) else None
        """The column that is the watermark as it is."""
        self._evaluator = Evaluator([relation.expression], ["watermark"], relation.input.schema, settings)
        self._splits = SplitWatermarks(settings.clock, idle_timeout_ms=relation.idle_timeout_ms)
        self._rejects = rejects
        self.since = BEFORE_ALL_ROWS
        """The last row of the job before the pass: by then splits have fallen silent."""
        self.alignment = relation.alignment
        """With which other tables this one is read."""

    def assign_splits(self, splits: Iterable[int]) -> None:
        """The source reads these splits: each holds the watermark back until it has rows."""
        self._splits.assign(splits)

    def finish_splits(self, splits: Iterable[int]) -> None:
        """These splits have ended and hold nothing back any more."""
        self._splits.finish(splits)

    def not_asked(self) -> None:
        """The source is not asked for rows: it is not idle for having none."""
        self._splits.not_asked()

    def slowest_split(self) -> tuple[int, int] | None:
        """The split that holds the watermark back, and how far its own is; None where none does."""
        return self._splits.slowest()

    @property
    def idle(self) -> bool:
        """Whether nobody waits for any split."""
        return self._splits.idle

    def process(self, inputs: tuple[Batch, ...]) -> Batch:
        batch, microseconds, valid = self._values(inputs[0])
        if batch.diff is not None:  # an old value that goes says nothing new of time
            added = batch.diff > 0
            valid = added if not len(valid) else valid & added
        steps = self._splits.advance(batch.sequence, batch.split, microseconds, valid, MICROSECONDS, since=self.since)
        return Batch(batch.rows, batch.sequence, self._with_end(steps, batch.watermark), batch.diff)

    def _values(self, batch: Batch) -> tuple[Batch, Int64Array, npt.NDArray[np.bool_]]:
        """The batch without the rows that fail, each row's value, and which are valid (empty: all)."""
        if self._place is not None and isinstance(column := batch.column(self._place), arrow.Column):
            moments = column.buffers[0].reshape(-1).view(np.int64)
            return batch, moments, EVERY if column.valid is None else column.valid
        if self._program is not None and len(batch):
            microseconds, valid = self._program.numbers(batch)
            return batch, microseconds, EVERY if valid is None else valid
        batch, values = evaluate_rows(batch, self._evaluator.evaluate, self._rejects)
        found = integers(values.to_series())
        if not found.null_count():
            return batch, found.to_numpy(), EVERY
        return batch, found.fill_null(0).to_numpy(), ~found.is_null().to_numpy()

    def _with_end(self, steps: WatermarkSteps, above: WatermarkSteps) -> WatermarkSteps:
        """The end of the input, which the source tells by a watermark of its own, ends event time."""
        if above.before == END_OF_TIME:
            return WatermarkSteps.still(END_OF_TIME)
        if above.after != END_OF_TIME:
            return steps
        moment: Int64Array = above.sequence[-1:]
        self._splits.end(int(moment[0]))
        earlier = steps.sequence < moment[0]
        return WatermarkSteps(
            steps.before,
            np.concatenate((steps.sequence[earlier], moment)),
            np.concatenate((steps.value[earlier], np.array([END_OF_TIME]))),
        )

    def snapshot(self) -> StateArrays:
        return self._splits.snapshot()

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._splits.restore(state)

    @property
    def state_bytes(self) -> int:
        return self._splits.bytes

    @property
    def late_rows(self) -> int:
        return 0
