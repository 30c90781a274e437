"""The equalities of a join become its keys."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from riacho.plan.expressions import Call, Cast, Column, Expression, columns_used, conjunction, conjuncts, remap
from riacho.plan.relations import Join, Project, Relation, rewrite_relation, unique_names
from riacho.plan.types import DataType, DecimalType


def extract_join_keys(relation: Relation) -> Relation:
    """Take `left = right` out of a join's condition; computed sides are projected below the join first.

    `left IS NOT DISTINCT FROM right` becomes a key for which null equals null.

    ```sql
    SELECT * FROM a JOIN b ON a.x + 1 = b.y AND a.z < b.z
    -- Join keys: $f = b.y over SELECT *, x + 1 AS $f FROM a; residual: a.z < b.z
    ```
    """

    def extract(step: Relation) -> Relation:
        return _extract(step) if isinstance(step, Join) and step.residual is not None else step

    return rewrite_relation(relation, extract)


def _extract(join: Join) -> Relation:
    assert join.residual is not None
    width = len(join.left.schema)
    pairs: list[_Equality] = []
    rest: list[Expression] = []
    for part in conjuncts(join.residual):
        pair = _sides(part, width)
        if pair is None:
            rest.append(part)
        else:
            pairs.append(pair)
    if not pairs:
        return join
    left = _Side(join.left)
    right = _Side(join.right)
    left_keys = tuple(left.index(pair.left) for pair in pairs)
    right_keys = tuple(right.index(pair.right) for pair in pairs)
    known = len(join.left_keys)
    shift = len(left.fields) - width
    residual = conjunction(
        tuple(remap(part, lambda index: index + shift if index >= width else index) for part in rest)
    )
    keyed = replace(
        join,
        left=left.relation(),
        right=right.relation(),
        left_keys=(*join.left_keys, *left_keys),
        right_keys=(*join.right_keys, *right_keys),
        residual=residual if rest else None,
        names=(),
        null_safe=join.null_safe | {known + place for place, pair in enumerate(pairs) if pair.null_safe},
    )
    if not left.computed and not (right.computed and join.kind.emits_right):
        return replace(keyed, names=join.names)
    after = len(join.right.schema) if join.kind.emits_right else len(join.names) - width
    kept = [*range(width), *range(len(left.fields), len(left.fields) + after)]
    return Project(keyed, tuple(keyed.schema.column(index) for index in kept), join.names)


class _Side:
    """One input of a join, with what is computed for its keys behind its own fields."""

    def __init__(self, below: Relation) -> None:
        self.below = below
        self.fields: list[Expression] = [below.schema.column(index) for index in range(len(below.schema))]
        self.names = list(below.schema.names)
        self.computed = False

    def index(self, key: Expression) -> int:
        """The field that holds the key."""
        if isinstance(key, Column):
            return key.index
        if key in self.fields:
            return self.fields.index(key)
        self.computed = True
        self.fields.append(key)
        self.names.append(f"$key{len(self.fields) - len(self.below.schema)}")
        return len(self.fields) - 1

    def relation(self) -> Relation:
        if not self.computed:
            return self.below
        self.names = unique_names(self.names)
        return Project(self.below, tuple(self.fields), tuple(self.names))


class _Equality(NamedTuple):
    """Both sides of an equality, over the fields of either input; where it is `null_safe`, null equals null."""

    left: Expression
    right: Expression
    null_safe: bool


def _sides(part: Expression, width: int) -> _Equality | None:
    """An equality of the left with the right input; None for anything else."""
    if not isinstance(part, Call) or part.function not in ("=", "IS NOT DISTINCT FROM"):
        return None
    one, other = part.arguments
    for left, right in ((one, other), (other, one)):
        left_used, right_used = columns_used(left), columns_used(right)
        if not left_used or not right_used or max(left_used) >= width or min(right_used) < width:
            continue
        common = _key_type(left.type, right.type)
        if common is None:
            return None
        moved = remap(right, lambda index: index - width)
        return _Equality(_as(left, common), _as(moved, common), part.function != "=")
    return None


def _key_type(one: DataType, other: DataType) -> DataType | None:
    """The type in which both sides have equal values for equal keys.

    Operands of `=` have one type already, but for decimals, which are compared as they are, and the length of text.
    """
    if isinstance(one, DecimalType) and isinstance(other, DecimalType) and not one.same_as(other):
        scale = max(one.scale, other.scale)
        whole = max(one.precision - one.scale, other.precision - other.scale)
        return DecimalType(whole + scale, scale) if whole + scale <= 38 else None
    return one


def _as(expression: Expression, target: DataType) -> Expression:
    if isinstance(target, DecimalType) and not expression.type.same_as(target):
        return Cast(target.with_nullable(expression.type.nullable), expression, position=expression.position)
    return expression
