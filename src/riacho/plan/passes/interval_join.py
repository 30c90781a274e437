"""Joins that a condition on both row times, or both processing times, bounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from riacho.plan.changelog import is_updating
from riacho.plan.expressions import Call, Column, Expression, Literal, conjunction, conjuncts
from riacho.plan.relations import Interval, Join, Relation, TimeAttribute, rewrite_relation
from riacho.plan.types import DayTimeIntervalType

Moment = tuple[int, int]
"""A time attribute and what is added to it: (field of the pair, milliseconds)."""

Bounds = tuple[int | None, int | None]
"""The least and the greatest difference of the left time from the right one; None where it is not bounded."""

Times = Mapping[int, TimeAttribute]
"""The fields of the pair that are time attributes."""

_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="}


def recognize_interval_joins(relation: Relation) -> Relation:
    """Turn a regular join of added rows into an interval join, where ON bounds the difference of their times.

    ```sql
    SELECT * FROM orders AS o JOIN shipments AS s
    ON o.id = s.order_id AND s.ts BETWEEN o.ts AND o.ts + INTERVAL '4' HOUR
    -- Join(o.id = s.order_id), −4 h ≤ o.ts − s.ts ≤ 0
    ```

    It forgets rows as the watermark, or the clock, passes, keeps time attributes, and of added rows makes rows that are
    only added.
    """

    def recognize(step: Relation) -> Relation:
        return _recognized(step) if isinstance(step, Join) else step

    return rewrite_relation(relation, recognize)


def _recognized(join: Join) -> Join:
    plain = join.time is None and join.kind.emits_right and join.residual is not None and not join.left_keys
    if not plain or join.residual is None or any(is_updating(side) for side in join.inputs):
        return join
    width = len(join.left.schema)
    times = {
        index: item.time for index, item in enumerate((*join.left.schema, *join.right.schema)) if item.time is not None
    }
    lower: int | None = None
    upper: int | None = None
    pair: tuple[int, int] | None = None
    rest: list[Expression] = []
    for part in conjuncts(join.residual):
        found = _bounds(part, times, width)
        if found is None or pair not in (None, found[0]):
            rest.append(part)
            continue
        pair, (least, most) = found
        lower = least if lower is None else lower if least is None else max(lower, least)
        upper = most if upper is None else upper if most is None else min(upper, most)
    if pair is None or lower is None or upper is None:
        return join
    residual = conjunction(tuple(rest)) if rest else None
    by_row_time = times[pair[0]] is TimeAttribute.ROWTIME
    interval = Interval(pair[0], pair[1] - width, lower, upper, event_time=by_row_time)
    return replace(join, residual=residual, time=interval)


def _bounds(part: Expression, times: Times, width: int) -> tuple[tuple[int, int], Bounds] | None:
    """Which times, of the left and the right side, a condition compares, and how it bounds their difference."""
    if not isinstance(part, Call):
        return None
    if part.function == "BETWEEN":
        value, low, high = part.arguments
        first, second = (_compared(value, ">=", low, times, width), _compared(value, "<=", high, times, width))
        if first is None or second is None or first[0] != second[0]:
            return None
        least = first[1][0] if first[1][0] is not None else second[1][0]
        most = first[1][1] if first[1][1] is not None else second[1][1]
        return first[0], (least, most)
    if part.function in _MIRRORED:
        return _compared(part.arguments[0], part.function, part.arguments[1], times, width)
    return None


def _compared(
    one: Expression, operator: str, other: Expression, times: Times, width: int
) -> tuple[tuple[int, int], Bounds] | None:
    left, right = _moment(one, times), _moment(other, times)
    if left is None or right is None or (left[0] < width) == (right[0] < width):
        return None
    if times[left[0]] is not times[right[0]]:
        return None
    if left[0] >= width:
        left, right, operator = right, left, _MIRRORED[operator]
    difference = right[1] - left[1]
    bounds: Bounds = {
        "<": (None, difference - 1),
        "<=": (None, difference),
        ">": (difference + 1, None),
        ">=": (difference, None),
        "=": (difference, difference),
    }[operator]
    return (left[0], right[0]), bounds


def _moment(expression: Expression, times: Times) -> Moment | None:
    """A time attribute, moved by intervals of days to seconds."""
    if isinstance(expression, Column):
        return (expression.index, 0) if expression.index in times else None
    if not isinstance(expression, Call) or expression.function not in ("+", "-") or len(expression.arguments) != 2:
        return None
    one, other = expression.arguments
    if expression.function == "+" and isinstance(one, Literal):
        one, other = other, one
    moved = _moment(one, times)
    if moved is None or not isinstance(other, Literal) or not isinstance(other.type, DayTimeIntervalType):
        return None
    assert isinstance(other.value, int)
    return moved[0], moved[1] + (other.value if expression.function == "+" else -other.value)
