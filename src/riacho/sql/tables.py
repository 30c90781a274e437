"""CREATE TABLE: from the parsed definition to a `Table` of the plan. Source: Flink, "CREATE TABLE"."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlglot import exp

from riacho.plan.expressions import Column, Expression, walk
from riacho.plan.relations import Field, Values
from riacho.plan.table_changes import CHANGELOG_FORMATS
from riacho.plan.tables import ColumnKind, Table, TableColumn, WatermarkDefinition
from riacho.plan.types import DataType, NullType, TimestampLtzType, TimestampType
from riacho.sql.errors import did_you_mean, listed
from riacho.sql.expressions import ExpressionBinder
from riacho.sql.legacy_options import modern
from riacho.sql.scope import Scope
from riacho.sql.source import Place, SourceText
from riacho.sql.statements import ColumnDefinition, TableDefinition

_ROW_TIME_PRECISION = 3
"""Flink's time attributes are in milliseconds."""


_PARTITIONED = frozenset({"filesystem"})
"""Connectors whose tables have partitions that are columns."""


@dataclass(slots=True)
class TableBinder:
    """Binds one definition. `start` is the statement's place. Raises `SqlError`."""

    source: SourceText
    name: str
    definition: TableDefinition
    start: int

    def bind(self) -> Table:
        options = self._options()
        if not self.definition.columns:
            self.source.fail("a table needs a column", self.start)
        self._check_names()
        primary_key = self._primary_key(options)
        columns = self._columns(primary_key)
        self._check_partitions(columns, options["connector"])
        position = self.source.position(self.start)
        table = Table(
            self.name,
            columns,
            tuple(sorted(options.items())),
            primary_key,
            partitioned_by=tuple(name.name for name in self.definition.partitioned_by),
            origin=f"{self.source.file}:{position.line}",
        )
        return replace(table, watermark=self._watermark(table))

    def _options(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for option in self.definition.options:
            key = str(option.key.this)
            if key in found:
                self.source.fail(f"the option '{key}' is given twice", option.key)
            found[key] = str(option.value.this)
        found = modern(found)
        if "connector" not in found:
            near = did_you_mean("connector", found)
            self.source.fail(
                "the option 'connector' is missing",
                self.start,
                (near and f"write 'connector', not {near[13:-1]}") or "name it: WITH ('connector' = 'kafka', …)",
            )
        return found

    def place_named_in(self, message: str) -> Place:
        """The option's key, or else its value, that a connector's message quotes; the statement where there is none."""
        by_length = sorted(self.definition.options, key=lambda option: len(str(option.key.this)), reverse=True)
        for part in [*(option.key for option in by_length), *(option.value for option in by_length)]:
            if f"'{part.this}'" in message:
                return part
        return self.start

    def _check_names(self) -> None:
        seen: set[str] = set()
        for column in self.definition.columns:
            if column.name.name in seen:
                self.source.fail(f"the table has two columns '{column.name.name}'", column.name)
            seen.add(column.name.name)

    def _definition(self, name: exp.Identifier) -> ColumnDefinition:
        known = {column.name.name: column for column in self.definition.columns}
        found = known.get(name.name)
        if found is None:
            hint = did_you_mean(name.name, known) or f"the columns are {listed(known)}"
            self.source.fail(f"the table has no column '{name.name}'", name, hint)
        return found

    def _primary_key(self, options: dict[str, str]) -> tuple[str, ...]:
        for name in self.definition.primary_key:
            column = self._definition(name)
            if column.expression is not None or column.metadata:
                self.source.fail(f"a primary key cannot hold '{name.name}', which is no physical column", name)
        key = tuple(name.name for name in self.definition.primary_key)
        if len(set(key)) < len(key):
            self.source.fail("the primary key names a column twice", self.definition.primary_key[0])
        connector = options["connector"]
        if connector == "upsert-kafka" and not key:
            self.source.fail(
                "'upsert-kafka' tables need a PRIMARY KEY, which becomes the Kafka message's key",
                self.start,
                "add PRIMARY KEY (…) NOT ENFORCED to the columns",
            )
        value_format = options.get("format") or options.get("value.format")
        if connector == "kafka" and key and value_format not in CHANGELOG_FORMATS:
            self.source.fail(
                "a 'kafka' table cannot have a PRIMARY KEY: its records are only ever added",
                self.definition.primary_key[0],
                "use 'upsert-kafka' for rows that change",
            )
        return key

    def _columns(self, primary_key: tuple[str, ...]) -> tuple[TableColumn, ...]:
        found: dict[str, TableColumn] = {}
        for column in self.definition.columns:
            if column.expression is None:
                found[column.name.name] = self._stored(column, primary_key)
        stored = Scope.of(_rows(list(found.values())), None)
        for column in self.definition.columns:
            if column.expression is not None:
                found[column.name.name] = self._computed(column, stored)
        return tuple(found[column.name.name] for column in self.definition.columns)

    def _stored(self, column: ColumnDefinition, primary_key: tuple[str, ...]) -> TableColumn:
        name = column.name.name
        assert column.type is not None
        if not column.metadata:
            data_type = column.type.with_nullable(False) if name in primary_key else column.type
            return TableColumn(name, data_type, comment=column.comment)
        return TableColumn(
            name,
            column.type,
            ColumnKind.METADATA,
            metadata_key=column.metadata_key or name,
            virtual=column.virtual,
            comment=column.comment,
        )

    def _computed(self, column: ColumnDefinition, stored: Scope) -> TableColumn:
        assert column.expression is not None
        bound = ExpressionBinder(self.source, stored, "a computed column").bind(column.expression)
        if isinstance(bound.type, NullType):
            self.source.fail("a NULL has no type: cast it", column.expression)
        return TableColumn(column.name.name, bound.type, ColumnKind.COMPUTED, expression=bound, comment=column.comment)

    def _check_partitions(self, columns: tuple[TableColumn, ...], connector: str) -> None:
        for name in self.definition.partitioned_by:
            self._definition(name)
        if self.definition.partitioned_by:
            known = {column.name: column for column in columns}
            for name in self.definition.partitioned_by:
                if known[name.name].kind is not ColumnKind.PHYSICAL:
                    self.source.fail(f"'{name.name}' is no physical column", name)
            if connector not in _PARTITIONED:
                self.source.fail(
                    f"the connector '{connector}' has no partitions that are columns",
                    self.definition.partitioned_by[0],
                    "leave the clause out, or make it a table of the 'filesystem' connector",
                )

    def _watermark(self, table: Table) -> WatermarkDefinition | None:
        if not self.definition.watermarks:
            return None
        clause = self.definition.watermarks[0]
        if len(self.definition.watermarks) > 1:
            self.source.fail("a table has at most one WATERMARK", self.definition.watermarks[1].column)
        self._definition(clause.column)
        column = table.column(clause.column.name)
        if not _is_row_time(column.type):
            self.source.fail(
                f"the row time must be TIMESTAMP(p) or TIMESTAMP_LTZ(p) with p from 0 to 3, "
                f"but '{column.name}' is {column.type.name()}",
                clause.column,
            )
        if isinstance(clause.expression, exp.Anonymous) and clause.expression.name.upper() == "SOURCE_WATERMARK":
            self.source.fail(
                "the table declares SOURCE_WATERMARK(), "
                f"but the connector '{table.connector}' has no watermarks of its own",
                clause.expression,
                f"write an expression, as in {clause.column.name} - INTERVAL '5' SECOND",
            )
        scope = Scope.of(_rows(list(table.columns)), None)
        bound = ExpressionBinder(self.source, scope, "WATERMARK").bind(clause.expression)
        if not isinstance(bound.type, TimestampType | TimestampLtzType):
            self.source.fail(f"the watermark must be a timestamp, but this is {bound.type.name()}", clause.expression)
        if not _reads_a_column(bound):
            self.source.fail("the watermark must follow from the row's columns", clause.expression)
        return WatermarkDefinition(column.name, bound)


def _rows(columns: list[TableColumn]) -> Values:
    """A relation with these columns, for names to be resolved against."""
    return Values(tuple(Field(column.name, column.type) for column in columns), ())


def _is_row_time(data_type: DataType) -> bool:
    return isinstance(data_type, TimestampType | TimestampLtzType) and data_type.precision <= _ROW_TIME_PRECISION


def _reads_a_column(expression: Expression) -> bool:
    return any(isinstance(part, Column) for part in walk(expression))
