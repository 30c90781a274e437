"""FOR SYSTEM_TIME AS OF: which kind of join the moment makes. Source: Flink, "Joins: Temporal Joins, Lookup Join"."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from riacho.plan.expressions import Column
from riacho.plan.relations import Filter, JoinKind, Lookup, Project, Relation, Scan, TimeAttribute, Watermark
from riacho.sql.expressions import ExpressionBinder
from riacho.sql.grammar import AS_OF
from riacho.sql.scope import Scope
from riacho.sql.source import SourceText

_LOOKED_UP = frozenset({"filesystem"})
"""Connectors whose tables can be looked up: those that are read to their end first."""


@dataclass(slots=True)
class TemporalJoinBinder:
    """Binds the moment of a joined table."""

    source: SourceText

    def bind(self, left: Scope, right: Relation, join: exp.Join, kind: JoinKind) -> Lookup | None:
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
            self.source.fail("a temporal join by row time is not supported yet", moment)
        table = _table_of(right)
        if table is None or table.table.connector not in _LOOKED_UP:
            self.source.fail(
                "a processing-time temporal join needs a table that can be looked up, which this is not",
                join.this,
                "make it a table of the 'filesystem' connector, or join it without FOR SYSTEM_TIME AS OF",
            )
        return Lookup()


def _table_of(relation: Relation) -> Scan | None:
    """The table that a relation is, its computed columns and watermark included."""
    while isinstance(relation, Project | Filter | Watermark):
        relation = relation.input
    return relation if isinstance(relation, Scan) else None
