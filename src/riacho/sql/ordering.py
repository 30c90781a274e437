"""ORDER BY, LIMIT and OFFSET at the end of a query that is shown: what is done to its rows once they are all there.

In a stream they would be operators of their own. Over a bounded input they are a sort of the result, so they are taken
off the query here. Source: Flink, "SQL: Queries: ORDER BY clause, LIMIT clause"; NULL is the lowest value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlglot import exp

from riacho.plan.ordering import SortKey
from riacho.plan.relations import Relation
from riacho.plan.types import DataType, MapType, MultisetType
from riacho.sql.result_names import own_name
from riacho.sql.source import SourceText

_HIDDEN = "\x7forder{}"
"""Names of columns that are there for the order alone. No column of a query has such a name."""


@dataclass(frozen=True, slots=True)
class RowOrder:
    """Sort the rows by the keys, pass over `offset` of them, and keep `limit` of the rest."""

    keys: tuple[SortKey, ...] = ()
    limit: int | None = None
    offset: int = 0

    @property
    def enough(self) -> int | None:
        """With so many rows, whichever they are, an append-only result is complete; None where all must be seen."""
        return None if self.limit is None or self.keys else self.offset + self.limit


@dataclass(frozen=True, slots=True)
class OrderedQuery:
    """A query without its order, and the order. Columns after the first `width` are there for the order alone."""

    relation: Relation
    width: int
    order: RowOrder


def bind_ordered(tree: exp.Expr, bind: Callable[[exp.Expr], Relation], source: SourceText) -> OrderedQuery:
    """Bind a query with `bind`, its order apart. Raises `SqlError`.

    `SELECT city, COUNT(*) AS c FROM t GROUP BY city ORDER BY c DESC, MAX(price) LIMIT 3` becomes
    `SELECT city, COUNT(*) AS c, MAX(price) AS hidden FROM t GROUP BY city`, by c descending and hidden, 3 rows.
    """
    plain = tree.copy()
    clauses = {name: plain.args.pop(name, None) for name in ("order", "limit", "offset")}
    relation = bind(plain)
    width = len(relation.schema)
    order = clauses["order"]
    keys: list[SortKey] = []
    hidden: list[exp.Expr] = []
    for item in order.expressions if order is not None else ():
        _refuse_ambiguous(item.this, plain, bind, source)
        column = _column_of(item.this, relation, plain, source)
        if column is None:
            column = width + len(hidden)
            name = _HIDDEN.format(len(hidden))
            hidden.append(exp.alias_(_without_aliases(item.this, plain), name, quoted=True, copy=False))
        keys.append(SortKey(column, bool(item.args.get("desc")), bool(item.args.get("nulls_first"))))
    if hidden:
        plain.set("expressions", [*plain.expressions, *hidden])
        relation = bind(plain)
    for key, item in zip(keys, order.expressions if order is not None else (), strict=True):
        refuse_unordered(relation.schema[key.column].type, item, source)
    limit, offset = clauses["limit"], clauses["offset"]
    return OrderedQuery(
        relation,
        width,
        RowOrder(
            tuple(keys),
            None if limit is None else _count(limit.expression, "LIMIT", source),
            0 if offset is None else _count(offset.expression, "OFFSET", source),
        ),
    )


def refuse_unordered(kind: DataType, tree: exp.Expr, source: SourceText) -> None:
    """Fail for a key of ORDER BY whose values have no order."""
    if isinstance(kind, MapType | MultisetType):
        source.fail(f"a {kind.name()} has no order", tree, "order by one of its values: m['key']")


def _refuse_ambiguous(key: exp.Expr, tree: exp.Expr, bind: Callable[[exp.Expr], Relation], source: SourceText) -> None:
    """Fail where a key reads a name that two items of the SELECT list have."""
    listed = tree
    while isinstance(listed, exp.SetOperation | exp.Subquery):
        listed = listed.this
    stars = [part for part in listed.expressions if part.is_star] if isinstance(tree, exp.Select) else []
    written = [own_name(part) for part in listed.expressions if not part.is_star]
    for column in key.find_all(exp.Column):
        times = written.count(column.name) if len(column.parts) == 1 else 0
        if times and stars:
            starred = tree.copy()
            starred.set("expressions", [star.copy() for star in stars])
            times += column.name in bind(starred).schema.names
        if times > 1:
            source.fail(f"column '{column.name}' is ambiguous", column, "give one of the two another name")


def _column_of(key: exp.Expr, relation: Relation, tree: exp.Expr, source: SourceText) -> int | None:
    """The column of the result that a key of ORDER BY is; None for an expression that has yet to be computed."""
    names = relation.schema.names
    if isinstance(key, exp.Literal):
        position = int(key.this) if not key.is_string and str(key.this).isdecimal() else 0
        if not 1 <= position <= len(names):
            source.fail(f"ORDER BY {key.sql()}: the result has no such column", key, f"they are {', '.join(names)}")
        return position - 1
    if isinstance(key, exp.Column) and len(key.parts) == 1 and key.name in names:
        return names.index(key.name)
    if isinstance(tree, exp.Select) and not tree.args.get("distinct"):
        return None
    kind = "SELECT DISTINCT" if isinstance(tree, exp.Select) else "a set operation"
    raise source.error(f"after {kind} ORDER BY takes columns of the result", key, f"they are {', '.join(names)}")


def _without_aliases(key: exp.Expr, tree: exp.Expr) -> exp.Expr:
    """The expression with what the SELECT list calls by a name in place of the name."""
    aliased = {item.alias: item.this for item in tree.expressions if isinstance(item, exp.Alias)}

    def replaced(node: exp.Expr) -> exp.Expr:
        named = isinstance(node, exp.Column) and len(node.parts) == 1 and node.name in aliased
        return exp.Paren(this=aliased[node.name].copy()) if named else node

    return key.copy().transform(replaced)


def _count(tree: exp.Expr, clause: str, source: SourceText) -> int:
    """The number of rows that LIMIT or OFFSET names."""
    if not isinstance(tree, exp.Literal) or tree.is_string or not str(tree.this).isdecimal():
        source.fail(f"{clause} takes a number of rows", tree)
    return int(tree.this)
