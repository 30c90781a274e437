"""Subqueries of expressions become joins: semi and anti joins in conditions, marks and single rows elsewhere.

Source: Flink, "SQL: Queries: WHERE clause"; Neumann and Kemper, "Unnesting Arbitrary Queries".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from riacho.plan.expressions import (
    Call,
    Case,
    Expression,
    Literal,
    conjunction,
    conjuncts,
)
from riacho.plan.relations import Filter, Join, JoinKind, Relation
from riacho.plan.types import BOOLEAN
from riacho.sql.decorrelation import CorrelationError, Decorrelator, Pulled, columns_of, substituted
from riacho.sql.functions import bind
from riacho.sql.source import SourceText
from riacho.sql.subqueries import Subquery, SubqueryKind, holds_subquery, with_arguments

_TRUE = Literal(BOOLEAN.with_nullable(False), True)
_FALSE = Literal(BOOLEAN.with_nullable(False), False)
_UNKNOWN = Literal(BOOLEAN, None)


@dataclass(frozen=True, slots=True)
class Unnesting:
    """Makes joins of the subqueries of one clause. Fields that a relation had keep their places."""

    source: SourceText

    def filtered(self, relation: Relation, predicate: Expression) -> Relation:
        """The rows for which a condition is true.

        ```sql
        SELECT * FROM o WHERE x > 0 AND k IN (SELECT k FROM t) AND NOT EXISTS (SELECT * FROM u WHERE u.k = o.k)
        -- (SELECT * FROM o WHERE x > 0) SEMI JOIN t ON o.k = t.k ANTI JOIN u ON u.k = o.k
        ```
        """
        parts = conjuncts(predicate)
        plain = tuple(part for part in parts if not holds_subquery(part))
        if plain:
            relation = Filter(relation, conjunction(plain))
        for part in parts:
            if not holds_subquery(part):
                continue
            positive, asked = True, part
            while isinstance(asked, Call) and asked.function == "NOT":
                positive, asked = not positive, asked.arguments[0]
            if isinstance(asked, Subquery) and asked.kind is not SubqueryKind.SCALAR:
                relation, arguments = self.projected(relation, asked.arguments)
                relation = self._chosen(relation, replace(asked, arguments=arguments), positive=positive)
            else:
                relation, (condition,) = self.projected(relation, (part,))
                relation = Filter(relation, condition)
        return relation

    def projected(
        self, relation: Relation, expressions: Sequence[Expression]
    ) -> tuple[Relation, tuple[Expression, ...]]:
        """The relation with what the subqueries of these expressions give, and the expressions over it."""
        known: dict[Subquery, Expression] = {}
        for expression in expressions:
            for asked in _subqueries(expression):
                if asked not in known:
                    relation, arguments = self.projected(relation, asked.arguments)
                    relation, known[asked] = self._attached(relation, replace(asked, arguments=arguments))

        def answered(part: Expression) -> Expression:
            if isinstance(part, Subquery):
                return known[part]
            return part.with_operands(tuple(map(answered, part.operands))) if holds_subquery(part) else part

        return relation, tuple(map(answered, expressions))

    def lateral(self, relation: Relation, query: Subquery, kind: JoinKind) -> Join:
        """The rows of a relation, each with those of a query that reads it."""
        pulled = self._pulled(relation, query)
        if pulled.one_row:
            pulled = self._decorrelator(relation, query).plain(pulled)
        pulled = self._decorrelator(relation, query).projected(pulled)
        conditions = self._placed(pulled.conditions, relation, pulled, query)
        return Join(relation, pulled.relation, kind, (), (), conjunction(conditions) if conditions else None)

    # ---- one subquery -----------------------------------------------------------------------------------------

    def _chosen(self, relation: Relation, query: Subquery, *, positive: bool) -> Relation:
        """The rows for which the answer is true, or false."""
        pulled = self._pulled(relation, query)
        if query.kind is SubqueryKind.EXISTS and pulled.one_row:
            return relation if positive else Filter(relation, _FALSE)
        pulled, test = self._tested(relation, query, pulled)
        if test is not None and not positive and test.type.nullable:
            test = bind("OR", (test, bind("IS NULL", (test,))))  # an unknown answer is not false
        kind = JoinKind.SEMI if positive else JoinKind.ANTI
        return self._joined(relation, query, pulled, kind, test)

    def _attached(self, relation: Relation, query: Subquery) -> tuple[Relation, Expression]:
        """The relation with the answer for each row, and the expression that reads it."""
        pulled = self._pulled(relation, query)
        if query.kind is SubqueryKind.SCALAR:
            return self._with_value(relation, query, pulled)
        if query.kind is SubqueryKind.EXISTS and pulled.one_row:
            return relation, _TRUE
        pulled, test = self._tested(relation, query, pulled)
        marked = self._joined(relation, query, pulled, JoinKind.MARK, test)
        found = marked.schema.column(len(relation.schema))
        if test is None or not test.type.nullable:
            return marked, found
        # Unknown where no comparison is true, but one is unknown.
        marked = self._joined(marked, query, pulled, JoinKind.MARK, bind("IS NULL", (test,)))
        unknown = marked.schema.column(len(marked.schema) - 1)
        return marked, Case(BOOLEAN, ((found, _TRUE), (unknown, _UNKNOWN)), _FALSE)

    def _with_value(self, relation: Relation, query: Subquery, pulled: Pulled) -> tuple[Relation, Expression]:
        """A scalar subquery's value behind the fields: null without a row, an error for several."""
        if not pulled.one_row:
            pulled = self._decorrelator(relation, query).projected(pulled)
        joined = replace(self._joined(relation, query, pulled, JoinKind.LEFT, None), single=not pulled.one_row)
        fields = tuple(_as_nullable(column) for column in columns_of(pulled.relation, len(relation.schema)))
        return joined, _as_nullable(with_arguments(substituted(pulled.fields[0], fields), query.arguments))

    def _joined(
        self, relation: Relation, query: Subquery, pulled: Pulled, kind: JoinKind, test: Expression | None
    ) -> Join:
        conditions = (*pulled.conditions, *(() if test is None else conjuncts(test)))
        placed = self._placed(conditions, relation, pulled, query)
        return Join(relation, pulled.relation, kind, (), (), conjunction(placed) if placed else None)

    def _tested(self, relation: Relation, query: Subquery, pulled: Pulled) -> tuple[Pulled, Expression | None]:
        """The query and what is asked of its rows."""
        if pulled.one_row:
            pulled = self._decorrelator(relation, query).plain(pulled)
        return pulled, None if query.test is None else substituted(query.test, pulled.fields)

    @staticmethod
    def _placed(
        expressions: Sequence[Expression], relation: Relation, pulled: Pulled, query: Subquery
    ) -> tuple[Expression, ...]:
        """Expressions over a query's fields and its arguments, over the fields of a join with it."""
        fields = columns_of(pulled.relation, len(relation.schema))
        return tuple(with_arguments(substituted(part, fields), query.arguments) for part in expressions)

    def _decorrelator(self, relation: Relation, query: Subquery) -> Decorrelator:
        return Decorrelator(relation, query.arguments)

    def _pulled(self, relation: Relation, query: Subquery) -> Pulled:
        try:
            return self._decorrelator(relation, query).pull(query.query)
        except CorrelationError as error:
            assert query.position is not None
            self.source.fail(str(error), query.position, "write it as a join")


def _subqueries(expression: Expression) -> list[Subquery]:
    """Those of an expression; not those of their arguments."""
    if isinstance(expression, Subquery):
        return [expression]
    return [found for operand in expression.operands for found in _subqueries(operand)]


def _as_nullable(expression: Expression) -> Expression:
    return replace(expression, type=expression.type.with_nullable(True))
