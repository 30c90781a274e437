"""What every relation is: a step with a schema and inputs; and how to walk and rewrite trees of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from riacho.plan.relations.schema import Schema


@dataclass(frozen=True)  # without slots: a schema is worked out once
class Relation:
    """A table, bounded or not, at some step of a query."""

    @cached_property
    def schema(self) -> Schema:
        raise NotImplementedError(f"{type(self).__name__} must state its schema")

    @property
    def inputs(self) -> tuple[Relation, ...]:
        return ()

    def with_inputs(self, inputs: tuple[Relation, ...]) -> Relation:
        """The same step over other inputs, which have the schemas of the old ones."""
        assert not inputs, f"{type(self).__name__} has no inputs"
        return self


@dataclass(frozen=True, slots=True)
class Unary(Relation):
    input: Relation

    @cached_property
    def schema(self) -> Schema:
        return self.input.schema

    @property
    def inputs(self) -> tuple[Relation, ...]:
        return (self.input,)

    def with_inputs(self, inputs: tuple[Relation, ...]) -> Relation:
        return replace(self, input=inputs[0])


def walk_relations(relation: Relation) -> Iterator[Relation]:
    """The relation and everything below it, parents first; a shared sub-plan as often as it is used."""
    yield relation
    for below in relation.inputs:
        yield from walk_relations(below)


def readers_of(relations: Iterable[Relation]) -> dict[Relation, list[Relation]]:
    """Which steps read each step below these, a step that reads it twice two times; equal steps are one."""
    found: dict[Relation, list[Relation]] = {}
    for step in dict.fromkeys(step for relation in relations for step in walk_relations(relation)):
        for below in step.inputs:
            found.setdefault(below, []).append(step)
    return found


def rewrite_relation(relation: Relation, rule: Callable[[Relation], Relation]) -> Relation:
    """Apply `rule` to every step, inputs before the step that reads them."""
    inputs = relation.inputs
    if inputs:
        changed = tuple(rewrite_relation(below, rule) for below in inputs)
        if any(new is not old for new, old in zip(changed, inputs, strict=True)):
            relation = relation.with_inputs(changed)
    return rule(relation)
