"""Builds and runs one call of a function: the vocabulary of the case tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl

from riacho.dataflow.columns import polars_type
from riacho.dataflow.evaluation.zones import UTC as UTC_ZONE
from riacho.dataflow.expressions import Evaluator, Settings, Zone
from riacho.host.clock import ManualClock
from riacho.plan.expressions import Column, Expression, Literal
from riacho.plan.relations import Field, Schema
from riacho.plan.types import (
    BIGINT,
    BOOLEAN,
    BYTES,
    DATE,
    DOUBLE,
    INT,
    STRING,
    TIME,
    TIMESTAMP_3,
    TIMESTAMP_6,
    TIMESTAMP_LTZ_3,
    DataType,
    DecimalType,
)
from riacho.sql.functions import bind, bind_cast

CLOCK_MS = 1_700_000_000_123
"""The processing time of every case: 2023-11-14 22:13:20.123 UTC."""


@dataclass(frozen=True)
class Typed:
    """A value with the SQL type that the argument has; `word`: part of the syntax, always a literal."""

    value: Any
    type: DataType
    word: bool = False

    def __repr__(self) -> str:
        return f"{self.value!r}" if self.word else f"{self.type}:{self.value!r}"


def word(value: Any) -> Typed:
    """A keyword or another argument that can only be a literal."""
    return Typed(value, default_type(value), word=True)


def null(data_type: DataType) -> Typed:
    return Typed(None, data_type)


def default_type(value: Any) -> DataType:
    """The type of a literal in SQL."""
    match value:
        case bool():
            return BOOLEAN
        case int():
            return INT if -(2**31) <= value < 2**31 else BIGINT
        case float():
            return DOUBLE
        case str():
            return STRING
        case bytes():
            return BYTES
        case Decimal():
            _, digits, exponent = value.as_tuple()
            assert isinstance(exponent, int)
            scale = max(-exponent, 0)
            return DecimalType(max(len(digits), scale, 1), scale)
        case datetime():
            if value.tzinfo is not None:
                return TIMESTAMP_LTZ_3
            return TIMESTAMP_6 if value.microsecond % 1000 else TIMESTAMP_3
        case date():
            return DATE
        case time():
            return TIME
    raise AssertionError(f"give {value!r} a type")


def typed(value: Any) -> Typed:
    return value if isinstance(value, Typed) else Typed(value, default_type(value))


def settings(zone: Zone = UTC_ZONE) -> Settings:
    return Settings(zone, ManualClock(wall_ms=CLOCK_MS))


def as_literals(arguments: tuple[Any, ...]) -> tuple[Expression, ...]:
    given = [typed(argument) for argument in arguments]
    return tuple(Literal(item.type.with_nullable(item.value is None), item.value) for item in given)


def as_columns(arguments: tuple[Any, ...], rows: int = 2) -> tuple[tuple[Expression, ...], Schema, pl.DataFrame]:
    """The arguments as columns of a frame that repeats them; words stay literals."""
    expressions: list[Expression] = []
    fields: list[Field] = [Field("row", INT)]
    columns = [pl.Series("row", range(rows), dtype=pl.Int32)]
    for index, argument in enumerate(map(typed, arguments)):
        if argument.word:
            expressions.append(Literal(argument.type, argument.value))
            continue
        name = f"a{index}"
        expressions.append(Column(argument.type, len(fields), name))
        fields.append(Field(name, argument.type))
        columns.append(pl.Series(name, [argument.value] * rows, dtype=polars_type(argument.type)))
    return tuple(expressions), Schema(tuple(fields)), pl.DataFrame(columns)


def run(expression: Expression, schema: Schema, frame: pl.DataFrame, zone: Zone = UTC_ZONE) -> list[Any]:
    """The expression's values, its column's type checked."""
    made = Evaluator([expression], ["x"], schema, settings(zone)).evaluate_frame(frame)
    assert made.height == frame.height
    assert made.schema["x"] == polars_type(expression.type), expression.type
    values = made["x"].to_list()
    # A decimal that overflows is NULL whatever its type says, in Flink too.
    assert expression.type.nullable or isinstance(expression.type, DecimalType) or None not in values
    return values


ONE_ROW = (Schema((Field("row", INT),)), pl.DataFrame({"row": pl.Series([0], dtype=pl.Int32)}))


def call_on_literals(name: str, arguments: tuple[Any, ...], zone: Zone = UTC_ZONE) -> Any:
    return run(bind(name, as_literals(arguments)), *ONE_ROW, zone)[0]


def call_on_columns(name: str, arguments: tuple[Any, ...], zone: Zone = UTC_ZONE) -> Any:
    expressions, schema, frame = as_columns(arguments)
    first, second = run(bind(name, expressions), schema, frame, zone)
    assert same(first, second)
    return first


def cast_on_columns(value: Any, target: DataType, zone: Zone = UTC_ZONE, *, lenient: bool = False) -> Any:
    expressions, schema, frame = as_columns((value,))
    return run(bind_cast(expressions[0], target, lenient=lenient), schema, frame, zone)[0]


def cast_on_literals(value: Any, target: DataType, zone: Zone = UTC_ZONE, *, lenient: bool = False) -> Any:
    return run(bind_cast(as_literals((value,))[0], target, lenient=lenient), *ONE_ROW, zone)[0]


def same(actual: Any, expected: Any) -> bool:
    """Equality that knows NaN, and floats to the last few digits."""
    if isinstance(expected, float) and isinstance(actual, float):
        return bool(np.isclose(actual, expected, rtol=1e-14, atol=0, equal_nan=True))
    if isinstance(expected, Decimal) and isinstance(actual, Decimal):
        return actual == expected and actual.as_tuple().exponent == expected.as_tuple().exponent
    return bool(actual == expected) and type(actual) is type(expected)


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
