"""Where rows come from: scans of tables, literal rows, and what makes a scan a changelog with event time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

from riacho.plan.expressions import Expression, Literal
from riacho.plan.relations.relation import Relation, Unary
from riacho.plan.relations.schema import Field, Schema, TimeAttribute
from riacho.plan.tables import Table


@dataclass(frozen=True, slots=True)
class Scan(Relation):
    """Rows as a table's connector and format deliver them: physical and metadata columns, in `fields`.

    Computed columns are a `Project` and the watermark a `Watermark` above it. `fields` names what is read, in order:
    a pass that prunes columns shortens it.
    """

    table: Table
    fields: tuple[str, ...]

    @cached_property
    def schema(self) -> Schema:
        stored = {column.name: column.type for column in self.table.stored_columns}
        return Schema(tuple(Field(name, stored[name]) for name in self.fields))


@dataclass(frozen=True, slots=True)
class Values(Relation):
    """Literal rows: `VALUES (1, 'a'), (2, 'b')`. One row without fields is `SELECT` without FROM."""

    fields: tuple[Field, ...]
    rows: tuple[tuple[Literal, ...], ...]

    @cached_property
    def schema(self) -> Schema:
        return Schema(self.fields)


@dataclass(frozen=True, slots=True)
class Alignment:
    """Tables of one `group` are read so that no watermark is ahead of another by more than `max_drift_ms`.

    How far they are is compared every `update_ms`. Source: Flink, `scan.watermark.alignment`.
    """

    group: str
    max_drift_ms: int
    update_ms: int


@dataclass(frozen=True, slots=True)
class Watermark(Unary):
    """Makes field `column` the row time; its watermark is the running maximum of `expression` per source split.

    Sits directly over a table's `Scan` and computed columns. Source: Flink, CREATE TABLE, WATERMARK FOR.
    """

    column: int
    expression: Expression
    idle_timeout_ms: int = 0
    """A split silent for this long no longer holds the watermark back; 0: never (`scan.watermark.idle-timeout`)."""
    alignment: Alignment | None = field(default=None, compare=False)
    """Whether the table waits for others: it changes when rows are read, not what comes of them."""

    @cached_property
    def schema(self) -> Schema:
        fields = list(self.input.schema)
        fields[self.column] = replace(fields[self.column], time=TimeAttribute.ROWTIME)
        return Schema(tuple(fields))


@dataclass(frozen=True, slots=True)
class Normalize(Unary):
    """Turns upserts (a row replaces the last one of its key; a tombstone removes it) into a changelog.

    Only over the `Scan` of an upsert table; `key` are field indexes. Flink: ChangelogNormalize.
    """

    key: tuple[int, ...]
