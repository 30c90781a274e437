"""A query over bounded tables, to be answered once: `SET 'execution.runtime-mode' = 'batch'`."""

from __future__ import annotations

from dataclasses import replace

from riacho.plan.changelog_modes import INSERT_ONLY, modifications
from riacho.plan.expressions import AggregateCall, Literal
from riacho.plan.relations import (
    Aggregate,
    BoundedOver,
    EmptyGroup,
    Join,
    Materialize,
    Project,
    Relation,
    Sink,
    Watermark,
    rewrite_relation,
)
from riacho.plan.types import DataType, is_numeric

_OF_NO_ROWS = {"JSON_OBJECTAGG": "{}", "JSON_ARRAYAGG": "[]"}


def as_batch(relation: Relation) -> Relation:
    """The same plan, which gives its final rows once, as a batch engine would.

    ```sql
    INSERT INTO totals SELECT COUNT(*) FROM orders
    -- Sink over Materialize over EmptyGroup(0) over Aggregate(COUNT(*))
    ```

    Rows that can change are told when the input has ended. No row is late: event time stands still until then. An
    aggregate without keys has a row for no input, too.
    """
    if isinstance(relation, Sink):
        return replace(relation, input=as_batch(relation.input))
    batch = rewrite_relation(relation, _step)
    if modifications(batch) == INSERT_ONLY:
        return batch
    if isinstance(batch, Project):  # what is computed of the rows is computed of the last ones only
        return replace(batch, input=Materialize(batch.input))
    return Materialize(batch)


def _step(relation: Relation) -> Relation:
    if isinstance(relation, Watermark):
        nothing = Literal(relation.expression.type.with_nullable(True), None)
        return replace(relation, expression=nothing, idle_timeout_ms=0, alignment=None)
    if isinstance(relation, Join):  # nothing expires in a batch
        return replace(relation, ttls_ms=(None, None))
    if isinstance(relation, BoundedOver) and modifications(relation.input) != INSERT_ONLY:
        return replace(relation, input=Materialize(relation.input))
    if isinstance(relation, Aggregate):
        relation = replace(relation, ttl_ms=None)
    if isinstance(relation, Aggregate) and not relation.keys:
        return EmptyGroup(relation, tuple(_of_no_rows(call) for call in relation.calls))
    return relation


def _of_no_rows(call: AggregateCall) -> Literal:
    """What a call is over no rows: 0 for those that count, empty JSON, else NULL."""
    kind: DataType = call.type
    counts = not kind.nullable and is_numeric(kind)
    return Literal(kind, 0 if counts else _OF_NO_ROWS.get(call.function))
