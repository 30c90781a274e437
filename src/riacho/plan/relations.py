"""Relational algebra: what a query computes, with the schema of each step. Nothing here runs.

A relation is immutable and knows its `schema`; expressions refer to fields of its input by index. Field names are
unique within a schema (the second `id` is `id0`, as in Flink), so that a batch's columns may carry them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum

from riacho.plan.expressions import AggregateCall, Column, Expression, Literal
from riacho.plan.tables import Table
from riacho.plan.types import TIMESTAMP_3, DataType, TimestampLtzType


class TimeAttribute(Enum):
    """A field that carries time itself: Flink's *ROWTIME*. PROCTIME() is a function here, and no field's attribute."""

    ROWTIME = "ROWTIME"


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a relation; `time` marks a time attribute."""

    name: str
    type: DataType
    time: TimeAttribute | None = None

    def __str__(self) -> str:
        return f"{self.name} {self.type}" + (f" *{self.time.value}*" if self.time else "")


@dataclass(frozen=True, slots=True)
class Schema:
    """The fields of a relation, in order.

    >>> from riacho.plan.types import BIGINT, STRING
    >>> schema = Schema((Field("id", BIGINT), Field("city", STRING)))
    >>> schema.index("city"), str(schema.column("id").type)
    (1, 'BIGINT')
    """

    fields: tuple[Field, ...]

    def __post_init__(self) -> None:
        names = self.names
        assert len(set(names)) == len(names), f"field names must be unique: {names}"

    def __len__(self) -> int:
        return len(self.fields)

    def __iter__(self) -> Iterator[Field]:
        return iter(self.fields)

    def __getitem__(self, index: int) -> Field:
        return self.fields[index]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(item.name for item in self.fields)

    def index(self, name: str) -> int:
        """The position of a field. Raises `KeyError` for an unknown name."""
        for position, item in enumerate(self.fields):
            if item.name == name:
                return position
        raise KeyError(name)

    def column(self, key: int | str) -> Column:
        """The expression that reads a field, by index or by name."""
        index = key if isinstance(key, int) else self.index(key)
        return Column(self.fields[index].type, index, self.fields[index].name)


def unique_names(names: list[str]) -> list[str]:
    """The names with later duplicates numbered, as Calcite does.

    >>> unique_names(["id", "id", "id0"])
    ['id', 'id0', 'id00']
    """
    seen: set[str] = set()
    result = []
    for name in names:
        candidate, number = name, 0
        while candidate in seen:
            candidate = f"{name}{number}"
            number += 1
        seen.add(candidate)
        result.append(candidate)
    return result


@dataclass(frozen=True, slots=True)
class Relation:
    """A table, bounded or not, at some step of a query."""

    @property
    def schema(self) -> Schema:
        raise NotImplementedError(f"{type(self).__name__} must state its schema")

    @property
    def inputs(self) -> tuple[Relation, ...]:
        return ()

    def with_inputs(self, inputs: tuple[Relation, ...]) -> Relation:
        """The same step over other inputs, which have the schemas of the old ones."""
        assert not inputs, f"{type(self).__name__} has no inputs"
        return self


@dataclass(frozen=True, slots=True)
class _Unary(Relation):
    input: Relation

    @property
    def schema(self) -> Schema:
        return self.input.schema

    @property
    def inputs(self) -> tuple[Relation, ...]:
        return (self.input,)

    def with_inputs(self, inputs: tuple[Relation, ...]) -> Relation:
        return replace(self, input=inputs[0])


@dataclass(frozen=True, slots=True)
class Scan(Relation):
    """Rows as a table's connector and format deliver them: physical and metadata columns, in `fields`.

    Computed columns are a `Project` and the watermark a `Watermark` above it. `fields` names what is read, in order:
    a pass that prunes columns shortens it.
    """

    table: Table
    fields: tuple[str, ...]

    @property
    def schema(self) -> Schema:
        stored = {column.name: column.type for column in self.table.stored_columns}
        return Schema(tuple(Field(name, stored[name]) for name in self.fields))


@dataclass(frozen=True, slots=True)
class Values(Relation):
    """Literal rows: `VALUES (1, 'a'), (2, 'b')`. One row without fields is `SELECT` without FROM."""

    fields: tuple[Field, ...]
    rows: tuple[tuple[Literal, ...], ...]

    @property
    def schema(self) -> Schema:
        return Schema(self.fields)


