"""Which computation each call of an OVER gets."""

from __future__ import annotations

from dataclasses import replace

from riacho.dataflow.aggregates.aggregates import Aggregates
from riacho.dataflow.operators.over_calls import (
    BoundedRows,
    BoundedSums,
    EdgeValue,
    Lag,
    OverCall,
    RowNumbers,
    UnboundedRows,
    UnboundedSums,
)
from riacho.dataflow.operators.over_distinct_edges import DistinctEdge
from riacho.dataflow.state.strings import StringPool
from riacho.plan.expressions import AggregateCall
from riacho.plan.relations import Over, Schema


def over_calls(relation: Over, pool: StringPool) -> list[tuple[list[int], OverCall]]:
    """What computes the calls, and the calls' places: those of one kind together."""
    schema, bounded = relation.input.schema, not relation.frame.is_up_to_the_row
    sums: list[int] = []
    others: list[int] = []
    made: list[tuple[list[int], OverCall]] = []
    for place, call in enumerate(relation.calls):
        if call.function == "ROW_NUMBER":
            made.append(([place], RowNumbers()))
        elif call.function == "LAG":
            made.append(([place], Lag(call)))
        elif call.function in ("FIRST_VALUE", "LAST_VALUE") and call.distinct and bounded:
            made.append(([place], DistinctEdge(call, schema, pool)))
        elif call.function in ("FIRST_VALUE", "LAST_VALUE"):
            if call.function == "FIRST_VALUE":  # whose first row is the first of its value
                call = replace(call, distinct=False)
            made.append(([place], EdgeValue(call, schema, pool, bounded=bounded)))
        else:
            (sums if _adds_up(call, schema, pool, bounded=bounded) else others).append(place)
    for places, kinds in ((sums, (UnboundedSums, BoundedSums)), (others, (UnboundedRows, BoundedRows))):
        if places:
            made.append((places, kinds[bounded]([relation.calls[place] for place in places], schema, pool)))
    return made


def _adds_up(call: AggregateCall, schema: Schema, pool: StringPool, *, bounded: bool) -> bool:
    """Whether the call can be computed from partial results; with DISTINCT, from those of first occurrences."""
    counted = replace(call, distinct=call.distinct and bounded)
    return Aggregates((counted,), schema, pool, updating=False, ending=True).mergeable
