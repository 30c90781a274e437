"""LOOKUP hints: how a table is looked up. What they say of threads and order changes no result here.

Source: Flink, "SQL Hints: LOOKUP".
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from riacho.plan.relations import Join, Lookup, Relation, Scan, walk_relations
from riacho.sql.query_hints import Hint
from riacho.sql.source import SourceText

LOOKUP_CACHE = "lookup.cache"
RETRY = "retry-predicate"


def check_lookups(hints: tuple[Hint, ...], relation: Relation, tree: exp.Select, source: SourceText) -> None:
    """Refuse that rows which find nothing are looked up again, where that could find something. Raises `SqlError`."""
    asking = {dict(hint.options)["table"] for hint in hints if hint.name == "LOOKUP" and RETRY in dict(hint.options)}
    if not asking:
        return
    joins = tree.args.get("joins") or []
    for join, bound in zip(reversed(joins), _joins(relation), strict=False):
        if join.this.alias_or_name in asking and isinstance(bound.time, Lookup) and cache_of(bound) is not None:
            source.fail(
                f"the hint LOOKUP: a row that finds nothing is not looked up again ('{RETRY}')",
                join.this,
                f"leave it out, or '{LOOKUP_CACHE}' of the table, which is read once then",
            )


def cache_of(join: Join) -> str | None:
    """The cache that the table of a lookup join asks for; None where it asks for none, and is read once."""
    scan = next(step for step in walk_relations(join.right) if isinstance(step, Scan))
    return scan.table.option(LOOKUP_CACHE)


def _joins(relation: Relation) -> Iterator[Join]:
    """The joins of a FROM clause, the last one first."""
    while relation.inputs:
        if isinstance(relation, Join):
            yield relation
        elif len(relation.inputs) > 1:
            return
        relation = relation.inputs[0]
