"""Each kind of relation in words: the step as Flink names it, and what it keeps between passes.

A new kind of relation gets a line in `_STEPS`, and one in `_STATES` if it keeps anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from riacho.plan.changelog import is_updating
from riacho.plan.expressions import Column, Expression, rewrite
from riacho.plan.relations import (
    Aggregate,
    BoundedOver,
    Deduplicate,
    EmitStrategy,
    EmptyGroup,
    Expand,
    Filter,
    GroupingSet,
    Interval,
    Join,
    JoinKind,
    Lookup,
    Materialize,
    MultiJoin,
    Normalize,
    Over,
    Project,
    Rank,
    RankKind,
    Relation,
    Replicate,
    Scan,
    Sink,
    Sort,
    TimeAttribute,
    Union,
    Unnest,
    UpsertMaterialize,
    Values,
    VersionedView,
    Versions,
    Watermark,
    WindowAggregate,
    WindowJoin,
    WindowKind,
    WindowRank,
    WindowTable,
    walk_relations,
)


def describe(relation: Relation) -> str:
    """One step, as Flink names it.

    >>> from riacho.plan.relations import Field
    >>> from riacho.plan.types import INT
    >>> describe(Values((Field("id", INT),), ()))
    'Values(rows=[0])'
    """
    describe_step = _STEPS.get(type(relation))
    if describe_step is None:
        return f"{type(relation).__name__}(fields=[{', '.join(relation.schema.names)}])"
    return describe_step(relation)


def state_of(relation: Relation) -> str | None:
    """What a step keeps between passes; None for nothing."""
    keeps = _STATES.get(type(relation))
    return None if keeps is None else keeps(relation)


def _scan(relation: Scan) -> str:
    return f"TableSourceScan(table=[{relation.table.name}], fields=[{', '.join(relation.fields)}])"


def _watermark(relation: Watermark) -> str:
    column = relation.schema[relation.column].name
    idle = f", idleTimeout=[{_duration(relation.idle_timeout_ms)}]" if relation.idle_timeout_ms else ""
    return f"WatermarkAssigner(rowtime=[{column}], watermark=[{relation.expression}]{idle})"


def _window_aggregate(relation: WindowAggregate) -> str:
    properties = [item.value for item in relation.properties]
    window = f"window=[{_window(relation)}]"
    emit = f", emit=[{_emit(relation.emit)}]" if relation.emit is not None and relation.updates else ""
    selected = ", ".join([*_columns(relation), *properties])
    name = "GroupWindowAggregate" if relation.updates else "WindowAggregate"
    return f"{name}({_grouped(relation)}{window}, select=[{selected}]{emit})"


def _emit(strategy: EmitStrategy) -> str:
    delays = (("early", strategy.early_ms), ("late", strategy.late_ms))
    return ", ".join(
        f"{when} {f'delay {delay} millisecond' if delay else 'no delay'}" for when, delay in delays if delay is not None
    )


def _aggregate(relation: Aggregate) -> str:
    return f"GroupAggregate({_grouped(relation)}select=[{', '.join(_columns(relation))}])"


def _expand(relation: Expand) -> str:
    return f"Expand(projects=[{', '.join(_expanded(relation, item) for item in relation.sets)}])"


def _expanded(relation: Expand, item: GroupingSet) -> str:
    names = relation.input.schema.names
    fields = [f"null AS {name}" if index in item.nulled else name for index, name in enumerate(names)]
    return f"{{{', '.join([*fields, f'{item.id} AS {relation.name}'])}}}"


def _grouped(relation: Aggregate | WindowAggregate) -> str:
    return f"groupBy=[{_named(relation.input, relation.keys)}], " if relation.keys else ""


def _columns(relation: Aggregate | WindowAggregate) -> list[str]:
    calls = [f"{call} AS {name}" for call, name in zip(relation.calls, _call_names(relation), strict=True)]
    return [*relation.names[: len(relation.keys)], *calls]


def _call_names(relation: Aggregate | WindowAggregate) -> tuple[str, ...]:
    return relation.names[len(relation.keys) : len(relation.keys) + len(relation.calls)]


def _materialize(relation: Materialize) -> str:
    names = relation.schema.names
    keys = [
        f"{names[key.column]} {'DESC' if key.descending else 'ASC'}-nulls-{'first' if key.nulls_first else 'last'}"
        for key in relation.order
    ]
    parts = [f"orderBy=[{', '.join(keys)}]"] if keys else []
    parts += [f"offset=[{relation.offset}]"] if relation.offset else []
    parts += [f"fetch=[{relation.limit}]"] if relation.limit is not None else []
    return f"Materialize({', '.join(parts)})"


def _sink(relation: Sink) -> str:
    names = (column.name for column in relation.table.persisted_columns)
    return f"Sink(table=[{relation.table.name}], fields=[{', '.join(names)}])"


def _selected(relation: Project) -> str:
    parts = []
    for expression, name in zip(relation.expressions, relation.names, strict=True):
        text = str(_renamed(expression, relation.input.schema.names))
        parts.append(text if text == name else f"{text} AS {name}")
    return ", ".join(parts)


def _named(relation: Relation, indexes: tuple[int, ...]) -> str:
    return ", ".join(relation.schema[index].name for index in indexes)


def _duration(milliseconds: int) -> str:
    """In the largest unit that it is a multiple of, as Flink shows it: 90 s, 1 h."""
    unit = next((unit for unit in _UNITS if milliseconds and milliseconds % unit[1] == 0), ("ms", 1))
    return f"{milliseconds // unit[1]} {unit[0]}"


_UNITS = (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000))


def _window(relation: WindowTable | WindowAggregate) -> str:
    names = relation.input.schema.names
    time = names[relation.time_column]
    if relation.kind is WindowKind.ATTACHED:
        return f"win_end=[{time}]"
    size, step = _duration(relation.size), _duration(relation.slide)
    offset = f", offset=[{_duration(relation.offset)}]" if relation.offset else ""
    if relation.kind is WindowKind.SESSION:
        keys = relation.partition if isinstance(relation, WindowTable) else relation.keys
        by = f", partition keys=[{', '.join(names[key] for key in keys)}]" if keys else ""
        return f"SESSION(time_col=[{time}], gap=[{size}]{by})"
    if relation.kind is WindowKind.CUMULATE:
        return f"CUMULATE(time_col=[{time}], max_size=[{size}], step=[{step}]{offset})"
    slide = f", slide=[{step}]" if relation.slide != relation.size else ""
    return f"{relation.kind.value}(time_col=[{time}], size=[{size}]{slide}{offset})"


def _over(relation: Over) -> str:
    names = relation.input.schema.names
    partition = f"partitionBy=[{_named(relation.input, relation.partition)}], " if relation.partition else ""
    keys = ", ".join(key.described(names[key.column]) for key in relation.order)
    order = f"orderBy=[{keys}], " if keys else ""
    calls = ", ".join(f"{call} AS {name}" for call, name in zip(relation.calls, relation.names, strict=True))
    return f"OverAggregate({partition}{order}window=[{relation.frame}], select=[{', '.join(names)}, {calls}])"


def _deduplicate(relation: Deduplicate) -> str:
    time = relation.input.schema[relation.time].time
    kept = "LastRow" if relation.keep_last else "FirstRow"
    order = "" if time is None else time.value
    return f"Deduplicate(keep=[{kept}], key=[{_named(relation.input, relation.key)}], order=[{order}])"


def _versioned_view(relation: VersionedView) -> str:
    return f"Deduplicate(keep=[LastRow], key=[{_named(relation.input, relation.key)}], order=[ROWTIME], versions=[all])"


def _rank(relation: Rank) -> str:
    names = relation.input.schema.names
    order = ", ".join(key.described(names[key.column]) for key in relation.order)
    if _is_limit(relation):
        span = f"offset=[{relation.start - 1}], fetch=[{relation.end - relation.start + 1}]"
        return f"SortLimit(orderBy=[{order}], {span})" if order else f"Limit({span})"
    strategy = "RetractStrategy" if is_updating(relation.input) else "AppendFastStrategy"
    span = f"rankStart={relation.start}, rankEnd={relation.end}"
    partition = f"partitionBy=[{_named(relation.input, relation.partition)}], "
    number = f", {relation.kind.value}() AS {relation.schema.names[-1]}" if relation.number is not None else ""
    return (
        f"Rank(strategy=[{strategy}], rankType=[{relation.kind.value}], rankRange=[{span}], {partition}"
        f"orderBy=[{order}], select=[{', '.join(names)}{number}])"
    )


def _window_rank(relation: WindowRank) -> str:
    names = relation.input.schema.names
    order = ", ".join(key.described(names[key.column]) for key in relation.order)
    span = f"rankStart={relation.start}, rankEnd={relation.end}"
    window = f"window=[win_end=[{names[relation.window_end]}]]"
    selected = ", ".join(relation.schema.names)
    partition = f"partitionBy=[{_named(relation.input, relation.partition)}]"
    return f"WindowRank({window}, rankRange=[{span}], {partition}, orderBy=[{order}], select=[{selected}])"


def _sort(relation: Sort) -> str:
    names = relation.schema.names
    return f"TemporalSort(orderBy=[{', '.join(key.described(names[key.column]) for key in relation.order)}])"


def _is_limit(relation: Rank) -> bool:
    return not relation.partition and relation.number is None and relation.kind is RankKind.ROW_NUMBER


_JOINS = {
    JoinKind.INNER: "InnerJoin",
    JoinKind.LEFT: "LeftOuterJoin",
    JoinKind.RIGHT: "RightOuterJoin",
    JoinKind.FULL: "FullOuterJoin",
    JoinKind.SEMI: "LeftSemiJoin",
    JoinKind.ANTI: "LeftAntiJoin",
    JoinKind.MARK: "LeftMarkJoin",
}
"""As Flink names them."""


def _unnest(relation: Unnest) -> str:
    kind = "LeftOuterJoin" if relation.outer else "InnerJoin"
    place = ", withOrdinality=[true]" if relation.ordinality else ""
    asked = "" if relation.condition is None else f", condition=[{_renamed(relation.condition, relation.pair.names)}]"
    names = ", ".join(relation.schema.names)
    return f"Correlate(invocation=[UNNEST({relation.collection})]{place}, joinType=[{kind}], select=[{names}]{asked})"


def _renamed(expression: Expression, names: tuple[str, ...]) -> Expression:
    """Columns under the names of the fields that they read: both sides of a join may have had one of a name."""

    def rename(part: Expression) -> Expression:
        return replace(part, name=names[part.index]) if isinstance(part, Column) else part

    return rewrite(expression, rename)


def _join(relation: Join) -> str:
    kind = _JOINS[relation.kind]
    width = len(relation.left.schema)
    names = relation.pair.names
    equal = [
        f"({names[left]} {'IS NOT DISTINCT FROM' if place in relation.null_safe else '='} {names[width + right]})"
        for place, (left, right) in enumerate(zip(relation.left_keys, relation.right_keys, strict=True))
    ]
    where = [*equal, *([] if relation.residual is None else [str(_renamed(relation.residual, names))])]
    shown = f"joinType=[{kind}], where=[{' AND '.join(where) or 'true'}], select=[{', '.join(relation.names)}]"
    match relation.time:
        case Lookup():
            return f"LookupJoin({shown})"
        case Versions(left, right):
            return f"TemporalJoin({shown}, version=[{names[left]} >= {names[width + right]}])"
        case Interval(left, right, lower, upper):
            bounds = f"{_duration(lower)} <= {names[left]} - {names[width + right]} <= {_duration(upper)}"
            if not relation.time.event_time:
                bounds += " of processing time"
            return f"IntervalJoin({shown}, windowBounds=[{bounds}])"
    return f"{'WindowJoin' if isinstance(relation, WindowJoin) else 'Join'}({shown})"


def _multi_join(relation: MultiJoin) -> str:
    if len(relation.sources) == 2:
        return next(_join(step) for step in walk_relations(relation.chain) if isinstance(step, Join))
    keys = [
        " = ".join(f"({_named(relation.sources[source], fields)})" for source, fields in key.members)
        for key in relation.keys
    ]
    key = f"commonJoinKey=[{keys[0]}]" if len(keys) == 1 else f"joinKeys=[{', '.join(keys)}]"
    kinds = ", ".join(_JOINS[kind] for kind in relation.kinds[1:])
    return f"MultiJoin({key}, joinTypes=[{kinds}], select=[{', '.join(relation.schema.names)}])"


# ---- what steps keep ----------------------------------------------------------------------------------------------


def _kept_by_aggregate(relation: Aggregate) -> str:
    keys = _named(relation.input, relation.keys)
    if not relation.calls:
        return f"each different ({keys})" if relation.keys else "whether there was a row"
    calls = ", ".join(str(call) for call in relation.calls)
    return f"for each ({keys}): {calls}" if relation.keys else calls


def _kept_by_window_aggregate(relation: WindowAggregate) -> str:
    keys = _named(relation.input, relation.keys)
    calls = ", ".join(str(call) for call in relation.calls) or "that it is there"
    rows = ", and the row that it gave" if relation.updates else ""
    lateness = 0 if relation.emit is None else relation.emit.lateness_ms
    until = f"until {_duration(lateness)} after its window closed" if lateness else "until its window closes"
    return f"{until}, for each {f'({keys})' if keys else 'window'}: {calls}{rows}"


def _kept_by_join(relation: Join) -> str:
    left, right = _named(relation.left, relation.left_keys), _named(relation.right, relation.right_keys)
    if isinstance(relation.time, Lookup):
        return "the rows of the right input, and those of the left one until they are all read"
    if isinstance(relation.time, Versions):
        return f"left rows until the watermark reaches them, and versions that they may ask for, by ({right})"
    if isinstance(relation.time, Interval):
        passing = "the watermark" if relation.time.event_time else "the clock"
        return f"rows of both inputs until {passing} passes their interval, by ({left}) and by ({right})"
    if not left:
        return "all rows of both inputs"
    return f"all rows of both inputs, by ({left}) and by ({right})"


def _kept_by_multi_join(relation: MultiJoin) -> str:
    kept = []
    known: set[Relation] = set()
    for number, (source, kind) in enumerate(zip(relation.sources, relation.kinds, strict=True)):
        keys = " and ".join(f"by ({_named(source, fields)})" for _, fields in relation.keys_of(number))
        if kind in (JoinKind.INNER, JoinKind.LEFT):
            kept.append(f"{'the same' if source in known else 'all'} rows {keys}")
            known.add(source)
        else:
            kept.append(f"how many rows have {keys.removeprefix('by ')}")
    return f"of its inputs, in order: {', '.join(kept)}"


def _kept_by_over(relation: Over) -> str:
    keys = _named(relation.input, relation.partition)
    what = "what its frame needs" if relation.by_time else "all rows and their results"
    return f"for each ({keys}) {what}" if keys else what


def _kept_by_deduplicate(relation: Deduplicate) -> str:
    key = _named(relation.input, relation.key)
    if relation.keep_last:
        return f"the last row of each ({key})"
    if relation.input.schema[relation.time].time is TimeAttribute.ROWTIME:
        return f"the first row of each ({key}) until the watermark reaches it, then ({key})"
    return key


def _kept_by_sort(relation: Sort) -> str | None:
    by_row_time = relation.input.schema[relation.order[0].column].time is TimeAttribute.ROWTIME
    return "rows that the watermark has not reached" if by_row_time else None


def _kept_by_rank(relation: Rank) -> str:
    first = "the first row" if relation.end == 1 else f"the first {relation.end} rows"
    rows = "all rows" if is_updating(relation.input) else first
    keys = _named(relation.input, relation.partition)
    return f"{rows} of each ({keys})" if keys else rows


_STEPS: dict[type[Relation], Callable[[Any], str]] = {
    Scan: _scan,
    Values: lambda relation: f"Values(rows=[{len(relation.rows)}])",
    Watermark: _watermark,
    Normalize: lambda relation: f"ChangelogNormalize(key=[{_named(relation.input, relation.key)}])",
    Filter: lambda relation: f"Calc(where=[{_renamed(relation.predicate, relation.input.schema.names)}])",
    Project: lambda relation: f"Calc(select=[{_selected(relation)}])",
    WindowTable: lambda relation: f"WindowTableFunction(window=[{_window(relation)}])",
    WindowAggregate: _window_aggregate,
    Aggregate: _aggregate,
    Expand: _expand,
    BoundedOver: _over,
    Over: _over,
    Rank: _rank,
    WindowRank: _window_rank,
    Deduplicate: _deduplicate,
    VersionedView: _versioned_view,
    Sort: _sort,
    Join: _join,
    WindowJoin: _join,
    MultiJoin: _multi_join,
    Replicate: lambda relation: f"Correlate(invocation=[$REPLICATE_ROWS$({relation.input.schema.names[-1]})])",
    Union: lambda _: "Union(all=[true])",
    Unnest: _unnest,
    EmptyGroup: lambda relation: f"EmptyGroup(values=[{', '.join(map(str, relation.values))}])",
    Materialize: _materialize,
    UpsertMaterialize: lambda relation: f"SinkUpsertMaterializer(key=[{_named(relation.input, relation.key)}])",
    Sink: _sink,
}
"""As Flink names each step."""

_STATES: dict[type[Relation], Callable[[Any], str | None]] = {
    Scan: lambda _: "how far each partition was read",
    Watermark: lambda relation: f"the watermark of each partition, by {relation.schema[relation.column].name}",
    Normalize: lambda relation: f"the newest row of each ({_named(relation.input, relation.key)})",
    WindowAggregate: _kept_by_window_aggregate,
    Aggregate: _kept_by_aggregate,
    Over: _kept_by_over,
    Rank: _kept_by_rank,
    WindowRank: lambda relation: f"until its window closes, {_kept_by_rank(relation.rank)}",
    Deduplicate: _kept_by_deduplicate,
    VersionedView: lambda relation: f"the last time of each ({_named(relation.input, relation.key)})",
    Sort: _kept_by_sort,
    Join: _kept_by_join,
    WindowJoin: lambda relation: f"until their window closes, {_kept_by_join(relation)}",
    MultiJoin: _kept_by_multi_join,
    BoundedOver: lambda _: "all rows, until the input ends",
    Materialize: lambda _: "all rows, until the input ends",
    EmptyGroup: lambda _: "whether there was a row",
    UpsertMaterialize: lambda relation: f"the rows of each ({_named(relation.input, relation.key)})",
}
"""What each step keeps; a step that is not here keeps nothing."""
