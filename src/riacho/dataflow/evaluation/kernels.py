"""Steps that Polars has no expression for: whole columns in, a column out, failures reported by row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from riacho.dataflow.evaluation.failures import FailureLog, ValueFailure
from riacho.plan.expressions import Expression


@dataclass(frozen=True, slots=True)
class Report:
    """Where a step says which rows failed. Rows of a branch that was not taken (`active` false) do not count."""

    log: FailureLog
    expression: Expression
    active: pl.Series | None

    def rows(self, failed: pl.Series, message: str | Callable[[int], str]) -> None:
        """Every row where `failed` is true failed; NULL is not true."""
        if self.active is not None:
            failed = failed & self.active
        if not failed.any():
            return
        for row in failed.arg_true().to_list():
            self.log.add(row, message if isinstance(message, str) else message(row), self.expression)

    def row(self, row: int, message: str) -> None:
        if self.active is None or self.active[row]:
            self.log.add(row, message, self.expression)


Kernel = Callable[[list[pl.Series], Report], pl.Series]
"""From columns of equal height to one of that height. Runs once per batch, for all rows at once."""


@dataclass(frozen=True, slots=True)
class Failing:
    """What a fallible step needs to report: the log, the expression that failed, and which rows it applies to.

    Without a log nothing is reported (TRY_CAST).
    """

    log: FailureLog | None
    expression: Expression
    active: pl.Expr | None


def apply(kernel: Kernel, result: pl.DataType, inputs: Sequence[pl.Expr], failing: Failing) -> pl.Expr:
    """The column that `kernel` makes of `inputs`."""
    columns = list(inputs)
    has_active = failing.active is not None and failing.log is not None
    if failing.active is not None and has_active:
        columns.append(failing.active)
    if not any(column.meta.root_names() for column in columns):
        columns.append(_ROW_NUMBER)  # constants alone do not tell the height

    def run(series: Sequence[pl.Series]) -> pl.Series:
        height = max(len(item) for item in series)
        full = [item if len(item) == height else item.new_from_index(0, height) for item in series]
        del full[len(inputs) + has_active :]
        active = full.pop() if has_active else None
        if failing.log is None:
            made = kernel(full, Report(FailureLog(), failing.expression, None))
        else:
            made = kernel(full, Report(failing.log, failing.expression, active))
        return made if made.dtype == result else made.cast(result)

    return pl.map_batches(columns, run, return_dtype=result, is_elementwise=False)


_ROW_NUMBER = pl.int_range(pl.len(), dtype=pl.UInt32)


def per_row(
    function: Callable[..., Any],
    result: pl.DataType,
    inputs: Sequence[pl.Expr],
    failing: Failing,
    *,
    nulls: bool = False,
) -> pl.Expr:
    """A Python call per row: only for functions that have no columnar form, and each says why.

    NULL if an input is, unless `nulls`: then the function sees None. A `ValueFailure` fails the row.
    """

    def run(series: list[pl.Series], report: Report) -> pl.Series:
        made: list[Any] = []
        for row, values in enumerate(zip(*(item.to_list() for item in series), strict=True)):
            if not nulls and any(value is None for value in values):
                made.append(None)
                continue
            try:
                made.append(function(*values))
            except ValueFailure as failure:
                report.row(row, str(failure))
                made.append(None)
        return pl.Series(made, dtype=result, strict=True)

    return apply(run, result, inputs, failing)


def per_distinct(function: Callable[[Any], Any], result: pl.DataType, column: pl.Expr, failing: Failing) -> pl.Expr:
    """As `per_row` of one input, but called once per distinct value of a batch."""

    def run(series: list[pl.Series], report: Report) -> pl.Series:
        values = series[0]
        known: dict[Any, Any] = {None: None}
        made: list[Any] = []
        for row, value in enumerate(values.to_list()):
            if value not in known:
                try:
                    known[value] = function(value)
                except ValueFailure as failure:
                    known[value] = failure
            outcome = known[value]
            if isinstance(outcome, ValueFailure):
                report.row(row, str(outcome))
                outcome = None
            made.append(outcome)
        return pl.Series(made, dtype=result, strict=True)

    return apply(run, result, (column,), failing)
