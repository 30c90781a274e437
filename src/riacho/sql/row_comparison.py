"""Rows that are put together where they are compared: `(a, b) = (c, d)` is `a = c AND b = d`.

So a NULL in a field makes it NULL in a join's condition, too, which takes each field for a key; as keys of their own,
rows would be equal where the same field is NULL in both. To Flink rows in these rows are.
"""

from __future__ import annotations

from typing import TypeGuard

from riacho.plan.expressions import Call, Expression, Position
from riacho.sql.functions import bind


def fields_equal(one: Expression, other: Expression, position: Position | None) -> Expression:
    """The equality, of fields where both are rows that are put together."""
    found = bind("=", (one, other), position)
    if not (_is_constructor(one) and _is_constructor(other)):
        return found
    pairs = zip(one.arguments, other.arguments, strict=True)
    parts = tuple(bind("=", pair, position) for pair in pairs)
    return parts[0] if len(parts) == 1 else bind("AND", parts, position)


def _is_constructor(part: Expression) -> TypeGuard[Call]:
    return isinstance(part, Call) and part.function == "ROW"
