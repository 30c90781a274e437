"""INSERT INTO: the query's columns meet the table's, and its changelog what the table can take.

Source: Flink, "INSERT Statement"; `DynamicSinkUtils` (column checks), changelog mode inference (update checks).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from riacho.plan.changelog_modes import accepted, refusal
from riacho.plan.expressions import Column, Expression, Literal
from riacho.plan.relations import Project, Relation, Sink, TimeAttribute
from riacho.plan.tables import Table, TableColumn
from riacho.sql.assignment import is_assignable
from riacho.sql.batch import bind_batch, is_batch
from riacho.sql.catalog import Catalog
from riacho.sql.errors import did_you_mean, listed
from riacho.sql.expressions import ExpressionBinder
from riacho.sql.functions import bind_cast, coerce, supports_cast
from riacho.sql.hints import CheckTable, with_hint
from riacho.sql.queries import QueryBinder
from riacho.sql.relation_texts import describe
from riacho.sql.scope import NO_NAMES
from riacho.sql.source import SourceText
from riacho.sql.statements import Insert

SOURCES_ONLY = frozenset({"datagen"})


@dataclass(slots=True)
class InsertBinder:
    """Binds INSERT statements. Raises `SqlError`."""

    source: SourceText
    catalog: Catalog
    options: Mapping[str, str] = field(default_factory=dict)
    check_table: CheckTable | None = None

    def bind(self, statement: Insert) -> Sink:
        """The sink over the query's relation, whose fields are the table's persisted columns."""
        table = self.catalog.find_table(statement.table, self.source)
        hint = statement.table.meta.get("hint")
        if hint is not None:
            text, start = hint
            table = with_hint(table, text, self.source, start, self.check_table)
        if table.connector in SOURCES_ONLY:
            self.source.fail(f"a '{table.connector}' table can only be read", statement.table)
        bind = QueryBinder(self.source, self.catalog, self.options, self.check_table).bind
        batch = is_batch(self.options)
        query = bind_batch(statement.query, bind, self.source) if batch else bind(statement.query)
        return Sink(self._fitted(query, table, statement), table)

    # ---- columns ----------------------------------------------------------------------------------------------

    def _fitted(self, query: Relation, table: Table, statement: Insert) -> Relation:
        """The query's fields cast and ordered as the table's persisted columns."""
        targets = self._targets(table, statement)
        if len(query.schema) != len(targets):
            self.source.fail(
                f"'{table.name}' takes {len(targets)} columns, but the query has {len(query.schema)}",
                statement.query,
                f"the query's are {_signature(query)}; the table's are {listed(map(_column_text, targets))}",
            )
        values = self._partition(table, statement)
        for index, column in enumerate(targets):
            given = query.schema.column(index)
            if not is_assignable(given.type, column.type):
                self.source.fail(
                    f"column '{column.name}' of '{table.name}' is {column.type.name()}, "
                    f"but the query's column {index + 1} ('{given.name}') is {given.type.name()}",
                    self._written(statement.query, index),
                    _cast_hint(given, column),
                )
            values[column.name] = coerce(given, column.type.with_nullable(given.type.nullable))
        persisted = table.persisted_columns
        expressions = tuple(
            values.get(column.name) or Literal(column.type.with_nullable(True), None) for column in persisted
        )
        fitted = Project(query, expressions, tuple(column.name for column in persisted))
        if not is_batch(self.options):
            self._check_row_times(fitted, table, statement)
        return fitted

    def _partition(self, table: Table, statement: Insert) -> dict[str, Expression]:
        """What PARTITION says of columns, cast to their types."""
        values: dict[str, Expression] = {}
        for name, tree in statement.partition:
            if name.name not in table.partitioned_by:
                keys = f"it is by {listed(table.partitioned_by)}" if table.partitioned_by else "it is not at all"
                self.source.fail(f"'{table.name}' is not partitioned by '{name.name}'", name, keys)
            if name.name in values:
                self.source.fail(f"column '{name.name}' is named twice", name)
            literal = ExpressionBinder(self.source, NO_NAMES, "PARTITION").bind(tree)
            target = table.column(name.name).type
            if not supports_cast(literal.type, target):
                what = f"'{name.name}' is {target.name()}, which no {literal.type.name()} can be cast to"
                self.source.fail(what, tree)
            values[name.name] = bind_cast(literal, target)
        return values

    def _check_row_times(self, fitted: Relation, table: Table, statement: Insert) -> None:
        """Refuse to write two row times: Flink gives one of them to the record as its time."""
        times = [item.name for item in fitted.schema if item.time is TimeAttribute.ROWTIME]
        if len(times) > 1:
            self.source.fail(
                f"'{table.name}' would be given more than one row time: {listed(times)}",
                statement.query,
                f"make all but one of them plain timestamps, as CAST({times[1]} AS TIMESTAMP(3))",
            )

    def _targets(self, table: Table, statement: Insert) -> tuple[TableColumn, ...]:
        persisted = {column.name: column for column in table.persisted_columns}
        given = {name.name for name, _ in statement.partition}
        if not statement.columns:
            return tuple(column for column in persisted.values() if column.name not in given)
        chosen: list[TableColumn] = []
        for name in statement.columns:
            if name.name not in persisted:
                known = {column.name for column in table.columns}
                what = "cannot be written to" if name.name in known else "does not exist"
                hint = did_you_mean(name.name, persisted) or f"the columns are {listed(persisted)}"
                self.source.fail(f"column '{name.name}' of '{table.name}' {what}", name, hint)
            if persisted[name.name] in chosen or name.name in given:
                self.source.fail(f"column '{name.name}' is named twice", name)
            chosen.append(persisted[name.name])
        for column in persisted.values():
            if column not in chosen and column.name not in given and not column.type.nullable:
                self.source.fail(
                    f"column '{column.name}' of '{table.name}' is NOT NULL and must be written", statement.columns[0]
                )
        return tuple(chosen)

    def _written(self, query: exp.Expr, index: int) -> exp.Expr:
        """Where a result column stands in the text, as far as that is one place."""
        select = query
        while isinstance(select, exp.Subquery | exp.Union):
            select = select.this
        if isinstance(select, exp.Select) and not any(item.is_star for item in select.expressions):
            return select.expressions[index] if index < len(select.expressions) else query
        return query

    # ---- changelog --------------------------------------------------------------------------------------------

    def check_changelog(self, sink: Sink, statement: Insert) -> None:
        """Refuse an optimized sink that cannot take the changes of its query."""
        refused = refusal(sink.input, accepted(sink))
        if refused is not None:
            self.source.fail(
                f"table sink '{sink.table.name}' doesn't support consuming {refused.kinds} changes, "
                f"which are produced by node {describe(refused.producer)}",
                statement.table,
                "write to an 'upsert-kafka' table with a PRIMARY KEY, or group by window_start and window_end",
            )


def _cast_hint(given: Column, column: TableColumn) -> str | None:
    if not supports_cast(given.type, column.type):
        return None
    value = "…" if given.name.startswith("EXPR$") else given.name
    return f"write CAST({value} AS {column.type.name()})"


def _column_text(column: TableColumn) -> str:
    """A column as an error shows it."""
    return f"{column.name} {column.type}"


def _signature(relation: Relation) -> str:
    return listed(f"{item.name} {item.type}" for item in relation.schema)
