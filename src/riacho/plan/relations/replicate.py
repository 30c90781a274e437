"""Rows in several copies, which INTERSECT ALL and EXCEPT ALL count."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from riacho.plan.relations.relation import Unary
from riacho.plan.relations.schema import Schema


@dataclass(frozen=True, slots=True)
class Replicate(Unary):
    """Each row as often as its last field says, a BIGINT, which goes; not at all for 0 and less.

    Flink: the table function `$REPLICATE_ROWS$1`.
    """

    @cached_property
    def schema(self) -> Schema:
        return Schema(self.input.schema.fields[:-1])
