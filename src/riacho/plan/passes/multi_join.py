"""Chains of joins by one key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar, cast

from riacho.plan.expressions import Column
from riacho.plan.relations import (
    Join,
    JoinKind,
    MultiJoin,
    Project,
    Relation,
    Sink,
    SourceField,
    readers_of,
    with_leaves,
)
from riacho.plan.types import DataType, is_bytes, is_text

Step = TypeVar("Step", bound=Relation)

_KINDS = (JoinKind.INNER, JoinKind.LEFT, JoinKind.SEMI, JoinKind.ANTI, JoinKind.MARK)


def recognize_multi_joins(relations: tuple[Step, ...]) -> tuple[Step, ...]:
    """Make one step of joins that all compare the same key, so that what they give each other is kept nowhere.

    ```sql
    SELECT * FROM a JOIN b ON a.x = b.y LEFT JOIN c ON a.x = c.z
    -- MultiJoin(a.x = b.y = c.z) of a, b and c
    ```

    A left, semi or anti join alone is one, too, since then rows of a key all have matches or none has: they are counted
    for keys, not for rows, and no pairs are made to count them.

    For inner, left, semi and anti joins that compare nothing but the key, which is never a field that an outer join may
    have made null. A join that several steps read stays as it is, so that it is computed once. Rows that are kept for a
    time only are a chain's: those that a join gave live from then on.
    """
    return _Recognition(readers_of(relations)).all(relations)


@dataclass(slots=True)
class _Group:
    """Relations joined by one key; those in `core` are always there in full."""

    sources: list[Relation]
    kinds: list[JoinKind]
    keys: list[tuple[int, ...]]
    null_safe: frozenset[int]
    fields: list[SourceField]
    core: set[int]

    @classmethod
    def of(cls, relation: Relation, keys: tuple[int, ...], null_safe: frozenset[int]) -> _Group:
        """One relation alone."""
        fields = [SourceField(0, index) for index in range(len(relation.schema))]
        return cls([relation], [JoinKind.INNER], [keys], null_safe, fields, {0})

    @property
    def saves_state(self) -> bool:
        """An inner join of two relations alone keeps no more than they have."""
        return len(self.sources) > 2 or any(kind is not JoinKind.INNER for kind in self.kinds)

    def places(self, index: int) -> list[int]:
        """The places of the key that a field of the group always is."""
        source, own = self.fields[index]
        return [place for place, key in enumerate(self.keys[source]) if key == own] if source in self.core else []

    def key_type(self, place: int) -> DataType:
        first = min(self.core)
        return self.sources[first].schema[self.keys[first][place]].type

    def relation(self, chain: Relation, sources: tuple[Relation, ...]) -> MultiJoin:
        """The group as a step, over its sources as they are by now."""
        new = with_leaves(chain, tuple(self.sources), sources)
        return MultiJoin(new, tuple(self.kinds), tuple(self.keys), tuple(self.fields), self.null_safe, sources)


@dataclass(slots=True)
class _Recognition:
    readers: Mapping[Relation, list[Relation]]
    known: dict[Relation, Relation] = field(default_factory=dict)

    def all(self, relations: tuple[Step, ...]) -> tuple[Step, ...]:
        return tuple(cast(Step, self._rewritten(relation)) for relation in relations)

    def _rewritten(self, relation: Relation) -> Relation:
        if isinstance(relation, Sink):  # equal sinks are two
            return replace(relation, input=self._rewritten(relation.input))
        if relation not in self.known:
            group = self._group(relation)
            if group is not None and group.saves_state:
                made: Relation = group.relation(relation, tuple(map(self._rewritten, group.sources)))
            else:
                made = relation
                inputs = tuple(map(self._rewritten, relation.inputs))
                if any(new is not old for new, old in zip(inputs, relation.inputs, strict=True)):
                    made = relation.with_inputs(inputs)
            self.known[relation] = made
        return self.known[relation]

    def _group(self, relation: Relation) -> _Group | None:
        """The joins that end in this step, through projections that only choose fields."""
        if isinstance(relation, Project):
            columns = [part.index for part in relation.expressions if isinstance(part, Column)]
            below = relation.input
            if len(columns) < len(relation.expressions) or not isinstance(below, Join | Project):
                return None
            group = self._group(below) if self._is_read_once(below) else None
            return None if group is None else replace(group, fields=[group.fields[index] for index in columns])
        return self._joined(relation) if isinstance(relation, Join) else None

    def _is_read_once(self, relation: Relation) -> bool:
        return len(self.readers.get(relation, ())) <= 1

    def _joined(self, join: Join) -> _Group | None:
        """The group of a join, with those of its inputs; None where it is not by a key alone."""
        if not _is_by_key_alone(join):
            return None
        left_alone = _Group.of(join.left, join.left_keys, join.null_safe)
        right_alone = _Group.of(join.right, join.right_keys, join.null_safe)
        left = self._group(join.left) if self._is_read_once(join.left) else None
        right = None
        if join.kind is JoinKind.INNER and self._is_read_once(join.right):
            right = self._group(join.right)
        for one in (left, left_alone):
            for other in (right, right_alone):
                if one is not None and other is not None:
                    together = _together(join, one, other)
                    if together is not None:
                        return together
        return None


def _is_by_key_alone(join: Join) -> bool:
    return (
        type(join) is Join
        and join.kind in _KINDS
        and join.time is None
        and join.residual is None
        and not join.single
        and bool(join.left_keys)
        and join.ttls_ms == (None, None)
    )


def _together(join: Join, left: _Group, right: _Group) -> _Group | None:
    """Both groups as one; None where the join does not compare their keys, place by place."""
    size = len(join.left_keys)
    if not size == len(left.keys[0]) == len(right.keys[0]):
        return None
    partners: dict[int, int] = {}
    for number, (one, other) in enumerate(zip(join.left_keys, join.right_keys, strict=True)):
        safe = number in join.null_safe
        places = [
            (place, its)
            for place in left.places(one)
            for its in right.places(other)
            if place not in partners
            and its not in partners.values()
            and (place in left.null_safe) == (its in right.null_safe) == safe
            and _one_kind(left.key_type(place), right.key_type(its))
        ]
        if not places:
            return None
        partners[places[0][0]] = places[0][1]
    shift = len(left.sources)
    keys = [tuple(key[partners[place]] for place in range(size)) for key in right.keys]
    fields = list(left.fields)
    core = set(left.core)
    if join.kind.emits_right:
        fields += [SourceField(source + shift, own) for source, own in right.fields]
    elif join.kind is JoinKind.MARK:
        fields.append(SourceField(shift, 0))
    fields = list(join.chosen(tuple(fields)))
    if join.kind is JoinKind.INNER:
        core |= {source + shift for source in right.core}
    kinds = [*left.kinds, join.kind, *right.kinds[1:]]
    return _Group([*left.sources, *right.sources], kinds, [*left.keys, *keys], left.null_safe, fields, core)


def _one_kind(one: DataType, other: DataType) -> bool:
    """Whether equal values of both types are kept as equal keys."""
    return one.same_as(other) or (is_text(one) and is_text(other)) or (is_bytes(one) and is_bytes(other))
