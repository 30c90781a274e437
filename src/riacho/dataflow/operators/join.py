"""Joins of two changelogs: Δa ⋈ B + A ⋈ Δb + Δa ⋈ Δb over Z-sets. Flink: StreamingJoinOperator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from riacho.dataflow.batch import ADDED, END_OF_SEQUENCE, Batch, Int64Array, WatermarkSteps
from riacho.dataflow.expressions import Settings
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.operators.batches import empty_batch, whole_output
from riacho.dataflow.operators.pair_condition import PairCondition
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.expiry import Expiry
from riacho.dataflow.state.given_rows import ChosenPairs, GivenRows, LateRows, OutputRows
from riacho.dataflow.state.join_keys import KeySlots
from riacho.dataflow.state.join_side import JoinSide, Taken
from riacho.dataflow.state.rows import NO_SLOTS
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.dataflow.state.words import is_interned
from riacho.dataflow.watermark import BEFORE_ALL_ROWS
from riacho.errors import RiachoError
from riacho.formats.arrow import Column
from riacho.kernels import join_changes, join_layout, join_rows
from riacho.plan.changelog import is_updating
from riacho.plan.relations import Join, JoinKind, Relation
from riacho.plan.types import DecimalType

MAX_PAIRS = 1 << 18
"""Pairs that are made at once, some 100 bytes each and their columns. Of a moment that makes more those are made in
pieces that a condition looks at, or that are counted only; those that are in the result are made together."""

FIRST_PAIRS = 1 << 12
"""Pairs that there is room for at first."""

ALL = np.empty((0, join_rows.COMPARISON_COLUMNS), np.int64)
"""No comparisons: every pair counts."""

NO_EVENTS = np.empty((0, join_layout.EVENT_COLUMNS), np.int64)
"""Nobody counts matches."""

_SHOWN_LEFT = {
    JoinKind.LEFT: join_changes.SHOW_UNMATCHED,
    JoinKind.FULL: join_changes.SHOW_UNMATCHED,
    JoinKind.ANTI: join_changes.SHOW_UNMATCHED,
    JoinKind.SEMI: join_changes.SHOW_MATCHED,
    JoinKind.MARK: join_changes.SHOW_MARK,
}


class _Made(NamedTuple):
    """Output rows: which left and right row each is made of, its moment and sign (None: all are added)."""

    left: Int64Array
    right: Int64Array
    sequence: Int64Array
    diff: npt.NDArray[np.int8] | None


class _Changes:
    """What the events of a part change in the result, as `emit_changes` writes it, and how far it is."""

    def __init__(self) -> None:
        self.rows = np.empty((3, 0), np.int64)
        """The left row, the right one and the moment of each."""
        self.diff = np.empty(0, np.int8)
        self.progress = np.zeros(join_changes.EMITTING, np.int64)

    def make_room(self, size: int) -> None:
        """Make room for so many."""
        have = int(self.progress[join_changes.MADE])
        rows, diff = np.empty((3, size), np.int64), np.empty(size, np.int8)
        rows[:, :have], diff[:have] = self.rows[:, :have], self.diff[:have]
        self.rows, self.diff = rows, diff

    def made(self) -> _Made:
        """All of them."""
        made = int(self.progress[join_changes.MADE])
        left, right, sequence = self.rows[:, :made]
        diff = self.diff[:made]
        return _Made(left, right, sequence, None if (diff > 0).all() else diff)


@dataclass(slots=True)
class _Joining:
    """A pass's rows on their way through the kernel, the first `lefts` of the left input; see `kernels.join_rows`."""

    rows: Int64Array
    keys: Int64Array
    signs: npt.NDArray[np.int8]
    sequence: Int64Array
    lefts: int
    spare: tuple[Int64Array, Int64Array]
    events: Int64Array
    removed: Int64Array
    emptied: Int64Array
    progress: Int64Array
    watermark: WatermarkSteps
    changes: _Changes | None = None
    """Where matches are counted."""
    checked: int = 0
    checked_events: int = 0
    """Pairs, and events, of this part that the condition has been asked about."""


