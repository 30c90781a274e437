"""Where a query evaluates functions that give another result each time over rows that change.

Source: Flink, "Determinism in Continuous Queries", `StreamNonDeterministicUpdatePlanVisitor`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from riacho.plan.changelog import is_updating, unique_keys
from riacho.plan.expressions import Call, Expression, columns_used, walk
from riacho.plan.passes.substitution import is_volatile
from riacho.plan.relations import Filter, Join, Project, Relation, Sink, Unnest, walk_relations
from riacho.plan.table_changes import Changes, sink_changes

_TELL_TIME = frozenset(
    {"CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP", "CURRENT_WATERMARK", "LOCALTIMESTAMP", "PROCTIME"}
)


def varies(expression: Expression) -> bool:
    """Whether an equal row may get another value later: by chance, or because time goes on."""
    return is_volatile(expression) or any(_tells_time(part) for part in walk(expression))


def _tells_time(part: Expression) -> bool:
    if not isinstance(part, Call):
        return False
    return part.function in _TELL_TIME or (part.function == "UNIX_TIMESTAMP" and not part.operands)


def must_remember(steps: Sequence[Filter | Project], readers: Collection[Relation]) -> bool:
    """Whether what this chain of steps gave for a row must be the same when the row goes.

    It need not where rows do not change, and where sinks alone read it that replace rows by a key of the query's which
    no such function is part of: they have no use for an old value.
    """
    if not is_updating(steps[0].input):
        return False
    filters = any(isinstance(step, Filter) and varies(step.predicate) for step in steps)
    varying = _varying_fields(steps)
    if not filters and not varying:
        return False
    return filters or not readers or not all(_replaces(reader, varying) for reader in readers)


def volatile_condition(relation: Relation) -> Expression | None:
    """The condition of a join whose answer for two rows may be another when one of them goes; None: there is none."""
    for step in walk_relations(relation):
        condition = step.residual if isinstance(step, Join) else step.condition if isinstance(step, Unnest) else None
        if condition is not None and any(map(is_updating, step.inputs)) and varies(condition):
            return condition
    return None


def _varying_fields(steps: Sequence[Filter | Project]) -> frozenset[int]:
    """The fields of the last step that depend on when they were computed."""
    varying: frozenset[int] = frozenset()
    for step in steps:
        if isinstance(step, Project):
            below = varying
            varying = frozenset(
                place
                for place, expression in enumerate(step.expressions)
                if varies(expression) or below & columns_used(expression)
            )
    return varying


def _replaces(reader: Relation, varying: frozenset[int]) -> bool:
    if not isinstance(reader, Sink) or sink_changes(reader.table) is not Changes.UPSERT:
        return False
    names = [column.name for column in reader.table.persisted_columns]
    key = frozenset(names.index(name) for name in reader.table.primary_key)
    apart = any(unique <= key for unique in unique_keys(reader.input))
    return bool(key) and apart and not key & varying
