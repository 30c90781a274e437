"""Expressions moved across a projection: what a column stands for, and what may be moved at all."""

from __future__ import annotations

from riacho.plan.expressions import Call, Column, Expression, PythonCall, rewrite, walk
from riacho.plan.relations import Project

VOLATILE = frozenset({"RAND", "RAND_INTEGER", "UUID"})
"""Functions that give another result at each evaluation: they are evaluated where they are written, once."""


def is_volatile(expression: Expression) -> bool:
    """Whether the expression's value depends on when and how often it is evaluated."""
    return any(_varies(part) for part in walk(expression))


def _varies(part: Expression) -> bool:
    if isinstance(part, PythonCall):
        return not part.python.deterministic
    return isinstance(part, Call) and part.function in VOLATILE


def through(expression: Expression, project: Project) -> Expression:
    """The expression over a projection's output, as one over its input."""

    def replace_column(part: Expression) -> Expression:
        return project.expressions[part.index] if isinstance(part, Column) else part

    return rewrite(expression, replace_column)
