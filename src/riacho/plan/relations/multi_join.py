"""Joins of several relations by keys that all of them, or some, have in common."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

from riacho.plan.relations.join import JoinKind
from riacho.plan.relations.relation import Relation
from riacho.plan.relations.schema import Schema


class SourceField(NamedTuple):
    """A field of a multi-way join: one of an input's, or whether a MARK input has rows (`field` is 0)."""

    source: int
    field: int


class KeyOf(NamedTuple):
    """The fields of one source that a key compares."""

    source: int
    fields: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SharedKey:
    """What some sources are compared by; null equals null in the places of `null_safe`."""

    members: tuple[KeyOf, ...]
    null_safe: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class MultiJoin(Relation):
    """A tree of joins that compare keys alone: one step, which keeps the rows of each input once.

    `chain` says what it means; its leaves are `sources`, in order. Each is joined to those before it in its kind of
    `kinds`, the first as if INNER. Kinds are INNER, LEFT, SEMI, ANTI and MARK. `keys` connect the sources, so that
    there is one way from each to each other; all but the INNER ones are at an end, with one key, which an INNER one
    has, too. `fields` says where each field of the result comes from.
    """

    chain: Relation
    kinds: tuple[JoinKind, ...]
    keys: tuple[SharedKey, ...]
    fields: tuple[SourceField, ...]
    sources: tuple[Relation, ...] = field(compare=False)
    """Named again only to be found: the chain holds them."""

    @property
    def inputs(self) -> tuple[Relation, ...]:
        return self.sources

    def with_inputs(self, inputs: tuple[Relation, ...]) -> Relation:
        return replace(self, chain=with_leaves(self.chain, self.sources, inputs), sources=inputs)

    @cached_property
    def schema(self) -> Schema:
        return self.chain.schema

    def keys_of(self, source: int) -> list[tuple[int, tuple[int, ...]]]:
        """The keys that a source has: the number of each, and its fields."""
        found = []
        for number, key in enumerate(self.keys):
            found += [(number, member.fields) for member in key.members if member.source == source]
        return found


def with_leaves(chain: Relation, old: tuple[Relation, ...], new: tuple[Relation, ...]) -> Relation:
    """The chain with these of its leaves replaced, equal ones by equal ones."""
    replaced = dict(zip(old, new, strict=True))

    def placed(step: Relation) -> Relation:
        if step in replaced:
            return replaced[step]
        return step.with_inputs(tuple(placed(below) for below in step.inputs))

    return placed(chain)