class JoinOperator:
    """Keeps both inputs' rows by join key; a row that comes or goes makes its pairs with those of the other come or go.

    Rule: the rows of both inputs are taken in one after another, in order of sequence, so each pair is made once, by
    the later of its rows. Where a row's having a match matters, its matches are counted, and a row crosses over when,
    from one moment to the next, they become some or none.

    `late`: rows are made of pairs when somebody asks for them, before the next pass.
    """

    def __init__(self, relation: Join, settings: Settings, *, late: bool = False) -> None:
        left, right = relation.left.schema, relation.right.schema
        self._relation = relation
        self._schema = relation.schema
        assert not (late and is_updating(relation)), "a row that is retracted is let go of in its pass"
        self._late = late
        counted = relation.kind not in (JoinKind.INNER, JoinKind.RIGHT) or relation.single, relation.kind.keeps_right
        self._counts = any(counted)
        ttls = [settings.state_ttl_ms if ttl is None else ttl for ttl in relation.ttls_ms]
        self._expires = any(ttls)
        self._sides = tuple(
            self._side(below, Expiry(settings.clock, ttl), counted=each)
            for below, ttl, each in zip(relation.inputs, ttls, counted, strict=True)
        )
        key_types = [left[key].type for key in relation.left_keys]
        for one, other in zip(key_types, (right[key].type for key in relation.right_keys), strict=True):
            scales = [kind.scale for kind in (one, other) if isinstance(kind, DecimalType)]
            assert is_interned(one) == is_interned(other), "the binder casts join keys to one type"
            assert len(set(scales)) <= 1, "the binder casts join keys to one type"
        self._keys = KeySlots(key_types, relation.null_safe)
        self._key_fields = [
            self._keys.fields_in(side.store, columns)
            for side, columns in zip(self._sides, (relation.left_keys, relation.right_keys), strict=True)
        ]
        self._chains = Growable(np.int64, width=join_rows.CHAIN_COLUMNS)
        self._chains.reserve(1)
        width, given = len(left), relation.given
        if given is None:
            given = tuple(range(width + len(right)))
        self._left_given = self._sides[0].store.choose([index for index in given if index < width])
        self._right_given = self._sides[1].store.choose([])
        if relation.kind.emits_right:
            self._right_given = self._sides[1].store.choose([index - width for index in given if index >= width])
        self._marks = relation.kind is JoinKind.MARK and width in given
        self._pairs_given = None
        """Where both sides' rows are given out at once."""
        parts = [len(self._left_given.fields), len(self._right_given.fields) + self._marks]
        if relation.kind.emits_right and not late:
            self._pairs_given = ChosenPairs(self._left_given, self._right_given)
            parts = [sum(parts)]
        self._output_rows = OutputRows(relation.schema.fields, parts)
        self._comparisons, self._condition = ALL, None
        if relation.residual is not None:
            condition = PairCondition(relation, self._sides[0].store, self._sides[1].store, settings)
            if condition.comparisons is None:
                self._condition = condition
            else:
                self._comparisons = condition.comparisons
        self._emitting = np.zeros(join_changes.SETTINGS, np.int64)
        self._emitting[join_changes.SET_PAIRS] = relation.kind.emits_right
        self._emitting[join_changes.SET_LEFT] = _SHOWN_LEFT.get(relation.kind, join_changes.SHOW_NOTHING)
        self._emitting[join_changes.SET_RIGHT] = (
            join_changes.SHOW_UNMATCHED if relation.kind.keeps_right else join_changes.SHOW_NOTHING
        )
        self._emitting[[join_changes.SET_COUNT_LEFT, join_changes.SET_COUNT_RIGHT]] = counted
        self._start = np.zeros(join_rows.PROGRESS, np.int64)
        self._start[join_rows.ENOUGH] = MAX_PAIRS
        self._start[join_rows.IN_PIECES] = not relation.kind.emits_right
        self._pairs = np.empty((join_rows.PAIR_LINES, FIRST_PAIRS), np.int64)
        self._touched = Growable(np.int64, width=join_changes.TOUCHED_COLUMNS)

    @staticmethod
    def _side(below: Relation, expiry: Expiry, *, counted: bool) -> JoinSide:
        updating = is_updating(below)
        wide = updating or counted or bool(expiry)
        columns = join_layout.ROW_COLUMNS if wide else join_layout.ROW_COLUMNS_APPENDED
        return JoinSide(below.schema, expiry, columns, updating=updating)

    def process(self, inputs: tuple[Batch, ...]) -> Batch:
        return whole_output(self.parts(inputs), self._schema, inputs)

    def parts(self, inputs: tuple[Batch, ...]) -> Iterator[tuple[int, Batch]]:
        """The output in parts of no more than some pairs, each with the last sequence number that it is for."""
        left, right = inputs
        watermark = left.watermark
        if self._expires:
            self._expire()
        if not len(left.sequence) and not len(right.sequence):
            yield END_OF_SEQUENCE, empty_batch(self._schema, watermark)
            return
        joining = self._take(left, right, watermark)
        low = BEFORE_ALL_ROWS - 1
        while not self._join(joining):
            bound = int(joining.progress[join_rows.LAST_MOMENT])
            yield bound, self._output(joining, watermark.between(low, bound))
            self._drop_pairs(joining)
            low = bound
        output = self._output(joining, watermark.between(low, END_OF_SEQUENCE))
        self._end_pass(joining)
        yield END_OF_SEQUENCE, output

    def _take(self, left: Batch, right: Batch, watermark: WatermarkSteps) -> _Joining:
        """Give the rows of a pass their slots and those of their keys."""
        lefts = len(left.sequence)
        count = lefts + len(right.sequence)
        taken = self._sides[0].take(left), self._sides[1].take(right)
        keys = self._find_keys((left, right), taken)
        self._chains.reserve(self._keys.slots_used)
        progress = self._start.copy()
        progress[join_rows.NEXT_RIGHT] = progress[join_rows.REMOVED_RIGHT] = lefts
        if self._expires:
            for side, limit in zip(self._sides, (join_rows.OVER_LEFT, join_rows.OVER_RIGHT), strict=True):
                progress[limit] = side.expiry.limit
                progress[join_rows.NOW] = side.expiry.now
        unsigned = left.diff is None and right.diff is None
        return _Joining(
            rows=_together(taken[0].rows, taken[1].rows),
            keys=keys,
            signs=ADDED if unsigned else np.concatenate((left.signs(), right.signs())),
            sequence=_together(left.sequence, right.sequence),
            lefts=lefts,
            spare=(taken[0].spare, taken[1].spare),
            events=np.empty((count + 1, join_layout.EVENT_COLUMNS), np.int64) if self._counts else NO_EVENTS,
            removed=np.empty(count, np.int64),
            emptied=np.empty(3 * count, np.int64),
            progress=progress,
            watermark=watermark,
        )

    def _find_keys(self, inputs: tuple[Batch, ...], taken: tuple[Taken, Taken]) -> Int64Array:
        """The slots of the keys of both inputs' rows, which have been taken in."""
        (left, right), (left_fields, right_fields) = self._sides, self._key_fields
        if left_fields is not None and right_fields is not None:
            return self._keys.find_kept(
                ((left.store, taken[0].rows, left_fields), (right.store, taken[1].rows, right_fields))
            )
        relation = self._relation
        found = [
            self._keys.find(batch, columns)[0] if len(batch) else NO_SLOTS
            for batch, columns in zip(inputs, (relation.left_keys, relation.right_keys), strict=True)
        ]
        return _together(*found)

    def _join(self, joining: _Joining) -> bool:
        """Take rows in until all are, or there are pairs enough; whether all are."""
        left, right = self._sides
        progress = joining.progress
        if self._counts:
            joining.changes = _Changes()
        if self._pairs.shape[1] > 2 * MAX_PAIRS:
            self._pairs = np.empty((join_rows.PAIR_LINES, MAX_PAIRS), np.int64)
        while True:
            began, progress[join_rows.ENDED] = int(progress[join_rows.BEGAN]), -1
            status = join_rows.join_rows(
                joining.rows,
                joining.keys,
                joining.signs,
                joining.sequence,
                joining.lefts,
                left.links,
                right.links,
                self._chains.values,
                left.written,
                right.written,
                left.store.words,
                right.store.words,
                self._comparisons,
                joining.removed,
                joining.emptied,
                self._pairs,
                joining.events,
                progress,
            )
            if self._condition is not None:
                self._check(joining, self._condition)
            if progress[join_rows.ENDED] >= 0 and not progress[join_rows.IN_PIECES]:
                of_row = self._pairs[:, began : progress[join_rows.ENDED]]
                of_row[:] = of_row[:, ::-1].copy()
            if status != join_rows.FULL:
                return bool(status == join_rows.FINISHED)
            if joining.changes is not None and progress[join_rows.IN_PIECES]:
                self._count(joining, joining.changes, is_open=True)
                self._drop_pairs(joining)
            count, room = int(progress[join_rows.PAIR_COUNT]), self._pairs.shape[1]
            if room < MAX_PAIRS or count > room // 2:
                larger = np.empty((join_rows.PAIR_LINES, max(min(4 * room, MAX_PAIRS), 2 * count)), np.int64)
                larger[:, :count] = self._pairs[:, :count]
                self._pairs = larger

    @staticmethod
    def _drop_pairs(joining: _Joining) -> None:
        """Make room for other pairs and events."""
        progress = joining.progress
        progress[join_rows.PAIR_COUNT] = progress[join_rows.COPY_COUNT] = progress[join_rows.EVENT_COUNT] = 0
        joining.checked = joining.checked_events = 0

    def _check(self, joining: _Joining, condition: PairCondition) -> None:
        """Let go of the pairs for which the condition is not true."""
        progress, checked = joining.progress, joining.checked
        count, events = int(progress[join_rows.PAIR_COUNT]), int(progress[join_rows.EVENT_COUNT])
        if count > checked:
            left, right, _, sequence = self._pairs[:, checked:count]
            kept = condition.kept(left, right, sequence, joining.watermark) + checked
            count = checked + len(kept)
            self._pairs[:, checked:count] = self._pairs[:, kept]
            progress[join_rows.PAIR_COUNT] = count
            progress[join_rows.COPY_COUNT] = abs(self._pairs[join_rows.PAIR_CHANGE, :count]).sum()
            ends = joining.events[joining.checked_events : events, join_layout.EVENT_PAIRS]
            ends[:] = np.searchsorted(kept, ends) + checked
            for line in (join_rows.BEGAN, join_rows.ENDED):
                if progress[line] >= checked:
                    progress[line] = np.searchsorted(kept, progress[line]) + checked
        joining.checked, joining.checked_events = count, events

    def _output(self, joining: _Joining, watermark: WatermarkSteps) -> Batch:
        """What the pairs of a part, and the rows that cross over, change in the result."""
        if joining.changes is not None:
            self._count(joining, joining.changes, is_open=False)
            return self._emit(joining.changes.made(), watermark)
        count, copies = int(joining.progress[join_rows.PAIR_COUNT]), int(joining.progress[join_rows.COPY_COUNT])
        if not count:
            return empty_batch(self._schema, watermark)
        left, right = self._pairs[join_rows.PAIR_LEFT, :count], self._pairs[join_rows.PAIR_RIGHT, :count]
        change, sequence = self._pairs[join_rows.PAIR_CHANGE, :count], self._pairs[join_rows.PAIR_MOMENT, :count]
        if copies == count:
            signs = None if not len(joining.signs) or (change > 0).all() else change.astype(np.int8)
            return self._emit(_Made(left, right, sequence.copy(), signs), watermark)
        out_left, out_right, out_sequence = (np.empty(copies, np.int64) for _ in range(3))
        diff = np.empty(copies, np.int8)
        join_changes.repeat_pairs(left, right, change, sequence, out_left, out_right, out_sequence, diff)
        return self._emit(_Made(out_left, out_right, out_sequence, diff), watermark)

    def _count(self, joining: _Joining, changes: _Changes, *, is_open: bool) -> None:
        """Count matches, and what that makes of the rows whose matches matter; of an open moment's only count them."""
        progress = joining.progress
        events, count = int(progress[join_rows.EVENT_COUNT]), int(progress[join_rows.PAIR_COUNT])
        left, right, change, _ = self._pairs[:, :count]
        emitting = changes.progress
        emitting[[join_changes.DONE_EVENTS, join_changes.DONE_PAIRS, join_changes.COUNTED_PAIRS]] = 0
        emitting[join_changes.RESUMED] = emitting[join_changes.OPEN]
        emitting[join_changes.OPEN] = is_open
        self._touched.reserve(int(emitting[join_changes.TOUCHED_COUNT]) + events + count)
        if not changes.rows.shape[1]:
            copies = int(progress[join_rows.COPY_COUNT]) if self._emitting[join_changes.SET_PAIRS] else 0
            changes.make_room(copies + 2 * events)
        while True:
            join_changes.emit_changes(
                joining.events,
                events,
                left,
                right,
                change,
                self._emitting,
                self._sides[0].links,
                self._sides[1].links,
                self._touched.values,
                changes.rows[0],
                changes.rows[1],
                changes.rows[2],
                changes.diff,
                emitting,
            )
            if emitting[join_changes.DONE_EVENTS] == events:
                break
            changes.make_room(max(2 * changes.rows.shape[1], int(emitting[join_changes.NEEDED_CHANGES])))
        if self._relation.single and emitting[join_changes.MOST_MATCHES] > 1:
            raise RiachoError(
                "a scalar subquery gave more than one row",
                mend="aggregate it, as in (SELECT MAX(x) FROM …), or compare with IN",
            )

    def _emit(self, made: _Made, watermark: WatermarkSteps) -> Batch:
        count = len(made.left)
        if not count:
            return empty_batch(self._schema, watermark)
        left, right = self._sides[0].store, self._sides[1].store
        parts: list[GivenRows | LateRows | Column]
        if self._pairs_given is not None:
            parts = [left.give_pairs(made.left, right, made.right, self._pairs_given)]
        elif self._relation.kind.emits_right:
            parts = [left.give_late(made.left, self._left_given), right.give_late(made.right, self._right_given)]
        else:
            give = left.give_late if self._late else left.give
            parts = [give(made.left, self._left_given)]
            if self._marks:
                matched = made.right == join_layout.MARKED
                parts.append(Column("b", count, (np.packbits(matched, bitorder="little"),)))
        return Batch(self._output_rows.rows(parts, count), made.sequence, watermark, made.diff)

    def _end_pass(self, joining: _Joining) -> None:
        """Let go of the rows that are gone, and of those that can never match."""
        progress, firsts = joining.progress, (0, joining.lefts)
        counts = joining.lefts, len(joining.sequence) - joining.lefts
        for number, side in enumerate(self._sides):
            first, end = firsts[number], int(progress[join_rows.REMOVED_LEFT + number])
            gone, spare = NO_SLOTS, joining.spare[number]
            if end > first:
                removed = joining.removed[first:end]
                gone = np.empty(len(removed), np.int64)
                # A row that was forgotten may be retracted: nothing is left of that.
                below = bool(side.expiry)
                count = join_rows.gone_rows(
                    removed, number, below, side.links, self._chains.values, joining.emptied, progress, gone
                )
                gone = gone[:count]
            if len(gone) or len(spare):
                side.release(gone, spare)
            if counts[number] or self._expires:
                side.store.end_pass()
        self._release_keys(joining.emptied[: progress[join_rows.EMPTIED_COUNT]])

    def _release_keys(self, emptied: Int64Array) -> None:
        """Let go of keys that have no rows any more; some of these have rows again."""
        if len(emptied):
            counts = self._chains.values[:, join_rows.CHAIN_COUNT : join_rows.CHAIN_COUNT + 2]
            emptied = np.unique(emptied)
            self._keys.release(emptied[(counts[emptied] == 0).all(axis=1)])
        self._keys.end_pass()

    def _expire(self) -> None:
        """Let go of rows whose time is over; what they were joined to stays as it is, as in Flink."""
        for number, side in enumerate(self._sides):
            if not side.expiry:
                continue
            side.expiry.begin()
            rows = side.expiry.sweep(side.store.slots_used)
            if len(rows):
                emptied, progress = np.empty(len(rows), np.int64), np.zeros(join_rows.PROGRESS, np.int64)
                join_rows.forget_rows(rows, number, side.links, self._chains.values, emptied, progress)
                side.release(rows)
                self._release_keys(emptied[: progress[join_rows.EMPTIED_COUNT]])

    def snapshot(self) -> StateArrays:
        return {
            **prefixed("keys", self._keys.snapshot()),
            "chains": self._chains.copy(self._keys.slots_used),
            **prefixed("left", self._sides[0].snapshot()),
            **prefixed("right", self._sides[1].snapshot()),
        }

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._keys.restore(section("keys", state))
        self._chains.load(state["chains"])
        for side, name in zip(self._sides, ("left", "right"), strict=True):
            side.restore(section(name, state))

    @property
    def state_bytes(self) -> int:
        return self._keys.bytes + self._chains.bytes + sum(side.bytes for side in self._sides)

    @property
    def late_rows(self) -> int:
        return 0


def _together(left: Int64Array, right: Int64Array) -> Int64Array:
    """The rows of both inputs, without copying where one has none."""
    if not len(right):
        return left
    return np.concatenate((left, right)) if len(left) else right
