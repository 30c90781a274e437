"""The aggregate calls of a SELECT: gathered while its expressions are bound, then made an `Aggregate` of the plan."""

from __future__ import annotations

from dataclasses import dataclass, field

from riacho.plan.expressions import AggregateCall, Column, Expression, Position
from riacho.plan.relations import Aggregate, Project, Relation, unique_names
from riacho.sql.functions import coerce, infer_aggregate

_UNSUPPORTED_NAMES = """
    APPROX_COUNT_DISTINCT ARRAY_AGG COLLECT CUME_DIST DENSE_RANK FIRST_VALUE GROUPING GROUPING_ID GROUP_ID
    JSON_ARRAYAGG JSON_OBJECTAGG LAG LAST_VALUE LEAD LISTAGG NTILE PERCENTILE PERCENT_RANK RANK ROW_NUMBER
    STDDEV STDDEV_POP STDDEV_SAMP SUM0 VARIANCE VAR_POP VAR_SAMP
"""

UNSUPPORTED_AGGREGATES = frozenset(_UNSUPPORTED_NAMES.split())
"""Flink's aggregate and ranking functions that do not exist here yet."""


@dataclass(frozen=True, slots=True)
class AggregateSlot(Expression):
    """Stands for the result of aggregate call number `number` until the aggregate's fields are known."""

    number: int

    def __str__(self) -> str:
        return f"aggregate {self.number}"


@dataclass(frozen=True, slots=True)
class _Call:
    function: str
    arguments: tuple[Expression, ...]
    distinct: bool
    condition: Expression | None
    slot: AggregateSlot
    position: Position


@dataclass(slots=True)
class AggregateCollector:
    """The aggregate calls of one SELECT, each once however often it is written."""

    grouped: bool
    calls: list[_Call] = field(default_factory=list)

    def add(
        self,
        function: str,
        arguments: tuple[Expression, ...],
        *,
        distinct: bool,
        condition: Expression | None,
        position: Position,
    ) -> AggregateSlot:
        """The expression that stands for the call's result. Raises `FunctionError` for wrong arguments."""
        signature = infer_aggregate(
            function,
            tuple(argument.type for argument in arguments),
            grouped=self.grouped,
            filtered=condition is not None,
        )
        given = tuple(coerce(argument, kind) for argument, kind in zip(arguments, signature.arguments, strict=True))
        # DISTINCT makes no difference to an extreme.
        distinct = distinct and function not in ("MIN", "MAX")
        for call in self.calls:
            same = (call.function, call.arguments, call.distinct, call.condition)
            if same == (function, given, distinct, condition):
                return call.slot
        slot = AggregateSlot(signature.result, len(self.calls), position=position)
        self.calls.append(_Call(function, given, distinct, condition, slot, position))
        return slot

    def over(self, below: Relation, keys: tuple[Expression, ...], names: list[str]) -> Aggregate:
        """The aggregate: keys and arguments are projected first, so that calls read columns only.

        `names` are those of the keys.
        """
        computed: list[Expression] = list(keys)

        def column(expression: Expression) -> Column:
            for index, known in enumerate(computed):
                if known == expression:
                    return Column(known.type, index, columns[index], position=expression.position)
            computed.append(expression)
            name = expression.name if isinstance(expression, Column) else f"$f{len(computed) - 1}"
            columns.append(name)
            return Column(expression.type, len(computed) - 1, name, position=expression.position)

        columns = list(names)
        calls = tuple(
            AggregateCall(
                call.function,
                tuple(column(argument) for argument in call.arguments),
                call.slot.type,
                call.distinct,
                None if call.condition is None else column(call.condition),
                position=call.position,
            )
            for call in self.calls
        )
        # COUNT(*) alone reads no field; rows without fields could not be counted.
        projected = Project(below, tuple(computed), tuple(unique_names(columns))) if computed else below
        outputs = unique_names([*names, *(f"EXPR${index}" for index in range(len(calls)))])
        return Aggregate(projected, tuple(range(len(keys))), calls, tuple(outputs))


def above(expression: Expression, keys: tuple[Expression, ...], aggregate: Aggregate) -> Expression:
    """The expression over the aggregate's fields, where it was over the input's.

    A column that is no part of a key stays as a `Column` of the input: `ungrouped` finds it before.
    """

    def replace_part(part: Expression) -> Expression:
        for index, key in enumerate(keys):
            if part == key:
                return Column(part.type, index, aggregate.names[index], position=part.position)
        if isinstance(part, AggregateSlot):
            index = len(keys) + part.number
            return Column(part.type, index, aggregate.names[index], position=part.position)
        operands = part.operands
        return part.with_operands(tuple(replace_part(operand) for operand in operands)) if operands else part

    return replace_part(expression)


def ungrouped(expression: Expression, keys: tuple[Expression, ...]) -> Column | None:
    """A column that the expression reads although it is neither a key nor within an aggregate call."""
    if any(expression == key for key in keys) or isinstance(expression, AggregateSlot):
        return None
    if isinstance(expression, Column):
        return expression
    for operand in expression.operands:
        found = ungrouped(operand, keys)
        if found is not None:
            return found
    return None
