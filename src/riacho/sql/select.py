"""SELECT: its items, WHERE, GROUP BY, HAVING, OVER and DISTINCT become relations. Source: Flink, "SQL: Queries"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlglot import exp

from riacho.plan.expressions import Expression
from riacho.plan.passes.interval_join import recognize_interval_joins
from riacho.plan.passes.merge_projects import merge_projects
from riacho.plan.passes.push_filters import push_filters
from riacho.plan.passes.window_aggregate import recognize_window_aggregates
from riacho.plan.relations import Aggregate, Join, Project, Relation, unique_names
from riacho.plan.types import NullType
from riacho.sql.aggregates import AggregateCollector, above, ungrouped
from riacho.sql.batch import is_batch
from riacho.sql.expressions import ExpressionBinder
from riacho.sql.group_windows import GroupWindow, is_group_window
from riacho.sql.grouping import Grouping, bind_grouping
from riacho.sql.over import OverCollector, above_over
from riacho.sql.qualify import bind_qualify, refuse_grouped
from riacho.sql.result_names import own_name
from riacho.sql.row_fields import row_fields
from riacho.sql.scope import Scope, ScopeColumn
from riacho.sql.source import SourceText
from riacho.sql.subqueries import SubqueryBinder
from riacho.sql.unnesting import Unnesting


@dataclass(slots=True)
class _Item:
    """One expression of the SELECT list."""

    expression: Expression
    name: str | None
    tree: exp.Expr


@dataclass(slots=True)
class SelectBinder:
    """Binds one SELECT over the `scope` of its FROM clause."""

    source: SourceText
    scope: Scope
    subqueries: SubqueryBinder
    options: Mapping[str, str]
    ttl_ms: int | None = None
    """How long groups are kept that nobody writes to, where a hint says so."""

    def bind(self, tree: exp.Select) -> Relation:
        """The relation of the SELECT. Raises `SqlError`."""
        scope, unnesting = self.scope, Unnesting(self.source)
        where = tree.args.get("where")
        if where is not None:
            predicate = ExpressionBinder(self.source, scope, "WHERE", subqueries=self.subqueries).predicate(where.this)
            relation = unnesting.filtered(scope.relation, predicate)
            if isinstance(scope.relation, Join):
                # At once, since the rows keep their row time, which the query around may use.
                relation = recognize_interval_joins(push_filters(relation))
            scope = replace(scope, relation=relation)
        grouping = self._group(tree, scope)
        laid, window = grouping, self._group_window(tree, scope)
        if window is not None:
            moved = window.over(scope.relation, grouping)
            grouping, laid = window.joined(grouping, grouping.keys), window.joined(grouping, moved)
            assert window.relation is not None
            scope = replace(scope, relation=window.relation)
        collector = AggregateCollector(grouping.keys, grouping.written)
        named = {window.this.name: window for window in tree.args.get("windows") or ()}
        over = OverCollector(self.source, named, is_batch(self.options))
        items = self._items(tree, scope, collector, over, window)
        clause = tree.args.get("having")
        having = None
        if clause is not None:
            binder = ExpressionBinder(
                self.source, scope, "HAVING", collector, subqueries=self.subqueries, window=window
            )
            predicate = binder.predicate(clause.this)
            having = _Item(predicate, None, clause.this)
        qualified = bind_qualify(tree, self.source, scope, collector, over, self.subqueries)
        if qualified is not None and (grouping.written or collector.calls or having is not None):
            refuse_grouped(tree, self.source)
        relation = scope.relation
        if grouping.written or collector.calls or having is not None:
            relation = self._aggregated(relation, grouping, laid, collector, items, having, over)
        if over.calls:
            computed = over.over(relation)
            for item in items:
                item.expression = above_over(item.expression, computed)
            relation = computed.relation
            if qualified is not None:
                relation = unnesting.filtered(relation, above_over(qualified, computed))
        relation, expressions = unnesting.projected(relation, [item.expression for item in items])
        relation = Project(relation, expressions, self._names(items))
        distinct = tree.args.get("distinct")
        if distinct is not None:
            if distinct.args.get("on") is not None:
                self.source.fail("DISTINCT ON is not supported", tree)
            relation = distinct_rows(relation)
        return relation

    def _aggregated(
        self,
        below: Relation,
        grouping: Grouping,
        laid: Grouping,
        collector: AggregateCollector,
        items: list[_Item],
        having: _Item | None,
        over: OverCollector,
    ) -> Relation:
        """The grouped relation; `items` and the OVER calls are changed to read its fields.

        `laid` is `grouping` by the fields of the relation below.
        """
        for item in [*items, *([] if having is None else [having])]:
            self._check_grouped(item.expression, grouping.keys, item.tree)
        aggregate = replace(collector.over(below, laid), ttl_ms=self.ttl_ms)
        # At once, since the rows of a window keep their row time, which the query around may use.
        relation = recognize_window_aggregates(merge_projects(push_filters(aggregate)))
        if having is not None:
            relation = Unnesting(self.source).filtered(relation, above(having.expression, grouping, aggregate))
        for item in items:
            item.expression = above(item.expression, grouping, aggregate)
        if over.calls:
            for expression in over.expressions:
                self._check_grouped(expression, grouping.keys, items[0].tree)
            over.map(lambda expression: above(expression, grouping, aggregate))
        return relation

    def _group_window(self, tree: exp.Select, scope: Scope) -> GroupWindow | None:
        """The TUMBLE, HOP or SESSION of GROUP BY."""
        clause = tree.args.get("group")
        windows = [] if clause is None else [part for part in clause.expressions if is_group_window(part)]
        if len(windows) > 1:
            self.source.fail("GROUP BY can have one window only", windows[1])
        bind = ExpressionBinder(self.source, scope, "a window of GROUP BY").bind
        if not windows:
            return None
        return GroupWindow.of(windows[0], scope.relation, self.source, bind, self.options)

    def _group(self, tree: exp.Select, scope: Scope) -> Grouping:
        aliases = {item.alias for item in tree.expressions if isinstance(item, exp.Alias)}

        def bind(part: exp.Expr) -> Expression:
            if isinstance(part, exp.Literal) and not part.is_string:
                self.source.fail("GROUP BY takes no positions", part, "name the column or repeat the expression")
            unknown = isinstance(part, exp.Column) and len(part.parts) == 1 and not scope.named(part.name)
            if unknown and part.name in aliases:
                self.source.fail(
                    f"'{part.name}' is an alias of SELECT, which GROUP BY does not know",
                    part,
                    "repeat the expression, or name it in a subquery",
                )
            return ExpressionBinder(self.source, scope, "GROUP BY").bind(part)

        clause = tree.args.get("group")
        if clause is not None:
            plain = [part for part in clause.expressions if not is_group_window(part)]
            clause = exp.Group(expressions=plain, distinct=clause.args.get("distinct"))
        return bind_grouping(self.source, clause, bind)

    def _check_grouped(self, expression: Expression, keys: tuple[Expression, ...], tree: exp.Expr) -> None:
        found = ungrouped(expression, keys)
        if found is not None:
            self.source.fail(
                f"column '{found.name}' is neither grouped by nor in an aggregate function",
                found.position or tree,
                f"add {found.name} to GROUP BY, or write MAX({found.name})",
            )

    def _items(
        self,
        tree: exp.Select,
        scope: Scope,
        collector: AggregateCollector,
        over: OverCollector,
        window: GroupWindow | None,
    ) -> list[_Item]:
        binder = ExpressionBinder(self.source, scope, "SELECT", collector, over, self.subqueries, window)
        items: list[_Item] = []
        if not tree.expressions:
            self.source.fail("SELECT lists nothing", tree)
        for part in tree.expressions:
            inner = part.this if isinstance(part, exp.Alias) else part
            starred = self._starred(inner, scope)
            if starred is not None:
                self._refuse_repeated(starred, inner)
                if isinstance(part, exp.Alias):
                    self.source.fail("'*' cannot have an alias", part)
                items += [_Item(binder.column(column, inner), column.name, inner) for column in starred]
                continue
            fields = row_fields(inner, scope, binder.bind, self.source)
            if fields is not None:
                if isinstance(part, exp.Alias):
                    self.source.fail("'*' cannot have an alias", part)
                items += [_Item(field, name, inner) for name, field in fields]
                continue
            bound = binder.bind(inner)
            items.append(_Item(bound, own_name(part), inner))
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
        if isinstance(tree, exp.Column) and isinstance(tree.this, exp.Star) and tree.args.get("db") is None:
            return scope.of_table(tree.table) if tree.table in scope.tables else None
        return None

    def _refuse_repeated(self, columns: list[ScopeColumn], star: exp.Expr) -> None:
        for column in columns:
            if column.repeated:
                self.source.fail(f"column '{column.name}' is ambiguous", star, "give one of the two another name")

    def _names(self, items: list[_Item]) -> tuple[str, ...]:
        for item in items:
            if isinstance(item.expression.type, NullType):
                self.source.fail("a NULL in a result has no type", item.tree, "write CAST(NULL AS …)")
        return tuple(unique_names([item.name or f"EXPR${index}" for index, item in enumerate(items)]))


def distinct_rows(relation: Relation) -> Aggregate:
    """Each row once."""
    return Aggregate(relation, tuple(range(len(relation.schema))), (), relation.schema.names)
