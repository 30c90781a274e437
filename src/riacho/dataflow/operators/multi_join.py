"""Joins of several changelogs by keys: Δ(a ⋈ b ⋈ c) without a ⋈ b. Flink: StreamingMultiJoinOperator (FLIP-516)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from riacho.dataflow.batch import ADDED, END_OF_SEQUENCE, Batch, Int64Array, WatermarkSteps
from riacho.dataflow.expressions import Settings
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.operators.batches import empty_batch, whole_output
from riacho.dataflow.operators.multi_join_layout import Layout
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.expiry import Expiry
from riacho.dataflow.state.given_rows import ChosenFields, GivenRows, LateRows, OutputRows
from riacho.dataflow.state.join_keys import KeptRows, KeySlots
from riacho.dataflow.state.join_side import JoinSide, SameRows, Taken
from riacho.dataflow.state.rows import NO_SLOTS
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.dataflow.watermark import BEFORE_ALL_ROWS
from riacho.formats.arrow import Column, address_of
from riacho.kernels import multi_join_layout as kernel
from riacho.kernels.join_layout import MARKED
from riacho.kernels.multi_join import gone_rows, join_tuples
from riacho.plan.changelog import is_updating
from riacho.plan.relations import MultiJoin, Relation, SharedKey

FIRST_TUPLES = 1 << 12
MAX_TUPLES = 1 << 18
"""A part of the output ends with the moment that makes so many; a moment's tuples are made together."""


