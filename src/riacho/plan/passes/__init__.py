"""Rewrites of a plan: each a function from relation to relation, in a file of its own, keeping schema and meaning."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from riacho.plan.passes.extract_fields import extract_fields
from riacho.plan.passes.fold_constants import fold_constants
from riacho.plan.passes.join_keys import extract_join_keys
from riacho.plan.passes.merge_projects import merge_projects
from riacho.plan.passes.narrow_rows import narrow_rows
from riacho.plan.passes.prune_columns import prune_columns
from riacho.plan.passes.push_filters import push_filters
from riacho.plan.passes.rank import recognize_deduplication, recognize_ranks, recognize_window_ranks
from riacho.plan.passes.versioned_views import recognize_versioned_views
from riacho.plan.passes.window_aggregate import recognize_window_aggregates
from riacho.plan.passes.window_join import recognize_window_joins
from riacho.plan.relations import Relation, Sink

Step = TypeVar("Step", bound=Relation)

_BEFORE_PRUNING: tuple[Callable[[Relation], Relation], ...] = (
    fold_constants,
    push_filters,
    merge_projects,
    recognize_window_aggregates,
    push_filters,
    recognize_ranks,
    recognize_window_ranks,
    recognize_versioned_views,
    extract_join_keys,
    recognize_window_joins,
    recognize_window_aggregates,
    extract_fields,
)


def optimize(relation: Step) -> Step:
    """All passes over one plan."""
    return optimize_together((relation,))[0]


def optimize_together(relations: tuple[Step, ...]) -> tuple[Step, ...]:
    """All passes over the plans of one job, which then read each table by one and the same scan."""
    rewritten = tuple(_before_pruning(relation) for relation in relations)
    pruned = tuple(recognize_deduplication(relation) for relation in prune_columns(rewritten))
    # While the plans have equal steps over the scan of one table, which merging makes different.
    narrowed = tuple(narrow_rows(relation) for relation in pruned)
    return tuple(_checked(merge_projects(new), old) for new, old in zip(narrowed, rewritten, strict=True))


def _before_pruning(relation: Step) -> Step:
    result: Relation = relation
    for rewrite in _BEFORE_PRUNING:
        result = rewrite(result)
    return _checked(result, relation)


def _checked(result: Relation, original: Step) -> Step:
    """The rewritten plan, which has the original's names and types; a sink stays a sink."""
    ours, theirs = ([(item.name, item.type) for item in relation.schema] for relation in (result, original))
    assert ours == theirs, f"a pass changed the schema: {ours} was {theirs}"
    assert isinstance(result, Sink) == isinstance(original, Sink)
    return cast(Step, result)


__all__ = ["optimize", "optimize_together"]