@dataclass(frozen=True, slots=True)
class Watermark(_Unary):
    """Makes field `column` the row time; its watermark is the running maximum of `expression` per source split.

    Sits directly over a table's `Scan` and computed columns. Source: Flink, CREATE TABLE, WATERMARK FOR.
    """

    column: int
    expression: Expression
    idle_timeout_ms: int = 0
    """A split silent for this long no longer holds the watermark back; 0: never (`scan.watermark.idle-timeout`)."""

    @property
    def schema(self) -> Schema:
        fields = list(self.input.schema)
        fields[self.column] = replace(fields[self.column], time=TimeAttribute.ROWTIME)
        return Schema(tuple(fields))


@dataclass(frozen=True, slots=True)
class Normalize(_Unary):
    """Turns upserts (a row replaces the last one of its key; a tombstone removes it) into a changelog.

    Only over the `Scan` of an upsert table; `key` are field indexes. Flink: ChangelogNormalize.
    """

    key: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Filter(_Unary):
    """The rows for which `predicate` is true (not false, not unknown)."""

    predicate: Expression


@dataclass(frozen=True, slots=True)
class Project(_Unary):
    """One field per expression. A time attribute passes through where its column does, unchanged."""

    expressions: tuple[Expression, ...]
    names: tuple[str, ...]

    @property
    def schema(self) -> Schema:
        below = self.input.schema
        return Schema(
            tuple(
                Field(name, part.type, below[part.index].time if isinstance(part, Column) else None)
                for name, part in zip(self.names, self.expressions, strict=True)
            )
        )


class WindowKind(Enum):
    """How the windows of a table function lie: side by side, or one begun every `slide`."""

    TUMBLE = "TUMBLE"
    HOP = "HOP"


@dataclass(frozen=True, slots=True)
class WindowTable(_Unary):
    """A window table function: each row once per window that holds its `time_column`.

    Appends window_start, window_end (TIMESTAMP(3)) and window_time (the new row time, window_end - 1 ms).
    All durations in milliseconds; `slide` equals `size` for TUMBLE. Rows whose time is null are an error of the row.
    Source: Flink, "Windowing table-valued functions".
    """

    kind: WindowKind
    time_column: int
    size: int
    slide: int
    offset: int = 0

    @property
    def schema(self) -> Schema:
        below = self.input.schema
        zoned = isinstance(below[self.time_column].type, TimestampLtzType)
        time_type: DataType = TimestampLtzType(3, nullable=False) if zoned else TIMESTAMP_3.with_nullable(False)
        bound = TIMESTAMP_3.with_nullable(False)
        fields = [item if index != self.time_column else replace(item, time=None) for index, item in enumerate(below)]
        names = unique_names([*below.names, "window_start", "window_end", "window_time"])[-3:]
        added = (
            Field(names[0], bound),
            Field(names[1], bound),
            Field(names[2], time_type, below[self.time_column].time),
        )
        return Schema((*fields, *added))


@dataclass(frozen=True, slots=True)
class Aggregate(_Unary):
    """One row per distinct `keys` (field indexes): the keys, then the calls. Without calls it is DISTINCT.

    Emits −old +new for each group that a batch touched. Without keys there is one group, which has no row until
    the first input arrives (Flink in streams).
    """

    keys: tuple[int, ...]
    calls: tuple[AggregateCall, ...]
    names: tuple[str, ...]

    @property
    def schema(self) -> Schema:
        below = self.input.schema
        # The keys keep their type; a row time among them is a plain timestamp above an unwindowed aggregate.
        keys = tuple(Field(name, below[key].type) for name, key in zip(self.names, self.keys, strict=False))
        names = self.names[len(self.keys) :]
        calls = tuple(Field(name, call.type) for name, call in zip(names, self.calls, strict=True))
        return Schema((*keys, *calls))


class WindowProperty(Enum):
    """What a window aggregate says of its window."""

    START = "window_start"
    END = "window_end"
    TIME = "window_time"


