"""The common type of several, and which casts happen unasked.

Source: Flink, "Data Types" (casting) and `LogicalTypeMerging.findCommonType`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from riacho.plan.expressions import Cast, Expression, Literal
from riacho.plan.types import (
    DOUBLE,
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
    RowField,
    RowType,
    TimestampLtzType,
    TimestampType,
    TimeType,
    VarbinaryType,
    VarcharType,
    decimal_of_integer,
    is_bytes,
    is_numeric,
    is_text,
)
from riacho.sql.functions import decimals


def common_type(types: Sequence[DataType]) -> DataType | None:
    """The least type that all of `types` fit, nullable if one of them is; None where there is none.

    >>> from riacho.plan.types import BIGINT, INT, STRING
    >>> str(common_type([INT, BIGINT])), str(common_type([INT, DecimalType(5, 2)]))
    ('BIGINT', 'DECIMAL(12, 2)')
    >>> common_type([INT, STRING]) is None
    True
    """
    nullable = any(item.nullable or isinstance(item, NullType) for item in types)
    result: DataType | None = None
    for item in types:
        if isinstance(item, NullType):
            continue
        result = item if result is None else _common(result, item)
        if result is None:
            return None
    if result is None:
        return NullType()
    return result.with_nullable(nullable)


def least_restrictive_type(types: Sequence[DataType]) -> DataType | None:
    """The common type of the branches of a CASE or an IF, of the rows of VALUES and of the columns of a set operation.

    As `common_type`, but as Calcite finds it: of FLOAT and DOUBLE, and of TIMESTAMP and TIMESTAMP_LTZ, the one that
    comes first decides, and a DATE has nothing in common with either.

    >>> from riacho.plan.types import FLOAT
    >>> str(least_restrictive_type([FLOAT, DOUBLE])), str(least_restrictive_type([DOUBLE, FLOAT]))
    ('FLOAT', 'DOUBLE')
    """
    if mixes_dates_and_timestamps(types):
        return None
    found = common_type(types)
    if isinstance(found, FloatType) and not any(isinstance(item, DecimalType) for item in types):
        first = next(item for item in types if isinstance(item, FloatType))
        return first.with_nullable(found.nullable)
    if isinstance(found, TimestampLtzType):
        first_moment = next(item for item in types if isinstance(item, TimestampType | TimestampLtzType))
        if isinstance(first_moment, TimestampType):
            return TimestampType(found.precision, nullable=found.nullable)
    return found


def mixes_dates_and_timestamps(types: Sequence[DataType]) -> bool:
    """Whether a DATE stands beside a TIMESTAMP or TIMESTAMP_LTZ: Flink neither compares them nor gives one of both."""
    dates = any(isinstance(item, DateType) for item in types)
    return dates and any(isinstance(item, TimestampType | TimestampLtzType) for item in types)


def _common(left: DataType, right: DataType) -> DataType | None:
    if left.same_as(right):
        return left
    if is_numeric(left) and is_numeric(right):
        return _common_number(left, right)
    if is_text(left) and is_text(right):
        assert isinstance(left, CharType | VarcharType)
        assert isinstance(right, CharType | VarcharType)
        length = max(left.length, right.length)
        fixed = isinstance(left, CharType) and isinstance(right, CharType) and left.length == right.length
        return CharType(length) if fixed else VarcharType(length)
    if is_bytes(left) and is_bytes(right):
        assert isinstance(left, BinaryType | VarbinaryType)
        assert isinstance(right, BinaryType | VarbinaryType)
        return VarbinaryType(max(left.length, right.length))
    return _common_time(left, right) or _common_nested(left, right)


def _common_number(left: DataType, right: DataType) -> DataType:
    if isinstance(left, FloatType) or isinstance(right, FloatType):
        if isinstance(left, DecimalType) or isinstance(right, DecimalType):
            return DOUBLE
        floats = [item.bits for item in (left, right) if isinstance(item, FloatType)]
        return FloatType(max(floats))
    if isinstance(left, IntegerType) and isinstance(right, IntegerType):
        return IntegerType(max(left.bits, right.bits))
    return decimals.of_common(as_decimal(left), as_decimal(right))


def as_decimal(data_type: DataType) -> DecimalType:
    """An exact number's decimal type: itself, or the decimal that holds an integer type."""
    if isinstance(data_type, IntegerType):
        return decimal_of_integer(data_type)
    assert isinstance(data_type, DecimalType)
    return data_type


