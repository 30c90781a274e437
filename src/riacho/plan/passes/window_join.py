"""Joins by window: what makes a join forget its rows."""

from __future__ import annotations

from dataclasses import fields

from riacho.plan.changelog import is_updating
from riacho.plan.relations import Join, JoinKind, Relation, WindowJoin, rewrite_relation
from riacho.plan.windowing import windowing


def recognize_window_joins(relation: Relation) -> Relation:
    """Turn a join of two windowed inputs by their window_start and window_end into a `WindowJoin`.

    ```sql
    SELECT … FROM (SELECT * FROM TABLE(TUMBLE(TABLE a, …))) l
    JOIN (SELECT * FROM TABLE(TUMBLE(TABLE b, …))) r
    ON l.k = r.k AND l.window_start = r.window_start AND l.window_end = r.window_end
    -- WindowJoin(l, r, keys=[k, window_start, window_end])
    ```

    The windows must lie alike, and close with the watermark.
    """

    def recognize(step: Relation) -> Relation:
        return _recognized(step) or step if type(step) is Join else step

    return rewrite_relation(relation, recognize)


def _recognized(join: Join) -> Relation | None:
    left, right = windowing(join.left), windowing(join.right)
    if left is None or right is None or join.kind is JoinKind.MARK or join.single:
        return None
    if left.shape != right.shape or left.zoned != right.zoned or not (left.event_time and right.event_time):
        return None
    if is_updating(join.left) or is_updating(join.right):
        return None
    keys = list(zip(join.left_keys, join.right_keys, strict=True))
    starts = [one in left.start and other in right.start for one, other in keys]
    ends = [one in left.end and other in right.end for one, other in keys]
    if not any(starts) or not any(ends):
        return None
    given = {item.name: getattr(join, item.name) for item in fields(Join)}
    return WindowJoin(**given, end_key=ends.index(True), zoned=left.zoned)
