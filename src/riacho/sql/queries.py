"""Queries: SELECT, VALUES, set operations and WITH become relations. Source: Flink, "SQL: Queries"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from sqlglot import exp

from riacho.plan.expressions import Expression, Literal
from riacho.plan.passes.merge_projects import merge_projects
from riacho.plan.passes.push_filters import push_filters
from riacho.plan.passes.window_aggregate import recognize_window_aggregates
from riacho.plan.relations import Aggregate, Field, Filter, Project, Relation, Union, Values, unique_names
from riacho.plan.types import DataType, DecimalType, NullType, RowType
from riacho.sql.aggregates import AggregateCollector, above, ungrouped
from riacho.sql.catalog import Catalog
from riacho.sql.expressions import ExpressionBinder
from riacho.sql.from_clause import NO_NAMES, NO_TABLE, FromBinder, renamed
from riacho.sql.functions import coerce, common_type
from riacho.sql.hints import CheckTable
from riacho.sql.scope import Scope, ScopeColumn
from riacho.sql.source import SourceText

_CLAUSES = {
    "order": "ORDER BY is not supported on streams yet",
    "limit": "LIMIT is not supported on streams yet",
    "offset": "OFFSET is not supported on streams yet",
    "qualify": "QUALIFY is not supported",
    "windows": "WINDOW clauses are not supported yet",
    "hint": "query hints are not supported",
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

_KNOWN = frozenset(
    ("with_", "expressions", "from_", "joins", "where", "group", "having", "distinct", "this", "expression", "alias")
)
"""Parts of a query that this module binds."""


@dataclass(slots=True)
class _Item:
    """One expression of the SELECT list."""

    expression: Expression
    name: str | None
    tree: exp.Expr


@dataclass(slots=True)
class QueryBinder:
    """Binds queries over a catalog. Raises `SqlError`."""

    source: SourceText
    catalog: Catalog
    options: Mapping[str, str] = field(default_factory=dict)
    check_table: CheckTable | None = None

    def bind(self, tree: exp.Expr, queries: Mapping[str, Relation] | None = None) -> Relation:
        """The relation of a query. `queries` are those that WITH named around it."""
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
            return self.bind(tree.this, known)
        if isinstance(tree, exp.Select):
            return self._select(tree, known)
        if isinstance(tree, exp.Values):
            return self._values(tree)
        if isinstance(tree, exp.Union):
            return self._union(tree, known)
        if isinstance(tree, exp.Except | exp.Intersect):
            self.source.fail(f"{type(tree).__name__.upper()} is not supported yet", tree)
        raise self.source.error("expected a query (SELECT, VALUES or WITH)", tree)

    def _common(self, clause: exp.Expr, known: dict[str, Relation]) -> None:
        if clause.args.get("recursive"):
            self.source.fail("WITH RECURSIVE is not supported", clause)
        for query in clause.expressions:
            alias = query.args["alias"]
            if query.args.get("materialized") is not None or query.args.get("key_expressions"):
                self.source.fail("MATERIALIZED and USING KEY are not supported in WITH", alias)
            relation = self.bind(query.this, known)
            columns = tuple(column.name for column in alias.args.get("columns") or [])
            known[alias.name] = self.with_names(relation, columns, alias) if columns else relation

    def with_names(self, relation: Relation, names: tuple[str, ...], place: exp.Expr) -> Relation:
        """The relation under names that the text lists, as many as it has fields."""
        if len(names) != len(relation.schema):
            self.source.fail(f"{len(names)} columns are named, but the query has {len(relation.schema)}", place)
        if len(set(names)) < len(names):
            self.source.fail("a column is named twice", place)
        return renamed(relation, names)

    # ---- SELECT -----------------------------------------------------------------------------------------------

    def _select(self, tree: exp.Select, known: Mapping[str, Relation]) -> Relation:
        scope = self._from(tree, known)
        where = tree.args.get("where")
        if where is not None:
            predicate = ExpressionBinder(self.source, scope, "WHERE").predicate(where.this)
            scope = Scope(Filter(scope.relation, predicate), scope.columns)
        keys, key_names = self._group(tree, scope)
        collector = AggregateCollector(grouped=bool(keys))
        items = self._items(tree, scope, collector)
        clause = tree.args.get("having")
        having = None
        if clause is not None:
            predicate = ExpressionBinder(self.source, scope, "HAVING", collector).predicate(clause.this)
            having = _Item(predicate, None, clause.this)
        relation = scope.relation
        if keys or collector.calls or having is not None:
            relation = self._aggregated(relation, keys, key_names, collector, items, having)
        relation = Project(relation, tuple(item.expression for item in items), self._names(items))
        distinct = tree.args.get("distinct")
        if distinct is not None:
            if distinct.args.get("on") is not None:
                self.source.fail("DISTINCT ON is not supported", tree)
            relation = _distinct(relation)
        return relation

    def _aggregated(
        self,
        below: Relation,
        keys: tuple[Expression, ...],
        key_names: list[str],
        collector: AggregateCollector,
        items: list[_Item],
        having: _Item | None,
    ) -> Relation:
        """The grouped relation; `items` are changed to read its fields."""
        for item in [*items, *([] if having is None else [having])]:
            self._check_grouped(item.expression, keys, item.tree)
        aggregate = collector.over(below, keys, key_names)
        # At once, since the rows of a window keep their row time, which the query around may use.
        relation = recognize_window_aggregates(merge_projects(push_filters(aggregate)))
        if having is not None:
            relation = Filter(relation, above(having.expression, keys, aggregate))
        for item in items:
            item.expression = above(item.expression, keys, aggregate)
        return relation

    def _from(self, tree: exp.Select, known: Mapping[str, Relation]) -> Scope:
        clause = tree.args.get("from_")
        if clause is None:
            return NO_NAMES
        binder = FromBinder(self.source, self.catalog, self.options, self.bind, self.check_table, known)
        return binder.bind(clause.this, list(tree.args.get("joins") or []))

    def _group(self, tree: exp.Select, scope: Scope) -> tuple[tuple[Expression, ...], list[str]]:
        clause = tree.args.get("group")
        if clause is None:
            return (), []
        for key in ("cube", "rollup", "grouping_sets", "totals", "all"):
            if clause.args.get(key):
                self.source.fail(f"GROUP BY {key.replace('_', ' ').upper()} is not supported yet", clause)
        aliases = {item.alias for item in tree.expressions if isinstance(item, exp.Alias)}
        keys: list[Expression] = []
        names: list[str] = []
        parts = [part for item in clause.expressions for part in self._group_parts(item)]
        for part in parts:
            if isinstance(part, exp.Literal):
                self.source.fail("GROUP BY takes no positions", part, "name the column or repeat the expression")
            unknown = isinstance(part, exp.Column) and len(part.parts) == 1 and not scope.named(part.name)
            if unknown and part.name in aliases:
                self.source.fail(
                    f"'{part.name}' is an alias of SELECT, which GROUP BY does not know",
                    part,
                    "repeat the expression, or name it in a subquery",
                )
            bound = ExpressionBinder(self.source, scope, "GROUP BY").bind(part)
            if bound not in keys:
                keys.append(bound)
                names.append(part.name if isinstance(part, exp.Column) else f"$f{len(names)}")
        return tuple(keys), unique_names(names)

    def _group_parts(self, tree: exp.Expr) -> list[exp.Expr]:
        for kind, name in ((exp.Cube, "CUBE"), (exp.Rollup, "ROLLUP"), (exp.GroupingSets, "GROUPING SETS")):
            if isinstance(tree, kind):
                self.source.fail(f"GROUP BY {name} is not supported yet", tree)
        if isinstance(tree, exp.Tuple):
            return list(tree.expressions)
        return [tree.unnest() if isinstance(tree, exp.Paren) else tree]

    def _check_grouped(self, expression: Expression, keys: tuple[Expression, ...], tree: exp.Expr) -> None:
        found = ungrouped(expression, keys)
        if found is not None:
            self.source.fail(
                f"column '{found.name}' is neither grouped by nor in an aggregate function",
                found.position or tree,
                f"add {found.name} to GROUP BY, or write MAX({found.name})",
            )

    def _items(self, tree: exp.Select, scope: Scope, collector: AggregateCollector) -> list[_Item]:
        binder = ExpressionBinder(self.source, scope, "SELECT", collector)
        items: list[_Item] = []
        if not tree.expressions:
            self.source.fail("SELECT lists nothing", tree)
        for part in tree.expressions:
            inner = part.this if isinstance(part, exp.Alias) else part
            starred = self._starred(inner, scope)
            if starred is not None:
                if isinstance(part, exp.Alias):
                    self.source.fail("'*' cannot have an alias", part)
                items += [_Item(binder.column(column, inner), column.name, inner) for column in starred]
                continue
            bound = binder.bind(inner)
            items.append(_Item(bound, part.alias if isinstance(part, exp.Alias) else _own_name(inner), inner))
        return items

    def _starred(self, tree: exp.Expr, scope: Scope) -> list[ScopeColumn] | None:
        """The columns of `*` or `t.*`; None for anything else."""
        if isinstance(tree, exp.Star):
            if not scope.columns:
                self.source.fail("'*' needs a table in FROM", tree)
            merged = {column.name for column in scope.columns if column.merged}
            visible = [column for column in scope.columns if not column.merged]
            # Columns of USING come first, once.
            return sorted(visible, key=lambda column: column.name not in merged)
        if isinstance(tree, exp.Column) and isinstance(tree.this, exp.Star):
            if tree.args.get("db") is not None:
                self.source.fail("write the table's name or alias alone before '.*'", tree)
            if tree.table not in scope.tables:
                row = next(iter(scope.named(tree.table)), None)
                if row is not None and isinstance(row_type := scope.field(row).type, RowType):
                    fields = ", ".join(f"{row.name}.{field.name}" for field in row_type)
                    self.source.fail("'.*' of a ROW is not supported", tree.args["table"], f"write {fields}")
                from_tables = ", ".join(scope.tables) or "none"
                self.source.fail(
                    f"there is no table '{tree.table}' in FROM", tree.args["table"], f"the tables are {from_tables}"
                )
            return scope.of_table(tree.table)
        return None

    def _names(self, items: list[_Item]) -> tuple[str, ...]:
        for item in items:
            if isinstance(item.expression.type, NullType):
                self.source.fail("a NULL in a result has no type", item.tree, "write CAST(NULL AS …)")
        return tuple(unique_names([item.name or f"EXPR${index}" for index, item in enumerate(items)]))

    # ---- VALUES and set operations ----------------------------------------------------------------------------

    def _values(self, tree: exp.Values) -> Relation:
        binder = ExpressionBinder(self.source, NO_NAMES, "VALUES")
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
        found = common_type([expression.type for expression in expressions])
        if found is None:
            kinds = " and ".join(dict.fromkeys(expression.type.name() for expression in expressions))
            self.source.fail(f"{what} has no common type: {kinds}", tree, "cast them to one type")
        if isinstance(found, NullType):
            self.source.fail(f"{what} is only NULL, which has no type", tree, "write CAST(NULL AS …)")
        return found

    def _union(self, tree: exp.Union, known: Mapping[str, Relation]) -> Relation:
        branches, trees = self._branches(tree, known)
        width = len(branches[0].schema)
        for branch, written in zip(branches, trees, strict=True):
            if len(branch.schema) != width:
                self.source.fail(
                    f"the queries of UNION differ in their number of columns: {width} and {len(branch.schema)}", written
                )
        first = branches[0].schema
        types = [
            self._common_type(
                [branch.schema.column(index) for branch in branches],
                f"column '{first[index].name}' of UNION",
                trees[-1],
            )
            for index in range(width)
        ]
        union = Union(tuple(_cast_to(branch, types, first.names) for branch in branches))
        return _distinct(union) if tree.args.get("distinct") else union

    def _branches(self, tree: exp.Union, known: Mapping[str, Relation]) -> tuple[list[Relation], list[exp.Expr]]:
        """The queries of a chain of UNION ALL, or the two of a UNION."""
        relations: list[Relation] = []
        trees: list[exp.Expr] = []
        pending = [tree.this, tree.args["expression"]]
        while pending:
            part = pending.pop(0)
            chained = isinstance(part, exp.Union) and not part.args.get("distinct") and not tree.args.get("distinct")
            if (
                chained
                and not part.args.get("with_")
                and not any(found for key, found in part.args.items() if key not in _KNOWN)
            ):
                pending[:0] = [part.this, part.args["expression"]]
                continue
            relations.append(self.bind(part, known))
            trees.append(part)
        return relations, trees


def _value(expression: Expression, target: DataType) -> Expression:
    """A value of VALUES as its column's type; literals stay literals where no digit is lost."""
    kind = target.with_nullable(expression.type.nullable)
    exact = isinstance(expression, Literal) and isinstance(expression.value, Decimal)
    if exact and isinstance(expression, Literal) and isinstance(kind, DecimalType):
        return Literal(kind, expression.value, position=expression.position)
    return coerce(expression, kind)


def _own_name(tree: exp.Expr) -> str | None:
    """The name that an expression without alias brings: a column's or a field's."""
    if isinstance(tree, exp.Column):
        return tree.name
    if isinstance(tree, exp.Dot):
        return str(tree.args["expression"].name)
    return None


def _placed(tree: exp.Expr) -> bool:
    return any("start" in node.meta for node in tree.walk())


def _distinct(relation: Relation) -> Aggregate:
    return Aggregate(relation, tuple(range(len(relation.schema))), (), relation.schema.names)


def _cast_to(relation: Relation, types: list[DataType], names: tuple[str, ...]) -> Relation:
    columns = [relation.schema.column(index) for index in range(len(types))]
    cast = tuple(
        coerce(column, kind.with_nullable(column.type.nullable)) for column, kind in zip(columns, types, strict=True)
    )
    unchanged = all(new is old for new, old in zip(cast, columns, strict=True))
    return renamed(relation, names) if unchanged else Project(relation, cast, names)
