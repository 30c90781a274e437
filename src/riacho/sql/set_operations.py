"""UNION, INTERSECT and EXCEPT, ALL or not. Source: Flink, "Set Operations"."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlglot import exp

from riacho.plan.expressions import AggregateCall, Expression, Literal, conjunction
from riacho.plan.relations import Aggregate, Join, JoinKind, Project, Relation, Replicate, Union, unique_names
from riacho.plan.types import BIGINT, DataType
from riacho.sql.from_clause import renamed
from riacho.sql.functions import bind, bind_case, coerce
from riacho.sql.select import distinct_rows
from riacho.sql.source import SourceText

CommonType = Callable[[list[Expression], str, exp.Expr], DataType]

_WHOLE = BIGINT.with_nullable(False)


@dataclass(slots=True)
class SetOperationBinder:
    """Binds set operations. `bind_query` binds the queries, `common_type` finds the type of a column of all."""

    source: SourceText
    bind_query: Callable[[exp.Expr], Relation]
    common_type: CommonType
    is_plain: Callable[[exp.Expr], bool]
    """Whether a set operation has no clause of its own, so that it can be joined with the one around it."""

    def bind(self, tree: exp.SetOperation) -> Relation:
        """The relation of a set operation. Raises `SqlError`."""
        branches = self._aligned(tree)
        distinct = bool(tree.args.get("distinct"))
        if isinstance(tree, exp.Union):
            union = Union(tuple(branches))
            return distinct_rows(union) if distinct else union
        left, right = branches
        if not distinct:
            return _counted(left, right, common=isinstance(tree, exp.Intersect))
        kind = JoinKind.SEMI if isinstance(tree, exp.Intersect) else JoinKind.ANTI
        pair = Join(left, right, kind, (), ()).pair
        width = len(left.schema)
        same = tuple(
            bind("IS NOT DISTINCT FROM", (pair.column(place), pair.column(width + place))) for place in range(width)
        )
        return distinct_rows(Join(left, right, kind, (), (), conjunction(same)))

    def _aligned(self, tree: exp.SetOperation) -> list[Relation]:
        """The queries with one number of columns, of the same types and names."""
        branches, trees = self._branches(tree)
        name, width = type(tree).__name__.upper(), len(branches[0].schema)
        for branch, written in zip(branches, trees, strict=True):
            if len(branch.schema) != width:
                what = f"the queries of {name} differ in their number of columns: {width} and {len(branch.schema)}"
                self.source.fail(what, written)
        first = branches[0].schema
        types = [
            self.common_type(
                [branch.schema.column(index) for branch in branches],
                f"column '{first[index].name}' of {name}",
                trees[-1],
            )
            for index in range(width)
        ]
        return [_cast_to(branch, types, first.names) for branch in branches]

    def _branches(self, tree: exp.SetOperation) -> tuple[list[Relation], list[exp.Expr]]:
        """The queries of a chain of UNION ALL, or the two of another operation."""
        relations: list[Relation] = []
        trees: list[exp.Expr] = []
        pending = [tree.this, tree.args["expression"]]
        chains = isinstance(tree, exp.Union) and not tree.args.get("distinct")
        while pending:
            part = pending.pop(0)
            if chains and isinstance(part, exp.Union) and not part.args.get("distinct") and self.is_plain(part):
                pending[:0] = [part.this, part.args["expression"]]
                continue
            relations.append(self.bind_query(part))
            trees.append(part)
        return relations, trees


def _counted(left: Relation, right: Relation, *, common: bool) -> Relation:
    """INTERSECT ALL (`common`) or EXCEPT ALL: each row as often as its numbers on both sides say.

    ```sql
    SELECT x FROM a EXCEPT ALL SELECT x FROM b
    -- x, so often as l − r says, of: SELECT x, SUM(l) AS l, SUM(r) AS r
    -- FROM (SELECT x, 1 AS l, 0 AS r FROM a UNION ALL SELECT x, 0, 1 FROM b) GROUP BY x
    ```
    """
    width = len(left.schema)
    names = tuple(unique_names([*left.schema.names, "$l", "$r"]))
    one, zero = Literal(_WHOLE, 1), Literal(_WHOLE, 0)
    sides = []
    for relation, marks in ((left, (one, zero)), (right, (zero, one))):
        columns = tuple(relation.schema.column(place) for place in range(width))
        sides.append(Project(relation, (*columns, *marks), names))
    union = Union(tuple(sides))
    calls = tuple(AggregateCall("SUM", (union.schema.column(width + side),), _WHOLE) for side in range(2))
    counted = Aggregate(union, tuple(range(width)), calls, names)
    of_left, of_right = counted.schema.column(width), counted.schema.column(width + 1)
    copies = bind("-", (of_left, of_right))
    if common:
        copies = bind_case(((bind("<", (of_left, of_right)), of_left),), of_right, None)
    columns = tuple(counted.schema.column(place) for place in range(width))
    return Replicate(Project(counted, (*columns, coerce(copies, _WHOLE)), names[:-1]))


def _cast_to(relation: Relation, types: list[DataType], names: tuple[str, ...]) -> Relation:
    columns = [relation.schema.column(index) for index in range(len(types))]
    cast = tuple(
        coerce(column, kind.with_nullable(column.type.nullable)) for column, kind in zip(columns, types, strict=True)
    )
    unchanged = all(new is old for new, old in zip(cast, columns, strict=True))
    return renamed(relation, names) if unchanged else Project(relation, cast, names)