def _common_time(left: DataType, right: DataType) -> DataType | None:
    match left, right:
        case (TimestampType(precision=one), TimestampType(precision=other)):
            return TimestampType(max(one, other))
        case (TimestampLtzType(precision=one), TimestampLtzType(precision=other)):
            return TimestampLtzType(max(one, other))
        case (TimestampLtzType(precision=one), TimestampType(precision=other)) | (
            TimestampType(precision=other),
            TimestampLtzType(precision=one),
        ):
            return TimestampLtzType(max(one, other))
        case (DateType(), (TimestampType() | TimestampLtzType()) as stamp):
            return stamp
        case ((TimestampType() | TimestampLtzType()) as stamp, DateType()):
            return stamp
        case (TimeType(precision=one), TimeType(precision=other)):
            return TimeType(max(one, other))
    return None


def _common_nested(left: DataType, right: DataType) -> DataType | None:
    match left, right:
        case (ArrayType(element=one), ArrayType(element=other)):
            element = common_type([one, other])
            return None if element is None else ArrayType(element)
        case (MapType(), MapType()) if type(left) is type(right):
            key = common_type([left.key, right.key])
            value = common_type([left.value, right.value])
            return None if key is None or value is None else replace(left, key=key, value=value)
        case (RowType(), RowType()) if len(left.fields) == len(right.fields):
            fields = []
            for one_field, other_field in zip(left, right, strict=True):
                merged = common_type([one_field.type, other_field.type])
                if merged is None:
                    return None
                fields.append(RowField(one_field.name, merged))
            return RowType(tuple(fields))
    return None


def casts_implicitly(source: DataType, target: DataType) -> bool:
    """Whether a value of `source` may stand where `target` is asked for, without a CAST in the text.

    Never loses digits before the point: INT becomes BIGINT, DECIMAL, DOUBLE; not the other way, and nothing becomes
    text by itself.
    """
    if source.same_as(target) or isinstance(source, NullType):
        return True
    if is_numeric(source) and is_numeric(target):
        if isinstance(source, DecimalType) and isinstance(target, DecimalType):
            return source.precision - source.scale <= target.precision - target.scale
        merged = common_type([source, target])
        return merged is not None and merged.same_as(target)
    if (is_text(source) and is_text(target)) or (is_bytes(source) and is_bytes(target)):
        return True
    if isinstance(target, TimestampType | TimestampLtzType):
        return isinstance(source, DateType | TimestampType | TimestampLtzType)
    if isinstance(source, ArrayType | MapType | RowType):
        return common_type([source, target]) is not None
    return isinstance(source, BooleanType | TimeType | DayTimeIntervalType) and type(source) is type(target)


def coerce(expression: Expression, target: DataType) -> Expression:
    """The expression as `target`, its own nullability kept; a literal is converted at once where that is exact.

    >>> from riacho.plan.types import BIGINT, INT
    >>> folded = coerce(Literal(INT, 1), BIGINT)
    >>> str(folded), str(folded.type)
    ('1', 'BIGINT')
    """
    source = expression.type
    if source.same_as(target):
        return expression
    if isinstance(expression, Literal):
        folded = _literal_as(expression, target)
        if folded is not None:
            return folded
    nullable = source.nullable or isinstance(source, NullType)
    return Cast(target.with_nullable(nullable), expression, position=expression.position)


def _literal_as(literal: Literal, target: DataType) -> Literal | None:
    value, place = literal.value, literal.position
    kind = target.with_nullable(literal.type.nullable)
    if value is None:
        return Literal(target.with_nullable(True), None, position=place)
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and isinstance(target, VarcharType) and len(value) <= target.length:
        return Literal(kind, value, position=place)
    if isinstance(value, int) and isinstance(literal.type, IntegerType):
        if isinstance(target, IntegerType) and -(1 << target.bits - 1) <= value < 1 << target.bits - 1:
            return Literal(kind, value, position=place)
        if isinstance(target, DecimalType) and len(str(abs(value))) <= target.precision - target.scale:
            return Literal(kind, Decimal(value), position=place)
    if isinstance(value, int | Decimal) and target.same_as(DOUBLE) and is_numeric(literal.type):
        return Literal(kind, float(value), position=place)
    return None
