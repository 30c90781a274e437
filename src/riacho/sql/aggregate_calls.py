"""Aggregate calls as they are written, and the plain ones that they come to.

The deviations of integers and decimals are put together from sums, step by step in the types of Flink's
AggregateReduceFunctionsRule, so that they wrap, cut off and round where Flink's do.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from sqlglot import exp

from riacho.plan.expressions import Cast, Constant, Expression, Literal, Position
from riacho.plan.python_functions import PythonFunction
from riacho.plan.types import (
    BIGINT,
    BinaryType,
    CharType,
    DataType,
    DecimalType,
    FloatType,
    MapType,
    RowType,
    VarbinaryType,
    is_text,
)
from riacho.sql.functions import (
    FunctionDefinition,
    FunctionError,
    aggregate_definition,
    bind,
    bind_case,
    bind_cast,
    coerce,
    infer_aggregate,
)
from riacho.sql.literals import number_literal
from riacho.sql.source import SourceText

logger = logging.getLogger(__name__)

IGNORE_NULLS = "IGNORE NULLS"
"""The constant of an ARRAY_AGG that passes over NULL."""

_DEVIATIONS = ("STDDEV_POP", "STDDEV_SAMP", "VAR_POP", "VAR_SAMP")

_WITHOUT_DISTINCT = (BinaryType, MapType, RowType, VarbinaryType)
"""Types whose values Flink does not tell apart in an aggregate."""

Bind = Callable[[exp.Expr], Expression]


@dataclass(frozen=True, slots=True)
class WrittenCall:
    """A call of the text: its function's canonical name, and its parts bound."""

    function: str
    arguments: tuple[Expression, ...]
    distinct: bool
    condition: Expression | None
    position: Position
    ignores_nulls: bool = False


@dataclass(frozen=True, slots=True)
class PlainCall:
    """A call that one accumulator answers; arguments have the types that it takes."""

    function: str
    arguments: tuple[Expression, ...]
    type: DataType
    distinct: bool
    condition: Expression | None
    position: Position
    constants: tuple[Constant, ...] = ()
    python: PythonFunction | None = None

    def same_as(self, other: PlainCall) -> bool:
        """Whether both are one call, wherever they are written."""
        return replace(self, position=other.position) == other


Add = Callable[[PlainCall], Expression]
"""Takes a call and gives the expression that stands for its result."""


_OF_JSON = ("JSON_ARRAYAGG", "JSON_OBJECTAGG")


def read_call(source: SourceText, tree: exp.Expr, bind_argument: Bind, condition: Expression | None) -> WrittenCall:
    """The call of an aggregate function. Raises `SqlError`."""
    nulls = tree if isinstance(tree, exp.IgnoreNulls | exp.RespectNulls) else None
    call = tree if nulls is None else tree.this
    name = call.name.upper()
    definition = aggregate_definition(name)
    if condition is not None and name in _OF_JSON:
        within = "give it CASE WHEN … THEN … END, and say ABSENT ON NULL"
        source.fail(f"{name} does not take FILTER", call, within)
    items = list(call.expressions)
    if len(items) == 1 and isinstance(items[0], exp.IgnoreNulls | exp.RespectNulls):
        nulls = items[0]
        items = [nulls.this]
    distinct = len(items) == 1 and isinstance(items[0], exp.Distinct)
    if distinct:
        items = list(items[0].expressions)
        if not definition.takes_distinct:
            source.fail(f"{name} does not take DISTINCT", call)
        if items and isinstance(items[-1], exp.IgnoreNulls | exp.RespectNulls):
            nulls = items[-1]
            items[-1] = nulls.this
    if nulls is not None and definition.name != "ARRAY_AGG":
        source.fail(f"{name} takes neither IGNORE NULLS nor RESPECT NULLS", call, "only ARRAY_AGG does")
    if any(isinstance(item, exp.Order) for item in items):
        source.fail(f"ORDER BY in {name} is not supported", call, "values stand in the order that they came in")
    if len(items) == 1 and isinstance(items[0], exp.Star):
        if name != "COUNT" or distinct:
            what = f"{name}({'DISTINCT ' if distinct else ''}*)"
            source.fail(f"{what} does not exist, only COUNT(*)", call)
        items = []
    elif not items:
        source.fail(f"{name} needs an argument", call, "COUNT(*) counts rows" if name == "COUNT" else None)
    return WrittenCall(
        definition.name,
        tuple(bind_argument(item) for item in items),
        distinct,
        condition,
        source.locate(call),
        isinstance(nulls, exp.IgnoreNulls),
    )


