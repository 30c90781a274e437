"""Views that keep the last row of each key by row time, as a temporal join looks them up."""

from __future__ import annotations

from dataclasses import replace

from riacho.plan.changelog import is_updating
from riacho.plan.passes.merge_projects import merge_projects
from riacho.plan.passes.push_filters import push_filters
from riacho.plan.passes.rank import recognize_ranks
from riacho.plan.relations import (
    Join,
    Project,
    Rank,
    RankKind,
    Relation,
    TimeAttribute,
    VersionedView,
    Versions,
    rewrite_relation,
)


def recognize_versioned_views(relation: Relation) -> Relation:
    """Let a temporal join see each row that a deduplication by row time had, not only what it has at the end of a pass.

    ```sql
    … JOIN (SELECT k, v, ts FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY ts DESC) AS n FROM t)
            WHERE n = 1) FOR SYSTEM_TIME AS OF a.ts AS b ON a.k = b.k
    -- Join(time=Versions) over Deduplicate(keep=[LastRow], key=[k], order=[ROWTIME], versions=[all])
    ```
    """

    def recognize(step: Relation) -> Relation:
        if isinstance(step, Join) and isinstance(step.time, Versions):
            return replace(step, right=_with_versions(step.right) or step.right)
        return step

    return rewrite_relation(relation, recognize)


def versioned_view(relation: Relation) -> Relation | None:
    """What a temporal join looks up where it is given this deduplication, as it was written; None: it is none."""
    return _with_versions(recognize_ranks(merge_projects(push_filters(relation))))


def _with_versions(relation: Relation) -> Relation | None:
    """With the deduplication below projections replaced."""
    if isinstance(relation, Project):
        below = _with_versions(relation.input)
        return None if below is None else replace(relation, input=below)
    if not isinstance(relation, Rank) or relation.kind is not RankKind.ROW_NUMBER or relation.number is not None:
        return None
    if (relation.start, relation.end) != (1, 1) or len(relation.order) != 1 or is_updating(relation.input):
        return None
    (key,) = relation.order
    if not key.descending or relation.input.schema[key.column].time is not TimeAttribute.ROWTIME:
        return None
    return VersionedView(relation.input, relation.partition, key.column)
