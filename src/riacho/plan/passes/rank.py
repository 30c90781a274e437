"""Numbered rows of which the first are asked for: top-N and deduplication."""

from __future__ import annotations

from dataclasses import dataclass, replace

from riacho.plan.changelog import is_updating
from riacho.plan.expressions import Call, Column, Expression, Literal, columns_used, conjunction, conjuncts
from riacho.plan.relations import (
    Deduplicate,
    Filter,
    Over,
    Project,
    Rank,
    RankKind,
    Relation,
    TimeAttribute,
    WindowRank,
    WindowTable,
    rewrite_relation,
)
from riacho.plan.windowing import windowing

_KINDS = {kind.value: kind for kind in RankKind}

_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="}


@dataclass(frozen=True, slots=True)
class RankRange:
    """Which numbers a condition lets pass; None: without a bound. `others` are the conditions on other fields."""

    start: int | None
    end: int | None
    others: tuple[Expression, ...]


def recognize_ranks(relation: Relation) -> Relation:
    """Turn a condition on a row's number into a `Rank`, which keeps the first rows alone.

    ```sql
    SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v DESC) AS n FROM t) WHERE n <= 3 AND v > 0
    -- Filter(v > 0) over Rank(strategy of the first 3 by v DESC in k, n is the number)
    ```

    A number that can only be one value is that value. What other conditions leave of the rows is left of the first
    ones, so they stay above.
    """

    def recognize(step: Relation) -> Relation:
        if isinstance(step, Filter) and isinstance(step.input, Over):
            return _recognize(step, step.input) or step
        return step

    return rewrite_relation(relation, recognize)


def _recognize(step: Filter, over: Over) -> Relation | None:
    found = rank_range(step)
    if found is None or found.end is None or not over.order:
        return None
    kind = _KINDS[over.calls[0].function]
    start = max(found.start or 1, 1)
    width = len(over.input.schema)
    rank = Rank(over.input, kind, over.partition, over.order, start, found.end, over.names[0], over.calls[0].position)
    result: Relation = rank
    if start == found.end and kind is RankKind.ROW_NUMBER:
        rank = replace(rank, number=None)
        number = over.schema[width]
        kept: list[Expression] = [over.schema.column(index) for index in range(width)]
        result = Project(rank, (*kept, Literal(number.type, start)), over.schema.names)
    return Filter(result, conjunction(found.others)) if found.others else result


def rank_range(step: Filter) -> RankRange | None:
    """Which numbers a filter over an `Over` lets pass; None where it says nothing that a top-N can use."""
    over = step.input
    if not isinstance(over, Over) or len(over.calls) != 1 or over.calls[0].function not in _KINDS:
        return None
    number = len(over.input.schema)
    start: int | None = None
    end: int | None = None
    others: list[Expression] = []
    for part in conjuncts(step.predicate):
        if number not in columns_used(part):
            others.append(part)
            continue
        bounds = _bounds(part, number)
        if bounds is None:
            return None
        low, high = bounds
        if low is not None:
            start = low if start is None else max(start, low)
        if high is not None:
            end = high if end is None else min(end, high)
    if start is None and end is None:
        return None
    return RankRange(start, end, tuple(others))


def _bounds(part: Expression, number: int) -> tuple[int | None, int | None] | None:
    """The least and the greatest number for which a comparison with a constant is true."""
    if not isinstance(part, Call):
        return None
    if part.function == "BETWEEN":
        between, least, most = part.arguments
        above = _bounds(replace(part, function=">=", arguments=(between, least)), number)
        below = _bounds(replace(part, function="<=", arguments=(between, most)), number)
        return (above[0], below[1]) if above is not None and below is not None else None
    if part.function not in _MIRRORED or len(part.arguments) != 2:
        return None
    function, (left, right) = part.function, part.arguments
    if isinstance(right, Column):
        function, left, right = _MIRRORED[function], right, left
    if not isinstance(left, Column) or left.index != number or not isinstance(right, Literal):
        return None
    value = right.value
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    match function:
        case "<":
            return None, value - 1
        case "<=":
            return None, value
        case ">":
            return value + 1, None
        case ">=":
            return value, None
    return value, value


def recognize_window_ranks(relation: Relation) -> Relation:
    """Turn a top-N in partitions by window_start and window_end into a `WindowRank`, which gives a window's rows once.

    ```sql
    SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY v) AS n FROM windowed)
    WHERE n <= 3
    -- WindowRank(window=[win_end=[window_end]], rankRange=[rankStart=1, rankEnd=3], …)
    ```

    The first by descending time alone is a deduplication: of equal times the last to come stays.
    """

    def recognize(step: Relation) -> Relation:
        if not isinstance(step, Rank) or step.kind is not RankKind.ROW_NUMBER or is_updating(step.input):
            return step
        if not step.order or step.end < 1:
            return step
        windows, partition = windowing(step.input), set(step.partition)
        if windows is None or not windows.event_time or not windows.start & partition or not windows.end & partition:
            return step
        (first, *others) = step.order
        last = (step.start, step.end) == (1, 1) and not others and _is_time(step.input, first.column)
        return WindowRank(
            step.input,
            step.partition,
            step.order,
            step.start,
            step.end,
            step.number,
            min(windows.end & partition),
            windows.zoned,
            last and first.descending,
        )

    return rewrite_relation(relation, recognize)


def _is_time(relation: Relation, column: int) -> bool:
    """Whether a field is the row time, or was so before its rows got windows."""
    match relation:
        case WindowTable() if column == relation.time_column:
            return True
        case Project():
            expression = relation.expressions[column]
            if isinstance(expression, Column):
                return _is_time(relation.input, expression.index)
        case Filter():
            return _is_time(relation.input, column)
    return relation.schema[column].time is TimeAttribute.ROWTIME


def recognize_deduplication(relation: Relation) -> Relation:
    """Turn a top-1 by a time attribute over rows that are only added into a `Deduplicate`, once columns are pruned.

    ```sql
    SELECT k, v, ts FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY ts DESC) AS n FROM t) WHERE n = 1
    -- Deduplicate(keep=[LastRow], key=[k], order=[ROWTIME])
    ```
    """

    def recognize(step: Relation) -> Relation:
        if not isinstance(step, Rank) or step.number is not None or step.kind is not RankKind.ROW_NUMBER:
            return step
        if (step.start, step.end) != (1, 1) or len(step.order) != 1 or is_updating(step.input):
            return step
        (key,) = step.order
        if step.input.schema[key.column].time is None:
            return step
        return Deduplicate(step.input, step.partition, key.column, key.descending)

    return rewrite_relation(relation, recognize)
