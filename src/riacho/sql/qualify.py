"""QUALIFY: a condition on OVER calls, as WHERE around a subquery would be. Source: Calcite's QUALIFY, in Flink 2.2.

`SELECT k, v FROM t QUALIFY ROW_NUMBER() OVER (PARTITION BY k ORDER BY v DESC) <= 3`
"""

from __future__ import annotations

from sqlglot import exp

from riacho.plan.expressions import Expression, walk
from riacho.sql.aggregates import AggregateCollector
from riacho.sql.expressions import ExpressionBinder
from riacho.sql.over import OverCollector, OverSlot
from riacho.sql.scope import Scope
from riacho.sql.source import SourceText
from riacho.sql.subqueries import SubqueryBinder


def bind_qualify(
    tree: exp.Select,
    source: SourceText,
    scope: Scope,
    collector: AggregateCollector,
    over: OverCollector,
    subqueries: SubqueryBinder,
) -> Expression | None:
    """The condition, which may name items of SELECT; None where there is none. Raises `SqlError`."""
    clause = tree.args.get("qualify")
    if clause is None:
        return None
    items = {item.alias: item.this for item in tree.expressions if isinstance(item, exp.Alias)}

    def named(node: exp.Expr) -> exp.Expr:
        """An item of SELECT in place of its name, which no column has."""
        if isinstance(node, exp.Column) and len(node.parts) == 1 and node.name in items and not scope.named(node.name):
            item: exp.Expr = items[node.name].copy()
            return item
        return node

    condition = clause.this.transform(named)
    bound = ExpressionBinder(source, scope, "QUALIFY", collector, over, subqueries).predicate(condition)
    if not any(isinstance(part, OverSlot) for part in walk(bound)):
        source.fail("QUALIFY needs a function with OVER in its condition", clause.this, "write it as WHERE")
    return bound


def refuse_grouped(tree: exp.Select, source: SourceText) -> None:
    """Flink parses QUALIFY beside GROUP BY, and fails to plan it. Raises `SqlError`."""
    source.fail(
        "QUALIFY cannot stand beside GROUP BY and aggregates, which Apache Flink cannot plan",
        tree.args["qualify"].this,
        "group in a subquery: SELECT … FROM (SELECT … GROUP BY …) QUALIFY …",
    )
