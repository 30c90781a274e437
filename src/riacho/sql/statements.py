"""The statements of a script as they were written: parsed, not yet understood."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlglot import exp

from riacho.plan.types import DataType


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement, from `start` up to `end` in its script; one that is a part of another does not know its end."""

    start: int
    end: int = field(default=0, kw_only=True)


@dataclass(frozen=True, slots=True)
class ColumnDefinition:
    """A column of CREATE TABLE: physical (`type`), metadata (`type`, `metadata`) or computed (`expression`)."""

    name: exp.Identifier
    type: DataType | None = None
    expression: exp.Expr | None = None
    text: str = ""
    """The expression as it was written."""
    metadata: bool = False
    metadata_key: str | None = None
    virtual: bool = False
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class WatermarkClause:
    """WATERMARK FOR column AS expression; `text` is the expression as it was written."""

    column: exp.Identifier
    expression: exp.Expr
    text: str = ""


@dataclass(frozen=True, slots=True)
class OptionClause:
    """`'key' = 'value'`, with the literals' places."""

    key: exp.Literal
    value: exp.Literal


@dataclass(frozen=True, slots=True)
class TableDefinition:
    """What CREATE TABLE says of a table: `(columns, …) [COMMENT text] [PARTITIONED BY (…)] WITH (options)`."""

    columns: tuple[ColumnDefinition, ...] = ()
    watermarks: tuple[WatermarkClause, ...] = ()
    primary_key: tuple[exp.Identifier, ...] = ()
    constraint: str | None = None
    partitioned_by: tuple[exp.Identifier, ...] = ()
    options: tuple[OptionClause, ...] = ()
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class LikeClause:
    """LIKE table (INCLUDING or EXCLUDING or OVERWRITING feature …); `features` by name, ALL among them."""

    table: exp.Table
    features: tuple[tuple[str, str], ...] = ()
    """Feature and what becomes of it."""


@dataclass(frozen=True, slots=True)
class CreateTable(Statement):
    """CREATE [OR REPLACE] [TEMPORARY] TABLE [IF NOT EXISTS] table definition [LIKE …] [AS query]."""

    table: exp.Table
    definition: TableDefinition
    if_not_exists: bool = False
    temporary: bool = False
    replaces: bool = False
    """It takes the place of a table that there is: REPLACE TABLE … AS, CREATE OR REPLACE TABLE … AS."""
    creates: bool = True
    """It makes a table that there is not: not REPLACE TABLE … AS alone."""
    like: LikeClause | None = None
    query: exp.Expr | None = None
    selected: tuple[exp.Identifier, ...] = ()
    """With a query: bare names between the parentheses, the query's columns in the order that the table has."""


@dataclass(frozen=True, slots=True)
class PlacedColumn:
    """A column that ALTER TABLE adds or changes; `after` is a column's name, "" for FIRST, None for where it falls."""

    definition: ColumnDefinition
    after: str | None = None


@dataclass(frozen=True, slots=True)
class AlterTable(Statement):
    """ALTER TABLE [IF EXISTS] table action."""

    table: exp.Table
    action: str
    """ADD, MODIFY, DROP, DROP KEY, DROP CONSTRAINT, DROP WATERMARK, RENAME COLUMN, RENAME, SET or RESET."""
    if_exists: bool = False
    columns: tuple[PlacedColumn, ...] = ()
    watermark: WatermarkClause | None = None
    primary_key: tuple[exp.Identifier, ...] = ()
    constraint: str | None = None
    names: tuple[exp.Identifier, ...] = ()
    """Columns to drop; a column and its new name; the constraint to drop."""
    new_name: exp.Table | None = None
    options: tuple[OptionClause, ...] = ()
    keys: tuple[exp.Literal, ...] = ()


@dataclass(frozen=True, slots=True)
class CreateView(Statement):
    """CREATE [OR REPLACE] [TEMPORARY] VIEW [IF NOT EXISTS] view [(columns)] AS query."""

    view: exp.Table
    columns: tuple[exp.Identifier, ...]
    query: exp.Expr
    if_not_exists: bool
    replace: bool
    temporary: bool = False
    text: str = ""
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class AlterView(Statement):
    """ALTER VIEW view RENAME TO name, or AS query."""

    view: exp.Table
    new_name: exp.Table | None = None
    query: exp.Expr | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Drop(Statement):
    """DROP [TEMPORARY] TABLE or VIEW [IF EXISTS] name."""

    kind: str
    """TABLE or VIEW."""
    name: exp.Table
    if_exists: bool
    temporary: bool = False


@dataclass(frozen=True, slots=True)
class CatalogStatement(Statement):
    """CREATE, ALTER, DROP or USE of a CATALOG or DATABASE."""

    verb: str
    kind: str
    """CATALOG or DATABASE."""
    name: exp.Table
    """Of a database maybe with its catalog."""
    condition: bool = False
    """IF NOT EXISTS, or IF EXISTS."""
    options: tuple[OptionClause, ...] = ()
    keys: tuple[exp.Literal, ...] = ()
    comment: str | None = None
    cascade: bool = False


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
    """INSERT INTO table [PARTITION (column = value, …)] [(columns)] query."""

    table: exp.Table
    columns: tuple[exp.Identifier, ...]
    query: exp.Expr
    partition: tuple[tuple[exp.Identifier, exp.Expr], ...] = ()


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
    """EXPLAIN [details | PLAN FOR], of what would be run."""

    target: Insert | StatementSet | Select | CreateTable
    details: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Select(Statement):
    """A query by itself."""

    query: exp.Expr


@dataclass(frozen=True, slots=True)
class LikePattern:
    """[NOT] LIKE or ILIKE 'pattern'."""

    pattern: str
    negated: bool = False
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Show(Statement):
    """SHOW kind [FROM name] [[NOT] LIKE 'pattern'], SHOW PARTITIONS name [PARTITION (…)]."""

    kind: str
    """As it is written: TABLES, CREATE TABLE, CURRENT CATALOG, USER FUNCTIONS …"""
    name: exp.Table | None = None
    pattern: LikePattern | None = None


@dataclass(frozen=True, slots=True)
class Describe(Statement):
    """DESCRIBE [CATALOG | DATABASE | FUNCTION] [EXTENDED] name."""

    table: exp.Table
    kind: str = "TABLE"
    extended: bool = False


@dataclass(frozen=True, slots=True)
class ModuleStatement(Statement):
    """LOAD MODULE name [WITH (options)], UNLOAD MODULE name, USE MODULES name, …"""

    verb: str
    names: tuple[exp.Identifier, ...]


@dataclass(frozen=True, slots=True)
class JobStatement(Statement):
    """SHOW JOBS, DESCRIBE JOB 'name' or STOP JOB 'name': what only a platform can answer."""

    verb: str
    job: exp.Literal | None = None


@dataclass(slots=True)
class TableElements:
    """What stands between the parentheses of CREATE TABLE, gathered while it is read."""

    columns: list[PlacedColumn] = field(default_factory=list)
    watermarks: list[WatermarkClause] = field(default_factory=list)
    primary_key: list[exp.Identifier] = field(default_factory=list)
    constraint: str | None = None
    selected: list[exp.Identifier] = field(default_factory=list)
