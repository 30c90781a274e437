"""Runs a set of expressions over batches: one Polars call a batch, none for bare columns; failing rows named."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from riacho.dataflow.batch import NO_WATERMARK, Batch, Int64Array
from riacho.dataflow.columns import polars_type
from riacho.dataflow.evaluation.settings import Settings
from riacho.dataflow.expressions.compiler import (
    NOW_COLUMN,
    WATERMARK_COLUMN,
    ExpressionCompiler,
    fold_constants,
)
from riacho.dataflow.functions import NOT_FOLDED
from riacho.plan.expressions import Call, Column, Expression, walk
from riacho.plan.relations import Schema

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Evaluator:
    """Expressions over one schema, compiled when it is made.

    Parameters
    ----------
    expressions, names
        What is computed, and the names of the columns.
    schema
        The fields of the batches.
    settings
        The session's time zone and clock.

    Raises
    ------
    RiachoError
        For a function that has no evaluator.
    """

    def __init__(
        self, expressions: Sequence[Expression], names: Sequence[str], schema: Schema, settings: Settings
    ) -> None:
        self._compiler = ExpressionCompiler(schema, settings)
        folded = [fold_constants(expression, settings) for expression in expressions]
        self._columns = [self._compiler.named(expression, name) for expression, name in zip(folded, names, strict=True)]
        self._bare = [schema[expression.index].name for expression in folded if isinstance(expression, Column)]
        self._types = {name: polars_type(expression.type) for expression, name in zip(expressions, names, strict=True)}
        # What reads a column may still come to a constant when it is compiled, such as a group that no pattern has.
        self._varies = any(column.meta.root_names() for column in self._columns) or any(
            isinstance(part, Call) and part.function in NOT_FOLDED for expression in folded for part in walk(expression)
        )

    def evaluate(self, batch: Batch) -> pl.DataFrame:
        """The expressions' columns for the rows of a batch.

        Raises `RowError` with the rows on which an expression failed.
        """
        watermark = batch.watermark.seen_by(batch.sequence) if self._compiler.uses_watermark else None
        return self.evaluate_frame(batch.frame, watermark)

    def evaluate_frame(self, frame: pl.DataFrame, watermark: Int64Array | None = None) -> pl.DataFrame:
        """As `evaluate`, over a bare frame; `watermark` before each row in milliseconds, if there is one."""
        if not frame.height:
            return pl.DataFrame(schema=self._types)
        if self._bare and len(self._bare) == len(self._types):
            picked = zip(self._bare, self._types, strict=True)
            return pl.DataFrame([frame.get_column(source).alias(name) for source, name in picked])
        compiler = self._compiler
        compiler.log.clear()
        if compiler.uses_now:
            now = _EPOCH + timedelta(milliseconds=compiler.settings.clock.now_ms())
            frame = frame.with_columns(pl.lit(now, pl.Datetime("us", "UTC")).alias(NOW_COLUMN))
        if compiler.uses_watermark:
            frame = frame.with_columns(_watermark_column(frame.height, watermark))
        if self._varies:
            made = frame.select(self._columns)
        else:
            # Constants alone would make a single row.
            made = frame.with_columns(self._columns).select(list(self._types))
        compiler.log.raise_if_any()
        return made


def _watermark_column(height: int, watermark: Int64Array | None) -> pl.Series:
    if watermark is None:
        return pl.Series(WATERMARK_COLUMN, [None], dtype=pl.Int64).new_from_index(0, height)
    values = pl.Series(WATERMARK_COLUMN, watermark)
    return values.set(pl.Series(watermark == np.int64(NO_WATERMARK)), None)


class Predicate:
    """A condition over one schema: which rows of a batch it is true for."""

    def __init__(self, condition: Expression, schema: Schema, settings: Settings) -> None:
        self._evaluator = Evaluator([condition], ["$"], schema, settings)

    def holds(self, batch: Batch) -> pl.Series:
        """True for each row where the condition is true, false where it is false or unknown.

        Raises `RowError` with the rows on which it failed.
        """
        return self._evaluator.evaluate(batch).to_series().fill_null(value=False)
