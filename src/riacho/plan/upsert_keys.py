"""Which fields tell a changelog's updates apart: the keys by which an update's new row replaces its old one.

Source: Flink, `FlinkRelMdUpsertKeys`. A unique key need not be one: where a join's rows come together by other fields
than the key, Flink's parallel instances may hand on an old and a new row out of order.
"""

from __future__ import annotations

from riacho.plan.changelog import Key, is_held, joined_keys, projected_keys, unique_keys
from riacho.plan.relations import Filter, Join, MultiJoin, Over, Project, Relation, Sink, Watermark


def upsert_keys(relation: Relation) -> frozenset[Key]:
    """The minimal sets of fields that identify a row through all its updates; empty where there is none."""
    match relation:
        case Filter() | Watermark() | Sink():
            return upsert_keys(relation.input)
        case Project():
            return projected_keys(relation, upsert_keys(relation.input))
        case Over():
            return _holding(upsert_keys(relation.input), relation.partition)
        case Join():
            left, right = upsert_keys(relation.left), upsert_keys(relation.right)
            single = is_held(left, relation.left_keys), is_held(right, relation.right_keys)
            held = _holding(left, relation.left_keys), _holding(right, relation.right_keys)
            return joined_keys(relation, *held, single)
        case MultiJoin():
            return upsert_keys(relation.chain)
    return unique_keys(relation)


def _holding(keys: frozenset[Key], fields: tuple[int, ...]) -> frozenset[Key]:
    """The keys that hold all these fields."""
    return frozenset(key for key in keys if key >= set(fields))
