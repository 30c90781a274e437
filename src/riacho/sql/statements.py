"""The statements of a script as they were written: parsed, not yet understood."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlglot import exp

from riacho.plan.types import DataType


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement; `start` is its offset in the script."""

    start: int


@dataclass(frozen=True, slots=True)
class ColumnDefinition:
    """A column of CREATE TABLE: physical (`type`), metadata (`type`, `metadata`) or computed (`expression`)."""

    name: exp.Identifier
    type: DataType | None = None
    expression: exp.Expr | None = None
    metadata: bool = False
    metadata_key: str | None = None
    virtual: bool = False
    primary_key: bool = False
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class WatermarkClause:
    """WATERMARK FOR column AS expression."""

    column: exp.Identifier
    expression: exp.Expr


@dataclass(frozen=True, slots=True)
class OptionClause:
    """`'key' = 'value'`, with the literals' places."""

    key: exp.Literal
    value: exp.Literal


@dataclass(frozen=True, slots=True)
class CreateTable(Statement):
    """CREATE TABLE [IF NOT EXISTS] table (columns, …) [PARTITIONED BY (…)] WITH (options)."""

    table: exp.Table
    columns: tuple[ColumnDefinition, ...]
    watermarks: tuple[WatermarkClause, ...]
    primary_key: tuple[exp.Identifier, ...]
    partitioned_by: tuple[exp.Identifier, ...]
    options: tuple[OptionClause, ...]
    if_not_exists: bool
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class CreateView(Statement):
    """CREATE [OR REPLACE] VIEW [IF NOT EXISTS] view [(columns)] AS query."""

    view: exp.Table
    columns: tuple[exp.Identifier, ...]
    query: exp.Expr
    if_not_exists: bool
    replace: bool


@dataclass(frozen=True, slots=True)
class Drop(Statement):
    """DROP TABLE or DROP VIEW [IF EXISTS] name."""

    kind: str
    """TABLE or VIEW."""
    name: exp.Table
    if_exists: bool


@dataclass(frozen=True, slots=True)
class CreateFunction(Statement):
    """CREATE, or ALTER (`alters`), [TEMPORARY [SYSTEM]] FUNCTION [IF [NOT] EXISTS] name AS 'target' [LANGUAGE word]."""

    name: exp.Table
    target: exp.Literal
    language: str
    temporary: bool
    system: bool
    if_not_exists: bool
    alters: bool = False
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class DropFunction(Statement):
    """DROP [TEMPORARY [SYSTEM]] FUNCTION [IF EXISTS] name."""

    name: exp.Table
    temporary: bool
    system: bool
    if_exists: bool


@dataclass(frozen=True, slots=True)
class Insert(Statement):
    """INSERT INTO table [(columns)] query."""

    table: exp.Table
    columns: tuple[exp.Identifier, ...]
    query: exp.Expr


@dataclass(frozen=True, slots=True)
class StatementSet(Statement):
    """EXECUTE STATEMENT SET BEGIN … END: INSERTs that are one job."""

    inserts: tuple[Insert, ...]


@dataclass(frozen=True, slots=True)
class SetOption(Statement):
    """SET 'key' = 'value'; without a key it lists what is set."""

    option: OptionClause | None


@dataclass(frozen=True, slots=True)
class ResetOption(Statement):
    """RESET 'key'; without a key it resets all."""

    key: exp.Literal | None


@dataclass(frozen=True, slots=True)
class Explain(Statement):
    """EXPLAIN, of what would be run."""

    target: Insert | StatementSet | Select


@dataclass(frozen=True, slots=True)
class Select(Statement):
    """A query by itself."""

    query: exp.Expr


@dataclass(frozen=True, slots=True)
class Show(Statement):
    """SHOW TABLES or SHOW VIEWS."""

    kind: str
    """TABLES or VIEWS."""


@dataclass(frozen=True, slots=True)
class Describe(Statement):
    """DESCRIBE table."""

    table: exp.Table


@dataclass(slots=True)
class TableElements:
    """What stands between the parentheses of CREATE TABLE, gathered while it is read."""

    columns: list[ColumnDefinition] = field(default_factory=list)
    watermarks: list[WatermarkClause] = field(default_factory=list)
    primary_key: list[exp.Identifier] = field(default_factory=list)
