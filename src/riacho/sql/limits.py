"""ORDER BY, LIMIT and OFFSET as steps of a stream: the first rows of an order, or all rows in the order of time.

Source: Flink, "ORDER BY clause", "LIMIT clause". A batch, and a query that is shown, sort their last result instead.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from riacho.plan.expressions import Literal
from riacho.plan.relations import Filter, Project, Rank, RankKind, Relation, Sort
from riacho.plan.types import BOOLEAN
from riacho.sql.ordering import bind_ordered
from riacho.sql.source import SourceText


def is_limited(tree: exp.Expr) -> bool:
    """Whether a query has one of these clauses."""
    return any(tree.args.get(clause) for clause in ("order", "limit", "offset"))


def bind_limited(tree: exp.Expr, bind: Callable[[exp.Expr], Relation], source: SourceText, *, within: bool) -> Relation:
    """A query with such clauses, all but them bound by `bind`. Raises `SqlError`.

    `within` another query an order without LIMIT says nothing, and is left out.
    """
    query = bind_ordered(tree, bind, source)
    relation, order = query.relation, query.order
    if order.limit is None:
        if order.offset:
            source.fail("OFFSET without LIMIT is not supported in streams", tree.args["offset"], "write LIMIT n, too")
        if order.keys and not within:
            relation = Sort(relation, order.keys, source.locate(tree.args["order"]))
    elif order.limit == 0:
        relation = Filter(relation, Literal(BOOLEAN.with_nullable(False), value=False))
    else:
        relation = Rank(relation, RankKind.ROW_NUMBER, (), order.keys, order.offset + 1, order.offset + order.limit)
    if query.width == len(relation.schema):
        return relation
    columns = tuple(relation.schema.column(index) for index in range(query.width))
    return Project(relation, columns, relation.schema.names[: query.width])
