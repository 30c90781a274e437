"""Which query results a table's column takes without a CAST. Source: Flink, `LogicalTypeCasts` (implicit casts)."""

from __future__ import annotations

from riacho.plan.types import (
    ArrayType,
    BinaryType,
    CharType,
    DataType,
    DateType,
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
    is_bytes,
    is_exact_numeric,
    is_numeric,
    is_text,
)


def is_assignable(source: DataType, target: DataType) -> bool:
    """Whether values may be written as another type as they are; nullability aside.

    >>> from riacho.plan.types import BIGINT, INT
    >>> is_assignable(INT, BIGINT), is_assignable(BIGINT, INT)
    (True, False)
    """
    if source.same_as(target) or isinstance(source, NullType):
        return True
    match target:
        case VarcharType():
            return is_text(source)
        case CharType():
            return isinstance(source, CharType)
        case VarbinaryType():
            return is_bytes(source)
        case BinaryType():
            return isinstance(source, BinaryType)
        case DecimalType():
            return is_numeric(source)
        case IntegerType(bits=bits):
            return isinstance(source, IntegerType) and source.bits <= bits
        case FloatType(bits=bits):
            return is_exact_numeric(source) or (isinstance(source, FloatType) and source.bits <= bits)
        case DateType():
            return isinstance(source, TimestampType)
        case TimeType():
            return isinstance(source, TimeType | TimestampType)
        case TimestampType() | TimestampLtzType():
            return isinstance(source, TimestampType | TimestampLtzType)
        case ArrayType():
            return isinstance(source, ArrayType) and is_assignable(source.element, target.element)
        case MapType():
            return (
                isinstance(source, MapType)
                and type(source) is type(target)  # a MULTISET is no MAP
                and is_assignable(source.key, target.key)
                and is_assignable(source.value, target.value)
            )
        case RowType():
            return (
                isinstance(source, RowType)
                and len(source.fields) == len(target.fields)
                and all(is_assignable(one.type, other.type) for one, other in zip(source, target, strict=True))
            )
    return False
