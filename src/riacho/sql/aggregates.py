"""The aggregate calls of a SELECT: gathered while its expressions are bound, then made an `Aggregate` of the plan."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from riacho.plan.expressions import AggregateCall, Column, Expression, Position
from riacho.plan.relations import Aggregate, Expand, Project, Relation, unique_names
from riacho.plan.types import BIGINT
from riacho.sql.aggregate_calls import PlainCall
from riacho.sql.grouping import Grouping, GroupingCall, resolve


@dataclass(frozen=True, slots=True)
class AggregateSlot(Expression):
    """Stands for the result of aggregate call number `number` until the aggregate's fields are known."""

    number: int

    def __str__(self) -> str:
        return f"aggregate {self.number}"


@dataclass(slots=True)
class AggregateCollector:
    """The aggregate calls of one SELECT, each once however often it is written."""

    keys: tuple[Expression, ...] = ()
    written: bool = False
    """Whether there is a GROUP BY: only then are GROUPING and its like known."""
    calls: list[PlainCall] = field(default_factory=list)

    @property
    def grouped(self) -> bool:
        """Whether every group has a row."""
        return bool(self.keys)

    def add(self, call: PlainCall) -> AggregateSlot:
        """The expression that stands for the call's result."""
        for number, known in enumerate(self.calls):
            if known.same_as(call):
                return AggregateSlot(known.type, number, position=call.position)
        self.calls.append(call)
        return AggregateSlot(call.type, len(self.calls) - 1, position=call.position)

    def over(self, below: Relation, grouping: Grouping) -> Aggregate:
        """The aggregate: keys and arguments are projected first, so that calls read columns only.

        With grouping sets rows are expanded between, and the number of the set is the last key. A set may leave out a
        key that is an argument too, so arguments are columns of their own then.
        """
        keys, names = grouping.keys, grouping.names
        if not keys and not self.calls:
            # The one group of all rows needs a field.
            self.add(PlainCall("COUNT", (), BIGINT.with_nullable(False), False, None, Position(1, 1)))
        computed: list[Expression] = list(keys)
        shared = 0 if grouping.sets is None else len(keys)

        def column(expression: Expression) -> Column:
            for index, known in enumerate(computed):
                if known == expression and index >= shared:
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
                call.type,
                call.distinct,
                None if call.condition is None else column(call.condition),
                call.position,
                call.constants,
                call.python,
            )
            for call in self.calls
        )
        # COUNT(*) alone reads no field; rows without fields could not be counted.
        projected: Relation = Project(below, tuple(computed), tuple(unique_names(columns))) if computed else below
        grouped = tuple(range(len(keys)))
        if grouping.sets is not None:
            projected = Expand(projected, grouping.grouping_sets)
            names = [*names, projected.name]
            grouped = (*grouped, len(projected.schema) - 1)
        outputs = unique_names([*names, *(f"EXPR${index}" for index in range(len(calls)))])
        return Aggregate(projected, grouped, calls, tuple(outputs))


def above(expression: Expression, grouping: Grouping, aggregate: Aggregate) -> Expression:
    """The expression over the aggregate's fields, where it was over the input's.

    A column that is no part of a key stays as a `Column` of the input: `ungrouped` finds it before.
    """

    schema = aggregate.schema

    def replace_part(part: Expression) -> Expression:
        for index, key in enumerate(grouping.keys):
            if part == key:
                return replace(schema.column(index), position=part.position)
        if isinstance(part, AggregateSlot):
            return replace(schema.column(len(aggregate.keys) + part.number), position=part.position)
        if isinstance(part, GroupingCall):
            number = None if grouping.sets is None else schema.column(len(grouping.keys))
            return resolve(part, grouping, number)
        operands = part.operands
        return part.with_operands(tuple(replace_part(operand) for operand in operands)) if operands else part

    return replace_part(expression)


def ungrouped(expression: Expression, keys: tuple[Expression, ...]) -> Column | None:
    """A column that the expression reads although it is neither a key nor within an aggregate call."""
    if any(expression == key for key in keys) or isinstance(expression, AggregateSlot | GroupingCall):
        return None
    if isinstance(expression, Column):
        return expression
    for operand in expression.operands:
        found = ungrouped(operand, keys)
        if found is not None:
            return found
    return None
