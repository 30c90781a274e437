"""Trees of joins by keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar, cast

from riacho.plan.expressions import Column
from riacho.plan.passes.join_tree import Equality, shared_keys
from riacho.plan.relations import (
    Join,
    JoinKind,
    MultiJoin,
    Project,
    Relation,
    SharedKey,
    Sink,
    SourceField,
    readers_of,
    with_leaves,
)
from riacho.plan.types import DataType, is_bytes, is_text

Step = TypeVar("Step", bound=Relation)

_KINDS = (JoinKind.INNER, JoinKind.LEFT, JoinKind.SEMI, JoinKind.ANTI, JoinKind.MARK)


STRATEGY = "table.optimizer.delta-join.strategy"
"""The option by which joins by different keys are left as they are."""


def recognize_multi_joins(relations: tuple[Step, ...], *, by_several_keys: bool = True) -> tuple[Step, ...]:
    """Make one step of joins that compare keys alone, so that what they give each other is kept nowhere.

    ```sql
    SELECT * FROM a JOIN b ON a.x = b.y LEFT JOIN c ON a.x = c.z JOIN d ON b.v = d.w
    -- MultiJoin((a.x) = (b.y) = (c.z), (b.v) = (d.w)) of a, b, c and d
    ```

    A left, semi or anti join alone is one, too, since then rows of a key all have matches or none has: they are counted
    for keys, not for rows, and no pairs are made to count them.

    For inner, left, semi and anti joins that compare nothing but keys, never by a field that an outer join may have
    made null. Inner joins may come in any order, so a table that is joined to later ones only is not multiplied with
    those before. Where the keys lead round in a ring the joins below are a step of their own. A join that several steps
    read stays as it is, so that it is computed once. Rows that are kept for a time only are a chain's: those that a
    join gave live from then on.

    Over different keys this is known as a delta join (Materialize: "Delta Joins and Late Materialization"). It does not
    keep what a chain does, and copies no row from join to join, but a change goes through all other inputs, each time
    anew. Measured over tables of TPC-H of scale 0.1, in random order, against the chain: where a fact meets three
    dimensions, or a chain of them, 36 to 46 % of the bytes at 0.6 to 0.9 times the processor's time; where a condition
    leaves a quarter of the first dimension, by which a chain begins, 81 to 84 % at 1.1 to 1.4 times; where one leaves
    nothing of it, and the other dimension changes again and again, for 600 facts each, as many bytes at 0.9 to 1.1
    times. Materialize takes a delta join only where all its indexes are there anyway; here a table's rows are kept once
    for all of its keys, and a further key is two or three words more for each. So it is taken always, unless the user
    says otherwise (`by_several_keys`).
    """
    return _Recognition(readers_of(relations), by_several_keys).all(relations)


@dataclass(slots=True)
class _Group:
    """Relations that are joined; those in `core` are always there in full. `keys` connect them, unless some are not."""

    sources: list[Relation]
    kinds: list[JoinKind]
    fields: list[SourceField]
    core: list[int]
    equalities: list[Equality]
    keys: tuple[SharedKey, ...]

    @classmethod
    def of(cls, relation: Relation) -> _Group:
        """One relation alone."""
        fields = [SourceField(0, index) for index in range(len(relation.schema))]
        return cls([relation], [JoinKind.INNER], fields, [0], [], ())

    @property
    def saves_state(self) -> bool:
        """An inner join of two relations alone keeps no more than they have."""
        return len(self.sources) > 2 or any(kind is not JoinKind.INNER for kind in self.kinds)

    @property
    def is_connected(self) -> bool:
        return sum(len(key.members) - 1 for key in self.keys) == len(self.sources) - 1

    @property
    def has_one_key(self) -> bool:
        return self.is_connected and len(self.keys) <= 1

    def relation(self, chain: Relation, sources: tuple[Relation, ...]) -> MultiJoin:
        """The group as a step, over its sources as they are by now."""
        new = with_leaves(chain, tuple(self.sources), sources)
        return MultiJoin(new, tuple(self.kinds), self.keys, tuple(self.fields), sources)


@dataclass(slots=True)
class _Recognition:
    readers: Mapping[Relation, list[Relation]]
    by_several_keys: bool
    known: dict[Relation, Relation] = field(default_factory=dict)

    def all(self, relations: tuple[Step, ...]) -> tuple[Step, ...]:
        return tuple(cast(Step, self._rewritten(relation)) for relation in relations)

    def _rewritten(self, relation: Relation) -> Relation:
        if isinstance(relation, Sink):  # equal sinks are two
            return replace(relation, input=self._rewritten(relation.input))
        if relation not in self.known:
            group = self._group(relation)
            if group is not None and group.saves_state and group.is_connected:
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
        """The group of a join, with those of its inputs; None where it is not by keys alone."""
        if not _is_by_keys_alone(join):
            return None
        left = self._group(join.left) if self._is_read_once(join.left) else None
        right = None
        if join.kind is JoinKind.INNER and self._is_read_once(join.right):
            right = self._group(join.right)
        for one in (left, _Group.of(join.left)):
            for other in (right, _Group.of(join.right)):
                if one is not None and other is not None:
                    together = _together(join, one, other)
                    if together is not None and (self.by_several_keys or together.has_one_key):
                        return together
        return None


def _is_by_keys_alone(join: Join) -> bool:
    return (
        type(join) is Join
        and join.kind in _KINDS
        and join.time is None
        and join.residual is None
        and not join.single
        and (bool(join.left_keys) or join.kind is JoinKind.INNER)
        and join.ttls_ms == (None, None)
    )


def _together(join: Join, left: _Group, right: _Group) -> _Group | None:
    """Both groups as one; None where the keys that it would have do not make a tree of them."""
    shift = len(left.sources)
    right_fields = [SourceField(source + shift, own) for source, own in right.fields]
    right_core = [source + shift for source in right.core]
    sources = [*left.sources, *right.sources]
    equalities = list(left.equalities)
    for one, other, safe in right.equalities:
        one, other = (SourceField(each.source + shift, each.field) for each in (one, other))
        equalities.append(Equality(one, other, safe))
    for place, (left_key, right_key) in enumerate(zip(join.left_keys, join.right_keys, strict=True)):
        one, other = left.fields[left_key], right_fields[right_key]
        if one.source not in left.core or other.source not in right_core:
            return None
        types = (sources[each.source].schema[each.field].type for each in (one, other))
        if not _one_kind(*types):
            return None
        equalities.append(Equality(one, other, place in join.null_safe))
    fields = list(left.fields)
    if join.kind.emits_right:
        fields += right_fields
    elif join.kind is JoinKind.MARK:
        fields.append(SourceField(shift, 0))
    core = [*left.core, *(right_core if join.kind is JoinKind.INNER else ())]
    keys = shared_keys(core, equalities)
    if keys is None:
        return None
    kinds = [*left.kinds, join.kind, *right.kinds[1:]]
    return _Group(sources, kinds, list(join.chosen(tuple(fields))), core, equalities, keys)


def _one_kind(one: DataType, other: DataType) -> bool:
    """Whether equal values of both types are kept as equal keys."""
    return one.same_as(other) or (is_text(one) and is_text(other)) or (is_bytes(one) and is_bytes(other))
