"""Python types as SQL types: what a function's hints say of its result.

Source: PyFlink, "Data Types", the table of Python's types.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from riacho.errors import UsageError
from riacho.plan.types import (
    BIGINT,
    BOOLEAN,
    BYTES,
    DATE,
    DOUBLE,
    STRING,
    TIME,
    TIMESTAMP_6,
    ArrayType,
    DataType,
    DayTimeIntervalType,
    DecimalType,
    MapType,
    RowField,
    RowType,
)

_PLAIN: dict[Any, DataType] = {
    bool: BOOLEAN,
    int: BIGINT,
    float: DOUBLE,
    str: STRING,
    bytes: BYTES,
    bytearray: BYTES,
    Decimal: DecimalType(38, 18),
    date: DATE,
    time: TIME,
    datetime: TIMESTAMP_6,
    timedelta: DayTimeIntervalType(),
}

_LISTS = (list, tuple, Sequence)
_MAPS = (dict, Mapping)
_ROWS = (Iterator, Iterable, types.GeneratorType)

ReadType = Callable[[str], DataType]
"""Reads a type as SQL writes it. Raises `RiachoError`."""


def type_of_hint(hint: Any, read: ReadType) -> DataType:
    """The SQL type of a Python type. `Annotated[T, "SQL type"]` is that type. Raises `UsageError`.

    >>> str(type_of_hint(list[int | None], lambda text: STRING))
    'ARRAY<BIGINT>'
    """
    if hint in _PLAIN:
        return _PLAIN[hint]
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        written = [item for item in inner[1:] if isinstance(item, str)]
        return read(written[0]) if written else type_of_hint(inner[0], read)
    if origin in (typing.Union, types.UnionType):
        given = [item for item in inner if item is not type(None)]
        if len(given) == 1:
            return type_of_hint(given[0], read)
    elif origin in _MAPS and len(inner) == 2:
        return MapType(type_of_hint(inner[0], read), type_of_hint(inner[1], read))
    elif origin is tuple and not (len(inner) == 2 and inner[1] is Ellipsis):
        return RowType(tuple(RowField(f"f{place}", type_of_hint(item, read)) for place, item in enumerate(inner)))
    elif origin in _LISTS and inner:
        return ArrayType(type_of_hint(inner[0], read))
    elif fields := _fields(hint):
        return RowType(tuple(RowField(name, type_of_hint(item, read)) for name, item in fields.items()))
    raise UsageError(
        f"the type hint {_shown(hint)} says no SQL type",
        mend="declare the type: @riacho.udf(result_type='STRING')",
    )


def type_hints(function: Callable[..., Any]) -> dict[str, Any]:
    """A function's hints by parameter, and by `return`; none where they cannot be read."""
    try:
        return typing.get_type_hints(function, include_extras=True)
    except (NameError, TypeError):  # a name that is there for type checkers only
        return {}


def row_hint(hint: Any) -> Any:
    """What the iterator of a table function yields."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    iterated = origin in _ROWS or (isinstance(origin, type) and issubclass(origin, Iterable) and origin is not tuple)
    return inner[0] if iterated and inner else hint


def _fields(hint: Any) -> dict[str, Any]:
    """The fields of a dataclass, a NamedTuple or a TypedDict."""
    structured = dataclasses.is_dataclass(hint) or hasattr(hint, "_fields") or typing.is_typeddict(hint)
    return typing.get_type_hints(hint, include_extras=True) if structured else {}


def _shown(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) else str(hint)
