"""FOR SYSTEM_TIME AS OF: which kind of join the moment makes. Source: Flink, "Joins: Temporal Joins, Lookup Join"."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from riacho.plan.changelog import is_updating, unique_keys
from riacho.plan.expressions import Column
from riacho.plan.passes.join_keys import extract_join_keys
from riacho.plan.passes.versioned_views import versioned_view
from riacho.plan.relations import (
    Filter,
    Interval,
    Join,
    JoinKind,
    Lookup,
    Project,
    Relation,
    Scan,
    TimeAttribute,
    Versions,
    Watermark,
)
from riacho.sql.expressions import ExpressionBinder
from riacho.sql.grammar import AS_OF
from riacho.sql.lookup_hints import LOOKUP_CACHE, cache_of
from riacho.sql.scope import Scope
from riacho.sql.source import SourceText

_LOOKED_UP = frozenset({"filesystem"})
"""Connectors whose tables can be looked up: those that are read to their end first."""


@dataclass(slots=True)
class TemporalJoinBinder:
    """Binds the moment of a joined table."""

    source: SourceText

    def bind(self, left: Scope, right: Relation, join: exp.Join, kind: JoinKind) -> Lookup | Versions | None:
        """How the join follows time; None for one without a moment. Raises `SqlError`."""
        moment = join.this.meta.get(AS_OF)
        if not isinstance(moment, exp.Expr):
            return None
        if kind not in (JoinKind.INNER, JoinKind.LEFT):
            self.source.fail(f"a {kind.value} JOIN cannot be temporal", join.this, "only JOIN and LEFT JOIN can")
        bound = ExpressionBinder(self.source, left, "FOR SYSTEM_TIME AS OF").bind(moment)
        time = left.relation.schema[bound.index].time if isinstance(bound, Column) else None
        if time is None:
            self.source.fail(
                "FOR SYSTEM_TIME AS OF needs a time attribute of the table on the left",
                moment,
                "take its row time, or a column that is PROCTIME()",
            )
        if time is TimeAttribute.ROWTIME:
            assert isinstance(bound, Column)
            return self._versions(left, right, join, bound.index)
        table = _table_of(right)
        if table is None or table.table.connector not in _LOOKED_UP:
            self.source.fail(
                "a processing-time temporal join needs a table that can be looked up, which this is not",
                join.this,
                "make it a table of the 'filesystem' connector, or join it without FOR SYSTEM_TIME AS OF",
            )
        return Lookup()

    def _versions(self, left: Scope, right: Relation, join: exp.Join, time: int) -> Versions:
        right_time = next((i for i, item in enumerate(right.schema) if item.time is TimeAttribute.ROWTIME), None)
        if right_time is None or not _version_keys(right):
            lacks = "row time" if right_time is None else "primary key"
            self.source.fail(
                f"a temporal join needs a versioned table, and this one has no {lacks}",
                join.this,
                "a versioned table has a PRIMARY KEY and a WATERMARK, or is a deduplication by row time",
            )
        if is_updating(left.relation):
            self.source.fail("the left side of a temporal join by row time must not change its rows", join.this)
        return Versions(time, right_time)

    def check(self, bound: Join, join: exp.Join) -> None:
        """Refuse a temporal join whose condition does not hold the right side's key. Raises `SqlError`."""
        if bound.time is None or isinstance(bound.time, Interval):
            return
        keyed = extract_join_keys(bound)
        while isinstance(keyed, Project):
            keyed = keyed.input
        assert isinstance(keyed, Join)
        if not keyed.right_keys:
            self.source.fail("a temporal join needs a condition of equality", join.this, "compare the table's key")
        if isinstance(bound.time, Lookup) and cache_of(bound) is not None and is_updating(bound.left):
            self.source.fail(
                "the rows of the left side are taken back, and may find another row in the table by then",
                join.this,
                f"leave '{LOOKUP_CACHE}' out of the table's options: it is read once then",
            )
        keys = _version_keys(bound.right)
        given = set(keyed.right_keys)
        if isinstance(bound.time, Versions) and not any(key <= given for key in keys):
            names = ", ".join(bound.right.schema[index].name for index in sorted(min(keys, key=sorted)))
            what = f"the condition of a temporal join must compare the versioned table's key ({names})"
            self.source.fail(what, join.this)


def _version_keys(relation: Relation) -> frozenset[frozenset[int]]:
    """The keys of a versioned table, or of a deduplication by row time."""
    keys = unique_keys(relation)
    if keys:
        return keys
    view = versioned_view(relation)
    return unique_keys(view) if view is not None else keys


def _table_of(relation: Relation) -> Scan | None:
    """The table that a relation is, its computed columns and watermark included."""
    while isinstance(relation, Project | Filter | Watermark):
        relation = relation.input
    return relation if isinstance(relation, Scan) else None
