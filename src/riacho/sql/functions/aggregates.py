"""The aggregate functions' types. Source: Flink, "Aggregate Functions", and `FlinkTypeSystem` for decimals."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

from riacho.plan.types import (
    BIGINT,
    INT,
    MAX_DECIMAL_PRECISION,
    ArrayType,
    DataType,
    DecimalType,
    MapType,
    NullType,
    RowType,
    is_numeric,
)
from riacho.sql.functions.decimals import MINIMUM_ADJUSTED_SCALE
from riacho.sql.functions.definition import FunctionError, Signature

AggregateRule = Callable[[DataType], DataType | None]
"""From the argument's type to the result's, nullability aside; None: such an argument is refused."""


def _sum(given: DataType) -> DataType | None:
    """Integers and floats keep their type (and wrap); a decimal gets all 38 digits."""
    if isinstance(given, DecimalType):
        return DecimalType(MAX_DECIMAL_PRECISION, given.scale)
    return given if is_numeric(given) else None


def _average(given: DataType) -> DataType | None:
    """Integers and floats keep their type (integers truncate); a decimal gets 38 digits, 6 or more after the point."""
    if isinstance(given, DecimalType):
        return DecimalType(MAX_DECIMAL_PRECISION, max(MINIMUM_ADJUSTED_SCALE, given.scale))
    return given if is_numeric(given) else None


def _extreme(given: DataType) -> DataType | None:
    return None if isinstance(given, ArrayType | MapType | RowType) else given


AGGREGATES: MappingProxyType[str, AggregateRule] = MappingProxyType(
    {"COUNT": lambda _: BIGINT, "SUM": _sum, "AVG": _average, "MIN": _extreme, "MAX": _extreme}
)
"""Canonical name to rule."""


def is_aggregate(name: str) -> bool:
    """Whether the name, in any case, is an aggregate function's."""
    return name.upper() in AGGREGATES


def infer_aggregate(name: str, arguments: tuple[DataType, ...], *, grouped: bool, filtered: bool = False) -> Signature:
    """The types of an aggregate call; COUNT(*) has no arguments.

    COUNT is never NULL. The others are NULL over no rows, which can only happen without GROUP BY (`grouped`) or with
    a FILTER, or where the argument is nullable.

    >>> str(infer_aggregate("avg", (DecimalType(8, 2),), grouped=True).result)
    'DECIMAL(38, 6)'
    """
    function = name.upper()
    rule = AGGREGATES.get(function)
    if rule is None:
        raise FunctionError(f"there is no aggregate function {function}")
    if function == "COUNT":
        return Signature(arguments, BIGINT.with_nullable(False))
    if len(arguments) != 1:
        raise FunctionError(f"{function} takes 1 argument, not {len(arguments)}", mend=f"write it as {function}(value)")
    given = INT if isinstance(arguments[0], NullType) else arguments[0]
    result = rule(given)
    if result is None:
        raise FunctionError(f"{function} does not take {given.name()}")
    nullable = given.nullable or not grouped or filtered
    return Signature((given,), result.with_nullable(nullable))
