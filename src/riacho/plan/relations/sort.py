"""Rows in the order of time."""

from __future__ import annotations

from dataclasses import dataclass, field

from riacho.plan.expressions import Position
from riacho.plan.ordering import SortKey
from riacho.plan.relations.relation import Unary


@dataclass(frozen=True, slots=True)
class Sort(Unary):
    """The rows in `order`, of which the first key is a time attribute, ascending.

    By row time each is held until the watermark; one that comes when that has passed its time is late, and dropped. By
    processing time those that come at one moment are sorted by the other keys. Flink: TemporalSort.
    """

    order: tuple[SortKey, ...]
    position: Position | None = field(default=None, compare=False)
