"""In which direction the fields of a relation go when its rows are updated: what a top-N can do without old rows for.

Source: Flink, `FlinkRelMdModifiedMonotonicity`.
"""

from __future__ import annotations

from enum import Enum

from riacho.plan.changelog import is_updating
from riacho.plan.expressions import Column
from riacho.plan.relations import Aggregate, Filter, Project, Rank, Relation, Watermark
from riacho.plan.upsert_keys import upsert_keys


class Direction(Enum):
    """How a field's values follow one another."""

    UP = "each is at least the one before"
    DOWN = "each is at most the one before"
    SAME = "it never changes"


_OF_CALLS = {"COUNT": Direction.UP, "MAX": Direction.UP, "MIN": Direction.DOWN}


def direction(relation: Relation, field: int) -> Direction | None:
    """The direction of a field under updates of the relation's rows; None where it has none."""
    match relation:
        case Filter() | Watermark():
            return direction(relation.input, field)
        case Project():
            expression = relation.expressions[field]
            return direction(relation.input, expression.index) if isinstance(expression, Column) else None
        case Aggregate() if not is_updating(relation.input):
            if field < len(relation.keys):
                return Direction.SAME
            return _OF_CALLS.get(relation.calls[field - len(relation.keys)].function)
    return None


def only_rises(rank: Rank) -> bool:
    """Whether updates of the rows that are numbered can only move them forward in their partition.

    Flink has its UpdateFastStrategy for such rows: it needs no old ones, and none but the first.
    """
    if not any(key >= set(rank.partition) for key in upsert_keys(rank.input)):
        return False
    return bool(rank.order) and all(
        direction(rank.input, key.column) in (Direction.SAME, Direction.UP if key.descending else Direction.DOWN)
        for key in rank.order
    )
