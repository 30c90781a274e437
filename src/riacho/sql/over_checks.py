"""Which OVER a stream can compute. Source: Flink, "Over Aggregation", `StreamExecOverAggregate`."""

from __future__ import annotations

from riacho.plan.changelog import is_updating
from riacho.plan.relations import Over
from riacho.plan.types import ArrayType, MapType, MultisetType, RowType
from riacho.sql.source import SourceText

_NUMBERS = frozenset({"RANK", "DENSE_RANK"})
_WITHOUT_ORDER = (ArrayType, MapType, MultisetType, RowType)


def is_computable(over: Over) -> bool:
    """Whether it is ordered by one column, ascending, and in another order than that of time has no bounded frame."""
    return len(over.order) == 1 and not over.order[0].descending and (over.by_time or over.frame.preceding is None)


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
        source.fail(f"{call.function} OVER needs an ORDER BY", place, "order it by a column")
    key = over.order[0]
    field = schema[key.column]
    if len(over.order) > 1:
        source.fail("OVER can only be ordered by a single column in a stream", place, "order it by one")
    if key.descending:
        source.fail("OVER can only be ordered ascending in a stream", place, "leave DESC out")
    if field.time is None and over.frame.preceding is not None:
        source.fail(
            f"OVER in the order of '{field.name}', which is no time attribute, has no bounded frame in a stream",
            place,
            "order it by the column of WATERMARK FOR, or by PROCTIME(), or let it look at all rows before",
        )
    check_order(over, source)
    if field.time is not None and is_updating(over.input):
        source.fail("OVER in the order of time cannot take rows that change", place, "compute it before the aggregate")


def check_order(over: Over, source: SourceText) -> None:
    """Refuse an order by values that have none. Raises `SqlError`."""
    for key in over.order:
        field = over.input.schema[key.column]
        if isinstance(field.type, _WITHOUT_ORDER):
            place = over.calls[0].position or 0
            source.fail(f"OVER cannot be ordered by '{field.name}', which is of type {field.type}", place)