class MultiJoinOperator:
    """Keeps each input's rows once, by each of its keys; what comes or goes makes its tuples with the others'.

    Rule: a row's tuples are all that can be put together from it on by going from key to key; of an input that is LEFT
    joined and has none with the key, a row of nulls; SEMI, ANTI and MARK joined inputs are counted only. Rows are taken
    in one after another, in order of sequence, and each goes through the others as they are by then:
    Δ(a ⋈ b ⋈ c) = Δa ⋈ b ⋈ c + Δb ⋈ a' ⋈ c + Δc ⋈ b' ⋈ a'.

    `late`: rows are made of tuples when somebody asks for them, before the next pass.
    """

    def __init__(self, relation: MultiJoin, settings: Settings, *, late: bool = False) -> None:
        self._schema = relation.schema
        assert not (late and is_updating(relation)), "a row that is retracted is let go of in its pass"
        self._late = late
        self._layout = layout = Layout(relation)
        self._sides: list[JoinSide | SameRows | None] = []
        self._keepers: list[int] = []
        """Which input keeps the rows of each: the first that is the same."""
        self._make_sides(relation, settings)
        self._keys = [
            _Key(key, relation.sources, self._sides, width)
            for key, width in zip(relation.keys, layout.key_widths, strict=True)
        ]
        self._key_lines = np.zeros((len(self._keys), kernel.KEY_COLUMNS), np.int64)
        self._key_lines[:, kernel.KEY_WIDTH] = layout.key_widths
        self._chosen: list[tuple[int, ChosenFields | None]] = []
        self._choose(relation)
        self._path = np.zeros((len(layout.inputs), kernel.PATH_COLUMNS), np.int64)
        self._tuples = np.empty((kernel.TUPLE_ROWS + len(layout.inputs), FIRST_TUPLES), np.int64)

    def _make_sides(self, relation: MultiJoin, settings: Settings) -> None:
        """What keeps the rows of each input; None where they are counted only."""
        keepers: dict[Relation, int] = {}
        for number, (source, line) in enumerate(zip(relation.sources, self._layout.inputs, strict=True)):
            side: JoinSide | SameRows | None = None
            if line[kernel.IN_ROLE] <= kernel.PADDED:
                width = int(line[kernel.IN_WIDTH])
                keeper = self._sides[keepers[source]] if source in keepers else None
                if isinstance(keeper, JoinSide):
                    side = SameRows(keeper, width)
                else:
                    keepers[source] = number
                    side = JoinSide(source.schema, Expiry(settings.clock, 0), width, updating=is_updating(source))
            self._sides.append(side)
            self._keepers.append(keepers.get(source, number))

    def _choose(self, relation: MultiJoin) -> None:
        """Which columns each input gives, and where each field of the result is among them."""
        places: dict[int, int] = {}
        counts = []
        for source, side in enumerate(self._sides):
            of_source = [(place, item.field) for place, item in enumerate(relation.fields) if item.source == source]
            if of_source:
                chosen = None if side is None else side.store.choose([own for _, own in of_source])
                self._chosen.append((source, chosen))
                counts.append(len(of_source))
                places |= {place: len(places) + number for number, (place, _) in enumerate(of_source)}
        order = [places[place] for place in range(len(relation.fields))]
        self._output_rows = OutputRows(relation.schema.fields, counts, order)

    def _make_room(self, size: int, kept: int) -> None:
        """Make room for so many tuples, and keep the first ones."""
        larger = np.empty((len(self._tuples), size), np.int64)
        larger[:, :kept] = self._tuples[:, :kept]
        self._tuples = larger

    def process(self, inputs: tuple[Batch, ...]) -> Batch:
        return whole_output(self.parts(inputs), self._schema, inputs)

    def parts(self, inputs: tuple[Batch, ...]) -> Iterator[tuple[int, Batch]]:
        """The output in parts of no more than some tuples, each with the last sequence number that it is for."""
        watermark = inputs[0].watermark
        if not any(len(batch) for batch in inputs):
            yield END_OF_SEQUENCE, empty_batch(self._schema, watermark)
            return
        taken = self._take(inputs)
        joining = _Joining(inputs, self._find_slots(inputs, taken), taken)
        self._begin(joining)
        low = BEFORE_ALL_ROWS - 1
        while not self._join(joining):
            bound = int(joining.progress[kernel.MOMENT])
            yield bound, self._output(joining, watermark.between(low, bound))
            low = bound
        output = self._output(joining, watermark.between(low, END_OF_SEQUENCE))
        self._end_pass(joining)
        yield END_OF_SEQUENCE, output

    def _find_slots(self, inputs: tuple[Batch, ...], taken: Sequence[Taken]) -> Int64Array:
        """The slots of all inputs' rows' keys, which have been taken in: of an input those of one key after another."""
        parts: list[list[Int64Array]] = [[] for _ in inputs]
        for key in self._keys:
            for source, slots in key.find(inputs, taken, self._sides):
                parts[source].append(slots)
        return _end_to_end([slots for of_source in parts for slots in of_source])

    def _take(self, inputs: tuple[Batch, ...]) -> list[Taken]:
        """Give the rows that are kept their slots."""
        taken: list[Taken] = []
        for batch, side, keeper in zip(inputs, self._sides, self._keepers, strict=True):
            match side:
                case JoinSide():
                    taken.append(side.take(batch))
                case SameRows():
                    taken.append(side.follow(taken[keeper]))
                case None:
                    taken.append(Taken(np.zeros(len(batch), np.int64), NO_SLOTS))
        return taken

    def _begin(self, joining: _Joining) -> None:
        """Tell the kernel where the rows of a pass are, and what is known of those that are kept and of keys."""
        lines, counts = self._layout.inputs, joining.counts
        ends, slots = counts.cumsum(), counts * lines[:, kernel.IN_PART_COUNT]
        lines[:, kernel.IN_FIRST] = lines[:, kernel.IN_STOP] = ends - counts
        lines[:, kernel.IN_END] = ends
        lines[:, kernel.IN_ROW_COUNT] = counts
        lines[:, kernel.IN_KEYS] = slots.cumsum() - slots
        lines[:, kernel.IN_REMOVED] = 0
        for line, side in zip(lines, self._sides, strict=True):
            if side is not None:
                line[kernel.IN_LINKS] = address_of(side.links)
        for line, key in zip(self._key_lines, self._keys, strict=True):
            line[kernel.KEY_TABLE] = address_of(key.table)
        joining.progress[kernel.ENOUGH] = MAX_TUPLES

    def _join(self, joining: _Joining) -> bool:
        """Take rows in until all are, or there are tuples enough; whether all are."""
        progress, layout = joining.progress, self._layout
        progress[[kernel.MADE, kernel.COPIES]] = 0
        if self._tuples.shape[1] > 2 * MAX_TUPLES:
            self._make_room(MAX_TUPLES, 0)
        while True:
            status = join_tuples(
                joining.rows,
                joining.slots,
                joining.signs,
                joining.sequence,
                layout.inputs,
                layout.parts,
                self._key_lines,
                layout.steps,
                joining.removed,
                joining.emptied,
                joining.touched,
                self._tuples,
                self._path,
                progress,
            )
            if status != kernel.NO_ROOM:
                return bool(status == kernel.FINISHED)
            self._make_room(2 * self._tuples.shape[1], int(progress[kernel.MADE]))

    def _output(self, joining: _Joining, watermark: WatermarkSteps) -> Batch:
        """The rows of the tuples that were made, each as often as it came or went."""
        count = int(joining.progress[kernel.MADE])
        if not count:
            return empty_batch(self._schema, watermark)
        tuples = self._tuples[:, :count]
        if joining.progress[kernel.COPIES] != count:
            tuples = np.repeat(tuples, abs(tuples[kernel.TUPLE_CHANGE]), axis=1)
        change, sequence = np.sign(tuples[kernel.TUPLE_CHANGE]), tuples[kernel.TUPLE_MOMENT].copy()
        parts: list[GivenRows | LateRows | Column] = []
        for source, fields in self._chosen:
            slots, side = tuples[kernel.TUPLE_ROWS + source], self._sides[source]
            if side is None:
                marks = np.packbits(slots == MARKED, bitorder="little")
                parts.append(Column("b", len(slots), (marks,)))
            elif self._late and fields is not None:
                parts.append(side.store.give_late(slots, fields))
            else:
                parts.append(side.store.give(slots, fields))
        diff = None if (change > 0).all() else change.astype(np.int8)
        return Batch(self._output_rows.rows(parts, len(change)), sequence, watermark, diff)

    def _end_pass(self, joining: _Joining) -> None:
        """Let go of the rows that are gone or can never match, and of keys without rows."""
        gone_of: dict[int, Int64Array] = {}
        for line, side, keeper in zip(self._layout.inputs, self._sides, self._keepers, strict=True):
            if side is None:
                continue
            first = line[kernel.IN_FIRST]
            gone = removed = joining.removed[first : first + line[kernel.IN_REMOVED]]
            if len(removed):
                gone = np.empty(len(removed), np.int64)
                gone = gone[: gone_rows(removed, side.links, bool(line[kernel.IN_MAY_GO]), gone)]
            # One that several inputs have is gone when it is for all, which have the same changes.
            gone_of[keeper] = np.intersect1d(gone_of[keeper], gone) if keeper in gone_of else gone
        for keeper, gone in gone_of.items():
            side = self._sides[keeper]
            assert isinstance(side, JoinSide)
            side.release(gone, joining.taken[keeper].spare)
            side.store.end_pass()
        emptied = joining.emptied[: joining.progress[kernel.EMPTIED]]
        for number, key in enumerate(self._keys):
            key.end_pass(emptied[emptied[:, 0] == number, 1] if len(emptied) else NO_SLOTS)

    def snapshot(self) -> StateArrays:
        state: StateArrays = {}
        for number, key in enumerate(self._keys):
            state |= prefixed(f"key-{number}", key.snapshot())
        for number, side in enumerate(self._sides):
            if side is not None:
                state |= prefixed(f"input-{number}", side.snapshot())
        return state

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        for number, key in enumerate(self._keys):
            key.restore(section(f"key-{number}", state))
        for number, side in enumerate(self._sides):
            if side is not None:
                side.restore(section(f"input-{number}", state))

    @property
    def state_bytes(self) -> int:
        return sum(key.bytes for key in self._keys) + sum(side.bytes for side in self._sides if side is not None)

    @property
    def late_rows(self) -> int:
        return 0


