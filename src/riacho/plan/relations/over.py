"""OVER: what a row's neighbours say about it, while every row stays."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from riacho.plan.expressions import AggregateCall
from riacho.plan.ordering import SortKey
from riacho.plan.relations.relation import Unary
from riacho.plan.relations.schema import Field, Schema, unique_names


class FrameUnit(Enum):
    """What a frame counts: rows, or the distance in the order's value."""

    ROWS = "ROWS"
    RANGE = "RANGE"


@dataclass(frozen=True, slots=True)
class Frame:
    """From so far before a row to the row itself: Flink's streams know no FOLLOWING.

    `preceding` counts rows, or milliseconds for RANGE; None is UNBOUNDED PRECEDING.
    """

    unit: FrameUnit
    preceding: int | None = None


@dataclass(frozen=True, slots=True)
class Over(Unary):
    """Appends one field per call, each over the `partition` of its row in `order`, within `frame`.

    All calls share the window, as in Flink's streams. In the order of time rows are only added; in another one a row
    that comes changes those behind it. ROW_NUMBER, RANK and DENSE_RANK number the rows; a filter on
    such a number is a top-N (see the pass that recognises it). Source: Flink, "Over Aggregation", "Top-N".
    """

    partition: tuple[int, ...]
    order: tuple[SortKey, ...]
    frame: Frame
    calls: tuple[AggregateCall, ...]
    names: tuple[str, ...]
    """Those of the appended fields."""

    @property
    def by_time(self) -> bool:
        """Whether the order is that of one time attribute, ascending: a row's frame is known when the row is due."""
        if len(self.order) != 1 or self.order[0].descending:
            return False
        return self.input.schema[self.order[0].column].time is not None

    @cached_property
    def schema(self) -> Schema:
        below = self.input.schema
        names = unique_names([*below.names, *self.names])[len(below) :]
        added = (Field(name, call.type) for name, call in zip(names, self.calls, strict=True))
        return Schema((*below.fields, *added))
