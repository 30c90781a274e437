"""Which names an expression may use: the columns of the tables in FROM, each under its table's name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from sqlglot import exp

from riacho.plan.expressions import Expression, Literal
from riacho.plan.relations import Field, Relation, Values
from riacho.plan.types import INT


@dataclass(frozen=True, slots=True)
class ScopeColumn:
    """A visible column: its name, the name of its table, and its index in the relation.

    A `merged` column is the right side of USING: only its qualified name reaches it. A `repeated` one is not alone with
    its name in its table, a subquery that gives the name twice: neither the name nor a star reaches it.
    """

    name: str
    table: str | None
    index: int
    merged: bool = False
    repeated: bool = False


class Outer(Protocol):
    """The names around a subquery."""

    def find(self, tree: exp.Expr, parts: list[exp.Expr]) -> Expression | None:
        """What a name means there; None: nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Scope:
    """A relation and the names of its fields. Names that are not among them may be those of an `outer` query."""

    relation: Relation
    columns: tuple[ScopeColumn, ...]
    outer: Outer | None = None

    @staticmethod
    def of(relation: Relation, table: str | None, names: tuple[str, ...] | None = None) -> Scope:
        """All fields of a relation, as columns of one table."""
        given = names if names is not None else relation.schema.names
        columns = tuple(
            ScopeColumn(name, table, index, repeated=given.count(name) > 1) for index, name in enumerate(given)
        )
        return Scope(relation, columns)

    @staticmethod
    def joined(relation: Relation, left: Scope, right: Scope, using: frozenset[str]) -> Scope:
        """The columns of both sides of a join, left first."""
        width = len(left.relation.schema)
        moved = tuple(
            replace(column, index=column.index + width, merged=column.merged or column.name in using)
            for column in right.columns
        )
        return Scope(relation, (*left.columns, *moved), left.outer)

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of the tables, in order."""
        return tuple(dict.fromkeys(column.table for column in self.columns if column.table is not None))

    def named(self, name: str) -> list[ScopeColumn]:
        """The columns that an unqualified name may mean."""
        return [column for column in self.columns if column.name == name and not column.merged]

    def of_table(self, table: str) -> list[ScopeColumn]:
        return [column for column in self.columns if column.table == table]

    def field(self, column: ScopeColumn) -> Field:
        return self.relation.schema[column.index]


NO_TABLE = Values((Field("ZERO", INT.with_nullable(False)),), ((Literal(INT.with_nullable(False), 0),),))
"""What a query without FROM reads: one row, whose field no name reaches."""

NO_NAMES = Scope(NO_TABLE, ())
"""What an expression without FROM may use."""
