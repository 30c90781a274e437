"""UNION ALL."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from riacho.plan.relations.relation import Relation
from riacho.plan.relations.schema import Field, Schema


@dataclass(frozen=True, slots=True)
class Union(Relation):
    """UNION ALL: the rows of every input, which agree in number and types; names are those of the first."""

    branches: tuple[Relation, ...]

    @property
    def inputs(self) -> tuple[Relation, ...]:
        return self.branches

    def with_inputs(self, inputs: tuple[Relation, ...]) -> Relation:
        return replace(self, branches=inputs)

    @cached_property
    def schema(self) -> Schema:
        first = self.branches[0].schema
        fields = []
        for index, item in enumerate(first):
            others = [branch.schema[index] for branch in self.branches]
            nullable = any(other.type.nullable for other in others)
            same_time = all(other.time is item.time for other in others)
            fields.append(Field(item.name, item.type.with_nullable(nullable), item.time if same_time else None))
        return Schema(tuple(fields))
