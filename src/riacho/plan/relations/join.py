"""Joins of two relations."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum

from riacho.plan.expressions import Expression
from riacho.plan.relations.relation import Relation
from riacho.plan.relations.schema import Field, Schema, unique_names


class JoinKind(Enum):
    """What becomes of a left row without a match."""

    INNER = "INNER"
    LEFT = "LEFT"


@dataclass(frozen=True, slots=True)
class Join(Relation):
    """Pairs of rows for which `left_keys` = `right_keys` and `residual` (over both, left fields first) is true.

    A LEFT join also keeps each left row without a match, the right fields null. Keys are field indexes of either
    side; a null key matches nothing. A cross join has no keys.
    """

    left: Relation
    right: Relation
    kind: JoinKind
    left_keys: tuple[int, ...]
    right_keys: tuple[int, ...]
    residual: Expression | None = None
    names: tuple[str, ...] = field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        assert len(self.left_keys) == len(self.right_keys)
        if not self.names:
            joined = unique_names([*self.left.schema.names, *self.right.schema.names])
            object.__setattr__(self, "names", tuple(joined))

    @property
    def inputs(self) -> tuple[Relation, ...]:
        return (self.left, self.right)

    def with_inputs(self, inputs: tuple[Relation, ...]) -> Relation:
        return replace(self, left=inputs[0], right=inputs[1])

    @property
    def schema(self) -> Schema:
        # A regular join keeps rows for ever, so a row time is a plain timestamp above it (as in Flink).
        outer = self.kind is JoinKind.LEFT
        fields = [(item.type, False) for item in self.left.schema]
        fields += [(item.type, outer) for item in self.right.schema]
        return Schema(
            tuple(
                Field(name, kind.with_nullable(True) if padded else kind)
                for name, (kind, padded) in zip(self.names, fields, strict=True)
            )
        )
