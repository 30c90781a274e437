"""The answers of SHOW and DESCRIBE. Source: Flink, "SHOW Statements", "DESCRIBE Statements"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlglot import exp

from riacho.plan.relations import TimeAttribute
from riacho.plan.tables import Table
from riacho.plan.types import (
    ArrayType,
    DataType,
    MapType,
    MultisetType,
    RowType,
    TimestampLtzType,
    VarbinaryType,
    VarcharType,
)
from riacho.sql.catalog import Catalog, Database, View
from riacho.sql.catalog_statements import CatalogStatements
from riacho.sql.functions import (
    AGGREGATES,
    FAMILIES,
    AggregateDefinition,
    FunctionDefinition,
    aggregate_definition,
    is_aggregate,
    is_function,
    lookup,
)
from riacho.sql.modules import CORE
from riacho.sql.source import SourceText
from riacho.sql.statements import (
    ColumnDefinition,
    Describe,
    LikePattern,
    OptionClause,
    Show,
    TableDefinition,
)

_INFO = ("info name", "info value")


@dataclass(slots=True)
class Answers:
    """Answers the questions of one script about its catalog. Raises `SqlError`."""

    source: SourceText
    catalog: Catalog

    # ---- SHOW -------------------------------------------------------------------------------------------------

    def show(self, statement: Show) -> str:
        match statement.kind:
            case "CATALOGS":
                return _listing("catalog", self.catalog.catalogs, statement.pattern)
            case "CURRENT CATALOG":
                return grid(("current catalog name",), [(self.catalog.current[0],)])
            case "CURRENT DATABASE":
                return grid(("current database name",), [(self.catalog.current[1],)])
            case "DATABASES":
                return _listing("database", self._databases(statement.name), statement.pattern)
            case "TABLES":
                return _listing("table", self._database(statement.name).objects, statement.pattern)
            case "VIEWS":
                objects = self._database(statement.name).objects
                views = [name for name, found in objects.items() if isinstance(found, View)]
                return _listing("view", views, statement.pattern)
            case "FUNCTIONS" | "USER FUNCTIONS":
                return _listing("function", self._functions(statement), statement.pattern)
            case "MODULES":
                return _listing("module", [CORE], None)
            case "FULL MODULES":
                return grid(("module name", "used"), [(CORE, "TRUE")])
            case "JARS":
                return grid(("jars",), [])
        assert statement.name is not None
        match statement.kind:
            case "COLUMNS":
                heading, rows = self._columns(statement.name)
                return grid(heading, [row for row in rows if _matches(row[0], statement.pattern)])
            case "PARTITIONS":
                return self._partitions(statement.name)
            case "CREATE TABLE":
                return self._create_table(statement.name)
            case "CREATE VIEW":
                return self._create_view(statement.name)
            case "CREATE CATALOG":
                return self._create_catalog(statement.name)
        raise AssertionError(statement.kind)

    def _partitions(self, name: exp.Table) -> str:
        """None: a catalog in memory knows of no partitions but those that a statement adds, which none does here."""
        found = self.catalog.entry(name, self.source)
        if isinstance(found, View) or not found.table.partitioned_by:
            self.source.fail(f"table '{name.name}' is not partitioned", name, "write PARTITIONED BY when it is created")
        return _listing("partition", [], None)

    def _databases(self, name: exp.Table | None) -> Iterable[str]:
        if name is None:
            return self.catalog.catalogs[self.catalog.current[0]].databases
        found = self.catalog.catalogs.get(name.name)
        if found is None:
            self.source.fail(f"catalog '{name.name}' does not exist", name, "SHOW CATALOGS lists those there are")
        return found.databases

    def _path(self, name: exp.Table | None) -> tuple[str, str]:
        """The catalog and database of FROM."""
        if name is None:
            return self.catalog.current
        found = CatalogStatements(self.source, self.catalog).find_database(name)
        return found[0], name.name

    def _database(self, name: exp.Table | None) -> Database:
        catalog, database = self._path(name)
        return self.catalog.catalogs[catalog].databases[database]

    def _functions(self, statement: Show) -> list[str]:
        names = self.catalog.functions.names(self._path(statement.name))
        if statement.kind == "USER FUNCTIONS":
            return names
        words = re.compile(r"[A-Z_0-9]+")
        built_in = [item.name for family in FAMILIES.values() for item in family if words.fullmatch(item.name)]
        return sorted({*names, *(name.lower() for name in (*built_in, *AGGREGATES))})

    # ---- CREATE statements ------------------------------------------------------------------------------------

    def _create_table(self, name: exp.Table) -> str:
        found = self.catalog.entry(name, self.source)
        if isinstance(found, View):
            self.source.fail(f"'{found.name}' is a view", name, f"write SHOW CREATE VIEW {name.name}")
        kind = "TEMPORARY TABLE" if found.temporary else "TABLE"
        path = self._quoted_path(name)
        return f"CREATE {kind} {path} (\n{_elements(found.definition)}\n){_tail(found.definition)}"

    def _create_view(self, name: exp.Table) -> str:
        found = self.catalog.entry(name, self.source)
        if not isinstance(found, View):
            self.source.fail(f"'{name.name}' is a table", name, f"write SHOW CREATE TABLE {name.name}")
        kind = "TEMPORARY VIEW" if found.temporary else "VIEW"
        columns = ",\n".join(f"  `{column}`" for column in found.relation.schema.names)
        comment = f"\nCOMMENT {_text(found.comment)}" if found.comment else ""
        return f"CREATE {kind} {self._quoted_path(name)} (\n{columns}\n){comment}\nAS {found.text}"

    def _create_catalog(self, name: exp.Table) -> str:
        found = self.catalog.catalogs.get(name.name)
        if found is None:
            self.source.fail(f"catalog '{name.name}' does not exist", name, "SHOW CATALOGS lists those there are")
        options = found.options or {"type": "generic_in_memory"}
        comment = f"\nCOMMENT {_text(found.comment)}" if found.comment else ""
        listed = ",\n".join(f"  {_text(key)} = {_text(value)}" for key, value in sorted(options.items()))
        return f"CREATE CATALOG `{name.name}`{comment}\nWITH (\n{listed}\n)"

    def _quoted_path(self, name: exp.Table) -> str:
        return ".".join(f"`{part}`" for part in self.catalog.path(name, self.source))

    # ---- DESCRIBE ---------------------------------------------------------------------------------------------

    def describe(self, statement: Describe) -> str:
        match statement.kind:
            case "CATALOG":
                return self._describe_catalog(statement)
            case "DATABASE":
                return self._describe_database(statement)
            case "FUNCTION":
                return self._describe_function(statement)
        return grid(*self._columns(statement.table))

    def _columns(self, name: exp.Table) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """A line per column of a table or view: name, type, nullability, key, what it is made of, watermark."""
        found = self.catalog.entry(name, self.source)
        heading: tuple[str, ...] = ("name", "type", "null", "key", "extras", "watermark")
        if isinstance(found, View):
            schema = found.relation.schema
            return heading, [
                (item.name, f"{item.type.name()}{_time(item.time)}", _flag(item.type.nullable), "", "", "")
                for item in schema
            ]
        rows = [_described(column, found.table, found.definition) for column in found.definition.columns]
        comments = [column.comment or "" for column in found.definition.columns]
        if not any(comments):
            return heading, rows
        return (*heading, "comment"), [(*row, comment) for row, comment in zip(rows, comments, strict=True)]

    def _describe_catalog(self, statement: Describe) -> str:
        name = statement.table.name
        found = self.catalog.catalogs.get(name)
        if found is None:
            self.source.fail(f"catalog '{name}' does not exist", statement.table, "SHOW CATALOGS lists those there are")
        rows = [("name", name), ("type", "generic_in_memory"), ("comment", found.comment or "")]
        if statement.extended:
            rows += [(f"option:{key}", value) for key, value in sorted(found.options.items()) if key != "type"]
        return grid(_INFO, rows)

    def _describe_database(self, statement: Describe) -> str:
        database = self._database(statement.table)
        rows = [("name", statement.table.name), ("comment", database.comment or "")]
        if statement.extended:
            rows += [(f"property:{key}", value) for key, value in sorted(database.properties.items())]
        return grid(_INFO, rows)

    def _describe_function(self, statement: Describe) -> str:
        parts = (statement.table.args.get("catalog"), statement.table.args.get("db"))
        names = (*(part.name for part in parts if part is not None), statement.table.name)
        found = self.catalog.functions.find(names, self.catalog.current)
        if found is None:
            return self._describe_built_in(statement, names)
        rows = [
            ("is system function", _flag(found.name.lower() in self.catalog.functions.system)),
            ("is temporary", _flag(found.temporary)),
            ("class name", found.target),
            ("function language", found.language),
        ]
        if statement.extended:
            rows += [
                ("kind", found.kind.name),
                ("is deterministic", _flag(found.definition.deterministic)),
                ("signature", found.definition.syntax),
            ]
        return grid(_INFO, rows)

    def _describe_built_in(self, statement: Describe, names: tuple[str, ...]) -> str:
        definition: FunctionDefinition | AggregateDefinition
        if len(names) == 1 and is_aggregate(names[0]):
            kind, deterministic, definition = "AGGREGATE", True, aggregate_definition(names[0])
        elif len(names) == 1 and is_function(names[0]):
            definition = lookup(names[0])
            kind, deterministic = "SCALAR", definition.deterministic
        else:
            self.source.fail(
                f"function '{'.'.join(names)}' does not exist", statement.table, "SHOW FUNCTIONS lists those there are"
            )
        rows = [("is system function", "TRUE"), ("is temporary", "FALSE")]
        if statement.extended:
            rows += [("kind", kind), ("is deterministic", _flag(deterministic)), ("signature", definition.syntax)]
        return grid(_INFO, rows)


def _described(column: ColumnDefinition, table: Table, definition: TableDefinition) -> tuple[str, ...]:
    name = column.name.name
    bound = table.column(name)
    clause = next((item for item in definition.watermarks if item.column.name == name), None)
    time = _time(TimeAttribute.ROWTIME if clause is not None else None)
    key = f"PRI({', '.join(table.primary_key)})" if name in table.primary_key else ""
    watermark = "" if clause is None else clause.text
    return name, f"{bound.type.name()}{time}", _flag(bound.type.nullable), key, _extras(column), watermark


def _extras(column: ColumnDefinition) -> str:
    if column.expression is not None:
        return f"AS {column.text}"
    if not column.metadata:
        return ""
    source = "" if column.metadata_key is None else f" FROM {_text(column.metadata_key)}"
    return f"METADATA{source}{' VIRTUAL' if column.virtual else ''}"


def _elements(definition: TableDefinition) -> str:
    lines = []
    key = [name.name for name in definition.primary_key]
    for column in definition.columns:
        declared = column.type
        if declared is not None and column.name.name in key:
            declared = declared.with_nullable(False)
        kind = "" if declared is None else f" {_in_full(declared)}"
        extras = _extras(column)
        comment = f" COMMENT {_text(column.comment)}" if column.comment else ""
        lines.append(f"  `{column.name.name}`{kind}{f' {extras}' if extras else ''}{comment}")
    lines += [f"  WATERMARK FOR `{clause.column.name}` AS {clause.text}" for clause in definition.watermarks]
    if key:
        constraint = definition.constraint or f"PK_{'_'.join(key)}"
        columns = ", ".join(f"`{name}`" for name in key)
        lines.append(f"  CONSTRAINT `{constraint}` PRIMARY KEY ({columns}) NOT ENFORCED")
    return ",\n".join(lines)


def _in_full(kind: DataType) -> str:
    """A type without Flink's short names: `VARCHAR(2147483647)` for STRING."""
    match kind:
        case VarcharType() | VarbinaryType():
            name = f"{kind.WORD}({kind.length})"
        case TimestampLtzType():
            name = f"TIMESTAMP({kind.precision}) WITH LOCAL TIME ZONE"
        case ArrayType():
            name = f"ARRAY<{_in_full(kind.element)}>"
        case MultisetType():
            name = f"MULTISET<{_in_full(kind.key)}>"
        case MapType():
            name = f"MAP<{_in_full(kind.key)}, {_in_full(kind.value)}>"
        case RowType():
            name = f"ROW<{', '.join(f'`{field.name}` {_in_full(field.type)}' for field in kind)}>"
        case _:
            name = kind.name()
    return name if kind.nullable else f"{name} NOT NULL"


