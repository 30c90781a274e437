"""Which casts exist. Source: Flink, "Data Types", table of supported casts; intervals and BINARY as in its planner."""

from __future__ import annotations

from riacho.plan.types import (
    ArrayType,
    BooleanType,
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
    YearMonthIntervalType,
    is_bytes,
    is_numeric,
    is_temporal,
    is_text,
)


def supports_cast(source: DataType, target: DataType) -> bool:
    """Whether CAST(source AS target) is possible; some values may still fail.

    >>> from riacho.plan.types import BIGINT, DATE, STRING, TIMESTAMP_3
    >>> supports_cast(STRING, DATE), supports_cast(TIMESTAMP_3, BIGINT)
    (True, False)
    """
    if isinstance(target, NullType):
        return False
    if isinstance(source, NullType) or source.same_as(target) or is_text(target):
        return True
    if isinstance(source, ArrayType | MapType | RowType):
        return _supports_nested(source, target)
    if is_text(source):
        return is_numeric(target) or is_temporal(target) or is_bytes(target) or isinstance(target, BooleanType)
    if is_bytes(source):
        return is_bytes(target)
    if isinstance(source, BooleanType):
        return is_numeric(target)
    if is_numeric(source):
        intervals = isinstance(source, IntegerType) and isinstance(target, DayTimeIntervalType | YearMonthIntervalType)
        return is_numeric(target) or isinstance(target, BooleanType) or intervals
    if isinstance(source, DayTimeIntervalType | YearMonthIntervalType):
        return type(source) is type(target)
    return _supports_temporal(source, target)


def _supports_temporal(source: DataType, target: DataType) -> bool:
    """A time of day has no date: TIME becomes a timestamp (of the epoch's day) and never a DATE."""
    match source:
        case DateType():
            return isinstance(target, DateType | TimestampType | TimestampLtzType)
        case TimeType():
            return isinstance(target, TimeType | TimestampType | TimestampLtzType)
        case TimestampType() | TimestampLtzType():
            return is_temporal(target)
    return False


def _supports_nested(source: DataType, target: DataType) -> bool:
    match source, target:
        case (ArrayType(element=one), ArrayType(element=other)):
            return _supports_part(one, other)
        case (MapType(), MapType()) if type(source) is type(target):  # a MULTISET is no MAP
            return _supports_part(source.key, target.key) and _supports_part(source.value, target.value)
        case (RowType(), RowType()):
            return len(source.fields) == len(target.fields) and all(
                _supports_part(one.type, other.type) for one, other in zip(source, target, strict=True)
            )
    return False


def _supports_part(source: DataType, target: DataType) -> bool:
    """Flink casts any number to BOOLEAN, and within others only whole ones (FLINK-24576)."""
    if isinstance(target, BooleanType) and isinstance(source, FloatType | DecimalType):
        return False
    return supports_cast(source, target)


def instead_of_cast(source: DataType, target: DataType) -> str | None:
    """What gives a number as a moment, or a moment as a number, which no cast does."""
    match source, target:
        case (IntegerType() | FloatType() | DecimalType(), TimestampLtzType()):
            return "TO_TIMESTAMP_LTZ(n, 0) takes seconds, TO_TIMESTAMP_LTZ(n, 3) milliseconds"
        case (IntegerType() | FloatType() | DecimalType(), TimestampType()):
            return "CAST(TO_TIMESTAMP_LTZ(n, 3) AS TIMESTAMP(3)) takes milliseconds"
        case (TimestampType() | TimestampLtzType(), IntegerType() | FloatType() | DecimalType()):
            return "UNIX_TIMESTAMP(CAST(t AS STRING)) gives seconds"
    return None
