"""Filters as early as they may be."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from riacho.plan.expressions import Column, Expression, columns_used, conjunction, conjuncts, remap, rewrite
from riacho.plan.passes.outer_joins import without_vain_padding
from riacho.plan.passes.substitution import is_volatile, through
from riacho.plan.relations import (
    Aggregate,
    Filter,
    Join,
    JoinKind,
    Project,
    Relation,
    Union,
    Unnest,
    Versions,
    WindowKind,
    WindowTable,
    rewrite_relation,
)

Predicates = tuple[Expression, ...]


def push_filters(relation: Relation) -> Relation:
    """Move conditions below projections, window tables, unions, groupings and joins; into joins that they restrict.

    ```sql
    SELECT * FROM a, b WHERE a.id = b.id AND a.x > 1
    SELECT * FROM (SELECT * FROM a WHERE x > 1) a JOIN b ON a.id = b.id
    ```

    Never below a `Watermark`: rows that are filtered away still tell the time, as in Flink.
    """

    def push(step: Relation) -> Relation:
        if isinstance(step, Filter):
            return _pushed(step.input, conjuncts(step.predicate))
        if isinstance(step, Join) and step.residual is not None:
            return _into_join(step, ())
        return step

    return rewrite_relation(relation, push)


def _filtered(relation: Relation, predicates: Predicates) -> Relation:
    return Filter(relation, conjunction(predicates)) if predicates else relation


def _pushed(below: Relation, predicates: Predicates) -> Relation:
    """A filter of `predicates` over `below`, as deep as it goes."""
    if not predicates:
        return below
    match below:
        case Filter():
            return _pushed(below.input, (*conjuncts(below.predicate), *predicates))
        case Project():
            return _below_project(below, predicates)
        case WindowTable():
            # Without some of its rows a session would be another one, unless all of its key's are gone.
            fields = below.partition if below.kind is WindowKind.SESSION else range(len(below.input.schema))
            movable = tuple(part for part in predicates if _reads_only(part, fields))
            kept = tuple(part for part in predicates if part not in movable)
            return _filtered(replace(below, input=_pushed(below.input, movable)), kept)
        case Unnest():
            width = len(below.input.schema)
            movable = tuple(part for part in predicates if _reads_only(part, range(width)))
            kept = tuple(part for part in predicates if part not in movable)
            return _filtered(replace(below, input=_pushed(below.input, movable)), kept)
        case Union():
            movable, kept = _split_volatile(predicates)
            return _filtered(Union(tuple(_pushed(branch, movable) for branch in below.branches)), kept)
        case Aggregate():
            return _below_aggregate(below, predicates)
        case Join():
            return _into_join(below, predicates)
    return _filtered(below, predicates)


def _split_volatile(predicates: Predicates) -> tuple[Predicates, Predicates]:
    movable = tuple(part for part in predicates if not is_volatile(part))
    return movable, tuple(part for part in predicates if is_volatile(part))


def _below_project(project: Project, predicates: Predicates) -> Relation:
    movable: list[Expression] = []
    kept: list[Expression] = []
    for part in predicates:
        moved = through(part, project)
        (kept if is_volatile(moved) else movable).append(part)
    rewritten = tuple(through(part, project) for part in movable)
    return _filtered(replace(project, input=_pushed(project.input, rewritten)), tuple(kept))


def _below_aggregate(aggregate: Aggregate, predicates: Predicates) -> Relation:
    """Conditions on keys choose groups as a whole."""
    keys = range(len(aggregate.keys))
    movable = tuple(part for part in predicates if aggregate.keys and _reads_only(part, keys) and columns_used(part))
    kept = tuple(part for part in predicates if part not in movable)
    moved = tuple(remap(part, lambda index: aggregate.keys[index]) for part in movable)
    return _filtered(replace(aggregate, input=_pushed(aggregate.input, moved)), kept)


def _into_join(join: Join, predicates: Predicates) -> Relation:
    """Conditions of WHERE (`predicates`) and of ON go to the side that they read, as far as the join's kind allows.

    A condition of ON may be tested early on a side whose rows vanish without a match, one of WHERE on a side that is
    never padded.
    """
    join = without_vain_padding(join, predicates)
    width = len(join.left.schema)
    left_side, right_side = range(width), range(width, width + len(join.right.schema))
    inner = join.kind is JoinKind.INNER
    # A version that a condition throws away still ends the one before it.
    right_is_free = not isinstance(join.time, Versions)
    left_vanishes = join.kind in (JoinKind.INNER, JoinKind.RIGHT, JoinKind.SEMI)
    on = () if join.residual is None else conjuncts(join.residual)
    left: list[Expression] = []
    right: list[Expression] = []
    residual: list[Expression] = []
    above: list[Expression] = []
    for part in on:
        if left_vanishes and _reads_only(part, left_side):
            left.append(part)
        elif right_is_free and not join.kind.keeps_right and _reads_only(part, right_side):
            right.append(part)
        else:
            residual.append(part)
    for part in predicates:
        if not join.kind.keeps_right and _reads_only(part, left_side):
            left.append(part)
        elif right_is_free and join.kind in (JoinKind.INNER, JoinKind.RIGHT) and _reads_only(part, right_side):
            right.append(part)
        elif not inner or is_volatile(part):
            above.append(part)
        else:
            residual.append(part)
    rewritten = replace(
        join,
        left=_pushed(join.left, tuple(_retyped(part, join.left) for part in left)),
        right=_pushed(join.right, tuple(_retyped(remap(p, lambda i: i - width), join.right) for p in right)),
        residual=conjunction(tuple(residual)) if residual else None,
    )
    return _filtered(rewritten, tuple(above))


def _reads_only(predicate: Expression, fields: Collection[int]) -> bool:
    used = columns_used(predicate)
    return bool(used) and all(index in fields for index in used) and not is_volatile(predicate)


def _retyped(predicate: Expression, below: Relation) -> Expression:
    """Columns with the types of the relation that they now read: below an outer join they are not nullable."""

    def retype(part: Expression) -> Expression:
        return replace(part, type=below.schema[part.index].type) if isinstance(part, Column) else part

    return rewrite(predicate, retype)
