"""SQL types as Ibis knows them, and back as DDL text."""

from __future__ import annotations

import ibis.expr.datatypes as dt
import ibis.expr.schema as sch

from riacho.plan.relations import Schema
from riacho.plan.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    CharType,
    DataType,
    DateType,
    DayTimeIntervalType,
    DecimalType,
    FloatType,
    IntegerType,
    MapType,
    NullType,
    RowType,
    TimestampLtzType,
    TimestampType,
    TimeType,
    VarbinaryType,
    VarcharType,
    YearMonthIntervalType,
)

_INTEGERS: dict[int, type[dt.DataType]] = {8: dt.Int8, 16: dt.Int16, 32: dt.Int32, 64: dt.Int64}

_TEXTS: dict[type[dt.DataType], str] = {
    dt.Boolean: "BOOLEAN",
    dt.Int8: "TINYINT",
    dt.Int16: "SMALLINT",
    dt.Int32: "INT",
    dt.Int64: "BIGINT",
    dt.UInt8: "SMALLINT",
    dt.UInt16: "INT",
    dt.UInt32: "BIGINT",
    dt.Float32: "FLOAT",
    dt.Float64: "DOUBLE",
    dt.String: "STRING",
    dt.Binary: "BYTES",
    dt.Date: "DATE",
    dt.Time: "TIME",
}

TIME_PRECISION = 3
"""Digits of a timestamp whose scale Ibis leaves open: milliseconds, which a watermark can follow."""


def to_ibis(data_type: DataType) -> dt.DataType:
    """The Ibis type of a SQL type.

    >>> from riacho.plan.types import BIGINT, TIMESTAMP_3
    >>> to_ibis(BIGINT.with_nullable(False)), to_ibis(TIMESTAMP_3)
    (Int64(nullable=False), Timestamp(timezone=None, scale=3, nullable=True))
    """
    nullable = data_type.nullable
    match data_type:
        case IntegerType(bits=bits):
            return _INTEGERS[bits](nullable=nullable)
        case FloatType(bits=bits):
            return dt.Float32(nullable=nullable) if bits == 32 else dt.Float64(nullable=nullable)
        case BooleanType():
            return dt.Boolean(nullable=nullable)
        case DecimalType(precision=precision, scale=scale):
            return dt.Decimal(precision, scale, nullable=nullable)
        case CharType() | VarcharType():
            return dt.String(nullable=nullable)
        case BinaryType() | VarbinaryType():
            return dt.Binary(nullable=nullable)
        case DateType():
            return dt.Date(nullable=nullable)
        case TimeType():
            return dt.Time(nullable=nullable)
        case TimestampType(precision=precision):
            return dt.Timestamp(scale=precision, nullable=nullable)
        case TimestampLtzType(precision=precision):
            return dt.Timestamp(timezone="UTC", scale=precision, nullable=nullable)
        case DayTimeIntervalType():
            return dt.Interval("ms", nullable=nullable)
        case YearMonthIntervalType():
            return dt.Interval("M", nullable=nullable)
        case ArrayType(element=element):
            return dt.Array(to_ibis(element), nullable=nullable)
        case MapType(key=key, value=value):
            return dt.Map(to_ibis(key), to_ibis(value), nullable=nullable)
        case RowType(fields=fields):
            return dt.Struct({item.name: to_ibis(item.type) for item in fields}, nullable=nullable)
        case NullType():
            return dt.Null()
    raise AssertionError(f"no Ibis type for {data_type}")


def schema_of(schema: Schema) -> sch.Schema:
    """The Ibis schema of a relation."""
    return sch.Schema({item.name: to_ibis(item.type) for item in schema})


def ddl_type(dtype: dt.DataType) -> str:
    """An Ibis type as CREATE TABLE writes it. Raises `ValueError` for a type that SQL lacks.

    >>> ddl_type(dt.Array(dt.Int64(nullable=False))), ddl_type(dt.Timestamp(timezone="UTC"))
    ('ARRAY<BIGINT NOT NULL>', 'TIMESTAMP_LTZ(3)')
    """
    return _text(dtype) + ("" if dtype.nullable else " NOT NULL")


def _text(dtype: dt.DataType) -> str:
    if (known := _TEXTS.get(type(dtype))) is not None:
        return known
    match dtype:
        case dt.Decimal():
            precision = 38 if dtype.precision is None else dtype.precision
            return f"DECIMAL({precision}, {18 if dtype.scale is None else dtype.scale})"
        case dt.Timestamp():
            kind = "TIMESTAMP" if dtype.timezone is None else "TIMESTAMP_LTZ"
            return f"{kind}({TIME_PRECISION if dtype.scale is None else dtype.scale})"
        case dt.Array():
            return f"ARRAY<{ddl_type(dtype.value_type)}>"
        case dt.Map():
            return f"MAP<{ddl_type(dtype.key_type)}, {ddl_type(dtype.value_type)}>"
        case dt.Struct():
            return f"ROW<{', '.join(f'`{name}` {ddl_type(kind)}' for name, kind in dtype.fields.items())}>"
    raise ValueError(f"a table has no column type for {dtype}")