def _tail(definition: TableDefinition) -> str:
    comment = f"\nCOMMENT {_text(definition.comment)}" if definition.comment else ""
    parts = ""
    if definition.partitioned_by:
        parts = f"\nPARTITIONED BY ({', '.join(f'`{name.name}`' for name in definition.partitioned_by)})"
    return f"{comment}{parts}\nWITH (\n{_written(definition.options)}\n)"


def _written(options: tuple[OptionClause, ...]) -> str:
    found = {str(option.key.this): str(option.value.this) for option in options}
    return ",\n".join(f"  {_text(key)} = {_text(value)}" for key, value in sorted(found.items()))


def _text(text: str | None) -> str:
    return "'" + (text or "").replace("'", "''") + "'"


def _time(time: TimeAttribute | None) -> str:
    return "" if time is None else f" *{time.value}*"


def _flag(value: bool) -> str:
    return str(value).upper()


def _listing(what: str, names: Iterable[str], pattern: LikePattern | None) -> str:
    return grid((f"{what} name",), [(name,) for name in sorted(names) if _matches(name, pattern)])


def _matches(name: str, pattern: LikePattern | None) -> bool:
    """Whether a name is like the pattern of SHOW: `%` any text, `_` a character, and after `\\` themselves."""
    if pattern is None:
        return True
    wild = {"%": ".*", "_": "."}
    parts = re.findall(r"\\[%_]|.", pattern.pattern, re.DOTALL)
    regex = "".join(wild.get(part) or re.escape(part[-1]) for part in parts)
    found = re.fullmatch(regex, name, re.DOTALL | (re.IGNORECASE if pattern.folded else 0)) is not None
    return found != pattern.negated


def grid(heading: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Columns of text under their headings.

    >>> print(grid(("view name",), [("a",), ("b",)]))
    view name
    ---------
    a
    b
    """
    widths = [max(len(row[index]) for row in (heading, *rows)) for index in range(len(heading))]
    lines = [heading, tuple("-" * width for width in widths), *rows]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
