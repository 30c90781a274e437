"""Outer joins whose padded rows a condition throws away."""

from __future__ import annotations

from dataclasses import replace

from riacho.plan.expressions import Call, Cast, Column, Expression
from riacho.plan.relations import Join, JoinKind

_STRICT = frozenset({"=", "<>", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "LIKE", "SIMILAR TO", "||", "NOT"})
"""Functions of which one null operand makes the result null."""


def without_vain_padding(join: Join, predicates: tuple[Expression, ...]) -> Join:
    """The join under conditions of WHERE, which need not pad what they do not let through.

    ```sql
    SELECT * FROM a LEFT JOIN b ON a.id = b.id WHERE b.x > 0
    SELECT * FROM a JOIN b ON a.id = b.id WHERE b.x > 0
    ```
    """
    if not (join.kind.keeps_left or join.kind.keeps_right):
        return join
    width = len(join.left.schema)
    left, right = frozenset(range(width)), frozenset(range(width, width + len(join.right.schema)))
    pads_right = join.kind.keeps_left and not any(_rejects(part, right) for part in predicates)
    pads_left = join.kind.keeps_right and not any(_rejects(part, left) for part in predicates)
    kind = {
        (True, True): JoinKind.FULL,
        (True, False): JoinKind.LEFT,
        (False, True): JoinKind.RIGHT,
        (False, False): JoinKind.INNER,
    }[pads_right, pads_left]
    return join if kind is join.kind else replace(join, kind=kind, written=join.written or join.kind)


def _rejects(predicate: Expression, nulls: frozenset[int]) -> bool:
    """Whether the condition cannot be true where these fields are all null."""
    if isinstance(predicate, Call):
        match predicate.function:
            case "AND":
                return any(_rejects(part, nulls) for part in predicate.arguments)
            case "OR":
                return all(_rejects(part, nulls) for part in predicate.arguments)
            case "IS NOT NULL" | "IS TRUE" | "IS FALSE":
                return _is_null(predicate.arguments[0], nulls)
            case "BETWEEN":
                return any(_is_null(part, nulls) for part in predicate.arguments)
            case "IN":
                return _is_null(predicate.arguments[0], nulls)
    return _is_null(predicate, nulls)


def _is_null(expression: Expression, nulls: frozenset[int]) -> bool:
    """Whether the value is certainly null where these fields are."""
    if isinstance(expression, Column):
        return expression.index in nulls
    if isinstance(expression, Cast):
        return _is_null(expression.operand, nulls)
    if isinstance(expression, Call) and expression.function in _STRICT:
        return any(_is_null(part, nulls) for part in expression.arguments)
    return False
