"""OVER: what a row's neighbours say about it, while every row stays."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
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
    """From so far before a row to so far behind it, to the row itself in a stream, which knows no later ones.

    Distances count rows; with RANGE milliseconds between times, or 10 to the power of -`scale` between numbers, and
    rows that are equal in the order are 0 apart. None is UNBOUNDED. A negative distance lies on the other side: of ROWS
    BETWEEN 2 FOLLOWING AND 3 FOLLOWING `preceding` is -2.
    """

    unit: FrameUnit
    preceding: int | None = None
    following: int | None = 0
    scale: int = 0

    @property
    def is_up_to_the_row(self) -> bool:
        """Whether it begins with the partition, and ends with the row or its equals."""
        return self.preceding is None and self.following == 0

    def __str__(self) -> str:
        start = self._bound(self.preceding, "PRECEDING", "FOLLOWING")
        return f"{self.unit.value} BETWEEN {start} AND {self._bound(self.following, 'FOLLOWING', 'PRECEDING')}"

    def _bound(self, distance: int | None, side: str, other: str) -> str:
        if distance is None:
            return f"UNBOUNDED {side}"
        if distance == 0:
            return "CURRENT ROW"
        return f"{Decimal(abs(distance)).scaleb(-self.scale)} {side if distance > 0 else other}"


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


@dataclass(frozen=True, slots=True)
class BoundedOver(Over):
    """An `Over` of rows that end: in any order, or none, and with frames that reach beyond the row.

    Its rows come once, when the input has ended. Beside aggregates it has LAG, LEAD, NTILE, PERCENT_RANK, CUME_DIST,
    and the numbers of rows where no filter makes them a top-N. Flink in a batch: OverAggregate.
    """
