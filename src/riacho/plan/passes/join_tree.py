"""By which keys the sources of a join hang together, where its equalities make a tree of them.

Source: the reduction by ears of Graham, Yu and Özsoyoğlu, by which a query is found to be acyclic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from riacho.plan.relations import KeyOf, SharedKey, SourceField


class Equality(NamedTuple):
    """Fields of two sources that are compared; where it is `null_safe`, null equals null."""

    one: SourceField
    other: SourceField
    null_safe: bool


@dataclass(slots=True)
class _Attribute:
    """Fields that are all equal, at most one of each source."""

    fields: dict[int, int]
    null_safe: bool


@dataclass(slots=True)
class _Key:
    """Attributes by which some sources are compared."""

    attributes: tuple[int, ...]
    members: set[int]


def shared_keys(core: Sequence[int], equalities: Sequence[Equality]) -> tuple[SharedKey, ...] | None:
    """The keys that connect the sources in `core`, and the others to them; None where there are ways round.

    An equality is one of two sources in `core`, or of one there with one that is not. Sources of which no fields are
    compared are not connected.
    """
    attributes = _attributes([each for each in equalities if each.other.source in core])
    if attributes is None:
        return None
    keys = _connected(core, attributes)
    if keys is None:
        return None
    others = dict.fromkeys(each.other.source for each in equalities if each.other.source not in core)
    for source in others:
        own = [each for each in equalities if each.other.source == source]
        if not _attached(source, own, core, attributes, keys):
            return None
    return tuple(_shared(key, attributes) for key in keys)


def _attributes(equalities: Sequence[Equality]) -> list[_Attribute] | None:
    """What is compared; None where a source would have to compare fields of its own, or null is equal here only."""
    found: list[_Attribute] = []
    for one, other, null_safe in equalities:
        merged = _Attribute({}, null_safe)
        touched = [each for each in found if {one, other} & {SourceField(*item) for item in each.fields.items()}]
        for items in (*(each.fields.items() for each in touched), (one, other)):
            for source, own in items:
                if merged.fields.setdefault(source, own) != own:
                    return None
        if any(each.null_safe != null_safe for each in touched):
            return None
        found = [*(each for each in found if each not in touched), merged]
    return found


def _connected(core: Sequence[int], attributes: Sequence[_Attribute]) -> list[_Key] | None:
    """Take sources away whose attributes one other has, too, as far as anybody has them; None where none is such."""
    held = {source: {n for n, each in enumerate(attributes) if source in each.fields} for source in core}
    keys: list[_Key] = []
    left = list(core)
    while len(left) > 1:
        for ear in reversed(left):
            others = [source for source in left if source != ear]
            shared = held[ear] & set().union(*(held[source] for source in others))
            witness = next((source for source in others if shared <= held[source]), None)
            if witness is not None:
                break
        else:
            return None
        left.remove(ear)
        if shared:
            key = _Key(tuple(sorted(shared)), {ear, witness})
            same = [each for each in keys if each.attributes == key.attributes and each.members & key.members]
            key.members = key.members.union(*(each.members for each in same))
            keys = [*(each for each in keys if each not in same), key]
    return keys


def _attached(
    source: int, own: Sequence[Equality], core: Sequence[int], attributes: list[_Attribute], keys: list[_Key]
) -> bool:
    """Let a source that is not in the core have one of the keys, or a new one; whether a source of the core has it."""
    compared: dict[int, int] = {}
    for one, other, null_safe in own:
        places = (n for n, each in enumerate(attributes) if each.fields.get(one.source) == one.field)
        place = next(places, len(attributes))
        if place == len(attributes):
            attributes.append(_Attribute({one.source: one.field}, null_safe))
        if attributes[place].null_safe != null_safe or compared.setdefault(place, other.field) != other.field:
            return False
    chosen = tuple(sorted(compared))
    key = next((each for each in keys if each.attributes == chosen), None)
    if key is None:
        holders = (each for each in core if all(each in attributes[place].fields for place in chosen))
        holder = next(holders, None)
        if holder is None:
            return False
        key = _Key(chosen, {holder})
        keys.append(key)
    key.members.add(source)
    for place, field in compared.items():
        attributes[place].fields[source] = field
    return True


def _shared(key: _Key, attributes: Sequence[_Attribute]) -> SharedKey:
    members = [
        KeyOf(source, tuple(attributes[place].fields[source] for place in key.attributes))
        for source in sorted(key.members)
    ]
    safe = (number for number, place in enumerate(key.attributes) if attributes[place].null_safe)
    return SharedKey(tuple(members), frozenset(safe))
