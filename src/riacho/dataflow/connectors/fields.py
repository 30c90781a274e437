"""SQL columns as the formats see them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from riacho.formats.fields import Field, FieldType, Kind
from riacho.plan.tables import TableColumn
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
    RowType,
    TimestampLtzType,
    TimestampType,
    TimeType,
    VarbinaryType,
    VarcharType,
    YearMonthIntervalType,
)


def format_type(data_type: DataType) -> FieldType:
    """The format's view of a SQL type.

    >>> from riacho.plan.types import INT
    >>> format_type(ArrayType(INT)).name
    'ARRAY<INT>'
    """
    return replace(_format_type(data_type), nullable=data_type.nullable)


def _format_type(data_type: DataType) -> FieldType:
    name = data_type.name()
    match data_type:
        case BooleanType():
            return FieldType(Kind.BOOLEAN, name)
        case IntegerType(bits=bits):
            return FieldType(Kind.INTEGER, name, bits=bits)
        case DayTimeIntervalType() | YearMonthIntervalType():
            return FieldType(Kind.INTEGER, name, bits=64)
        case FloatType(bits=bits):
            return FieldType(Kind.FLOAT, name, bits=bits)
        case DecimalType(precision=precision, scale=scale):
            return FieldType(Kind.DECIMAL, name, precision=precision, scale=scale)
        case CharType() | VarcharType():
            return FieldType(Kind.STRING, name)
        case BinaryType() | VarbinaryType():
            return FieldType(Kind.BYTES, name)
        case DateType():
            return FieldType(Kind.DATE, name)
        case TimeType(precision=precision):
            return FieldType(Kind.TIME, name, precision=precision)
        case TimestampType(precision=precision):
            return FieldType(Kind.TIMESTAMP, name, precision=precision)
        case TimestampLtzType(precision=precision):
            return FieldType(Kind.TIMESTAMP_LTZ, name, precision=precision)
        case ArrayType(element=element):
            return FieldType(Kind.ARRAY, name, children=(Field("item", format_type(element)),))
        case MapType(key=key, value=value):
            return FieldType(
                Kind.MAP, name, children=(Field("key", format_type(key)), Field("value", format_type(value)))
            )
        case RowType(fields=fields):
            return FieldType(
                Kind.ROW, name, children=tuple(Field(item.name, format_type(item.type)) for item in fields)
            )
    raise AssertionError(f"no column has the type {data_type}")


def format_fields(columns: Iterable[TableColumn]) -> tuple[Field, ...]:
    """The columns as the formats see them, in order."""
    return tuple(Field(column.name, format_type(column.type)) for column in columns)
