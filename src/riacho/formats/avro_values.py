"""Columns to the values that Avro holds, and back: numbers, texts and bytes, each with the meaning of its column."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Context, Decimal
from typing import Any

import polars as pl

from riacho.formats.avro_schema import MILLIS
from riacho.formats.fields import Field, FieldType, Kind

Convert = Callable[[Any], Any]

_DIGITS = Context(prec=38)
_NANOS_OF_MILLI = 1_000_000
_MICROS_OF_MILLI = 1_000


def frame_of(rows: Sequence[dict[str, Any]], columns: Sequence[Field]) -> pl.DataFrame:
    """Records as columns; a field that a record lacks is null."""
    series = []
    for item in columns:
        values = [row.get(item.name) for row in rows]
        unpack = _unpack(item.type)
        if unpack is not None:
            values = [None if value is None else unpack(value) for value in values]
        raw = pl.Series(item.name, values, dtype=_raw_type(item.type), strict=True)
        series.append(raw.to_frame().select(_from_raw(item.type, pl.col(item.name)).alias(item.name)).to_series())
    return pl.DataFrame(series)


def rows_of(frame: pl.DataFrame, columns: Sequence[Field]) -> list[dict[str, Any]]:
    """Columns as records."""
    raw = frame.select(_to_raw(item.type, pl.col(item.name)).alias(item.name) for item in columns)
    lists = []
    for item in columns:
        values = raw.get_column(item.name).to_list()
        pack = _pack(item.type)
        lists.append(values if pack is None else [None if value is None else pack(value) for value in values])
    names = [item.name for item in columns]
    return [dict(zip(names, row, strict=True)) for row in zip(*lists, strict=True)]


def _raw_type(kind: FieldType) -> pl.DataType:
    match kind.kind:
        case Kind.INTEGER if kind.bits < 32:
            return pl.Int32()
        case Kind.DATE | Kind.TIME:
            return pl.Int32()
        case Kind.TIMESTAMP | Kind.TIMESTAMP_LTZ:
            return pl.Int64()
        case Kind.ARRAY:
            return pl.List(_raw_type(kind.children[0].type))
        case Kind.MAP | Kind.ROW:
            struct = pl.Struct({child.name: _raw_type(child.type) for child in kind.children})
            return pl.List(struct) if kind.kind is Kind.MAP else struct
    return kind.polars()


def _from_raw(kind: FieldType, value: pl.Expr) -> pl.Expr:
    match kind.kind:
        case Kind.INTEGER if kind.bits < 32:  # as Java's byteValue and shortValue
            return value.cast(kind.polars(), wrap_numerical=True)
        case Kind.DATE:
            return value.cast(pl.Date)
        case Kind.TIME:
            return (value.cast(pl.Int64) * _NANOS_OF_MILLI).cast(pl.Time)
        case Kind.TIMESTAMP | Kind.TIMESTAMP_LTZ:
            micros = value * _MICROS_OF_MILLI if kind.precision <= MILLIS else value
            return micros.cast(pl.Datetime("us")).cast(kind.polars())
    return _nested(kind, value, _from_raw)


def _to_raw(kind: FieldType, value: pl.Expr) -> pl.Expr:
    match kind.kind:
        case Kind.INTEGER if kind.bits < 32:
            return value.cast(pl.Int32)
        case Kind.DATE:
            return value.cast(pl.Int32)
        case Kind.TIME:
            return (value.cast(pl.Int64) // _NANOS_OF_MILLI).cast(pl.Int32)
        case Kind.TIMESTAMP | Kind.TIMESTAMP_LTZ:
            micros = value.cast(pl.Int64)
            return micros // _MICROS_OF_MILLI if kind.precision <= MILLIS else micros
    return _nested(kind, value, _to_raw)


def _nested(kind: FieldType, value: pl.Expr, inner: Callable[[FieldType, pl.Expr], pl.Expr]) -> pl.Expr:
    """The same inside arrays, maps and rows."""
    if kind.kind is Kind.ARRAY:
        return value.list.eval(inner(kind.children[0].type, pl.element()))
    if kind.kind is Kind.MAP:
        return value.list.eval(_fields(kind, pl.element(), inner))
    if kind.kind is Kind.ROW:
        return pl.when(value.is_not_null()).then(_fields(kind, value, inner))
    return value


def _fields(kind: FieldType, value: pl.Expr, inner: Callable[[FieldType, pl.Expr], pl.Expr]) -> pl.Expr:
    return pl.struct(inner(child.type, value.struct.field(child.name)).alias(child.name) for child in kind.children)


def _pack(kind: FieldType) -> Convert | None:
    """What Polars gives as Avro has it: maps as such, decimals as bytes. None where there is no difference."""

    def entries(inner: Convert) -> Convert:
        return lambda given: {entry["key"]: inner(entry["value"]) for entry in given}

    return _converter(kind, lambda _: _decimal_bytes, entries)


def _unpack(kind: FieldType) -> Convert | None:
    """The way back."""

    def decimal(kind: FieldType) -> Convert:
        return lambda data: _DIGITS.scaleb(Decimal(int.from_bytes(data, "big", signed=True)), -kind.scale)

    def entries(inner: Convert) -> Convert:
        return lambda given: [{"key": key, "value": inner(given[key])} for key in sorted(given)]

    return _converter(kind, decimal, entries)


def _converter(
    kind: FieldType, decimal: Callable[[FieldType], Convert], entries: Callable[[Convert], Convert]
) -> Convert | None:
    """What converts the decimals and maps of a value; None where it has none."""
    if kind.kind is Kind.DECIMAL:
        return decimal(kind)
    inner = [_converter(child.type, decimal, entries) for child in kind.children]
    if kind.kind is Kind.MAP:
        return entries(_or_null(inner[1]))
    if not any(inner):
        return None
    if kind.kind is Kind.ARRAY:
        element = _or_null(inner[0])
        return lambda values: [element(value) for value in values]
    fields = [(child.name, _or_null(convert)) for child, convert in zip(kind.children, inner, strict=True)]
    return lambda row: {name: convert(row[name]) for name, convert in fields}


def _or_null(convert: Convert | None) -> Convert:
    if convert is None:
        return lambda value: value
    return lambda value: None if value is None else convert(value)


def _decimal_bytes(value: Decimal) -> bytes:
    """The digits, in the fewest bytes that hold them and their sign."""
    sign, digits, _ = value.as_tuple()
    number = int("".join(map(str, digits)))
    number = -number if sign else number
    return number.to_bytes((number + (number < 0)).bit_length() // 8 + 1, "big", signed=True)
