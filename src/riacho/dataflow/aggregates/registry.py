"""Which accumulator each aggregate function reads, and how it is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import MappingProxyType

from riacho.dataflow.aggregates.arrivals import ArrayAgg, Joined, JsonObject, RetractedEnd
from riacho.dataflow.aggregates.contract import Accumulator, Store
from riacho.dataflow.aggregates.counts import Count
from riacho.dataflow.aggregates.ends import End
from riacho.dataflow.aggregates.extremes import Extreme, RetractingExtreme
from riacho.dataflow.aggregates.moments import Moments
from riacho.dataflow.aggregates.multisets import Collect, Percentile
from riacho.dataflow.aggregates.python import PythonAggregate
from riacho.dataflow.aggregates.sums import DecimalSum, FloatSum, IntegerSum
from riacho.dataflow.aggregates.values import ValueCounts
from riacho.dataflow.state.strings import StringPool
from riacho.dataflow.state.words import is_interned
from riacho.plan.expressions import AggregateCall, Position
from riacho.plan.python_functions import PythonFunction
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
    nulls: bool = False
    """Rows whose argument is null count too."""
    python: PythonFunction | None = None
    """The user's function, of the kind PYTHON."""
    position: Position | None = field(default=None, compare=False)
    """Where the first call of it stands, for messages."""
    column: str | None = field(default=None, compare=False)
    """The column that the first call is computed for, likewise."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an accumulator is made from: its arguments' types, the strings, and the counts of its argument's values."""

    names: tuple[str, ...]
    """What the arguments are, for messages."""
    types: tuple[DataType, ...]
    pool: StringPool
    updating: bool
    values: ValueCounts | None = None
    which: int = 0


def needed(call: AggregateCall, *, updating: bool) -> Need:
    """What a call reads. `updating`: the input retracts rows."""
    arguments = tuple(argument.index for argument in call.arguments)
    filtered = None if call.filter is None else call.filter.index
    if call.python is not None:
        return Need(
            "PYTHON",
            arguments,
            filtered,
            nulls=True,
            python=call.python,
            position=call.position,
            column=call.column,
        )
    nulls = call.function == "ARRAY_AGG" and IGNORE_NULLS not in call.constants
    distinct = updating if call.function in ("MIN", "MAX") else call.distinct
    return Need(_KINDS.get(call.function, call.function), arguments, filtered, distinct, nulls)


IGNORE_NULLS = "IGNORE NULLS"
"""The constant of an ARRAY_AGG without nulls."""

_MOMENTS = ("STDDEV_POP", "STDDEV_SAMP", "VAR_POP", "VAR_SAMP")
_KINDS = MappingProxyType({"AVG": "SUM"} | dict.fromkeys(_MOMENTS, "MOMENTS"))
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


def _end(need: Need, given: Surroundings) -> Accumulator | Store:
    kind = given.types[0]
    if given.updating:
        return RetractedEnd(kind, updating=True, pool=given.pool)
    return End(last=need.kind == "LAST_VALUE", interned=is_interned(kind), pool=given.pool)


def _array(need: Need, given: Surroundings) -> Store:  # noqa: ARG001
    return ArrayAgg(given.types[0], updating=given.updating, pool=given.pool)


def _joined(need: Need, given: Surroundings) -> Store:  # noqa: ARG001
    return Joined(given.types[0], updating=given.updating, pool=given.pool)


def _python(need: Need, given: Surroundings) -> Store:
    assert need.python is not None
    return PythonAggregate(need.python, given.names, given.types, given.pool, need.position, need.column)


_MAKERS: MappingProxyType[str, Callable[[Need, Surroundings], Accumulator | Store]] = MappingProxyType(
    {
        "COUNT": _count,
        "PYTHON": _python,
        "SUM": _sum,
        "MIN": _extreme,
        "MAX": _extreme,
        "MOMENTS": lambda _, __: Moments(),
        "FIRST_VALUE": _end,
        "LAST_VALUE": _end,
        "ARRAY_AGG": _array,
        "LISTAGG": _joined,
        "JSON_ARRAYAGG": _joined,
        "JSON_OBJECTAGG": lambda _, given: JsonObject(updating=given.updating, pool=given.pool),
        "COLLECT": lambda _, given: Collect(given.types[0], given.pool),
        "PERCENTILE": lambda _, given: Percentile(given.types[0], given.pool),
    }
)
