"""EXPLAIN: a plan as a tree of text, each step with its fields, what changes it emits, its keys and its row time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from riacho.plan.changelog import unique_keys
from riacho.plan.changelog_modes import changelog_modes
from riacho.plan.expressions import Column, Expression, rewrite
from riacho.plan.relations import (
    Aggregate,
    EmptyGroup,
    Filter,
    Join,
    JoinKind,
    Materialize,
    Normalize,
    Over,
    Project,
    Relation,
    Replicate,
    Scan,
    Sink,
    TimeAttribute,
    Union,
    UpsertMaterialize,
    Values,
    Watermark,
    WindowAggregate,
    WindowKind,
    WindowTable,
)


def explain(sinks: tuple[Relation, ...]) -> str:
    """The trees of the sinks; a step that occurs before is only named again."""
    seen: dict[Relation, int] = {}
    return "\n\n".join("\n".join(_lines(sink, "", "", seen, changelog_modes(sink))) for sink in sinks)


def _lines(
    relation: Relation, first: str, rest: str, seen: dict[Relation, int], modes: Mapping[Relation, str]
) -> Iterator[str]:
    if relation in seen and relation.inputs:
        yield f"{first}Reused(reference_id=[{seen[relation]}])"
        return
    seen[relation] = len(seen) + 1
    yield f"{first}{describe(relation)}"
    below = relation.inputs
    margin = f"{rest}{'│  ' if below else '   '}"
    yield f"{margin}{_properties(relation, modes[relation])}"
    for index, part in enumerate(below):
        last = index == len(below) - 1
        yield from _lines(part, f"{rest}{'└─ ' if last else '├─ '}", f"{rest}{'   ' if last else '│  '}", seen, modes)


def _properties(relation: Relation, mode: str) -> str:
    schema = relation.schema
    parts = [f"fields=[{', '.join(map(str, schema))}]", f"changelog=[{mode}]"]
    keys = sorted("(" + ", ".join(schema[index].name for index in sorted(key)) + ")" for key in unique_keys(relation))
    if keys:
        parts.append(f"keys=[{', '.join(keys)}]")
    row_times = [item.name for item in schema if item.time is TimeAttribute.ROWTIME]
    if row_times:
        parts.append(f"rowtime=[{', '.join(row_times)}]")
    return ", ".join(parts)


def describe(relation: Relation) -> str:
    """One step, as Flink names it.

    >>> from riacho.plan.relations import Field
    >>> from riacho.plan.types import INT
    >>> describe(Values((Field("id", INT),), ()))
    'Values(rows=[0])'
    """
    match relation:
        case Scan():
            return f"TableSourceScan(table=[{relation.table.name}], fields=[{', '.join(relation.fields)}])"
        case Values():
            return f"Values(rows=[{len(relation.rows)}])"
        case Watermark():
            column = relation.schema[relation.column].name
            idle = f", idleTimeout=[{relation.idle_timeout_ms} ms]" if relation.idle_timeout_ms else ""
            return f"WatermarkAssigner(rowtime=[{column}], watermark=[{relation.expression}]{idle})"
        case Normalize():
            return f"ChangelogNormalize(key=[{_named(relation.input, relation.key)}])"
        case Filter():
            return f"Calc(where=[{relation.predicate}])"
        case Project():
            return f"Calc(select=[{_selected(relation)}])"
        case WindowTable():
            return f"WindowTableFunction(window=[{_window(relation)}])"
        case WindowAggregate():
            calls = [f"{call} AS {name}" for call, name in zip(relation.calls, _call_names(relation), strict=True)]
            group = f"groupBy=[{_named(relation.input, relation.keys)}], " if relation.keys else ""
            properties = [item.value for item in relation.properties]
            selected = ", ".join([*relation.names[: len(relation.keys)], *calls, *properties])
            return f"WindowAggregate({group}window=[{_window(relation)}], select=[{selected}])"
        case Aggregate():
            calls = [f"{call} AS {name}" for call, name in zip(relation.calls, _call_names(relation), strict=True)]
            group = f"groupBy=[{_named(relation.input, relation.keys)}], " if relation.keys else ""
            selected = ", ".join([*relation.names[: len(relation.keys)], *calls])
            return f"GroupAggregate({group}select=[{selected}])"
        case Over():
            return _over(relation)
        case Join():
            return _join(relation)
        case Replicate():
            return f"Correlate(invocation=[$REPLICATE_ROWS$({relation.input.schema.names[-1]})])"
        case Union():
            return "Union(all=[true])"
        case EmptyGroup():
            return f"EmptyGroup(values=[{', '.join(map(str, relation.values))}])"
        case Materialize():
            return _materialize(relation)
        case UpsertMaterialize():
            return f"SinkUpsertMaterializer(key=[{_named(relation.input, relation.key)}])"
        case Sink():
            return f"Sink(table=[{relation.table.name}], fields=[{', '.join(relation.schema.names)}])"
    raise AssertionError(f"{type(relation).__name__} has no description")


def _call_names(relation: Aggregate | WindowAggregate) -> tuple[str, ...]:
    return relation.names[len(relation.keys) : len(relation.keys) + len(relation.calls)]


def _materialize(relation: Materialize) -> str:
    names = relation.schema.names
    keys = [
        f"{names[key.field]} {'DESC' if key.descending else 'ASC'}-nulls-{'first' if key.nulls_first else 'last'}"
        for key in relation.order
    ]
    parts = [f"orderBy=[{', '.join(keys)}]"] if keys else []
    parts += [f"offset=[{relation.offset}]"] if relation.offset else []
    parts += [f"fetch=[{relation.limit}]"] if relation.limit is not None else []
    return f"Materialize({', '.join(parts)})"


def _selected(relation: Project) -> str:
    parts = []
    for expression, name in zip(relation.expressions, relation.names, strict=True):
        text = str(expression)
        parts.append(text if text == name else f"{text} AS {name}")
    return ", ".join(parts)


def _named(relation: Relation, indexes: tuple[int, ...]) -> str:
    return ", ".join(relation.schema[index].name for index in indexes)


def _window(relation: WindowTable | WindowAggregate) -> str:
    names = relation.input.schema.names
    time = names[relation.time_column]
    if relation.kind is WindowKind.ATTACHED:
        return f"win_end=[{time}]"
    offset = f", offset=[{relation.offset} ms]" if relation.offset else ""
    if relation.kind is WindowKind.SESSION:
        keys = relation.partition if isinstance(relation, WindowTable) else relation.keys
        by = f", partition keys=[{', '.join(names[key] for key in keys)}]" if keys else ""
        return f"SESSION(time_col=[{time}], gap=[{relation.size} ms]{by})"
    if relation.kind is WindowKind.CUMULATE:
        return f"CUMULATE(time_col=[{time}], max_size=[{relation.size} ms], step=[{relation.slide} ms]{offset})"
    slide = f", slide=[{relation.slide} ms]" if relation.slide != relation.size else ""
    return f"{relation.kind.value}(time_col=[{time}], size=[{relation.size} ms]{slide}{offset})"


def _over(relation: Over) -> str:
    names = relation.input.schema.names
    partition = f"partitionBy=[{_named(relation.input, relation.partition)}], " if relation.partition else ""
    order = ", ".join(key.described(names[key.column]) for key in relation.order)
    bound = "UNBOUNDED" if relation.frame.preceding is None else str(relation.frame.preceding)
    frame = f"{relation.frame.unit.value} BETWEEN {bound} PRECEDING AND CURRENT ROW"
    calls = ", ".join(f"{call} AS {name}" for call, name in zip(relation.calls, relation.names, strict=True))
    return f"OverAggregate({partition}orderBy=[{order}], window=[{frame}], select=[{', '.join(names)}, {calls}])"


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


def _renamed(expression: Expression, names: tuple[str, ...]) -> Expression:
    """Columns under the names of the joined fields, of which both sides may have had one."""

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
    return f"Join(joinType=[{kind}], where=[{' AND '.join(where) or 'true'}], select=[{', '.join(relation.names)}])"
