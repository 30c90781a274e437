"""Prints rows with their kinds, as Flink's print connector does: `+I[1, Ada]`.

Source: Flink, "Print SQL Connector"; values are shown as Java's toString shows them.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import time
from decimal import Decimal
from typing import Any, TextIO

import polars as pl

from riacho.dataflow.batch import Batch
from riacho.dataflow.connectors.environment import ConnectorEnvironment
from riacho.dataflow.connectors.fields import format_fields
from riacho.dataflow.connectors.tables import options_of
from riacho.dataflow.sinks import SinkCounts
from riacho.dataflow.sources import Json, Positions
from riacho.formats.fields import Field, FieldType, Kind
from riacho.formats.java_numbers import double_text, float_text
from riacho.formats.options import Option, boolean, text
from riacho.plan.relations import Schema
from riacho.plan.tables import Table, TableColumn

INSERT, UPDATE_BEFORE, UPDATE_AFTER, DELETE = "+I", "-U", "+U", "-D"

_IDENTIFIER = Option("print-identifier", text, "")
_STANDARD_ERROR = Option("standard-error", boolean, False)
_PARALLELISM = Option("sink.parallelism", text, "1")


def check_print(table: Table) -> tuple[str, bool]:
    """(identifier, whether to standard error) of a checked table. Raises `OptionError`."""
    options = options_of(table)
    read = options.get(_IDENTIFIER), options.get(_STANDARD_ERROR)
    options.get(_PARALLELISM)
    options.finish()
    return read


class PrintSink:
    """Writes a line per change. With the fields that identify a row, −old +new of one is an update (-U, +U).

    No fields identify the only row that there is; `key` None says that nothing identifies a row. What is given may have
    more fields than the table shows: see `keep_row_keys`.
    """

    def __init__(
        self, table: Table, given: Schema, environment: ConnectorEnvironment, key: Sequence[int] | None = None
    ) -> None:
        identifier, to_errors = check_print(table)
        self._prefix = f"{identifier}> " if identifier else ""
        self._out: TextIO = sys.stderr if to_errors else environment.stdout
        self._fields = format_fields(TableColumn(field.name, field.type) for field in given)
        self._width = len(table.persisted_columns)
        self._key = None if key is None else tuple(key)
        self._rows = 0
        self._bytes = 0

    def write(self, batch: Batch) -> None:
        columns = [shown(field, series) for field, series in zip(self._fields, batch.frame.get_columns(), strict=True)]
        rows = list(zip(*columns, strict=True))
        keys = None if self._key is None else [tuple(row[index] for index in self._key) for row in rows]
        kinds = row_kinds(batch.signs().tolist(), keys)
        lines = "".join(
            f"{self._prefix}{kind}[{', '.join(row[: self._width])}]\n" for kind, row in zip(kinds, rows, strict=True)
        )
        self._out.write(lines)
        self._rows += len(rows)
        self._bytes += len(lines)

    def flush(self) -> None:
        self._out.flush()

    def positions(self) -> Positions:
        return {}

    def restore(self, positions: Mapping[str, Json]) -> None:
        """What was printed stays."""

    @property
    def counts(self) -> SinkCounts:
        return SinkCounts(self._rows, self._bytes)

    def close(self) -> None:
        self._out.flush()


def row_kinds(signs: Sequence[int], keys: Sequence[tuple[str, ...]] | None) -> list[str]:
    """Flink's row kind of each change of a pass: a −1 and the next +1 of its key are an update.

    >>> row_kinds([1, -1, 1, -1], [("a",), ("b",), ("b",), ("c",)])
    ['+I', '-U', '+U', '-D']
    """
    kinds = [INSERT if sign > 0 else DELETE for sign in signs]
    waiting: dict[tuple[str, ...], int] = {}
    if keys is None:
        return kinds
    for row, (sign, key) in enumerate(zip(signs, keys, strict=True)):
        if sign < 0:
            waiting[key] = row
        elif key in waiting:
            kinds[waiting.pop(key)] = UPDATE_BEFORE
            kinds[row] = UPDATE_AFTER
    return kinds


_FAR = {Kind.DATE: "%Y-%m-%d", Kind.TIMESTAMP: "%Y-%m-%dT%H:%M:%S%.f", Kind.TIMESTAMP_LTZ: "%Y-%m-%dT%H:%M:%S%.fZ"}
"""Of points in time beyond the years 1 to 9999, which Python's own do not have."""


def shown(field: Field, series: pl.Series) -> list[str]:
    """The values of a column as Java prints them."""
    pattern = _FAR.get(field.type.kind)
    if pattern is not None:
        far = ~series.dt.year().is_between(1, 9999).fill_null(value=True)
        if far.any():
            texts = series.filter(far).dt.strftime(pattern).to_list()
            near = iter(series.filter(~far).to_list())
            there = iter(texts)
            return [next(there) if each else show(field.type, next(near)) for each in far.to_list()]
    return [show(field.type, value) for value in series.to_list()]


def show(kind: FieldType, value: Any) -> str:
    """A value as Java prints it.

    >>> from datetime import datetime
    >>> show(FieldType(Kind.TIMESTAMP, "TIMESTAMP(3)", precision=3), datetime(2024, 1, 1, 12, 30))
    '2024-01-01T12:30'
    """
    if value is None:
        return "null"
    match kind.kind:
        case Kind.BOOLEAN:
            return "true" if value else "false"
        case Kind.FLOAT:
            return float_text(value) if kind.bits == 32 else double_text(value)
        case Kind.DECIMAL:
            return str(Decimal(value)).replace("e", "E")
        case Kind.BYTES:
            return "[" + ", ".join(str(byte - 256 if byte > 127 else byte) for byte in value) + "]"
        case Kind.TIMESTAMP:
            return f"{value.date().isoformat()}T{_clock(value.time(), seconds_optional=True)}"
        case Kind.TIMESTAMP_LTZ:
            return f"{value.date().isoformat()}T{_clock(value.time(), seconds_optional=False)}Z"
        case Kind.TIME:
            return _clock(value, seconds_optional=True)
        case Kind.ARRAY:
            return "[" + ", ".join(show(kind.children[0].type, item) for item in value) + "]"
        case Kind.MAP:
            key, element = kind.children
            pairs = (f"{show(key.type, item[key.name])}={show(element.type, item[element.name])}" for item in value)
            return "{" + ", ".join(pairs) + "}"
        case Kind.ROW:
            return "+I[" + ", ".join(show(child.type, value[child.name]) for child in kind.children) + "]"
        case _:
            return str(value)


def _clock(value: time, *, seconds_optional: bool) -> str:
    """Java's LocalTime.toString: seconds only where they are not zero, fractions in groups of three digits."""
    if not value.microsecond:
        return value.strftime("%H:%M" if seconds_optional and not value.second else "%H:%M:%S")
    fraction = f"{value.microsecond:06d}"
    return f"{value.strftime('%H:%M:%S')}.{fraction[:3] if fraction.endswith('000') else fraction}"
