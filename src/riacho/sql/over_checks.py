"""Which OVER a stream can compute: in the order of time. Source: Flink, "Over Aggregation"."""

from __future__ import annotations

from riacho.plan.changelog import is_updating
from riacho.plan.relations import Over
from riacho.sql.source import SourceText

_NUMBERS = frozenset({"RANK", "DENSE_RANK"})


def is_timed(over: Over) -> bool:
    """Whether the order is that of one time attribute, ascending."""
    schema = over.input.schema
    return len(over.order) == 1 and not over.order[0].descending and schema[over.order[0].column].time is not None


def check_over(over: Over, source: SourceText) -> None:
    """Refuse what only a batch can compute. Raises `SqlError`."""
    call = over.calls[0]
    place = call.position or 0
    schema = over.input.schema
    ranking = next((item for item in over.calls if item.function in _NUMBERS), None)
    if ranking is not None:
        source.fail(
            f"{ranking.function} OVER is only supported in a top-N",
            ranking.position or place,
            f"filter it around the query: WHERE {ranking.function.lower()} <= 10",
        )
    if not over.order:
        source.fail(f"{call.function} OVER needs an ORDER BY", place, "order it by a time attribute")
    key = over.order[0]
    field = schema[key.column]
    if len(over.order) > 1 or field.time is None or key.descending:
        if field.time is not None and len(over.order) > 1:
            what = "OVER can only be ordered by a single time column in a stream"
        elif field.time is not None:
            what = "OVER can only be ordered ascending by time in a stream"
        else:
            what = f"OVER needs an ORDER BY of a time attribute in a stream, but '{field.name}' is none"
        source.fail(what, place, "order it by the column of WATERMARK FOR, or by PROCTIME()")
    if is_updating(over.input):
        source.fail("OVER in the order of time cannot take rows that change", place, "compute it before the aggregate")
