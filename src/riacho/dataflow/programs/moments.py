"""Points in time as columns of programs: their text, written once for each day or minute, and the moment of a batch.

Both cost next to nothing for a row, so that they are computed for all rows of a batch, before its filters.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from riacho.dataflow.evaluation.settings import Settings
from riacho.dataflow.expressions.evaluator import Evaluator
from riacho.dataflow.functions.date_writing import step_of
from riacho.dataflow.programs.crossing import Path, columns_of, path_of, rows_of
from riacho.formats.arrow import Column
from riacho.kernels.moments import step_texts
from riacho.plan.expressions import Call, Expression, Literal
from riacho.plan.expressions import Column as Field
from riacho.plan.relations import Schema
from riacho.plan.relations import schema as fields
from riacho.plan.types import TIMESTAMP_3, TimestampType

NO_NULLS = np.empty(0, np.bool_)
"""To a kernel: every row has a value."""

MOST_TEXTS = 4096
"""Days or minutes between the first and the last that are written once each: some ten years, or three days."""

AHEAD = 64
"""So many more are written at once: time goes on, and writing some costs what writing one does."""

_YEAR_10000 = int((datetime(9999, 12, 31, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))
"""In microseconds: what lies further away is written as it comes."""

NOW = frozenset({"CURRENT_TIMESTAMP", "PROCTIME"})
"""Functions that give the moment at which a batch is processed."""


def is_now(expression: Expression) -> bool:
    """Whether an expression is the moment at which a batch is processed, and nothing else."""
    return isinstance(expression, Call) and expression.function in NOW


def now(settings: Settings, rows: int) -> Column:
    """That moment for each of so many rows."""
    return Column("tsu:UTC", rows, (np.full(rows, int(settings.clock.now_ms()) * 1000, np.int64),))


def texts_of(expression: Expression, settings: Settings) -> MomentTexts | None:
    """How `DATE_FORMAT(time, 'pattern')` is computed for a pattern that knows no seconds; None for all else."""
    match expression:
        case Call(function="DATE_FORMAT", arguments=(time, Literal(value=str() as pattern) as written)):
            path, step = path_of(time), step_of(pattern)
            if path is not None and step is not None and isinstance(time.type, TimestampType):
                return MomentTexts(path, step, expression.with_operands((Field(TIMESTAMP_3, 0, ""), written)), settings)
    return None


class MomentTexts:
    """The texts of the days, or minutes, around those that have come."""

    def __init__(self, path: Path, step: int, expression: Expression, settings: Settings) -> None:
        self.path = path
        self._step = step
        self._evaluator = Evaluator([expression], [""], Schema((fields.Field("", TIMESTAMP_3),)), settings)
        self._first = 0
        self._texts = self._written(np.zeros(1, np.int64))

    def columns(self, times: Column) -> list[Column]:
        """The text of each of these moments, of which there are some."""
        moments, rows = times.buffers[0].view(np.int64), times.length
        views, bounds = np.empty(2 * rows, np.uint64), np.empty(2, np.int64)
        valid = NO_NULLS if times.valid is None else times.valid
        while True:
            texts = self._texts
            if step_texts(moments, valid, self._step, self._first, texts.buffers[0].view(np.uint64), views, bounds):
                return [Column("vu", rows, (views.view(np.uint8), *texts.buffers[1:]), times.valid)]
            first, last = bounds.tolist()
            furthest = _YEAR_10000 // self._step
            if last - first >= MOST_TEXTS or first < -furthest or last > furthest:
                return [Column("vu", rows, self._written(moments).buffers, times.valid)]
            self._write(first, last)

    def _write(self, first: int, last: int) -> None:
        """Have the texts from `first` to `last`, and those that are there where all together are not too many."""
        known_last = self._first + self._texts.length - 1
        if max(last, known_last) - min(first, self._first) < MOST_TEXTS:
            first, last = min(first, self._first), max(last, known_last)
        self._first = first
        self._texts = self._written(np.arange(first, last + 1 + AHEAD, dtype=np.int64) * self._step)

    def _written(self, microseconds: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Column:
        times = Column("tsu:", len(microseconds), (microseconds,))
        made = self._evaluator.evaluate_frame(rows_of(times).frame)
        assert made.to_series().dtype == pl.String
        return columns_of(made)[0]
