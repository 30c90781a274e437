"""A query's rows as Arrow, in the types that Ibis's schema promises."""

from __future__ import annotations

from typing import Any

import ibis.expr.datatypes as dt
import ibis.expr.schema as sch
import polars as pl
import pyarrow as pa
from ibis.formats.pyarrow import PyArrowType


def to_arrow(frame: pl.DataFrame, schema: sch.Schema) -> pa.Table:
    """The frame's columns, renamed and cast to the schema."""
    columns = [_cast(frame.to_series(index).to_arrow(), dtype) for index, dtype in enumerate(schema.values())]
    return pa.table(columns, schema=schema.to_pyarrow())


def _cast(column: Any, dtype: dt.DataType) -> Any:
    if not _holds_map(dtype):
        return column.cast(PyArrowType.from_ibis(dtype))
    # Polars keeps a map as a list of {key, value}, which Arrow does not cast to a map.
    return pa.array(_values(column.to_pylist(), dtype), PyArrowType.from_ibis(dtype))


def _holds_map(dtype: dt.DataType) -> bool:
    if dtype.is_map():
        return True
    if isinstance(dtype, dt.Array):
        return _holds_map(dtype.value_type)
    return isinstance(dtype, dt.Struct) and any(_holds_map(kind) for kind in dtype.types)


def _values(values: list[Any], dtype: dt.DataType) -> list[Any]:
    if isinstance(dtype, dt.Map):
        return [None if value is None else _entries(value, dtype) for value in values]
    if isinstance(dtype, dt.Array):
        return [None if value is None else _values(value, dtype.value_type) for value in values]
    if isinstance(dtype, dt.Struct):
        fields = list(dtype.fields.items())
        return [
            None if row is None else {name: _values([row[name]], kind)[0] for name, kind in fields} for row in values
        ]
    return values


def _entries(value: list[dict[str, Any]], dtype: dt.Map) -> list[tuple[Any, Any]]:
    keys = _values([item["key"] for item in value], dtype.key_type)
    return list(zip(keys, _values([item["value"] for item in value], dtype.value_type), strict=True))
