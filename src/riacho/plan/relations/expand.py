"""Grouping sets: each row once per set."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from riacho.plan.relations.relation import Unary
from riacho.plan.relations.schema import Field, Schema
from riacho.plan.types import BIGINT


@dataclass(frozen=True, slots=True)
class GroupingSet:
    """The fields that a grouping set leaves out, which are NULL in its rows, and the number that tells it."""

    nulled: frozenset[int]
    id: int


@dataclass(frozen=True, slots=True)
class Expand(Unary):
    """Each row once per grouping set, with the set's number in a last field, `name`. Flink: Expand."""

    sets: tuple[GroupingSet, ...]
    name: str = "$e"

    @cached_property
    def schema(self) -> Schema:
        nulled = frozenset().union(*(item.nulled for item in self.sets))
        fields = [
            Field(item.name, item.type.with_nullable(True)) if index in nulled else item
            for index, item in enumerate(self.input.schema)
        ]
        return Schema((*fields, Field(self.name, BIGINT.with_nullable(False))))
