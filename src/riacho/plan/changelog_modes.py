"""The changelog mode of every step of a query, as Flink derives it: which kinds of rows (I, UB, UA, D) it emits.

First, bottom up, which modifications a step can bring about; then, top down, whether its updates are asked for with
their old values. The engine itself has signed rows everywhere and derives kinds at a sink only: this is what EXPLAIN
says, and why a sink refuses a query. Source: Flink, `FlinkChangelogModeInferenceProgram`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from riacho.plan.changelog import is_updating
from riacho.plan.monotonicity import only_rises
from riacho.plan.relations import (
    Aggregate,
    Expand,
    Filter,
    Join,
    JoinKind,
    MultiJoin,
    Normalize,
    Project,
    Rank,
    Relation,
    Replicate,
    Scan,
    Sink,
    Union,
    UpsertMaterialize,
    VersionedView,
    Versions,
    Watermark,
    WindowAggregate,
    WindowTable,
)
from riacho.plan.table_changes import Changes, sink_changes, source_changes
from riacho.plan.upsert_keys import upsert_keys


class Modification(Enum):
    """What becomes of rows."""

    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"


Modifications = frozenset[Modification]

INSERT_ONLY: Modifications = frozenset({Modification.INSERT})
EVERY: Modifications = frozenset(Modification)

_OF_SOURCES = {
    Changes.APPEND: INSERT_ONLY,
    Changes.UPSERT: EVERY - INSERT_ONLY,  # a row that is new is no other kind of record
    Changes.RETRACT: EVERY,
}

_FORWARDING = (Expand, Filter, Project, Watermark, WindowTable, Union)
"""Steps that ask of their inputs what is asked of them, and pass on what they get."""


class _Updates(Enum):
    """How updates are told."""

    NONE = "none"
    AFTER = "the new row alone"
    BOTH = "the old row and the new one"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Changes that a step or a sink cannot take, and the step that brings them about."""

    changes: tuple[Modification, ...]
    producer: Relation

    @property
    def kinds(self) -> str:
        """`update and delete`."""
        return " and ".join(change.value for change in self.changes)


def modifications(relation: Relation) -> Modifications:
    """What the relation may do to rows that it emitted. As Flink says: DISTINCT, too, may update its rows."""
    match relation:
        case Scan():
            return _OF_SOURCES[source_changes(relation.table)]
        case WindowAggregate() if not relation.updates:
            return INSERT_ONLY
        case VersionedView():
            return EVERY
        case Aggregate() | WindowAggregate():
            changing = modifications(relation.input) - INSERT_ONLY
            return INSERT_ONLY | {Modification.UPDATE} | ({Modification.DELETE} if changing else frozenset())
        case Join() if relation.time is not None:
            return modifications(relation.left)
        case Join() if relation.kind in (JoinKind.INNER, JoinKind.SEMI):
            return modifications(relation.left) | modifications(relation.right)
        case MultiJoin():
            return modifications(relation.chain)
        case Expand() | Filter() | Project() | Replicate() | Watermark() | WindowTable() | Sink():
            return modifications(relation.input)
        case Union():
            return frozenset().union(*(modifications(branch) for branch in relation.branches))
    return EVERY if is_updating(relation) else INSERT_ONLY


def accepted(sink: Sink) -> Modifications:
    """What a sink takes."""
    return INSERT_ONLY if sink_changes(sink.table) is Changes.APPEND else EVERY


def refusal(relation: Relation, taken: Modifications) -> Refusal | None:
    """What of the relation's changes a reader who takes only some would refuse; None: nothing."""
    if isinstance(relation, _FORWARDING):
        return next((found for below in relation.inputs if (found := refusal(below, taken))), None)
    refused = modifications(relation) - taken
    return Refusal(tuple(kind for kind in Modification if kind in refused), relation) if refused else None


