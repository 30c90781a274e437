"""Scalar functions: called once per row, or, vectorised, once per batch with its columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
import polars as pl

from riacho.dataflow.columns import polars_type
from riacho.dataflow.evaluation.invocation import Invocation
from riacho.dataflow.evaluation.kernels import Report
from riacho.dataflow.python_functions.values import Convert, from_python, shown, to_python
from riacho.errors import RiachoError
from riacho.plan.expressions import PythonCall
from riacho.plan.python_functions import PythonFunction
from riacho.plan.types import DataType
from riacho.user_functions.calling import UserCodeError, WrongResultError, called
from riacho.user_functions.classes import FunctionContext
from riacho.user_functions.declarations import Style, entry_point


def evaluate(call: PythonCall, invocation: Invocation) -> pl.Expr:
    """The column of the function's results. A row on which it fails is reported like any other failure of a row."""
    caller = Caller.of(call, invocation.compiler.column)
    style = Style(call.python.style)

    def run(series: list[pl.Series], report: Report) -> pl.Series:
        active = None if report.active is None else np.flatnonzero(report.active.to_numpy())
        if active is not None and len(active) == len(report.active if report.active is not None else ()):
            active = None
        given = series if active is None else [item.gather(active) for item in series]
        height = len(series[0])
        made = caller.rows(given, height if active is None else len(active), style, _placed(report, active))
        if active is None:
            return made
        return made.gather(_spread(active, height)) if len(active) else pl.Series([None] * height, dtype=made.dtype)

    inputs = invocation.arguments or [pl.int_range(pl.len(), dtype=pl.UInt32)]
    return invocation.columnwise(run, inputs)


def _spread(active: np.ndarray[Any, Any], height: int) -> pl.Series:
    """For each row where its result is; NULL in a row that was not asked for."""
    places = np.full(height, -1, np.int64)
    places[active] = np.arange(len(active))
    wanted = pl.Series(places)
    return wanted.set(wanted < 0, None)


def _placed(report: Report, active: np.ndarray[Any, Any] | None) -> Callable[[int, str], None]:
    """Reports the failure of a row by its place among those that the function was called for."""
    return lambda row, message: report.row(row if active is None else int(active[row]), message)


Fail = Callable[[int, str], None]
"""Told which row failed, and why."""


