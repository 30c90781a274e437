"""What a stream cannot compute although the grammar has it: checked on the optimized plan."""

from __future__ import annotations

from riacho.plan.relations import Over, Relation, walk_relations
from riacho.sql.source import SourceText


def check_stream(relation: Relation, source: SourceText) -> None:
    """Refuse an optimized plan with a step that no stream can take. Raises `SqlError`."""
    for step in walk_relations(relation):
        if isinstance(step, Over):
            call = step.calls[0]
            source.fail(f"{call.function} OVER is not supported here yet", call.position or 0)