def changelog_modes(root: Relation) -> Mapping[Relation, str]:
    """The mode of each step under a sink or a query's last step, as EXPLAIN CHANGELOG_MODE prints it: `I,UB,UA,D`.

    A sink has `NONE`. A step that occurs twice, and is asked for old values once, emits them.
    """
    for asked in _asked_of(root):
        attempt = _Attempt()
        if attempt.satisfied(root.input if isinstance(root, Sink) else root, asked) is not None:
            modes = {relation: _text(relation, updates) for relation, updates in attempt.found.items()}
            return {root: "NONE", **modes} if isinstance(root, Sink) else modes
    raise AssertionError("old values can always be had")


def _asked_of(root: Relation) -> tuple[_Updates, ...]:
    """How updates may be told to a sink, or to who reads a query's result; the first is tried first."""
    below = root.input if isinstance(root, Sink) else root
    if Modification.UPDATE not in modifications(below):
        return (_Updates.NONE,)
    if not isinstance(root, Sink):
        return (_Updates.AFTER, _Updates.BOTH)
    if sink_changes(root.table) is not Changes.UPSERT:
        return (_Updates.BOTH,)
    names = [column.name for column in root.table.persisted_columns]
    key = frozenset(names.index(name) for name in root.table.primary_key)
    if isinstance(below, UpsertMaterialize) or (key and key not in upsert_keys(below)):
        return (_Updates.BOTH,)
    return (_Updates.AFTER, _Updates.BOTH)


@dataclass(slots=True)
class _Attempt:
    """One try to satisfy what is asked of a plan."""

    found: dict[Relation, _Updates] = field(default_factory=dict)

    def satisfied(self, relation: Relation, asked: _Updates) -> _Updates | None:
        """How the step tells updates where this is asked of it; None where it cannot do so."""
        if Modification.UPDATE not in modifications(relation):
            asked = _Updates.NONE
        told = self._told(relation, asked)
        if told is not None and self.found.get(relation) is not _Updates.BOTH:
            self.found[relation] = told
        return told

    def _told(self, relation: Relation, asked: _Updates) -> _Updates | None:
        match relation:
            case Scan():
                by_key = source_changes(relation.table) is Changes.UPSERT
                return _Updates.AFTER if by_key else asked
            case Normalize():
                self.satisfied(relation.input, _Updates.AFTER)
                return asked
            case Rank() if only_rises(relation) and self.satisfied(relation.input, _Updates.AFTER) is not None:
                return asked
            case Join() if isinstance(relation.time, Versions):
                if self.satisfied(relation.right, _Updates.AFTER) is None:
                    self.satisfied(relation.right, _Updates.BOTH)
                return self.satisfied(relation.left, asked)
            case Filter() if asked is _Updates.AFTER and not isinstance(relation.input, Normalize):
                return None  # a row that no longer passes must be taken back; who keeps the rows knows which
            case Replicate() if asked is _Updates.AFTER:
                return None
            case Expand() | Filter() | Project() | Replicate() | Watermark() | WindowTable():
                return self.satisfied(relation.input, asked)
            case Union():
                told = {self.satisfied(branch, asked) for branch in relation.branches} - {_Updates.NONE}
                return None if None in told or len(told) > 1 else next(iter(told), _Updates.NONE)
            case MultiJoin():
                return self.satisfied(relation.chain, asked)
            case Join() if asked is _Updates.AFTER:
                return asked if self._sides_by_key(relation) else None
        for below in relation.inputs:
            if self.satisfied(below, _Updates.BOTH) is None:
                return None
        return asked

    def _sides_by_key(self, join: Join) -> bool:
        """Whether a join can do without its inputs' old values: where a row of a key stays under its join key."""
        sides = ((join.left, join.left_keys), (join.right, join.right_keys))
        for side, keys in sides:
            stays = any(key >= set(keys) for key in upsert_keys(side))
            if Modification.UPDATE in modifications(side) and not stays:
                return False
        return all(self.satisfied(side, _Updates.AFTER) is not None for side, _ in sides)


def _text(relation: Relation, updates: _Updates) -> str:
    kinds = modifications(relation)
    parts = ["I"] if Modification.INSERT in kinds else []
    if Modification.UPDATE in kinds:
        parts += ["UB", "UA"] if updates is _Updates.BOTH else ["UA"]
    return ",".join([*parts, "D"] if Modification.DELETE in kinds else parts)
