"""Grouping by a window: what makes an aggregate emit each window once."""

from __future__ import annotations

from dataclasses import replace

from riacho.plan.changelog import is_updating
from riacho.plan.expressions import AggregateCall, Column, Expression, columns_used, conjunction, conjuncts, remap
from riacho.plan.relations import (
    Aggregate,
    Expand,
    Filter,
    GroupingSet,
    Project,
    Relation,
    WindowAggregate,
    WindowKind,
    WindowProperty,
    WindowTable,
    rewrite_relation,
    unique_names,
)
from riacho.plan.windowing import windowing

_PROPERTIES = (WindowProperty.START, WindowProperty.END, WindowProperty.TIME)
"""In the order of the fields that a window table appends."""


def recognize_window_aggregates(relation: Relation) -> Relation:
    """Turn a grouping by window_start and window_end of a window table into a `WindowAggregate`.

    ```sql
    SELECT k, window_end, COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' HOUR))
    GROUP BY k, window_start, window_end
    -- WindowAggregate(groupBy=[k], window=[TUMBLE(ts, 1 h)], select=[k, COUNT(*), window_start, window_end])
    ```

    A condition on the window alone moves above. Where the window table must stay, because an argument reads
    window_start, say, or because the rows come from a grouping by window themselves, the windows are those that the
    rows have: `ATTACHED`.
    """

    def recognize(step: Relation) -> Relation:
        if not isinstance(step, Aggregate):
            return step
        return _recognize(step) or _attached(step) or step

    return rewrite_relation(relation, recognize)


def _recognize(aggregate: Aggregate) -> Relation | None:
    expand = aggregate.input if isinstance(aggregate.input, Expand) else None
    project, predicates, window = _pattern(aggregate.input if expand is None else expand.input)
    if project is None or window is None:
        return None
    if window.kind is WindowKind.SESSION and (expand is not None or not _adds_up(aggregate, window, project)):
        return None
    width = len(window.input.schema)
    of_window: dict[int, WindowProperty] = {}
    plain: list[int] = []
    for position, key in enumerate(aggregate.keys):
        # The field behind those of the projection is the number of the grouping set.
        expression = project.expressions[key] if key < len(project.expressions) else None
        left_out = expand is not None and any(key in item.nulled for item in expand.sets)
        if isinstance(expression, Column) and expression.index >= width and not left_out:
            of_window[position] = _PROPERTIES[expression.index - width]
        else:
            plain.append(position)
    if not {WindowProperty.START, WindowProperty.END} <= set(of_window.values()):
        return None
    window_keys = {aggregate.keys[position] for position in of_window}
    read = {aggregate.keys[position] for position in plain}
    for call in aggregate.calls:
        read |= {column.index for column in (*call.arguments, *((call.filter,) if call.filter else ()))}
    read -= {len(project.expressions)}
    if read & window_keys or any(max(columns_used(project.expressions[i]), default=-1) >= width for i in read):
        return None
    if any(columns_used(part) and min(columns_used(part)) < width for part in predicates):
        return None
    return _build(aggregate, project, predicates, window, of_window, plain, sorted(read))


_SUMS = frozenset({"COUNT", "SUM", "AVG", "MIN", "MAX"})
"""Aggregates whose partial results can be made one when two sessions become one."""


def _adds_up(aggregate: Aggregate, window: WindowTable, project: Project) -> bool:
    """Whether sessions can be aggregated without their rows: grouped as they are, from partial results that add up."""
    if is_updating(window.input) or any(call.distinct or not _merges(call) for call in aggregate.calls):
        return False
    width = len(window.input.schema)
    keys = [project.expressions[key] for key in aggregate.keys]
    plain = [key for key in keys if not isinstance(key, Column) or key.index < width]
    return {key.index if isinstance(key, Column) else None for key in plain} == set(window.partition)


def _merges(call: AggregateCall) -> bool:
    return call.function in _SUMS if call.python is None else call.python.merges


def _attached(aggregate: Aggregate) -> Relation | None:
    """The grouping by the windows that its rows have, however they came to them."""
    below = aggregate.input
    windows = windowing(below)
    keys = set(aggregate.keys)
    if windows is None or not windows.start & keys or not windows.end & keys:
        return None
    if not windows.event_time and windows.shape[0] is not WindowKind.SESSION:
        return None
    plain = [position for position, key in enumerate(aggregate.keys) if key not in windows.time]
    timed = len(plain) < len(aggregate.keys)
    first = len(plain) + len(aggregate.calls)
    names = [aggregate.names[position] for position in plain] + list(aggregate.names[len(aggregate.keys) :])
    recognized = WindowAggregate(
        below,
        WindowKind.ATTACHED,
        min(windows.end & keys),
        1,
        1,
        0,
        tuple(aggregate.keys[position] for position in plain),
        aggregate.calls,
        (WindowProperty.TIME,) if timed else (),
        tuple(unique_names([*names, *(["window_time"] if timed else [])])),
        windows.zoned,
        windows.event_time,
    )
    sources = [plain.index(position) if position in plain else first for position in range(len(aggregate.keys))]
    sources += range(len(plain), first)
    return Project(recognized, tuple(recognized.schema.column(index) for index in sources), aggregate.names)


def _pattern(below: Relation) -> tuple[Project | None, tuple[Expression, ...], WindowTable | None]:
    """Project over (conditions over) WindowTable; the projection may be missing."""
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
    source: Relation = Project(below, tuple(expressions), tuple(names))
    if isinstance(aggregate.input, Expand):
        # Rows become several above the projection: the row time goes along.
        sets = tuple(
            GroupingSet(frozenset(moved[index] for index in item.nulled if index in moved), item.id)
            for item in aggregate.input.sets
        )
        source = replace(aggregate.input, input=source, sets=sets)
        moved[len(project.expressions)] = len(expressions)
    properties = tuple(item for item in _PROPERTIES if item in of_window.values() or _is_read(item, predicates, below))
    key_names = [aggregate.names[position] for position in plain]
    call_names = list(aggregate.names[len(aggregate.keys) :])
    property_names = [item.value for item in properties]
    recognized = WindowAggregate(
        source,
        window.kind,
        expressions.index(time),
        window.size,
        window.slide,
        window.offset,
        tuple(moved[aggregate.keys[position]] for position in plain),
        tuple(_moved_call(call, moved) for call in aggregate.calls),
        properties,
        tuple(unique_names([*key_names, *call_names, *property_names])),
        emit=window.emit,
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
