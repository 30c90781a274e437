"""CAST of arrays, maps and rows: part by part. A part that fails fails its row; under TRY_CAST the row is NULL."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from riacho.dataflow.batch import Int64Array
from riacho.dataflow.columns import polars_type
from riacho.dataflow.evaluation.failures import FailureLog
from riacho.dataflow.evaluation.kernels import Failing, Report, apply
from riacho.plan.types import ArrayType, DataType, MapType, RowType

CastPart = Callable[[pl.Expr, DataType, DataType, Failing], pl.Expr]
"""The cast of a column of parts, of the one type, to the other."""


def to_nested(value: pl.Expr, source: DataType, target: DataType, cast_part: CastPart, failing: Failing) -> pl.Expr:
    """A column of arrays, maps or rows as one of another such type."""
    made_type = polars_type(target)

    def run(series: list[pl.Series], report: Report) -> pl.Series:
        column, log = series[0], FailureLog()
        parts = Failing(log, failing.expression, None)
        if isinstance(source, RowType):
            made, owners = _fields(column, source, target, cast_part, parts), None
        else:
            made, owners = _elements(column, source, target, cast_part, parts)
        if not log:
            return made.cast(made_type)
        failed = np.zeros(len(column), np.bool_)
        for failure in log.failures:
            row = failure.row if owners is None else int(owners[failure.row])
            report.row(row, failure.message)
            failed[row] = True
        return _null_where(made.cast(made_type), failed)

    return apply(run, made_type, (value,), failing)


def _fields(column: pl.Series, source: DataType, target: DataType, cast_part: CastPart, parts: Failing) -> pl.Series:
    """Rows, field by field."""
    assert isinstance(source, RowType)
    assert isinstance(target, RowType)
    row = pl.col("row")
    fields = [
        cast_part(row.struct.field(one.name), one.type, other.type, parts).alias(other.name)
        for one, other in zip(source, target, strict=True)
    ]
    made = pl.when(row.is_not_null()).then(pl.struct(fields)).alias("row")
    return column.alias("row").to_frame().select(made).to_series()


def _elements(
    column: pl.Series, source: DataType, target: DataType, cast_part: CastPart, parts: Failing
) -> tuple[pl.Series, Int64Array]:
    """Arrays or maps, all their elements as one column; and the row of each of these."""
    lengths = column.list.len().fill_null(0).to_numpy()
    owners = np.repeat(np.arange(len(column), dtype=np.int64), lengths)
    element = pl.col("element")
    if isinstance(source, ArrayType) and isinstance(target, ArrayType):
        made = cast_part(element, source.element, target.element, parts)
    else:
        assert isinstance(source, MapType)
        assert isinstance(target, MapType)
        key = cast_part(element.struct.field("key"), source.key, target.key, parts)
        item = cast_part(element.struct.field("value"), source.value, target.value, parts)
        made = pl.struct(key.alias("key"), item.alias("value"))
    elements = column.filter(pl.Series(lengths > 0)).explode().alias("element").to_frame().select(made.alias("element"))
    lists = elements.with_columns(owner=owners).group_by("owner", maintain_order=True).agg("element")["element"]
    # An empty array has no element that would name it, so it is put behind the others; a NULL has no place at all.
    places = np.where(lengths > 0, np.cumsum(lengths > 0) - 1, len(lists))
    with_empty = lists.append(pl.Series([[]], dtype=lists.dtype))
    taken = with_empty.gather(pl.Series(places, dtype=pl.UInt32).set(column.is_null(), None))
    return taken, owners


def _null_where(column: pl.Series, gone: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> pl.Series:
    places = pl.Series(np.arange(len(column)), dtype=pl.UInt32).set(pl.Series(gone), None)
    return column.gather(places)
