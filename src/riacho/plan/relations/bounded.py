"""Steps that wait for the end of bounded input: what differs in a batch."""

from __future__ import annotations

from dataclasses import dataclass

from riacho.plan.expressions import Literal
from riacho.plan.ordering import SortKey
from riacho.plan.relations.relation import Unary


@dataclass(frozen=True, slots=True)
class Materialize(Unary):
    """The rows that the input's changes add up to, once, when it has ended: sorted by `order`, cut to `limit` rows.

    Rows that are equal in the order come as they came about. Flink in a batch: Sort, SortLimit, Limit.
    """

    order: tuple[SortKey, ...] = ()
    offset: int = 0
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class EmptyGroup(Unary):
    """An aggregate without keys, which in a batch has the row `values` where its input has had no rows."""

    values: tuple[Literal, ...]
