"""Which accumulator each aggregate function reads, and how it is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from types import MappingProxyType

from riacho.dataflow.aggregates.contract import Accumulator, Store
from riacho.dataflow.aggregates.counts import Count
from riacho.dataflow.aggregates.extremes import Extreme, RetractingExtreme
from riacho.dataflow.aggregates.sums import DecimalSum, FloatSum, IntegerSum
from riacho.dataflow.aggregates.values import ValueCounts
from riacho.dataflow.state.strings import StringPool
from riacho.dataflow.state.words import is_interned
from riacho.plan.expressions import AggregateCall
from riacho.plan.types import DataType, DecimalType, FloatType, IntegerType


@dataclass(frozen=True, slots=True)
class Need:
    """What an accumulator takes: calls with equal needs share one.

    `distinct`: it is told of values that appear and vanish, not of rows.
    """

    kind: str
    arguments: tuple[int, ...]
    filter: int | None = None
    distinct: bool = False


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an accumulator is made from: its arguments' types, the strings, and the counts of its argument's values."""

    types: tuple[DataType, ...]
    pool: StringPool
    updating: bool
    values: ValueCounts | None = None
    which: int = 0


def needed(call: AggregateCall, *, updating: bool) -> Need:
    """What a call reads. `updating`: the input retracts rows."""
    need = Need(
        _KINDS.get(call.function, call.function),
        tuple(argument.index for argument in call.arguments),
        None if call.filter is None else call.filter.index,
        call.distinct,
    )
    return replace(need, distinct=updating) if call.function in ("MIN", "MAX") else need


_KINDS = MappingProxyType({"AVG": "SUM"})
"""Functions that read another's accumulator."""


def make(need: Need, given: Surroundings) -> Accumulator | Store:
    """The accumulator of a need."""
    return _MAKERS[need.kind](need, given)


def _count(need: Need, given: Surroundings) -> Accumulator:  # noqa: ARG001 - one of several makers
    return Count()


def _sum(need: Need, given: Surroundings) -> Accumulator:  # noqa: ARG001
    kind = given.types[0]
    match kind:
        case IntegerType():
            return IntegerSum()
        case FloatType():
            return FloatSum()
        case DecimalType():
            return DecimalSum(kind, given.pool)
    raise AssertionError(f"the binder lets no SUM of {kind} through")


def _extreme(need: Need, given: Surroundings) -> Accumulator:
    greatest, interned = need.kind == "MAX", is_interned(given.types[0])
    if not need.distinct:
        return Extreme(greatest=greatest, interned=interned, pool=given.pool)
    assert given.values is not None
    return RetractingExtreme(given.values, given.which, greatest=greatest, interned=interned, pool=given.pool)


_MAKERS: MappingProxyType[str, Callable[[Need, Surroundings], Accumulator | Store]] = MappingProxyType(
    {"COUNT": _count, "SUM": _sum, "MIN": _extreme, "MAX": _extreme}
)
