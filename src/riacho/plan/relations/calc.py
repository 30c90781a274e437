"""Row by row: filters and projections."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from riacho.plan.expressions import Call, Column, Expression
from riacho.plan.relations.relation import Unary
from riacho.plan.relations.schema import Field, Schema, TimeAttribute


@dataclass(frozen=True, slots=True)
class Filter(Unary):
    """The rows for which `predicate` is true (not false, not unknown)."""

    predicate: Expression


@dataclass(frozen=True, slots=True)
class Project(Unary):
    """One field per expression. A time attribute passes through where its column does; PROCTIME() makes one."""

    expressions: tuple[Expression, ...]
    names: tuple[str, ...]

    @cached_property
    def schema(self) -> Schema:
        below = self.input.schema
        return Schema(
            tuple(
                Field(name, part.type, _time(part, below))
                for name, part in zip(self.names, self.expressions, strict=True)
            )
        )


def _time(expression: Expression, below: Schema) -> TimeAttribute | None:
    if isinstance(expression, Column):
        return below[expression.index].time
    if isinstance(expression, Call) and expression.function == "PROCTIME":
        return TimeAttribute.PROCTIME
    return None
