"""Subqueries in expressions: IN, EXISTS, ANY, ALL and scalar ones, as parts of the expression until they are unnested.

Source: Flink, "SQL: Queries: WHERE clause", and "Joins". `unnesting` makes joins of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Protocol

from sqlglot import exp

from riacho.plan.expressions import Expression, rewrite, walk
from riacho.plan.relations import Relation
from riacho.plan.types import BOOLEAN, RowType
from riacho.sql.functions import bind
from riacho.sql.literal_grammar import is_row
from riacho.sql.source import SourceText

OPPOSITES = {"=": "<>", "<>": "=", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
"""The comparison that is true where the other is false: `x < ALL (q)` is `NOT x >= ANY (q)`."""


class SubqueryKind(Enum):
    """What a subquery is asked."""

    EXISTS = "EXISTS"
    ANY = "ANY"
    SCALAR = "SCALAR"


@dataclass(frozen=True, slots=True)
class Correlated(Expression):
    """Within a subquery: the value of its argument number `number`, from the row of the query around it."""

    number: int

    def __str__(self) -> str:
        return f"outer value {self.number}"


@dataclass(frozen=True, slots=True)
class Subquery(Expression):
    """A subquery that stands in an expression of the query around it.

    EXISTS: whether `query` has a row. ANY: whether `test` (over its fields and the arguments) is true for one; unknown
    where it is for none, but unknown for one. SCALAR: the value of its only field. `arguments` are what it reads of
    the row around it, over that one's fields.
    """

    kind: SubqueryKind
    query: Relation
    arguments: tuple[Expression, ...]
    test: Expression | None = None

    @property
    def operands(self) -> tuple[Expression, ...]:
        return self.arguments

    def with_operands(self, operands: tuple[Expression, ...]) -> Subquery:
        return replace(self, arguments=operands)

    def __str__(self) -> str:
        return {SubqueryKind.EXISTS: "EXISTS", SubqueryKind.ANY: "IN"}.get(self.kind, "") + "(subquery)"


def holds_subquery(expression: Expression) -> bool:
    """Whether a subquery is part of the expression."""
    return any(isinstance(part, Subquery) for part in walk(expression))


class Surroundings(Protocol):
    """What binds the expressions of the query around a subquery: see `riacho.sql.expressions`."""

    source: SourceText

    def bind(self, tree: exp.Expr) -> Expression:
        """The typed expression. Raises `SqlError`."""
        ...

    def named(self, tree: exp.Expr, parts: list[exp.Expr]) -> Expression | None:
        """The column that a name means, if any."""
        ...


@dataclass(slots=True)
class Correlation:
    """The names around a subquery. What is read of them becomes its arguments."""

    binder: Surroundings
    arguments: list[Expression] = field(default_factory=list)

    def argument(self, expression: Expression) -> Correlated:
        """What stands in the subquery for an expression of the query around it."""
        if expression not in self.arguments:
            self.arguments.append(expression)
        return Correlated(expression.type, self.arguments.index(expression), position=expression.position)

    def find(self, tree: exp.Expr, parts: list[exp.Expr]) -> Expression | None:
        """The column of a query around that a name means, if any."""
        found = self.binder.named(tree, parts)
        return None if found is None else self.argument(found)


BindQuery = Callable[[exp.Expr, Correlation], Relation]
"""Binds a query within which the names around it are known."""


@dataclass(slots=True)
class SubqueryBinder:
    """Binds the subqueries of an expression."""

    bind_query: BindQuery

    def exists(self, tree: exp.Expr, binder: Surroundings) -> Subquery:
        """`EXISTS (query)`."""
        correlation = Correlation(binder)
        query = self.bind_query(tree.this, correlation)
        position = binder.source.locate(tree)
        kind = BOOLEAN.with_nullable(False)
        return Subquery(kind, SubqueryKind.EXISTS, query, tuple(correlation.arguments), position=position)

    def lateral(self, tree: exp.Expr, binder: Surroundings) -> Subquery:
        """A query in FROM that reads the tables before it, all of whose rows are asked for."""
        return self.exists(exp.Exists(this=tree), binder)

    def scalar(self, tree: exp.Expr, binder: Surroundings) -> Subquery:
        """`(query)`, of one column, as a value; null where it has no row."""
        correlation = Correlation(binder)
        query = self.bind_query(tree, correlation)
        if len(query.schema) != 1:
            what = f"a subquery in an expression has one column, but this one has {len(query.schema)}"
            binder.source.fail(what, tree)
        kind = query.schema[0].type.with_nullable(True)
        position = binder.source.locate(tree)
        return Subquery(kind, SubqueryKind.SCALAR, query, tuple(correlation.arguments), position=position)

    def compared(self, operator: str, left: exp.Expr, tree: exp.Expr, binder: Surroundings) -> Subquery:
        """`left operator ANY (query)`; IN is `= ANY`. `left` may be a row, `(a, b)` or `ROW(a, b)`."""
        items = left.expressions if isinstance(left, exp.Tuple) or is_row(left) else [left]
        values = [binder.bind(item) for item in items]
        correlation = Correlation(binder)
        query = self.bind_query(tree, correlation)
        if len(values) != len(query.schema):
            given = "one value is" if len(values) == 1 else f"{len(values)} values are"
            what = f"{given} compared with a subquery of {len(query.schema)} columns"
            binder.source.fail(what, tree)
        if len(values) > 1 and operator != "=":
            binder.source.fail(f"rows cannot be compared by {operator} with those of a subquery", tree, "write IN")
        if any(isinstance(field.type, RowType) for field in query.schema):
            binder.source.fail("a ROW is not compared with the rows of a subquery", tree, "select its fields: n.a, n.b")
        position = binder.source.locate(tree)
        tests = [
            bind(operator, (correlation.argument(value), query.schema.column(place)), value.position)
            for place, value in enumerate(values)
        ]
        test = tests[0] if len(tests) == 1 else bind("AND", tuple(tests), position)
        arguments = tuple(correlation.arguments)
        return Subquery(test.type, SubqueryKind.ANY, query, arguments, test, position=position)


def with_arguments(expression: Expression, arguments: Sequence[Expression] | Mapping[int, Expression]) -> Expression:
    """The expression with what its arguments are in place of what stood for them."""

    def replaced(part: Expression) -> Expression:
        return arguments[part.number] if isinstance(part, Correlated) else part

    return rewrite(expression, replaced)


def numbers_read(*expressions: Expression) -> frozenset[int]:
    """The numbers of the arguments that the expressions read."""
    return frozenset(
        part.number for expression in expressions for part in walk(expression) if isinstance(part, Correlated)
    )
