"""Which fields of a relation say in which window its rows are: derived from the plan, bottom up.

Source: Flink, RelWindowProperties: a window table function gives its rows a window, and grouping, joining and ranking
by window keep it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from riacho.plan.expressions import Column
from riacho.plan.relations import (
    Expand,
    Filter,
    Project,
    Rank,
    Relation,
    TimeAttribute,
    Union,
    Unnest,
    WindowAggregate,
    WindowJoin,
    WindowKind,
    WindowProperty,
    WindowRank,
    WindowTable,
)
from riacho.plan.types import TimestampLtzType

Fields = frozenset[int]


@dataclass(frozen=True, slots=True)
class Windowing:
    """The fields with a row's window_start, window_end and window_time, and how the windows lie.

    `event_time`: they close with the watermark, not with the clock. `zoned`: their row time is a TIMESTAMP_LTZ.
    """

    start: Fields
    end: Fields
    time: Fields
    shape: tuple[WindowKind, int, int, int]
    event_time: bool
    zoned: bool

    @property
    def fields(self) -> Fields:
        return self.start | self.end | self.time

    def moved(self, outputs: dict[int, list[int]]) -> Windowing | None:
        """The same windows where each field went to these; None where a bound of them is lost."""
        start, end, time = (
            frozenset(new for old in fields for new in outputs.get(old, ()))
            for fields in (self.start, self.end, self.time)
        )
        return replace(self, start=start, end=end, time=time) if start and end else None


def windowing(relation: Relation) -> Windowing | None:
    """In which fields a relation's rows have their window; None where they have none."""
    match relation:
        case WindowTable():
            width = len(relation.input.schema)
            source = relation.input.schema[relation.time_column]
            return Windowing(
                frozenset((width,)),
                frozenset((width + 1,)),
                frozenset((width + 2,)),
                (relation.kind, relation.size, relation.slide, relation.offset),
                source.time is TimeAttribute.ROWTIME,
                isinstance(source.type, TimestampLtzType),
            )
        case Expand():
            below = windowing(relation.input)
            nulled = frozenset().union(*(item.nulled for item in relation.sets))
            kept = set(range(len(relation.input.schema))) - nulled
            return None if below is None else below.moved({index: [index] for index in kept})
        case Filter() | Rank() | WindowRank():  # whose own fields stand first
            return windowing(relation.input)
        case Unnest():
            below = windowing(relation.input)
            given = relation.given
            if below is None or given is None:
                return below
            return below.moved({index: [place] for place, index in enumerate(given)})
        case Project():
            return _projected(relation)
        case WindowAggregate() if not relation.updates:
            return _aggregated(relation)
        case WindowJoin():
            return _joined(relation)
        case Union():
            found = [windowing(branch) for branch in relation.branches]
            return found[0] if all(part == found[0] for part in found) else None
    return None


def _projected(relation: Project) -> Windowing | None:
    below = windowing(relation.input)
    if below is None:
        return None
    outputs: dict[int, list[int]] = {}
    for place, expression in enumerate(relation.expressions):
        if isinstance(expression, Column):
            outputs.setdefault(expression.index, []).append(place)
    return below.moved(outputs)


def _joined(relation: WindowJoin) -> Windowing | None:
    """The windows of the side whose rows all stay, or meet another."""
    side = relation.right if relation.kind.keeps_right else relation.left
    if relation.kind.keeps_left and relation.kind.keeps_right:
        return None
    below = windowing(side)
    shift = len(relation.left.schema) if side is relation.right else 0
    return None if below is None else below.moved({field: [field + shift] for field in below.fields})


def _aggregated(relation: WindowAggregate) -> Windowing | None:
    first = len(relation.keys) + len(relation.calls)
    places = {item: frozenset((first + place,)) for place, item in enumerate(relation.properties)}
    time = places.get(WindowProperty.TIME, frozenset())
    if relation.kind is WindowKind.ATTACHED:
        below = windowing(relation.input)
        assert below is not None, "attached windows are below"
        outputs: dict[int, list[int]] = {}
        for place, key in enumerate(relation.keys):
            outputs.setdefault(key, []).append(place)
        found = below.moved(outputs)
        return None if found is None else replace(found, time=time)
    start, end = places.get(WindowProperty.START), places.get(WindowProperty.END)
    if start is None or end is None:
        return None
    source = relation.input.schema[relation.time_column]
    return Windowing(
        start,
        end,
        time,
        (relation.kind, relation.size, relation.slide, relation.offset),
        source.time is TimeAttribute.ROWTIME,
        isinstance(source.type, TimestampLtzType),
    )
