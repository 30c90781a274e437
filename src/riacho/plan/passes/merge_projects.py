"""Projections over projections, and projections that change nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from riacho.plan.expressions import Column, Expression, Literal, walk
from riacho.plan.passes.substitution import is_volatile, through
from riacho.plan.relations import Project, Relation, rewrite_relation


def merge_projects(relation: Relation) -> Relation:
    """Make adjacent projections one and drop those that only repeat their input.

    ```sql
    SELECT b + 1 AS c FROM (SELECT a * 2 AS b FROM t)
    SELECT a * 2 + 1 AS c FROM t
    ```

    A computed field that is read twice keeps its own projection, so that it is computed once.
    """
    return rewrite_relation(relation, _merge)


def _merge(relation: Relation) -> Relation:
    if not isinstance(relation, Project):
        return relation
    below = relation.input
    if isinstance(below, Project) and _may_merge(relation, below):
        merged = replace(
            relation, input=below.input, expressions=tuple(through(part, below) for part in relation.expressions)
        )
        return _merge(merged)
    return below if _is_identity(relation) else relation


def _may_merge(upper: Project, lower: Project) -> bool:
    reads = Counter(
        part.index for expression in upper.expressions for part in walk(expression) if isinstance(part, Column)
    )
    return all(
        _is_cheap(expression) or (reads[index] <= 1 and not is_volatile(expression))
        for index, expression in enumerate(lower.expressions)
    )


def _is_cheap(expression: Expression) -> bool:
    return isinstance(expression, Column | Literal)


def _is_identity(project: Project) -> bool:
    same = all(
        isinstance(expression, Column) and expression.index == index
        for index, expression in enumerate(project.expressions)
    )
    return same and project.schema == project.input.schema
