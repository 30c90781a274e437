"""Between the rows of a batch and single columns as buffers: where the functions of derived columns take and give."""

from __future__ import annotations

import numpy as np
import polars as pl

from riacho.formats.arrow import (
    VIEW_BYTES,
    Column,
    frame_buffers,
    memory_at,
    strings,
    view_data,
)
from riacho.formats.buffered import BufferedColumns, Columnar, Slice, sliced_column
from riacho.plan.expressions import Call, Expression, Literal
from riacho.plan.expressions import Column as Field
from riacho.plan.types import RowType

Path = tuple[int, ...]
"""A field of the input, and the fields of ROWs on the way down."""


def path_of(expression: Expression) -> Path | None:
    """Where the input has what an expression stands for; None for one that computes something.

    >>> from riacho.plan.types import STRING
    >>> path_of(Field(STRING, 3, "name"))
    (3,)
    """
    match expression:
        case Field(index=index):
            return (index,)
        case Call(function="FIELD", arguments=(row, Literal(value=name))):
            around = path_of(row)
            if around is None or not isinstance(row.type, RowType):
                return None
            return (*around, [item.name for item in row.type].index(str(name)))
    return None


def column_at(rows: Columnar, path: Path) -> Column:
    """A value of the rows, null where a ROW around it is."""
    if isinstance(rows, pl.DataFrame):
        series = rows.to_series(path[0])
        for place in path[1:]:
            series = series.struct.field(series.struct.fields[place])
        return columns_of(series.alias("").to_frame())[0]
    whole, first = (rows.whole, rows.first) if isinstance(rows, Slice) else (rows, 0)
    column = whole.column(path[0])
    valid = [column.valid]
    for place in path[1:]:
        _, column = column.children[place]
        valid.append(column.valid)
    stop = first + rows.height
    known = [part[first:stop] for part in valid if part is not None]
    if whole is not rows:
        column = sliced_column(column, first, stop)
    there = None if not known else known[0] if len(known) == 1 else np.logical_and.reduce(known)
    return Column(column.format, column.length, column.buffers, there, column.children)


def columns_of(frame: pl.DataFrame) -> list[Column]:
    """The columns of a frame that has rows: numbers, strings, booleans."""
    buffers, owner = frame_buffers(frame)
    made = []
    for series, place in zip(frame.iter_columns(), buffers, strict=True):
        valid = series.is_not_null().to_numpy() if series.null_count() else None
        rows, kind = len(series), series.dtype
        if kind == pl.Boolean:
            bits = np.packbits(series.fill_null(value=False).to_numpy(), bitorder="little")
            made.append(Column("b", rows, (bits,), valid))
            continue
        if kind in (pl.String, pl.Binary):
            views = memory_at(place.data[0] + VIEW_BYTES * place.offset, VIEW_BYTES * rows, owner)
            made.append(strings(views, view_data(place, owner), valid, text=kind == pl.String))
            continue
        width = _width(kind)
        values = memory_at(place.data[0] + width * place.offset, width * rows, owner)
        made.append(Column(_RAW[width], rows, (values,), valid))
    return made


_RAW = {1: "c", 2: "s", 4: "i", 8: "l", 16: "d:38,0"}
"""What numbers are between kernels, by their size: the program knows their types."""

_WIDTHS = {
    pl.Int8: 1,
    pl.Int16: 2,
    pl.Int32: 4,
    pl.Float32: 4,
    pl.Date: 4,
    pl.Int64: 8,
    pl.Float64: 8,
    pl.Time: 8,
    pl.Datetime: 8,
    pl.Decimal: 16,
}


def _width(kind: pl.DataType) -> int:
    return _WIDTHS[type(kind)]


def rows_of(column: Column) -> BufferedColumns:
    """A column alone, as rows with one field."""
    return BufferedColumns(("",), (column,), column.length)
