"""Queries: WITH, VALUES and set operations; a SELECT is bound by `select`. Source: Flink, "SQL: Queries"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from sqlglot import exp

from riacho.plan.expressions import Expression, Literal
from riacho.plan.relations import Field, Project, Relation, Union, Values
from riacho.plan.types import DataType, DecimalType, NullType
from riacho.sql.catalog import Catalog
from riacho.sql.expressions import ExpressionBinder
from riacho.sql.from_clause import FromBinder, renamed
from riacho.sql.functions import coerce, least_restrictive_type
from riacho.sql.hints import CheckTable
from riacho.sql.limits import bind_limited, is_limited
from riacho.sql.lookup_hints import check_lookups
from riacho.sql.query_hints import hints_of
from riacho.sql.result_names import written_names
from riacho.sql.scope import NO_NAMES, NO_TABLE, Outer, Scope
from riacho.sql.select import SelectBinder
from riacho.sql.set_operations import SetOperationBinder
from riacho.sql.source import SourceText
from riacho.sql.state_ttl import of_groups, times_to_live, with_join_times
from riacho.sql.subqueries import SubqueryBinder

_CLAUSES = {
    "kind": "SELECT AS is not supported",
    "into": "SELECT INTO is not supported",
    "laterals": "LATERAL is not supported yet",
    "pivots": "PIVOT is not supported",
    "sample": "TABLESAMPLE is not supported",
    "match": "MATCH_RECOGNIZE is not supported yet",
    "by_name": "a set operation BY NAME is not supported",
    "side": "an outer set operation is not supported",
}
"""Parts of a query that are understood and refused."""

_KNOWN = {
    *("with_", "expressions", "from_", "joins", "where", "group", "having", "distinct", "windows", "qualify"),
    *("this", "expression", "alias", "hint"),
}
"""Parts of a query that this module binds."""


@dataclass(slots=True)
class QueryBinder:
    """Binds queries over a catalog; a subquery's may read the names of an `outer` one. Raises `SqlError`."""

    source: SourceText
    catalog: Catalog
    options: Mapping[str, str] = field(default_factory=dict)
    check_table: CheckTable | None = None
    outer: Outer | None = None

    def bind(self, tree: exp.Expr, queries: Mapping[str, Relation] | None = None) -> Relation:
        """The relation of a query. `queries` are those that WITH named around it."""
        return self._bind(tree, queries, within=False)

    def _within(self, tree: exp.Expr, queries: Mapping[str, Relation] | None = None) -> Relation:
        """The relation of a query within another one."""
        return self._bind(tree, queries, within=True)

    def _bind(self, tree: exp.Expr, queries: Mapping[str, Relation] | None, *, within: bool) -> Relation:
        if is_limited(tree):
            return bind_limited(
                tree, lambda plain: self._bind(plain, queries, within=within), self.source, within=within
            )
        known = dict(queries or {})
        with_clause = tree.args.get("with_")
        if with_clause is not None:
            self._common(with_clause, known)
        for clause, found in tree.args.items():
            if found and clause not in _KNOWN:
                reason = _CLAUSES.get(clause, f"{clause.upper()} is not supported in a query")
                self.source.fail(reason, found if isinstance(found, exp.Expr) and _placed(found) else tree)
        if isinstance(tree, exp.Subquery):
            if tree.args.get("alias") is not None:
                self.source.fail("an alias cannot stand here", tree.args["alias"])
            return self._bind(tree.this, known, within=within)
        if isinstance(tree, exp.Select):
            return self._select(tree, known)
        if isinstance(tree, exp.Values):
            return self._values(tree)
        if isinstance(tree, exp.SetOperation):
            return self._set_operation(tree, known)
        raise self.source.error("expected a query (SELECT, VALUES or WITH)", tree)

    def _common(self, clause: exp.Expr, known: dict[str, Relation]) -> None:
        for query in clause.expressions:
            alias = query.args["alias"]
            own = [table for table in query.this.find_all(exp.Table) if table.name == alias.name]
            if clause.args.get("recursive") and any(not table.args.get("db") for table in own):
                self.source.fail("a query of WITH cannot read itself", own[0], "it may read those before")
            if query.args.get("materialized") is not None or query.args.get("key_expressions"):
                self.source.fail("MATERIALIZED and USING KEY are not supported in WITH", alias)
            relation = self._within(query.this, known)
            columns = tuple(column.name for column in alias.args.get("columns") or [])
            if not columns:
                self.refuse_repeated(query.this, alias)
            known[alias.name] = self.with_names(relation, columns, alias) if columns else relation

    def refuse_repeated(self, query: exp.Expr, place: exp.Expr) -> None:
        """A query that is to have a name must not give one of its columns' names twice."""
        written = written_names(query)
        if written is not None:
            twice = next(name for name in written if written.count(name) > 1)
            self.source.fail(f"the query has two columns '{twice}'", place, "give one of them another name")

    def with_names(self, relation: Relation, names: tuple[str, ...], place: exp.Expr) -> Relation:
        """The relation under names that the text lists, as many as it has fields."""
        if len(names) != len(relation.schema):
            self.source.fail(f"{len(names)} columns are named, but the query has {len(relation.schema)}", place)
        if len(set(names)) < len(names):
            self.source.fail("a column is named twice", place)
        return renamed(relation, names)

    def _select(self, tree: exp.Select, known: Mapping[str, Relation]) -> Relation:
        subqueries = self._subqueries(known)
        scope = self._from(tree, known, subqueries)
        hints = hints_of(tree, self.source)
        check_lookups(hints, scope.relation, tree, self.source)
        times = times_to_live(hints)
        scope = replace(scope, relation=with_join_times(scope.relation, tree, times))
        return SelectBinder(self.source, scope, subqueries, self.options, of_groups(tree, times)).bind(tree)

    def _subqueries(self, known: Mapping[str, Relation]) -> SubqueryBinder:
        return SubqueryBinder(lambda tree, correlation: replace(self, outer=correlation)._within(tree, known))

    def _from(self, tree: exp.Select, known: Mapping[str, Relation], subqueries: SubqueryBinder) -> Scope:
        clause = tree.args.get("from_")
        if clause is None:
            return replace(NO_NAMES, outer=self.outer)
        binder = FromBinder(
            self.source, self.catalog, self.options, self._within, subqueries, self.check_table, known, self.outer
        )
        return binder.bind(clause.this, list(tree.args.get("joins") or []))

    # ---- VALUES and set operations ----------------------------------------------------------------------------

    def _values(self, tree: exp.Values) -> Relation:
        binder = ExpressionBinder(self.source, replace(NO_NAMES, outer=self.outer), "VALUES")
        rows = [[binder.bind(item) for item in row.expressions] for row in tree.expressions]
        width = len(rows[0])
        for row, written in zip(rows, tree.expressions, strict=True):
            if len(row) != width:
                self.source.fail(f"the rows of VALUES differ in length: {width} and {len(row)}", written)
        types = [
            self._common_type([row[index] for row in rows], f"column {index + 1} of VALUES", tree)
            for index in range(width)
        ]
        typed = [tuple(_value(item, kind) for item, kind in zip(row, types, strict=True)) for row in rows]
        names = tuple(f"EXPR${index}" for index in range(width))
        fields = tuple(Field(name, kind) for name, kind in zip(names, types, strict=True))
        if all(isinstance(item, Literal) for row in typed for item in row):
            return Values(fields, tuple(tuple(i for i in row if isinstance(i, Literal)) for row in typed))
        branches = tuple(Project(NO_TABLE, row, names) for row in typed)
        return branches[0] if len(branches) == 1 else Union(branches)

    def _common_type(self, expressions: list[Expression], what: str, tree: exp.Expr) -> DataType:
        if any(isinstance(expression.type, NullType) for expression in expressions):
            self.source.fail(f"{what} has a NULL without a type", tree, "write CAST(NULL AS …)")
        found = least_restrictive_type([expression.type for expression in expressions])
        if found is None:
            kinds = " and ".join(dict.fromkeys(expression.type.name() for expression in expressions))
            self.source.fail(f"{what} has no common type: {kinds}", tree, "cast them to one type")
        return found

    def _set_operation(self, tree: exp.SetOperation, known: Mapping[str, Relation]) -> Relation:
        def is_plain(part: exp.Expr) -> bool:
            clauses = (key for key, found in part.args.items() if found)
            return not part.args.get("with_") and all(key in _KNOWN for key in clauses)

        bound = SetOperationBinder(self.source, lambda part: self._within(part, known), self._common_type, is_plain)
        return bound.bind(tree)


def _value(expression: Expression, target: DataType) -> Expression:
    """A value of VALUES as its column's type; literals stay literals where no digit is lost."""
    kind = target.with_nullable(expression.type.nullable)
    exact = isinstance(expression, Literal) and isinstance(expression.value, Decimal)
    if exact and isinstance(expression, Literal) and isinstance(kind, DecimalType):
        return Literal(kind, expression.value, position=expression.position)
    return coerce(expression, kind)


def _placed(tree: exp.Expr) -> bool:
    return any("start" in node.meta for node in tree.walk())
