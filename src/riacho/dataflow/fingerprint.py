"""What identifies a plan: a digest of the parts that give stored arrays their meaning, or of all of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import fields
from enum import Enum

from riacho.plan.relations import Relation, Sink
from riacho.plan.tables import Table


class Fingerprints:
    """The digests of relations. A relation's holds those of its inputs, each of which is worked out once.

    `connected`: those of relations over tables that are connected otherwise differ, too.
    """

    def __init__(self, *, connected: bool = False) -> None:
        self._connected = connected
        self._known: dict[int, tuple[Relation, str]] = {}  # by identity: to hash a relation is to walk all below it

    def of(self, relation: Relation) -> str:
        """Equal for equal relations, wherever they stand in their SQL text.

        A query that is reformatted keeps its state, and so does one whose tables got other WITH options, unless the
        digests are of connected tables; one whose steps, types or expressions changed does not.
        """
        if id(relation) not in self._known:
            digest = hashlib.sha256(self._canonical(relation).encode()).hexdigest()[:16]
            self._known[id(relation)] = (relation, digest)
        return self._known[id(relation)][1]

    def _canonical(self, whole: Relation) -> str:
        """The parts in order, each with its brackets. Without recursion: an expression may be a thousand sums deep."""
        written: list[str] = []
        left: list[object] = [whole]
        while left:
            part = left.pop()
            if isinstance(part, _Text):
                written.append(part)
            elif isinstance(part, Relation) and part is not whole:
                written.append(self.of(part))
            elif isinstance(part, Table):
                columns = ",".join(f"{column.name} {column.type}" for column in part.columns)
                written.append(f"Table({part.name}:{columns})")
                if self._connected:
                    left += _bracketed("With", part.options)
            elif isinstance(part, Sink) and not self._connected:
                left += [_CLOSING, part.input, _Text(f"Sink({part.table.name},")]
            elif isinstance(part, Enum):
                written.append(part.name)
            elif isinstance(part, tuple):
                left += _bracketed("", part)
            elif hasattr(part, "__dataclass_fields__"):
                values = [getattr(part, item.name) for item in fields(part) if item.compare]  # type: ignore[arg-type]
                left += _bracketed(type(part).__name__, values)
            else:
                written.append(repr(part))
        return "".join(written)


class _Text(str):
    """What is written as it is, among the parts that are still to be written."""

    __slots__ = ()


_CLOSING = _Text(")")


def _bracketed(name: str, parts: Sequence[object]) -> list[object]:
    """`name(part,part,…)`, its last piece first."""
    pieces: list[object] = [_CLOSING]
    for place, part in reversed(list(enumerate(parts))):
        pieces += [part, _Text(",")] if place else [part]
    return [*pieces, _Text(f"{name}(")]
