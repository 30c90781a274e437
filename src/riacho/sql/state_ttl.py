"""STATE_TTL hints: how long the joins and groups of one SELECT keep what they read of a table.

Source: Flink, "SQL Hints".

`SELECT /*+ STATE_TTL('b' = '1 d', 'p' = '30 d') */ … FROM bids AS b JOIN people AS p ON …`
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sqlglot import exp

from riacho.plan.relations import Join, Relation
from riacho.sql.option_values import duration_ms
from riacho.sql.query_hints import Hint

STATE_TTL = "STATE_TTL"

TIME_TO_LIVE = "table.exec.state.ttl"
"""The option that says it of all state, in milliseconds; 0: for ever."""


def times_to_live(hints: tuple[Hint, ...]) -> dict[str, int]:
    """The times of the tables that the hints name, in milliseconds; of a table that is named twice, the first."""
    found: dict[str, int] = {}
    for hint in hints:
        if hint.name == STATE_TTL:
            for table, text in hint.options:
                found.setdefault(table, duration_ms(text))
    return found


def of_groups(tree: exp.Select, times: Mapping[str, int]) -> int | None:
    """The time of the SELECT's groups, where it reads a single table that a hint names."""
    clause = tree.args.get("from_")
    if clause is None or tree.args.get("joins"):
        return None
    return times.get(clause.this.alias_or_name)


def with_join_times(relation: Relation, tree: exp.Select, times: Mapping[str, int]) -> Relation:
    """The FROM clause's relation, whose joins keep the rows of the tables that hints name for their times."""
    clause = tree.args.get("from_")
    names = [join.this.alias_or_name for join in tree.args.get("joins") or []]
    if clause is None or not names or not times:
        return relation
    return _with_times(relation, clause.this.alias_or_name, names, times)


def _with_times(relation: Relation, first: str, names: list[str], times: Mapping[str, int]) -> Relation:
    """The joins lie above one another, the last one on top; between them only steps of one input stand."""
    if not isinstance(relation, Join):
        below = relation.inputs
        return relation.with_inputs((_with_times(below[0], first, names, times),)) if len(below) == 1 else relation
    *earlier, last = names
    left = _with_times(relation.left, first, earlier, times) if earlier else relation.left
    ttls = (None if earlier else times.get(first), times.get(last))
    return replace(relation, left=left, ttls_ms=ttls)
