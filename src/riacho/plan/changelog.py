"""What changes a relation emits and which fields identify its rows: derived from the plan, bottom up.

Source: Flink, "Dynamic Tables" (append, retract and upsert streams); a changelog here is a Z-set, so there are two
cases: rows are only ever added, or they are also retracted.
"""

from __future__ import annotations

from collections.abc import Iterable

from riacho.plan.expressions import Cast, Column
from riacho.plan.relations import (
    Aggregate,
    BoundedOver,
    Deduplicate,
    EmptyGroup,
    Filter,
    Join,
    JoinKind,
    Materialize,
    MultiJoin,
    Normalize,
    Over,
    Project,
    Rank,
    RankKind,
    Relation,
    Scan,
    Sink,
    Sort,
    UpsertMaterialize,
    VersionedView,
    Watermark,
    WindowAggregate,
    WindowJoin,
    WindowKind,
    WindowProperty,
    WindowRank,
)
from riacho.plan.table_changes import Changes, source_changes
from riacho.plan.types import CharType, IntegerType, VarcharType

Key = frozenset[int]

_ADDING_JOINS = (JoinKind.INNER, JoinKind.SEMI)
"""Of rows that are only added they make rows that are only added."""


def is_updating(relation: Relation) -> bool:
    """Whether the relation retracts rows that it emitted before."""
    if isinstance(relation, Normalize | UpsertMaterialize):
        return True
    if isinstance(relation, BoundedOver | Materialize):
        return False
    if isinstance(relation, Scan):
        return source_changes(relation.table) is not Changes.APPEND
    if isinstance(relation, Aggregate):
        return bool(relation.calls) or is_updating(relation.input)
    if isinstance(relation, Rank):
        return bool(relation.order) or is_updating(relation.input)  # the first arrivals stay the first
    if isinstance(relation, Deduplicate):
        return relation.keep_last  # the first by row time is given out when no earlier one can come
    if isinstance(relation, Over):
        return not relation.by_time or is_updating(relation.input)
    if isinstance(relation, WindowAggregate):
        return relation.updates
    if isinstance(relation, WindowJoin | WindowRank):
        return False
    if isinstance(relation, MultiJoin):
        return is_updating(relation.chain)
    if isinstance(relation, Join) and relation.time is not None:
        return is_updating(relation.left)  # what came out stays, padded rows too
    if isinstance(relation, Join):
        return relation.kind not in _ADDING_JOINS or any(is_updating(side) for side in relation.inputs)
    return any(is_updating(below) for below in relation.inputs)


def unique_keys(relation: Relation) -> frozenset[Key]:
    """The minimal sets of fields of which no two rows of the accumulated relation agree.

    The empty set means at most one row.
    """
    if isinstance(relation, Scan):
        key = relation.table.primary_key
        if key and set(key) <= set(relation.fields):
            return frozenset({frozenset(relation.fields.index(name) for name in key)})
        return frozenset()
    if isinstance(relation, Normalize | UpsertMaterialize):
        return frozenset({frozenset(relation.key)})
    if isinstance(relation, EmptyGroup | Filter | Materialize | Over | Sort | Watermark | Sink):
        return unique_keys(relation.input)
    if isinstance(relation, Project):
        return projected_keys(relation, unique_keys(relation.input))
    if isinstance(relation, Aggregate):
        return frozenset({frozenset(range(len(relation.keys)))})
    if isinstance(relation, WindowAggregate):
        first = len(relation.keys) + len(relation.calls)
        keys = frozenset(range(len(relation.keys)))
        if relation.kind is WindowKind.ATTACHED:
            return frozenset({keys})
        # Windows that grow share their start.
        shared = WindowProperty.START if relation.kind is WindowKind.CUMULATE else None
        return frozenset(keys | {first + place} for place, item in enumerate(relation.properties) if item is not shared)
    if isinstance(relation, Rank | WindowRank):
        return _of_rank(relation.rank if isinstance(relation, WindowRank) else relation)
    if isinstance(relation, Deduplicate | VersionedView):
        return minimal_keys(unique_keys(relation.input) | {frozenset(relation.key)})
    if isinstance(relation, Join):
        left, right = unique_keys(relation.left), unique_keys(relation.right)
        single = is_held(left, relation.left_keys), is_held(right, relation.right_keys)
        return joined_keys(relation, left, right, single)
    if isinstance(relation, MultiJoin):
        return unique_keys(relation.chain)
    return frozenset()


def _of_rank(relation: Rank) -> frozenset[Key]:
    """Its input's keys, and where each row has a number of its own the partition with the number."""
    keys = set(unique_keys(relation.input))
    if relation.kind is RankKind.ROW_NUMBER:
        partition = frozenset(relation.partition)
        if relation.start == relation.end:
            keys.add(partition)
        elif relation.number is not None:
            keys.add(partition | {len(relation.input.schema)})
    return minimal_keys(frozenset(keys))


def minimal_keys(keys: frozenset[Key]) -> frozenset[Key]:
    """The keys that hold no other."""
    return frozenset(key for key in keys if not any(other < key for other in keys))


def projected_keys(relation: Project, below: frozenset[Key]) -> frozenset[Key]:
    """The keys whose every field the projection passes on, as it is or cast so that different values stay different."""
    outputs: dict[int, int] = {}
    for position, expression in enumerate(relation.expressions):
        while isinstance(expression, Cast) and _keeps_apart(expression):
            expression = expression.operand
        if isinstance(expression, Column):
            outputs.setdefault(expression.index, position)
    return frozenset(
        frozenset(outputs[index] for index in key) for key in below if all(index in outputs for index in key)
    )


def _keeps_apart(cast: Cast) -> bool:
    """Whether different values stay different. Source: Flink, `LogicalTypeCasts.supportsInjectiveCast`."""
    source, target = cast.operand.type, cast.type
    if isinstance(source, IntegerType):
        return isinstance(target, IntegerType) and target.bits >= source.bits
    return (
        isinstance(source, CharType | VarcharType)
        and isinstance(target, VarcharType)
        and target.length >= source.length
    )


def joined_keys(
    relation: Join, left: frozenset[Key], right: frozenset[Key], single: tuple[bool, bool]
) -> frozenset[Key]:
    """The keys of a join, from those of its sides.

    A `single` side, of which every row of the other meets one at most, adds no rows; else both sides' keys together.
    """
    return _of_given(relation, _of_all_fields(relation, left, right, single))


def _of_given(relation: Join, keys: frozenset[Key]) -> frozenset[Key]:
    """The keys of which the join gives every field out."""
    if relation.given is None:
        return keys
    places = {index: place for place, index in enumerate(relation.given)}
    return frozenset(frozenset(map(places.__getitem__, key)) for key in keys if key <= places.keys())


def _of_all_fields(
    relation: Join, left: frozenset[Key], right: frozenset[Key], single: tuple[bool, bool]
) -> frozenset[Key]:
    if not relation.kind.emits_right:
        return left
    left_single, right_single = single[0], single[1] or relation.single
    width = len(relation.left.schema)
    shifted = frozenset(frozenset(index + width for index in key) for key in right)
    result: set[Key] = set()
    if right_single and not relation.kind.keeps_right:
        result |= left
    if left_single and not relation.kind.keeps_left:
        result |= shifted
    if not result:
        result = {one | other for one in left for other in shifted}
    return frozenset(result)


def is_held(keys: frozenset[Key], fields: Iterable[int]) -> bool:
    """Whether these fields hold a key."""
    given = frozenset(fields)
    return any(key <= given for key in keys)
