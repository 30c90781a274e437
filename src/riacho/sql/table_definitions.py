"""A table's definition changed: LIKE takes parts of another's, ALTER TABLE changes its own, AS adds a query's columns.

Source: Flink, "CREATE TABLE: LIKE, AS select_statement", "ALTER TABLE"; `MergeTableLikeUtil`, `MergeTableAsUtil` and
`SchemaConverter` for what conflicts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlglot import exp

from riacho.plan.relations import Schema
from riacho.sql.assignment import is_assignable
from riacho.sql.errors import did_you_mean, listed
from riacho.sql.source import SourceText
from riacho.sql.statements import (
    AlterTable,
    ColumnDefinition,
    LikeClause,
    OptionClause,
    PlacedColumn,
    TableDefinition,
    WatermarkClause,
)

_UNLESS_SAID = {"OPTIONS": "OVERWRITING"}
"""What LIKE does with a feature that its clause does not mention; else INCLUDING."""


@dataclass(frozen=True, slots=True)
class Redefinition:
    """Makes one definition of another; `start` is where errors are placed that the text before is to blame for."""

    source: SourceText
    start: int

    # ---- LIKE -------------------------------------------------------------------------------------------------

    def like(self, own: TableDefinition, base: TableDefinition, clause: LikeClause) -> TableDefinition:
        """What CREATE TABLE own LIKE base means."""
        base = self._moved(base)
        said = dict(clause.features)
        manner = {name: said.get(name) or said.get("ALL") or _UNLESS_SAID.get(name, "INCLUDING") for name in _FEATURES}
        return TableDefinition(
            self._like_columns(own, base, manner),
            self._like_watermarks(own, base, manner["WATERMARKS"]),
            *self._like_key(own, base, manner["CONSTRAINTS"]),
            self._like_partitions(own, base, manner["PARTITIONS"]),
            self._like_options(own, base, manner["OPTIONS"]),
            own.comment,
        )

    def _like_columns(
        self, own: TableDefinition, base: TableDefinition, manner: Mapping[str, str]
    ) -> tuple[ColumnDefinition, ...]:
        found: dict[str, ColumnDefinition] = {}
        for column in base.columns:
            feature = _feature(column)
            if feature is None or manner[feature] != "EXCLUDING":
                found[column.name.name] = column
        taken = set(found)
        for column in own.columns:
            name = column.name.name
            if name in taken:
                feature = _feature(found[name])
                if feature is None or feature != _feature(column) or manner[feature] != "OVERWRITING":
                    way = f"write EXCLUDING {feature} or OVERWRITING {feature}" if feature else "leave it out"
                    self.source.fail(f"the other table has a column '{name}' already", column.name, way)
                taken.discard(name)
            elif name in found:
                self.source.fail(f"the table has two columns '{name}'", column.name)
            found[name] = column
        return tuple(found.values())

    def _like_watermarks(self, own: TableDefinition, base: TableDefinition, manner: str) -> tuple[WatermarkClause, ...]:
        if not base.watermarks or manner == "EXCLUDING" or (own.watermarks and manner == "OVERWRITING"):
            return own.watermarks
        if own.watermarks:
            self.source.fail(
                "the other table has a WATERMARK already",
                own.watermarks[0].column,
                "write EXCLUDING WATERMARKS or OVERWRITING WATERMARKS",
            )
        return base.watermarks

    def _like_key(
        self, own: TableDefinition, base: TableDefinition, manner: str
    ) -> tuple[tuple[exp.Identifier, ...], str | None]:
        if not base.primary_key or manner == "EXCLUDING":
            return own.primary_key, own.constraint
        if own.primary_key:
            self.source.fail(
                "the other table has a primary key already", own.primary_key[0], "write EXCLUDING CONSTRAINTS"
            )
        return base.primary_key, base.constraint

    def _like_partitions(self, own: TableDefinition, base: TableDefinition, manner: str) -> tuple[exp.Identifier, ...]:
        if not base.partitioned_by or manner == "EXCLUDING":
            return own.partitioned_by
        if own.partitioned_by:
            self.source.fail(
                "the other table is partitioned already", own.partitioned_by[0], "write EXCLUDING PARTITIONS"
            )
        return base.partitioned_by

    def _like_options(self, own: TableDefinition, base: TableDefinition, manner: str) -> tuple[OptionClause, ...]:
        if manner == "EXCLUDING":
            return own.options
        given = {str(option.key.this): option for option in own.options}
        for option in base.options:
            key = str(option.key.this)
            if key in given and manner == "INCLUDING":
                self.source.fail(
                    f"the other table has the option '{key}' already", given[key].key, "write OVERWRITING OPTIONS"
                )
        return (*(option for option in base.options if str(option.key.this) not in given), *own.options)

    # ---- AS query ---------------------------------------------------------------------------------------------

    def of_query(
        self, own: TableDefinition, query: Schema, selected: tuple[exp.Identifier, ...], place: exp.Expr
    ) -> TableDefinition:
        """The definition with the query's columns: those that are only declared come first."""
        given = {
            item.name: ColumnDefinition(exp.to_identifier(item.name, quoted=True), item.type) for item in query.fields
        }
        if selected:
            names = [name.name for name in selected]
            for place_of in selected:
                if place_of.name not in given:
                    near = did_you_mean(place_of.name, given) or f"its columns are {listed(given)}"
                    self.source.fail(f"the query has no column '{place_of.name}'", place_of, near)
            if len(names) != len(given) or len(set(names)) < len(names):
                self.source.fail(
                    f"{len(names)} columns are named, but the query has {len(given)}", selected[0], "name each once"
                )
            return replace(own, columns=(*own.columns, *(given[name] for name in names)))
        for column in own.columns:
            name = column.name.name
            if name not in given:
                continue
            if column.type is None or column.metadata:
                self.source.fail(f"column '{name}' is the query's, and cannot be computed", column.name)
            kind = given[name].type
            assert kind is not None
            if not is_assignable(kind, column.type):
                self.source.fail(
                    f"column '{name}' is {column.type.name()}, but the query's is {kind.name()}",
                    column.name,
                    f"write CAST({name} AS {column.type.name()}) in the query",
                )
            given[name] = column
        before = [column for column in own.columns if column.name.name not in given]
        if not given:
            self.source.fail("the query has no columns", place)
        return replace(own, columns=(*before, *given.values()))

    # ---- ALTER TABLE ------------------------------------------------------------------------------------------

    def altered(self, old: TableDefinition, statement: AlterTable) -> TableDefinition:
        """What ALTER TABLE makes of a definition."""
        old = self._moved(old)
        match statement.action:
            case "ADD" | "MODIFY":
                return self._with_parts(old, statement)
            case "DROP":
                return self._without_columns(old, statement.names)
            case "DROP KEY" | "DROP CONSTRAINT":
                return self._without_key(old, statement)
            case "DROP WATERMARK":
                if not old.watermarks:
                    self.source.fail("the table has no WATERMARK", statement.table)
                return replace(old, watermarks=())
            case "RENAME COLUMN":
                return self._renamed(old, *statement.names)
            case "SET":
                given = {str(option.key.this) for option in statement.options}
                kept = tuple(option for option in old.options if str(option.key.this) not in given)
                return replace(old, options=(*kept, *statement.options))
            case "RESET":
                keys = {str(key.this) for key in statement.keys}
                if "connector" in keys:
                    self.source.fail("the option 'connector' cannot be reset", statement.keys[0])
                return replace(old, options=tuple(option for option in old.options if str(option.key.this) not in keys))
        raise AssertionError(statement.action)

    def _with_parts(self, old: TableDefinition, statement: AlterTable) -> TableDefinition:
        adds = statement.action == "ADD"
        columns = list(old.columns)
        for placed in statement.columns:
            columns = self._with_column(columns, placed, adds=adds)
        changed = replace(old, columns=tuple(columns))
        if statement.watermark is not None:
            if adds and old.watermarks:
                self.source.fail("the table has a WATERMARK already", statement.watermark.column, "write MODIFY")
            if not adds and not old.watermarks:
                self.source.fail("the table has no WATERMARK", statement.watermark.column, "write ADD")
            changed = replace(changed, watermarks=(statement.watermark,))
        if statement.primary_key:
            if adds and old.primary_key:
                self.source.fail("the table has a primary key already", statement.primary_key[0], "write MODIFY")
            if not adds and not old.primary_key:
                self.source.fail("the table has no primary key", statement.primary_key[0], "write ADD")
            changed = replace(changed, primary_key=statement.primary_key, constraint=statement.constraint)
        return changed

    def _with_column(
        self, columns: list[ColumnDefinition], placed: PlacedColumn, *, adds: bool
    ) -> list[ColumnDefinition]:
        name = placed.definition.name
        names = [column.name.name for column in columns]
        present = name.name in names
        if adds and present:
            self.source.fail(f"the table has a column '{name.name}' already", name, "write MODIFY")
        if not adds and not present:
            self._no_column(name, names)
        rest = [column for column in columns if column.name.name != name.name]
        if placed.after == "":
            return [placed.definition, *rest]
        if placed.after is None:
            if adds:
                return [*columns, placed.definition]
            return [placed.definition if column.name.name == name.name else column for column in columns]
        known = [column.name.name for column in rest]
        if placed.after not in known:
            self.source.fail(f"the table has no column '{placed.after}' to stand after", name, _nearest_of(known))
        index = known.index(placed.after) + 1
        return [*rest[:index], placed.definition, *rest[index:]]

    def _without_columns(self, old: TableDefinition, names: tuple[exp.Identifier, ...]) -> TableDefinition:
        gone = {name.name for name in names}
        for name in names:
            self._require(old, name)
            self._unused(old, name, gone)
        return replace(old, columns=tuple(column for column in old.columns if column.name.name not in gone))

    def _without_key(self, old: TableDefinition, statement: AlterTable) -> TableDefinition:
        if not old.primary_key:
            self.source.fail("the table has no primary key", statement.table)
        if statement.names and statement.names[0].name != old.constraint:
            named = f"it is called '{old.constraint}'" if old.constraint else "write DROP PRIMARY KEY"
            self.source.fail(f"the table has no constraint '{statement.names[0].name}'", statement.names[0], named)
        return replace(old, primary_key=(), constraint=None)

    def _renamed(self, old: TableDefinition, name: exp.Identifier, new: exp.Identifier) -> TableDefinition:
        self._require(old, name)
        if any(column.name.name == new.name for column in old.columns):
            self.source.fail(f"the table has a column '{new.name}' already", new)
        for column in old.columns:
            if column.expression is not None and name.name in _names_in(column.expression):
                self.source.fail(f"the computed column '{column.name.name}' reads '{name.name}'", name, _DROP_FIRST)
        for clause in old.watermarks:
            if clause.column.name == name.name or name.name in _names_in(clause.expression):
                self.source.fail(f"the WATERMARK reads '{name.name}'", name, "drop it first: DROP WATERMARK")
        columns = tuple(
            replace(column, name=new) if column.name.name == name.name else column for column in old.columns
        )
        key = tuple(new if part.name == name.name else part for part in old.primary_key)
        return replace(old, columns=columns, primary_key=key)

    def _unused(self, old: TableDefinition, name: exp.Identifier, gone: set[str]) -> None:
        for column in old.columns:
            read = column.expression is not None and name.name in _names_in(column.expression)
            if read and column.name.name not in gone:
                self.source.fail(f"the computed column '{column.name.name}' reads '{name.name}'", name, _DROP_FIRST)
        if any(part.name == name.name for part in old.primary_key):
            self.source.fail(f"'{name.name}' is in the primary key", name, "drop that first: DROP PRIMARY KEY")
        for clause in old.watermarks:
            if clause.column.name == name.name or name.name in _names_in(clause.expression):
                self.source.fail(f"the WATERMARK reads '{name.name}'", name, "drop it first: DROP WATERMARK")

    def _require(self, old: TableDefinition, name: exp.Identifier) -> None:
        names = [column.name.name for column in old.columns]
        if name.name not in names:
            self._no_column(name, names)

    def _no_column(self, name: exp.Identifier, known: list[str]) -> None:
        hint = did_you_mean(name.name, known) or f"the columns are {listed(known)}"
        self.source.fail(f"the table has no column '{name.name}'", name, hint)

    # ---- places -----------------------------------------------------------------------------------------------

    def _moved(self, definition: TableDefinition) -> TableDefinition:
        """The definition of an earlier statement, its parts placed at this one, whose text is at hand."""
        return replace(
            definition,
            columns=tuple(
                replace(column, name=self._at(column.name), expression=self._at(column.expression))
                for column in definition.columns
            ),
            watermarks=tuple(
                replace(clause, column=self._at(clause.column), expression=self._at(clause.expression))
                for clause in definition.watermarks
            ),
            primary_key=tuple(self._at(name) for name in definition.primary_key),
            partitioned_by=tuple(self._at(name) for name in definition.partitioned_by),
            options=tuple(OptionClause(self._at(item.key), self._at(item.value)) for item in definition.options),
        )

    def _at(self, tree: Any) -> Any:
        if tree is None:
            return None
        copied = tree.copy()
        for node in copied.walk():
            if "start" in node.meta:
                node.meta["start"] = self.start
        return copied


_FEATURES = ("CONSTRAINTS", "GENERATED", "METADATA", "OPTIONS", "PARTITIONS", "WATERMARKS")

_DROP_FIRST = "drop that column first"


def _feature(column: ColumnDefinition) -> str | None:
    """The feature that a column belongs to; None for a physical one."""
    if column.expression is not None:
        return "GENERATED"
    return "METADATA" if column.metadata else None


def _names_in(tree: exp.Expr) -> set[str]:
    """The columns that an expression reads: the first part of each name."""
    return {node.parts[0].name for node in tree.find_all(exp.Column)}


def _nearest_of(known: Iterable[str]) -> str:
    return f"the columns are {listed(known)}"