@dataclass(slots=True)
class Caller:
    """Calls one function with the arguments of one call; `open` is called before the first."""

    python: PythonFunction
    function: Callable[..., Any]
    names: tuple[str, ...]
    """What the arguments are, for messages."""
    types: tuple[DataType, ...]
    result: DataType
    column: str | None = None
    """The column that the call is computed for, likewise."""
    _opened: bool = False

    @staticmethod
    def of(call: PythonCall, column: str | None) -> Caller:
        """Raises `RiachoError` where a library is missing."""
        require_style(call.python)
        return Caller(
            call.python,
            entry_point(call.python.implementation),
            tuple(str(argument) for argument in call.arguments),
            tuple(argument.type for argument in call.arguments),
            call.type,
            column,
        )

    def rows(self, series: Sequence[pl.Series], height: int, style: Style, fail: Fail) -> pl.Series:
        """The results for these columns' rows."""
        if not height:
            return pl.Series([], dtype=polars_type(self.result))
        if not self._opened:
            self._opened = True
            open_function(self.python)
        if style is Style.GENERAL:
            return self._per_row(series[: len(self.types)], height, fail)
        return self._columns(list(series[: len(self.types)]), height, style, fail, 0)

    def _per_row(self, series: Sequence[pl.Series], height: int, fail: Fail) -> pl.Series:
        columns = [self._values(item, kind) for item, kind in zip(series, self.types, strict=True)]
        convert = from_python(self.result)
        rows = iter(zip(*columns, strict=True) if columns else [()] * height)
        made: list[Any] = []
        while len(made) < height:
            try:
                called(self._fill, made, rows, convert)
            except UserCodeError as error:
                row = len(made)
                fail(row, self.complaint(error, [column[row] for column in columns]))
                made.append(None)
        return pl.Series(made, dtype=polars_type(self.result), strict=False)

    def _fill(self, made: list[Any], rows: Iterable[tuple[Any, ...]], convert: Convert) -> None:
        """Add the results for rows, until the function fails on one, which is taken from them."""
        for values in rows:
            given = self.function(*values)
            made.append(convert(_rows(given) if self.python.table else given))

    def _values(self, series: pl.Series, kind: DataType) -> list[Any]:
        convert = to_python(kind)
        values = series.to_list()
        return values if convert is None else [convert(value) for value in values]

    def _columns(self, series: list[pl.Series], height: int, style: Style, fail: Fail, first: int) -> pl.Series:
        """The function's columns; where it fails, those of both halves of the rows, until the row is found."""
        try:
            return called(self._column, series, height, style)
        except UserCodeError as error:
            if height == 1:
                fail(first, self.complaint(error, [item[0] for item in series]))
                return pl.Series([None], dtype=polars_type(self.result))
            half = height // 2
            upper = self._columns([item[:half] for item in series], half, style, fail, first)
            lower = self._columns([item[half:] for item in series], height - half, style, fail, first + half)
            return pl.concat([upper, lower])

    def _column(self, series: list[pl.Series], height: int, style: Style) -> pl.Series:
        made = self.function(*(_TO[style](item) for item in series))
        column = _column_of(made, polars_type(self.result))
        if len(column) != height:
            if len(column) == 1:
                return column.new_from_index(0, height)
            raise WrongResultError(f"it returned {len(column)} values for {height} rows")
        if not self.result.nullable and column.has_nulls():
            raise WrongResultError(f"it returned None, but its result is {self.result}")
        return column

    def complaint(self, error: UserCodeError, values: Sequence[Any]) -> str:
        """What went wrong, in which line of the function, for which values."""
        given = ", ".join(f"{name} = {shown(value)}" for name, value in zip(self.names, values, strict=True))
        column = f" in column {self.column}" if self.column else ""
        return f"the Python function {self.python.name} failed{column}{f' for {given}' if given else ''}: {error}"


def _rows(given: Any) -> list[Any]:
    """What a table function gave for one row: each as a row, of one column where it is a bare value."""
    return [item if _is_row(item) else (item,) for item in given or ()]


def _is_row(item: Any) -> bool:
    return isinstance(item, tuple | list | Mapping) or is_dataclass(item) or type(item).__name__ == "Row"


def open_function(python: PythonFunction) -> None:
    """Let a function prepare itself. Raises `RiachoError`."""
    opens = getattr(python.implementation, "open", None)
    if not callable(opens):
        return
    try:
        called(opens, FunctionContext())
    except UserCodeError as error:
        raise RiachoError(f"the Python function {python.name} could not be opened: {error}") from error


def require_style(python: PythonFunction) -> None:
    """Raises `RiachoError` where the library is missing whose columns a function takes."""
    library = {Style.ARROW: "pyarrow", Style.PANDAS: "pandas"}.get(Style(python.style))
    for needed in {library, "pyarrow"} if library else ():
        if needed is not None and find_spec(needed) is None:
            raise RiachoError(
                f"the Python function {python.name} takes columns of {library}, and {needed} is not installed",
                mend=f"pip install {needed}, or declare the function with func_type='polars'",
            )


def _column_of(made: Any, kind: pl.DataType) -> pl.Series:
    """What a vectorised function returned, as a column of its type."""
    if isinstance(made, pl.Series):
        return made if made.dtype == kind else made.cast(kind)
    if type(made).__module__.partition(".")[0] == "pandas":
        made = pl.from_pandas(made)
    return pl.Series(made).cast(kind)


_TO: dict[Style, Callable[[pl.Series], Any]] = {
    Style.POLARS: lambda series: series,
    Style.ARROW: lambda series: series.to_arrow(),
    Style.PANDAS: lambda series: series.to_pandas(),
}