class _Key:
    """The slots of a key that some inputs share, and the kernel's table of them."""

    def __init__(
        self, key: SharedKey, sources: Sequence[Relation], sides: Sequence[JoinSide | SameRows | None], width: int
    ) -> None:
        first = key.members[0]
        self._slots = KeySlots([sources[first.source].schema[own].type for own in first.fields], key.null_safe)
        self._members = key.members
        kept = [(sides[member.source], member.fields) for member in key.members]
        self._fields = [None if side is None else self._slots.fields_in(side.store, fields) for side, fields in kept]
        self._table = Growable(np.int64, width=width)
        self._table.reserve(1)

    @property
    def table(self) -> Int64Array:
        """What the kernel knows of each slot; replaced by `find`."""
        values: Int64Array = self._table.values
        return values

    @property
    def bytes(self) -> int:
        return self._slots.bytes + self._table.bytes

    def find(
        self, inputs: tuple[Batch, ...], taken: Sequence[Taken], sides: Sequence[JoinSide | SameRows | None]
    ) -> Iterator[tuple[int, Int64Array]]:
        """Each source that has this key, with the slots of its rows, which have been taken in."""
        kept: list[KeptRows] = []
        for member, fields in zip(self._members, self._fields, strict=True):
            side = sides[member.source]
            if side is not None and fields is not None:
                kept.append((side.store, taken[member.source].rows, fields))
        if len(kept) == len(self._members):
            found = self._slots.find_kept(kept)
            ends = accumulate([len(rows) for _, rows, _ in kept], initial=0)
            parts = [found[first:end] for first, end in pairwise(ends)]
        else:
            batches = [(inputs[member.source], member.fields) for member in self._members]
            parts = [self._slots.find(batch, fields)[0] if len(batch) else NO_SLOTS for batch, fields in batches]
        self._table.reserve(self._slots.slots_used)
        for member, slots in zip(self._members, parts, strict=True):
            yield member.source, slots

    def end_pass(self, emptied: Int64Array) -> None:
        """Let go of those of the emptied slots that still are."""
        if len(emptied):
            emptied = np.unique(emptied)
            self._slots.release(emptied[(self.table[emptied] == 0).all(axis=1)])
        self._slots.end_pass()

    def snapshot(self) -> StateArrays:
        return {**prefixed("keys", self._slots.snapshot()), "table": self._table.copy(self._slots.slots_used)}

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._slots.restore(section("keys", state))
        self._table.load(state["table"])


class _Joining:
    """A pass's rows on their way through the kernel, one input's after another's; see `kernels.multi_join`."""

    def __init__(self, inputs: Sequence[Batch], slots: Int64Array, taken: Sequence[Taken]) -> None:
        self.taken = taken
        self.counts = np.array([len(batch) for batch in inputs])
        count = int(self.counts.sum())
        self.rows = _end_to_end([each.rows for each in taken])
        self.slots = slots
        unsigned = all(batch.diff is None for batch in inputs)
        self.signs = ADDED if unsigned else np.concatenate([batch.signs() for batch in inputs])
        self.sequence = _end_to_end([batch.sequence for batch in inputs])
        self.removed = np.empty(count, np.int64)
        self.emptied = np.empty((len(slots) + count, 2), np.int64)
        self.touched = np.empty((count, 2), np.int64)
        self.progress = np.zeros(kernel.PROGRESS, np.int64)


def _end_to_end(parts: Sequence[Int64Array]) -> Int64Array:
    """The rows of all inputs, without copying where only one has any."""
    filled = [part for part in parts if len(part)]
    return filled[0] if len(filled) == 1 else np.concatenate(filled)
