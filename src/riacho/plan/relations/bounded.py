"""Steps that wait for the end of bounded input: what differs in a batch."""

from __future__ import annotations

from dataclasses import dataclass

from riacho.plan.expressions import Literal
from riacho.plan.relations.relation import Unary


@dataclass(frozen=True, slots=True)
class OrderKey:
    """A field by which rows are sorted."""

    field: int
    descending: bool
    nulls_first: bool


@dataclass(frozen=True, slots=True)
class Materialize(Unary):
    """The rows that the input's changes add up to, once, when it has ended: sorted by `order`, cut to `limit` rows.

    Rows that are equal in the order come as they came about. Flink in a batch: Sort, SortLimit, Limit.
    """

    order: tuple[OrderKey, ...] = ()
    offset: int = 0
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class EmptyGroup(Unary):
    """An aggregate without keys, which in a batch has the row `values` where its input has had no rows."""

    values: tuple[Literal, ...]
