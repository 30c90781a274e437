"""FROM: tables, views, subqueries, window table functions and joins become relations with the names they bring."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from sqlglot import exp

from riacho.plan.relations import (
    Project,
    Relation,
)
from riacho.plan.tables import Table
from riacho.sql.catalog import Catalog, View
from riacho.sql.errors import did_you_mean, listed
from riacho.sql.grammar import AS_OF
from riacho.sql.hints import CheckTable, with_hint
from riacho.sql.joins import JoinBinder
from riacho.sql.lateral import LateralBinder, is_lateral
from riacho.sql.result_names import written_names
from riacho.sql.scans import scan
from riacho.sql.scope import Outer, Scope
from riacho.sql.source import SourceText
from riacho.sql.subqueries import SubqueryBinder
from riacho.sql.window_tables import WindowTableBinder

_SINKS_ONLY = frozenset({"blackhole", "print"})


@dataclass(slots=True)
class FromBinder:
    """Binds one FROM clause.

    `subquery` binds a query in parentheses, `subqueries` those of its conditions; `queries` are those of WITH, `outer`
    the names around.
    """

    source: SourceText
    catalog: Catalog
    options: Mapping[str, str]
    subquery: Callable[[exp.Expr, Mapping[str, Relation]], Relation]
    subqueries: SubqueryBinder
    check_table: CheckTable | None = None
    queries: Mapping[str, Relation] = field(default_factory=dict)
    outer: Outer | None = None

    def bind(self, tree: exp.Expr, joins: list[exp.Expr]) -> Scope:
        """The relation of a table factor and its joins. Raises `SqlError`."""
        if AS_OF in tree.meta:
            self.source.fail(
                "time travel is not supported", tree.meta[AS_OF], "FOR SYSTEM_TIME AS OF follows a table that is joined"
            )
        lateral = LateralBinder(self.source, self.subqueries)
        first = lateral.bind(None, tree, None) if is_lateral(tree) else self._factor(tree)
        scope = replace(first, outer=self.outer)
        for join in [*(tree.args.get("joins") or []), *joins]:
            assert isinstance(join, exp.Join)
            if is_lateral(join.this):
                scope = lateral.bind(scope, join.this, join)
                continue
            lateral.check_join(join)
            scope = JoinBinder(self.source, self.subqueries).bind(scope, self._factor(join.this), join)
        return scope

    # ---- factors ----------------------------------------------------------------------------------------------

    def _factor(self, tree: exp.Expr) -> Scope:
        alias = tree.args.get("alias")
        if isinstance(tree, exp.Subquery):
            if isinstance(tree.this, exp.Table):  # a join in parentheses
                if alias is not None:
                    self.source.fail("a join in parentheses cannot have an alias", alias)
                return self.bind(tree.this, [])
            relation, written = self.subquery(tree.this, self.queries), written_names(tree.this)
            return self._named(relation, alias, None, written)
        if isinstance(tree, exp.Values):
            bare = tree.copy()
            bare.set("alias", None)
            return self._named(self.subquery(bare, self.queries), alias, None)
        if isinstance(tree, exp.Table):
            if isinstance(tree.this, exp.Anonymous):
                return self._named(self._windows().bind(tree.this), alias, None)
            if isinstance(tree.this, exp.TableFromRows):
                return LateralBinder(self.source, self.subqueries).function(tree)
            if isinstance(tree.this, exp.Values | exp.Subquery):
                inner = tree.this if isinstance(tree.this, exp.Values) else tree.this.this
                return self._named(self.subquery(inner, self.queries), alias, None)
            return self._named(self._table(tree), alias, tree.name)
        raise self.source.error(f"{type(tree).__name__.upper()} in FROM is not supported", tree)

    def _named(
        self, relation: Relation, alias: exp.Expr | None, name: str | None, written: tuple[str, ...] | None = None
    ) -> Scope:
        if alias is None:
            return Scope.of(relation, name, written)
        columns = tuple(column.name for column in alias.args.get("columns") or [])
        if columns and len(columns) != len(relation.schema):
            self.source.fail(f"the alias names {len(columns)} columns, but the table has {len(relation.schema)}", alias)
        if len(set(columns)) < len(columns):
            self.source.fail("the alias names a column twice", alias)
        if columns:
            return Scope.of(renamed(relation, columns), alias.name)
        return Scope.of(relation, alias.name, written)

    def _table(self, tree: exp.Table) -> Relation:
        hint = tree.meta.get("hint")
        if not tree.args.get("db") and tree.name in self.queries:
            if hint is not None:
                self.source.fail("a query of WITH takes no options", tree)
            return self.queries[tree.name]
        found = self.catalog.find(tree, self.source) if self._is_known(tree) else self._missing(tree)
        if isinstance(found, View):
            if hint is not None:
                self.source.fail("a view takes no options", tree)
            return self.catalog.expanded(found)
        if hint is not None:
            text, start = hint
            found = with_hint(found, text, self.source, start, self.check_table)
        if found.connector in _SINKS_ONLY:
            self.source.fail(f"a '{found.connector}' table cannot be read: it can only be written to", tree)
        try:
            return scan(found, self.options)
        except ValueError as error:
            self.source.fail(str(error), tree)

    def _windows(self) -> WindowTableBinder:
        return WindowTableBinder(self.source, self._table, lambda tree: self.subquery(tree, self.queries))

    def _is_known(self, tree: exp.Table) -> bool:
        return self.catalog.get(tree, self.source) is not None

    def _missing(self, tree: exp.Table) -> Table | View:
        known = [*self.queries, *self.catalog.names()]
        fallback = f"the tables are {listed(known)}" if known else "no table was created before"
        self.source.fail(f"table '{tree.name}' does not exist", tree, did_you_mean(tree.name, known) or fallback)


def renamed(relation: Relation, names: tuple[str, ...]) -> Relation:
    """The same fields under other names."""
    if names == relation.schema.names:
        return relation
    columns = tuple(relation.schema.column(index) for index in range(len(names)))
    return Project(relation, columns, names)
