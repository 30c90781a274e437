"""Views that keep the last row of each key by row time, as a temporal join looks them up."""

from __future__ import annotations

from dataclasses import replace

from riacho.plan.changelog import is_updating
from riacho.plan.expressions import conjunction, remap
from riacho.plan.passes.merge_projects import merge_projects
from riacho.plan.passes.push_filters import push_filters
from riacho.plan.passes.rank import recognize_ranks
from riacho.plan.relations import (
    Filter,
    Join,
    Project,
    Rank,
    RankKind,
    Relation,
    TimeAttribute,
    VersionedView,
    Versions,
    rewrite_relation,
    unique_names,
)

KEPT = "$kept"
"""The name of the field that says whether a version meets the conditions of its view."""


def recognize_versioned_views(relation: Relation) -> Relation:
    """Let a temporal join see each row that a deduplication by row time had, not only what it has at the end of a pass.

    ```sql
    … JOIN (SELECT k, v, ts FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY ts DESC) AS n FROM t)
            WHERE n = 1 AND v > 0) FOR SYSTEM_TIME AS OF a.ts AS b ON a.k = b.k
    -- Join(time=Versions, condition AND $kept) over SELECT *, v > 0 AS $kept
    -- over Deduplicate(keep=[LastRow], key=[k], order=[ROWTIME], versions=[all])
    ```

    A version that a condition throws away still ends the one before it, so conditions become the join's.
    """

    def recognize(step: Relation) -> Relation:
        if isinstance(step, Join) and isinstance(step.time, Versions):
            return _with_conditions(replace(step, right=_with_versions(step.right) or step.right))
        return step

    return rewrite_relation(relation, recognize)


def _with_conditions(join: Join) -> Relation:
    """The join with the conditions that its right side is filtered by."""
    right = _unfiltered(join.right)
    if right is None:
        return join
    kept = right.schema.column(len(right.schema) - 1)
    width = len(join.left.schema)
    parts = (remap(kept, lambda index: index + width),)
    residual = conjunction(parts if join.residual is None else (join.residual, *parts))
    pairs = replace(join, right=right, residual=residual, names=())
    return Project(pairs, tuple(pairs.schema.column(index) for index in range(len(join.names))), join.names)


def _unfiltered(relation: Relation) -> Relation | None:
    """Without conditions, but with one field more: whether they are true. None: there are none."""
    if not isinstance(relation, Project | Filter):
        return None
    below = _unfiltered(relation.input)
    if below is None and isinstance(relation, Project):
        return None
    given = len(relation.input.schema)
    conditions = () if below is None else (below.schema.column(given),)
    if isinstance(relation, Filter):
        conditions = (*conditions, relation.predicate)
    source = below or relation.input
    passed = tuple(source.schema.column(index) for index in range(given))
    expressions = relation.expressions if isinstance(relation, Project) else passed
    names = unique_names([*relation.schema.names, KEPT])
    return Project(source, (*expressions, conjunction(conditions)), tuple(names))


def versioned_view(relation: Relation) -> Relation | None:
    """What a temporal join looks up where it is given this deduplication, as it was written; None: it is none."""
    return _with_versions(recognize_ranks(merge_projects(push_filters(relation))))


def _with_versions(relation: Relation) -> Relation | None:
    """With the deduplication below projections and conditions replaced. The first rows of keys are never replaced."""
    if isinstance(relation, Project | Filter):
        below = _with_versions(relation.input)
        return None if below is None else replace(relation, input=below)
    if not isinstance(relation, Rank) or relation.kind is not RankKind.ROW_NUMBER or relation.number is not None:
        return None
    if (relation.start, relation.end) != (1, 1) or len(relation.order) != 1 or is_updating(relation.input):
        return None
    (key,) = relation.order
    if relation.input.schema[key.column].time is not TimeAttribute.ROWTIME:
        return None
    return VersionedView(relation.input, relation.partition, key.column) if key.descending else relation
