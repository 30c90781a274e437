"""Aggregation without windows, and DISTINCT."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from riacho.plan.expressions import AggregateCall
from riacho.plan.relations.relation import Unary
from riacho.plan.relations.schema import Field, Schema


@dataclass(frozen=True, slots=True)
class Aggregate(Unary):
    """One row per distinct `keys` (field indexes): the keys, then the calls. Without calls it is DISTINCT.

    Emits −old +new for each group that a batch touched. Without keys there is one group, which has no row until
    the first input arrives (Flink in streams).
    """

    keys: tuple[int, ...]
    calls: tuple[AggregateCall, ...]
    names: tuple[str, ...]
    ttl_ms: int | None = field(default=None, kw_only=True, compare=False)
    """How long a group is kept that nobody writes to, where a STATE_TTL hint says so."""

    @cached_property
    def schema(self) -> Schema:
        below = self.input.schema
        # The keys keep their type; a row time among them is a plain timestamp above an unwindowed aggregate.
        keys = tuple(Field(name, below[key].type) for name, key in zip(self.names, self.keys, strict=False))
        names = self.names[len(self.keys) :]
        calls = tuple(Field(name, call.type) for name, call in zip(names, self.calls, strict=True))
        return Schema((*keys, *calls))
