"""Grouping by a window: what makes an aggregate emit each window once."""

from __future__ import annotations

from dataclasses import replace

from riacho.plan.expressions import AggregateCall, Column, Expression, columns_used, conjunction, conjuncts, remap
from riacho.plan.relations import (
    Aggregate,
    Filter,
    Project,
    Relation,
    WindowAggregate,
    WindowProperty,
    WindowTable,
    rewrite_relation,
    unique_names,
)

_PROPERTIES = (WindowProperty.START, WindowProperty.END, WindowProperty.TIME)
"""In the order of the fields that a window table appends."""


def recognize_window_aggregates(relation: Relation) -> Relation:
    """Turn a grouping by window_start and window_end of a window table into a `WindowAggregate`.

    ```sql
    SELECT k, window_end, COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' HOUR))
    GROUP BY k, window_start, window_end
    -- WindowAggregate(groupBy=[k], window=[TUMBLE(ts, 1 h)], select=[k, COUNT(*), window_start, window_end])
    ```

    A condition on the window alone moves above. Where an argument reads window_start or window_end, the aggregate
    stays as it is: it emits updates, as an unwindowed one does.
    """

    def recognize(step: Relation) -> Relation:
        return _recognize(step) or step if isinstance(step, Aggregate) else step

    return rewrite_relation(relation, recognize)


def _recognize(aggregate: Aggregate) -> Relation | None:
    project, predicates, window = _pattern(aggregate)
    if project is None or window is None:
        return None
    width = len(window.input.schema)
    of_window: dict[int, WindowProperty] = {}
    plain: list[int] = []
    for position, key in enumerate(aggregate.keys):
        expression = project.expressions[key]
        if isinstance(expression, Column) and expression.index >= width:
            of_window[position] = _PROPERTIES[expression.index - width]
        else:
            plain.append(position)
    if not {WindowProperty.START, WindowProperty.END} <= set(of_window.values()):
        return None
    window_keys = {aggregate.keys[position] for position in of_window}
    read = {aggregate.keys[position] for position in plain}
    for call in aggregate.calls:
        read |= {column.index for column in (*call.arguments, *((call.filter,) if call.filter else ()))}
    if read & window_keys or any(max(columns_used(project.expressions[i]), default=-1) >= width for i in read):
        return None
    if any(columns_used(part) and min(columns_used(part)) < width for part in predicates):
        return None
    return _build(aggregate, project, predicates, window, of_window, plain, sorted(read))


def _pattern(aggregate: Aggregate) -> tuple[Project | None, tuple[Expression, ...], WindowTable | None]:
    """Aggregate over Project over (conditions over) WindowTable; the projection may be missing."""
    below = aggregate.input
    if isinstance(below, Project):
        project = below
    else:
        columns = tuple(below.schema.column(index) for index in range(len(below.schema)))
        project = Project(below, columns, below.schema.names)
    below = project.input
    predicates: tuple[Expression, ...] = ()
    while isinstance(below, Filter):
        predicates = (*conjuncts(below.predicate), *predicates)
        below = below.input
    return (project, predicates, below) if isinstance(below, WindowTable) else (None, (), None)


def _build(
    aggregate: Aggregate,
    project: Project,
    predicates: tuple[Expression, ...],
    window: WindowTable,
    of_window: dict[int, WindowProperty],
    plain: list[int],
    read: list[int],
) -> Relation:
    below = window.input
    # What is grouped by and aggregated, and the row time behind it.
    expressions = [project.expressions[index] for index in read]
    time = below.schema.column(window.time_column)
    if time not in expressions:
        expressions.append(time)
    names = unique_names([*(project.names[index] for index in read), time.name])[: len(expressions)]
    moved = {index: position for position, index in enumerate(read)}
    properties = tuple(item for item in _PROPERTIES if item in of_window.values() or _is_read(item, predicates, below))
    key_names = [aggregate.names[position] for position in plain]
    call_names = list(aggregate.names[len(aggregate.keys) :])
    property_names = [item.value for item in properties]
    recognized = WindowAggregate(
        Project(below, tuple(expressions), tuple(names)),
        window.kind,
        expressions.index(time),
        window.size,
        window.slide,
        window.offset,
        tuple(moved[aggregate.keys[position]] for position in plain),
        tuple(_moved_call(call, moved) for call in aggregate.calls),
        properties,
        tuple(unique_names([*key_names, *call_names, *property_names])),
    )
    first = len(plain) + len(aggregate.calls)
    result: Relation = recognized
    if predicates:
        width = len(below.schema)
        to_property = {width + _PROPERTIES.index(item): first + place for place, item in enumerate(properties)}
        result = Filter(result, conjunction(tuple(remap(part, to_property.__getitem__) for part in predicates)))
    sources = []
    for position in range(len(aggregate.keys)):
        if position in of_window:
            sources.append(first + properties.index(of_window[position]))
        else:
            sources.append(plain.index(position))
    sources += range(len(plain), first)
    return Project(result, tuple(result.schema.column(index) for index in sources), aggregate.names)


def _is_read(item: WindowProperty, predicates: tuple[Expression, ...], below: Relation) -> bool:
    index = len(below.schema) + _PROPERTIES.index(item)
    return any(index in columns_used(part) for part in predicates)


def _moved_call(call: AggregateCall, moved: dict[int, int]) -> AggregateCall:
    def move(column: Column) -> Column:
        return replace(column, index=moved[column.index])

    return replace(
        call,
        arguments=tuple(move(argument) for argument in call.arguments),
        filter=None if call.filter is None else move(call.filter),
    )