def bind_aggregate(call: WrittenCall, add: Add, *, grouped: bool) -> Expression:
    """The result of a call, as an expression over those of plain calls. Raises `FunctionError`."""
    if call.function in _OF_JSON:
        call = _of_json(call)
    signature = infer_aggregate(call.function, call.arguments, grouped=grouped, filtered=call.condition is not None)
    constants = (IGNORE_NULLS,) if call.ignores_nulls else signature.constants
    places = [place for place in range(len(call.arguments)) if not _is_constant(call.function, place)]
    arguments = tuple(
        coerce(call.arguments[place], kind) for place, kind in zip(places, signature.arguments, strict=True)
    )
    # DISTINCT makes no difference to an extreme.
    function, distinct = call.function, call.distinct and call.function not in ("MIN", "MAX")
    if distinct and arguments and isinstance(arguments[0].type, _WITHOUT_DISTINCT):
        raise FunctionError(
            f"{function} takes no DISTINCT values of the type {arguments[0].type.name()}",
            mend="take it of SELECT DISTINCT in a subquery",
            position=call.position,
        )
    if function == "APPROX_COUNT_DISTINCT":
        logger.warning("%s: APPROX_COUNT_DISTINCT is an extension; Flink refuses it in streams", call.position)
        function, distinct = "COUNT", True
    plain = PlainCall(function, arguments, signature.result, distinct, call.condition, call.position, constants)
    if function in _DEVIATIONS and not isinstance(arguments[0].type, FloatType):
        return _deviation(plain, add)
    return add(plain)


def user_aggregate(
    definition: FunctionDefinition, arguments: tuple[Expression, ...], condition: Expression | None, position: Position
) -> PlainCall:
    """The call of an aggregate function of the user's. Raises `FunctionError`."""
    definition.check_arity(len(arguments))
    signature = definition.infer(arguments)
    given = tuple(coerce(argument, kind) for argument, kind in zip(arguments, signature.arguments, strict=True))
    return PlainCall(definition.name, given, signature.result, False, condition, position, python=definition.python)


def _is_constant(function: str, place: int) -> bool:
    return place == 1 and function in ("LISTAGG", "PERCENTILE")


def _of_json(call: WrittenCall) -> WrittenCall:
    """The same over values that are JSON: elements, or members and their keys; NULL where one is to be left out."""
    *values, on_null = call.arguments
    assert isinstance(on_null, Literal)
    position = call.position
    shown = bind("JSON_STRING", (values[-1],), position)
    if on_null.value == "NULL":
        shown = bind("COALESCE", (shown, _text("null")), position)
    if call.function == "JSON_ARRAYAGG":
        return replace(call, arguments=(shown,))
    key = values[0]
    if not is_text(key.type):
        raise FunctionError(f"the key of JSON_OBJECTAGG must be a text, not {key.type.name()}", position=key.position)
    quoted = bind("JSON_STRING", (key,), position)
    member = bind("||", (bind("||", (quoted, _text(":")), position), shown), position)
    return replace(call, arguments=(member, quoted))


def _text(value: str) -> Literal:
    return Literal(CharType(len(value), nullable=False), value)


def _deviation(call: PlainCall, add: Add) -> Expression:
    """(Σx² − Σx·Σx / n) / n, or / (n − 1), NULL of one; its square root for a standard deviation."""
    (value,) = call.arguments
    position = call.position

    def total(function: str, argument: Expression) -> Expression:
        signature = infer_aggregate(function, (argument,), grouped=not call.type.nullable)
        kind = signature.result.with_nullable(call.type.nullable or argument.type.nullable)
        return add(replace(call, function=function, arguments=(argument,), type=kind))

    def cast(expression: Expression) -> Expression:
        """To the result's type, where the argument's is another."""
        kind = call.type.with_nullable(expression.type.nullable)
        return bind_cast(expression, kind, position) if isinstance(call.type, DecimalType) else expression

    squares = total("SUM", bind("*", (cast(value), cast(value)), position))
    whole = cast(total("SUM", value))
    count = add(replace(call, function="COUNT", type=BIGINT.with_nullable(False)))
    numerator = bind("-", (squares, bind("/", (bind("*", (whole, whole), position), count), position)), position)
    divisor = count
    one = number_literal("1")
    if call.function.endswith("_SAMP"):
        alone = bind("=", (count, one), position)
        divisor = bind_case(((alone, _null_count()),), bind("-", (count, one), position), position)
    result = bind("/", (numerator, divisor), position)
    if call.function.startswith("STDDEV"):
        result = bind("POWER", (result, number_literal("0.5")), position)
    # Cast in any case, for the nullability that Flink gives.
    return Cast(call.type, result, position=position)


def _null_count() -> Literal:
    return Literal(BIGINT, None)
