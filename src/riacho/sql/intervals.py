"""Intervals of so many units: `INTERVAL n DAY`, `CAST(n AS INTERVAL DAY)`. Source: Calcite, `SqlIntervalOperator`."""

from __future__ import annotations

from dataclasses import replace

from riacho.plan.expressions import Cast, Expression, Position
from riacho.plan.types import BIGINT, DataType, DayTimeIntervalType, IntegerType, YearMonthIntervalType
from riacho.sql.functions import FunctionError, bind, bind_cast
from riacho.sql.literals import MILLISECONDS, MONTHS, number_literal


def of_units(
    amount: Expression, unit: str | None, target: DataType, position: Position, *, lenient: bool
) -> Expression:
    """A number as an interval of so many of one unit. Raises `FunctionError`."""
    if unit is None or not isinstance(amount.type, IntegerType):
        raise FunctionError(
            f"{amount.type.name()} cannot be cast to {target.name()}",
            position=position,
            mend="a whole number can, to an interval of one unit: CAST(n AS INTERVAL DAY)",
        )
    made = interval_of(amount, unit, position)
    return replace(made, type=made.type.with_nullable(True)) if lenient else made


def interval_of(amount: Expression, unit: str, position: Position) -> Cast:
    """So many units as an interval. Raises `FunctionError` for an amount that is no whole number."""
    if not isinstance(amount.type, IntegerType):
        raise FunctionError(
            f"INTERVAL takes a whole number of {unit}S, not {amount.type.name()}", position=amount.position
        )
    nullable = amount.type.nullable
    months = unit in MONTHS
    size = MONTHS[unit] if months else MILLISECONDS[unit]
    total = bind("*", (bind_cast(amount, BIGINT, position), number_literal(str(size))), position)
    kind: DataType = YearMonthIntervalType(nullable=nullable) if months else DayTimeIntervalType(nullable=nullable)
    return Cast(kind, bind_cast(total, BIGINT, position), position=position)
