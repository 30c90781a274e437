"""Joins of two relations."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property
from typing import TypeVar

from riacho.plan.expressions import Expression
from riacho.plan.relations.relation import Relation
from riacho.plan.relations.schema import Field, Schema, unique_names
from riacho.plan.types import BOOLEAN

Part = TypeVar("Part")

MARK = "$matched"
"""The name of the field that a mark join appends."""


class JoinKind(Enum):
    """What becomes of rows with and without a match."""

    INNER = "INNER"
    LEFT = "LEFT"
    RIGHT = "RIGHT"
    FULL = "FULL"
    SEMI = "SEMI"
    ANTI = "ANTI"
    MARK = "MARK"

    @property
    def keeps_left(self) -> bool:
        """Whether a left row without a match stays, the right fields null."""
        return self in (JoinKind.LEFT, JoinKind.FULL)

    @property
    def keeps_right(self) -> bool:
        """Whether a right row without a match stays, the left fields null."""
        return self in (JoinKind.RIGHT, JoinKind.FULL)

    @property
    def emits_right(self) -> bool:
        """Whether the right fields are part of the result."""
        return self not in (JoinKind.SEMI, JoinKind.ANTI, JoinKind.MARK)


@dataclass(frozen=True, slots=True)
class Lookup:
    """Each left row meets the right rows that are there when it is processed, and no later ones."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Times decide: `lower` ≤ left time − right time ≤ `upper`, in milliseconds; the times are fields.

    They are row times, or without `event_time` processing times: the moments at which the rows come.
    """

    left_time: int
    right_time: int
    lower: int
    upper: int
    event_time: bool = field(default=True, kw_only=True)


@dataclass(frozen=True, slots=True)
class Versions:
    """Each left row meets the version of the right row that stood at its row time; the times are fields."""

    left_time: int
    right_time: int


JoinTime = Lookup | Interval | Versions


@dataclass(frozen=True, slots=True)
class Join(Relation):
    """Pairs of rows for which `left_keys` = `right_keys` and `residual` (over both, left fields first) is true.

    LEFT, RIGHT and FULL also keep the rows of that side that have no match. SEMI gives each left row that has a match,
    ANTI each that has none, MARK every left row and whether it has a match: their fields are the left ones, for MARK
    with one more. Keys are field indexes of either side; a null key matches nothing, unless its place is in
    `null_safe`: there null equals null. A cross join has no keys. A left row of a `single` join, which is a scalar
    subquery's, must not have two matches.
    """

    left: Relation
    right: Relation
    kind: JoinKind
    left_keys: tuple[int, ...]
    right_keys: tuple[int, ...]
    residual: Expression | None = None
    names: tuple[str, ...] = field(default=(), kw_only=True)
    written: JoinKind | None = field(default=None, kw_only=True)
    """The kind that the query has, where a pass found a narrower one: it decides which fields may be null."""
    null_safe: frozenset[int] = field(default=frozenset(), kw_only=True)
    time: JoinTime | None = field(default=None, kw_only=True)
    """None: a regular join, which keeps its rows and follows their changes for ever."""
    single: bool = field(default=False, kw_only=True)
    ttls_ms: tuple[int | None, int | None] = field(default=(None, None), kw_only=True, compare=False)
    """How long a row of either side is kept, where a STATE_TTL hint says so."""
    given: tuple[int, ...] | None = field(default=None, kw_only=True)
    """Those of its fields that the result has, ascending, where a condition reads others that nobody else does."""

    def __post_init__(self) -> None:
        assert len(self.left_keys) == len(self.right_keys)
        if not self.names:
            names = list(self.left.schema.names)
            if self.kind.emits_right:
                names += self.right.schema.names
            elif self.kind is JoinKind.MARK:
                names.append(MARK)
            object.__setattr__(self, "names", self.chosen(tuple(unique_names(names))))

    @property
    def inputs(self) -> tuple[Relation, ...]:
        return (self.left, self.right)

    def with_inputs(self, inputs: tuple[Relation, ...]) -> Relation:
        return replace(self, left=inputs[0], right=inputs[1])

    def chosen(self, parts: tuple[Part, ...]) -> tuple[Part, ...]:
        """Of something for each field those for the ones that are given out."""
        return parts if self.given is None else tuple(parts[index] for index in self.given)

    @property
    def pair(self) -> Schema:
        """The fields of both sides, which the residual condition reads."""
        names = unique_names([*self.left.schema.names, *self.right.schema.names])
        fields = (*self.left.schema, *self.right.schema)
        return Schema(tuple(replace(item, name=name) for name, item in zip(names, fields, strict=True)))

    @cached_property
    def schema(self) -> Schema:
        # A regular join keeps rows for ever, so a row time is a plain timestamp above it (as in Flink).
        written = self.written or self.kind
        left = [item if self.time is not None else replace(item, time=None) for item in self.left.schema]
        fields = [(item, written.keeps_right) for item in left]
        if self.kind.emits_right:
            timed = isinstance(self.time, Interval)
            right = [item if timed else replace(item, time=None) for item in self.right.schema]
            fields += [(item, written.keeps_left) for item in right]
        elif self.kind is JoinKind.MARK:
            fields.append((Field(MARK, BOOLEAN.with_nullable(False)), False))
        return Schema(
            tuple(
                replace(item, name=name, type=item.type.with_nullable(True) if padded else item.type)
                for name, (item, padded) in zip(self.names, self.chosen(tuple(fields)), strict=True)
            )
        )
