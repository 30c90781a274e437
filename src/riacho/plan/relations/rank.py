"""The first rows of each partition: top-N, LIMIT and deduplication."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

from riacho.plan.expressions import Position
from riacho.plan.ordering import SortKey
from riacho.plan.relations.relation import Unary
from riacho.plan.relations.schema import Field, Schema, unique_names
from riacho.plan.types import BIGINT


class RankKind(Enum):
    """How rows are numbered: each by itself, equals alike with gaps after them, equals alike without gaps."""

    ROW_NUMBER = "ROW_NUMBER"
    RANK = "RANK"
    DENSE_RANK = "DENSE_RANK"


@dataclass(frozen=True, slots=True)
class Rank(Unary):
    """The rows of each `partition` whose number in `order` is `start` to `end`, counted from 1.

    Equals are numbered in order of arrival. `number` names an appended field for a row's number; None: there is none,
    and what is done is a top-N of rows alone. Without `order` the first arrivals stay: LIMIT.
    Source: Flink, "Top-N", "LIMIT clause".
    """

    kind: RankKind
    partition: tuple[int, ...]
    order: tuple[SortKey, ...]
    start: int
    end: int
    number: str | None = None
    position: Position | None = field(default=None, compare=False)

    @cached_property
    def schema(self) -> Schema:
        below = self.input.schema
        if self.number is None:
            return below
        name = unique_names([*below.names, self.number])[-1]
        return Schema((*below.fields, Field(name, BIGINT.with_nullable(False))))


@dataclass(frozen=True, slots=True)
class WindowRank(Unary):
    """As `Rank` by ROW_NUMBER, in partitions of one window each: their rows are given once, when the window closes.

    `window_end` is the field that says when. `zoned`: the row time is an instant, a TIMESTAMP_LTZ. `later`: of equals
    the last to come is the first. Source: Flink, "Window Top-N", "Window Deduplication".
    """

    partition: tuple[int, ...]
    order: tuple[SortKey, ...]
    start: int
    end: int
    number: str | None
    window_end: int
    zoned: bool
    later: bool

    @cached_property
    def schema(self) -> Schema:
        return self.rank.schema

    @property
    def rank(self) -> Rank:
        """What a window's partition comes to when it closes."""
        return Rank(self.input, RankKind.ROW_NUMBER, self.partition, self.order, self.start, self.end, self.number)


@dataclass(frozen=True, slots=True)
class Deduplicate(Unary):
    """The first or (`keep_last`) the last row of each `key`, by the time attribute `time`.

    Of equal times the first arrival is the first and the last one the last. Source: Flink, "Deduplication".
    """

    key: tuple[int, ...]
    time: int
    keep_last: bool


@dataclass(frozen=True, slots=True)
class VersionedView(Unary):
    """The last row of each `key` by the row time `time`, told one after another: what a temporal join looks up.

    A row that is as late as all before it of its key comes out and stands in the place of the one before; others are no
    versions. Source: Flink, "Versioned Views".
    """

    key: tuple[int, ...]
    time: int
