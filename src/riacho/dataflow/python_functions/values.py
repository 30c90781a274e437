"""Values on their way to a Python function and back: what each SQL type is in Python.

Source: PyFlink, "Data Types". TIMESTAMP_LTZ is an aware datetime, in UTC; a ROW is a named tuple; a MAP is a dict.
"""

from __future__ import annotations

import operator
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation, localcontext
from typing import Any

import numpy as np

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
from riacho.user_functions.calling import WrongResultError

Convert = Callable[[Any], Any]

LONGEST_SHOWN = 80
"""Characters of a value that a message shows."""


def shown(value: Any) -> str:
    """A value for a message."""
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"


# ---- to Python ----------------------------------------------------------------------------------------------------


def to_python(data_type: DataType) -> Convert | None:
    """What makes a function's argument of a frame's value; None where they are the same. NULL stays None."""
    match data_type:
        case DayTimeIntervalType():
            return _not_null(lambda value: timedelta(milliseconds=value))
        case ArrayType(element=element):
            inner = to_python(element)
            return None if inner is None else _not_null(lambda value: [inner(item) for item in value])
        case MapType(key=key, value=value_type):
            first, second = to_python(key) or _same, to_python(value_type) or _same
            return _not_null(lambda value: {first(item["key"]): second(item["value"]) for item in value})
        case RowType(fields=row_fields):
            make: Any = namedtuple
            made = make("Row", [item.name for item in row_fields], rename=True)
            converts = [to_python(item.type) or _same for item in row_fields]
            return _not_null(
                lambda value: made(*(convert(item) for convert, item in zip(converts, value.values(), strict=True)))
            )
    return None


def _same(value: Any) -> Any:
    return value


def _not_null(convert: Convert) -> Convert:
    return lambda value: None if value is None else convert(value)


# ---- and back -----------------------------------------------------------------------------------------------------


def from_python(data_type: DataType) -> Convert:
    """What makes a frame's value of a function's result. Raises `WrongResultError`."""
    convert = _checked(data_type)

    def checked(value: Any) -> Any:
        if value is None:
            if not data_type.nullable:
                raise WrongResultError(f"it returned None, but its result is {data_type}")
            return None
        return convert(value)

    return checked


def _checked(data_type: DataType) -> Convert:
    match data_type:
        case BooleanType():
            return lambda value: bool(value) if isinstance(value, bool | np.bool_) else _wrong(value, data_type)
        case IntegerType(bits=bits):
            return _integer(data_type, bits)
        case FloatType():
            return lambda value: _float(value, data_type)
        case DecimalType():
            return _decimal(data_type)
        case CharType() | VarcharType():
            return lambda value: value if isinstance(value, str) else _wrong(value, data_type)
        case BinaryType() | VarbinaryType():
            return lambda value: (
                bytes(value) if isinstance(value, bytes | bytearray | memoryview) else _wrong(value, data_type)
            )
        case DateType():
            return lambda value: (
                value if isinstance(value, date) and not isinstance(value, datetime) else _wrong(value, data_type)
            )
        case TimeType():
            return lambda value: value if isinstance(value, time) else _wrong(value, data_type)
        case TimestampType():
            return lambda value: (
                value if isinstance(value, datetime) and value.tzinfo is None else _wrong(value, data_type)
            )
        case TimestampLtzType():
            return lambda value: _instant(value, data_type)
        case DayTimeIntervalType():
            return lambda value: (
                value // timedelta(milliseconds=1) if isinstance(value, timedelta) else _wrong(value, data_type)
            )
        case YearMonthIntervalType():
            return _integer(data_type, 64)
        case ArrayType(element=element):
            inner = from_python(element)
            return lambda value: [inner(item) for item in _sequence(value, data_type)]
        case MapType(key=key, value=value_type):
            first, second = from_python(key), from_python(value_type)
            return lambda value: [
                {"key": first(name), "value": second(item)} for name, item in _mapping(value, data_type).items()
            ]
        case RowType():
            return _row(data_type)
    raise AssertionError(f"no Python value for {data_type}")


def _wrong(value: Any, data_type: DataType) -> Any:
    raise _wrong_result(value, data_type)


def _wrong_result(value: Any, data_type: DataType) -> WrongResultError:
    returned = f"{shown(value)} ({type(value).__name__})"
    return WrongResultError(f"it returned {returned}, but its result is {data_type.name()}")


def _integer(data_type: DataType, bits: int) -> Convert:
    least, most = -(1 << (bits - 1)), (1 << (bits - 1)) - 1

    def convert(value: Any) -> Any:
        if isinstance(value, bool) or not hasattr(value, "__index__"):
            return _wrong(value, data_type)
        number = operator.index(value)
        return number if least <= number <= most else _wrong(value, data_type)

    return convert


def _float(value: Any, data_type: DataType) -> Any:
    number = isinstance(value, int | float | np.floating | np.integer) and not isinstance(value, bool)
    return float(value) if number else _wrong(value, data_type)


def _decimal(data_type: DecimalType) -> Convert:
    unit = Decimal(1).scaleb(-data_type.scale)
    limit = Decimal(10) ** (data_type.precision - data_type.scale)

    def convert(value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            return _wrong(value, data_type)
        with localcontext(prec=76):
            try:
                rounded = Decimal(value).quantize(unit, ROUND_HALF_UP)
            except InvalidOperation:
                return _wrong(value, data_type)
        return rounded if abs(rounded) < limit else _wrong(value, data_type)

    return convert


def _instant(value: Any, data_type: DataType) -> Any:
    """An aware datetime; one without a zone is taken to be in UTC."""
    if not isinstance(value, datetime):
        return _wrong(value, data_type)
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _sequence(value: Any, data_type: DataType) -> Sequence[Any]:
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return value
    raise _wrong_result(value, data_type)


def _mapping(value: Any, data_type: DataType) -> Mapping[Any, Any]:
    if isinstance(value, Mapping):
        return value
    raise _wrong_result(value, data_type)


def _row(data_type: RowType) -> Convert:
    names = [item.name for item in data_type.fields]
    converts = [from_python(item.type) for item in data_type.fields]

    def convert(value: Any) -> Any:
        if isinstance(value, Mapping):
            items = [value.get(name) for name in names]
        elif is_dataclass(value) and not isinstance(value, type):
            items = [getattr(value, item.name) for item in fields(value)]
        elif hasattr(value, "__iter__") and not isinstance(value, str | bytes):
            items = list(value)
        else:
            return _wrong(value, data_type)
        if len(items) != len(names):
            raise WrongResultError(f"it returned {shown(value)}, but its result is {data_type.name()}")
        return {name: each(item) for name, each, item in zip(names, converts, items, strict=True)}

    return convert
