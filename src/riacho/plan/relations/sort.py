"""Rows in the order of time."""

from __future__ import annotations

from dataclasses import dataclass, field

from riacho.plan.expressions import Position
from riacho.plan.ordering import SortKey
from riacho.plan.relations.relation import Unary


@dataclass(frozen=True, slots=True)
class Sort(Unary):
    """The rows in `order`, of which the first key is the row time, ascending: each is held until the watermark.

    A row that comes when the watermark has passed its time is late, and dropped. Flink: TemporalSort.
    """

    order: tuple[SortKey, ...]
    position: Position | None = field(default=None, compare=False)