@dataclass(frozen=True, slots=True)
class WindowAggregate(_Unary):
    """Groups by window and `keys`; each window emits its rows once, when the watermark passes its end − 1 ms.

    Replaces an `Aggregate` whose keys hold window_start and window_end of the `WindowTable` below it (see the pass
    that recognises it); `input` is what that window table read. Its fields are the keys, the calls, then
    `properties`. A row is late, and dropped and counted, when its window had closed before it arrived.
    """

    kind: WindowKind
    time_column: int
    size: int
    slide: int
    offset: int
    keys: tuple[int, ...]
    calls: tuple[AggregateCall, ...]
    properties: tuple[WindowProperty, ...]
    names: tuple[str, ...]

    @property
    def schema(self) -> Schema:
        below = self.input.schema
        types: list[tuple[DataType, TimeAttribute | None]] = [(below[key].type, None) for key in self.keys]
        types += [(call.type, None) for call in self.calls]
        for item in self.properties:
            if item is WindowProperty.TIME:
                zoned = isinstance(below[self.time_column].type, TimestampLtzType)
                kind = TimestampLtzType(3) if zoned else TIMESTAMP_3
                types.append((kind.with_nullable(False), below[self.time_column].time))
            else:
                types.append((TIMESTAMP_3.with_nullable(False), None))
        return Schema(tuple(Field(name, kind, time) for name, (kind, time) in zip(self.names, types, strict=True)))


class JoinKind(Enum):
    """What becomes of a left row without a match."""

    INNER = "INNER"
    LEFT = "LEFT"


@dataclass(frozen=True, slots=True)
class Join(Relation):
    """Pairs of rows for which `left_keys` = `right_keys` and `residual` (over both, left fields first) is true.

    A LEFT join also keeps each left row without a match, the right fields null. Keys are field indexes of either
    side; a null key matches nothing. A cross join has no keys.
    """

    left: Relation
    right: Relation
    kind: JoinKind
    left_keys: tuple[int, ...]
    right_keys: tuple[int, ...]
    residual: Expression | None = None
    names: tuple[str, ...] = field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        assert len(self.left_keys) == len(self.right_keys)
        if not self.names:
            joined = unique_names([*self.left.schema.names, *self.right.schema.names])
            object.__setattr__(self, "names", tuple(joined))

    @property
    def inputs(self) -> tuple[Relation, ...]:
        return (self.left, self.right)

    def with_inputs(self, inputs: tuple[Relation, ...]) -> Relation:
        return replace(self, left=inputs[0], right=inputs[1])

    @property
    def schema(self) -> Schema:
        # A regular join keeps rows for ever, so a row time is a plain timestamp above it (as in Flink).
        outer = self.kind is JoinKind.LEFT
        fields = [(item.type, False) for item in self.left.schema]
        fields += [(item.type, outer) for item in self.right.schema]
        return Schema(
            tuple(
                Field(name, kind.with_nullable(True) if padded else kind)
                for name, (kind, padded) in zip(self.names, fields, strict=True)
            )
        )


@dataclass(frozen=True, slots=True)
class Union(Relation):
    """UNION ALL: the rows of every input, which agree in number and types; names are those of the first."""

    branches: tuple[Relation, ...]

    @property
    def inputs(self) -> tuple[Relation, ...]:
        return self.branches

    def with_inputs(self, inputs: tuple[Relation, ...]) -> Relation:
        return replace(self, branches=inputs)

    @property
    def schema(self) -> Schema:
        first = self.branches[0].schema
        fields = []
        for index, item in enumerate(first):
            others = [branch.schema[index] for branch in self.branches]
            nullable = any(other.type.nullable for other in others)
            same_time = all(other.time is item.time for other in others)
            fields.append(Field(item.name, item.type.with_nullable(nullable), item.time if same_time else None))
        return Schema(tuple(fields))


@dataclass(frozen=True, slots=True)
class Sink(_Unary):
    """INSERT INTO `table`: the input's fields are the table's persisted columns, in its order, types cast."""

    table: Table


@dataclass(frozen=True, slots=True)
class Job:
    """What one worker runs: the sinks of an INSERT or of a whole STATEMENT SET, sharing equal sub-plans."""

    sinks: tuple[Sink, ...]
    options: tuple[tuple[str, str], ...] = ()
    """The SET options that hold for the job, sorted by key."""


def walk_relations(relation: Relation) -> Iterator[Relation]:
    """The relation and everything below it, parents first; a shared sub-plan as often as it is used."""
    yield relation
    for below in relation.inputs:
        yield from walk_relations(below)


def rewrite_relation(relation: Relation, rule: Callable[[Relation], Relation]) -> Relation:
    """Apply `rule` to every step, inputs before the step that reads them."""
    inputs = relation.inputs
    if inputs:
        changed = tuple(rewrite_relation(below, rule) for below in inputs)
        if any(new is not old for new, old in zip(changed, inputs, strict=True)):
            relation = relation.with_inputs(changed)
    return rule(relation)
