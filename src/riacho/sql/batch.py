"""SET 'execution.runtime-mode' = 'batch': what such a job may read, and the ORDER BY and LIMIT of its queries.

Source: Flink, "Execution Mode (Batch/Streaming)"; `DynamicSourceUtils` (what a batch may scan).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlglot import exp

from riacho.plan.passes.batch import as_batch
from riacho.plan.relations import Materialize, Project, Relation, Scan, Sink, walk_relations
from riacho.plan.table_bounds import is_bounded
from riacho.plan.table_changes import Changes, source_changes
from riacho.sql.ordering import OrderedQuery, RowOrder, bind_ordered
from riacho.sql.source import Place, SourceText

RUNTIME_MODE = "execution.runtime-mode"
BATCH = "batch"


def is_batch(options: Mapping[str, str]) -> bool:
    """Whether a session's jobs are batches."""
    return options.get(RUNTIME_MODE) == BATCH


def bind_batch(tree: exp.Expr, bind: Callable[[exp.Expr], Relation], source: SourceText) -> Relation:
    """A query with its ORDER BY and LIMIT as a step. Raises `SqlError`."""
    query = bind_ordered(tree, bind, source)
    if query.order == RowOrder():
        return query.relation
    ordered = with_order(query)
    if query.width == len(ordered.schema):
        return ordered
    columns = tuple(ordered.schema.column(index) for index in range(query.width))
    return Project(ordered, columns, ordered.schema.names[: query.width])


def with_order(query: OrderedQuery) -> Materialize:
    """The query's rows in its order, once they are all there."""
    return Materialize(query.relation, query.order.keys, query.order.offset, query.order.limit)


def in_batch(plan: Relation, source: SourceText, place: Place) -> Relation:
    """An optimized plan as a batch. Raises `SqlError` for tables that never end, and for those that change."""
    for relation in walk_relations(plan):
        if not isinstance(relation, Scan):
            continue
        table = relation.table
        if not is_bounded(table):
            source.fail(
                f"querying an unbounded table '{table.name}' in batch mode is not allowed: its rows never end",
                place,
                _ending(table.connector),
            )
        if source_changes(table) is not Changes.APPEND:
            source.fail(
                f"querying a table in batch mode is only possible where its rows are only added, "
                f"but '{table.name}' tells other changes, too",
                place,
                f"run it as a stream: SET '{RUNTIME_MODE}' = 'streaming'",
            )
    return as_batch(plan)


def batch_sink(sink: Sink, source: SourceText, place: Place) -> Sink:
    """The same of a plan that is written to a table. Raises `SqlError`."""
    batch = in_batch(sink, source, place)
    assert isinstance(batch, Sink)
    return batch


def _ending(connector: str) -> str:
    """What gives a connector's table an end."""
    options = {
        "kafka": "'scan.bounded.mode' = 'latest-offset'",
        "upsert-kafka": "'scan.bounded.mode' = 'latest-offset'",
        "datagen": "'number-of-rows'",
        "nexmark": "'events.num'",
    }
    return f"give it the option {options[connector]}"
