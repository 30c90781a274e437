"""Joins of several changelogs by one key: Δ(a ⋈ b ⋈ c) without a ⋈ b. Flink: StreamingMultiJoinOperator (FLIP-516)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from riacho.dataflow.batch import END_OF_SEQUENCE, Batch, Int64Array, WatermarkSteps
from riacho.dataflow.expressions import Settings
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.operators.batches import empty_batch, whole_output
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.expiry import Expiry
from riacho.dataflow.state.given_rows import ChosenFields, GivenRows, OutputRows
from riacho.dataflow.state.join_keys import KeptRows, KeySlots
from riacho.dataflow.state.join_side import NO_SLOTS, JoinSide, Taken
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.dataflow.watermark import BEFORE_ALL_ROWS
from riacho.formats.arrow import Column
from riacho.kernels import multi_join as kernel
from riacho.kernels.join_layout import MARKED
from riacho.kernels.join_rows import gone_rows
from riacho.plan.changelog import is_updating
from riacho.plan.relations import JoinKind, MultiJoin

FIRST_TUPLES = 1 << 12
MAX_TUPLES = 1 << 18
"""A part of the output ends with the moment that makes so many; a moment's tuples are made together."""

ADDED = np.empty(0, np.int8)
"""No signs: every row is added."""

_ROLES = {
    JoinKind.INNER: kernel.ROWS,
    JoinKind.LEFT: kernel.PADDED,
    JoinKind.SEMI: kernel.SEMI,
    JoinKind.ANTI: kernel.ANTI,
    JoinKind.MARK: kernel.MARK,
}


class MultiJoinOperator:
    """Keeps each input's rows once, by the key; what comes or goes makes its tuples with the others' come or go.

    Rule: for a key the result is a product, of each input's rows or, where it is LEFT joined and has none, of a row of
    nulls; SEMI, ANTI and MARK joined inputs are counted only. Rows are taken in one after another, in order of
    sequence, and each changes the product of the others as they are by then: Δ(a·b·c) = Δa·b·c + a'·Δb·c + a'·b'·Δc.
    """

    def __init__(self, relation: MultiJoin, settings: Settings) -> None:
        self._schema = relation.schema
        self._keys_of = relation.keys
        self._sides = [
            None
            if _ROLES[kind] > kernel.PADDED
            else JoinSide(source.schema, Expiry(settings.clock, 0), updating=is_updating(source), counted=False)
            for source, kind in zip(relation.sources, relation.kinds, strict=True)
        ]
        first = relation.sources[0].schema
        self._keys = KeySlots([first[key].type for key in relation.keys[0]], relation.null_safe)
        self._key_fields = [
            None if side is None else self._keys.fields_in(side.store, columns)
            for side, columns in zip(self._sides, relation.keys, strict=True)
        ]
        self._inputs = np.zeros((len(relation.sources), kernel.INPUT_COLUMNS), np.int64)
        width = 0
        for line, kind in zip(self._inputs, relation.kinds, strict=True):
            role = _ROLES[kind]
            line[kernel.IN_ROLE] = role
            if role <= kernel.PADDED:
                line[kernel.IN_CHAIN], width = width, width + kernel.CHAIN_COLUMNS
            if role >= kernel.PADDED:
                line[kernel.IN_STATE], width = width, width + kernel.STATE_COLUMNS
        self._chains = Growable(np.int64, width=width)
        self._chains.reserve(1)
        needed = np.flatnonzero(self._inputs[:, kernel.IN_ROLE] == kernel.ROWS)
        self._lone_input = int(needed[0]) if len(needed) == 1 else -1
        self._chosen: list[tuple[int, ChosenFields | None]] = []
        self._choose(relation)
        self._tuples = np.empty((kernel.TUPLE_ROWS + len(self._inputs), FIRST_TUPLES), np.int64)

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
        watermark = WatermarkSteps.minimum([batch.watermark for batch in inputs])
        if not any(len(batch) for batch in inputs):
            yield END_OF_SEQUENCE, empty_batch(self._schema, watermark)
            return
        taken = self._take(inputs)
        joining = _Joining(inputs, self._find_keys(inputs, taken), taken)
        self._begin(joining)
        low = BEFORE_ALL_ROWS - 1
        while not self._join(joining):
            bound = int(joining.progress[kernel.MOMENT])
            yield bound, self._output(joining, watermark.between(low, bound))
            low = bound
        output = self._output(joining, watermark.between(low, END_OF_SEQUENCE))
        self._end_pass(joining)
        yield END_OF_SEQUENCE, output

    def _find_keys(self, inputs: tuple[Batch, ...], taken: Sequence[Taken]) -> Int64Array:
        """The slots of the keys of all inputs' rows, which have been taken in."""
        kept = [
            KeptRows(side.store, each.rows, fields)
            for side, fields, each in zip(self._sides, self._key_fields, taken, strict=True)
            if side is not None and fields is not None
        ]
        if len(kept) == len(inputs):
            keys = self._keys.find_kept(kept)
        else:
            keys = _end_to_end(
                [
                    self._keys.find(batch, columns)[0] if len(batch) else NO_SLOTS
                    for batch, columns in zip(inputs, self._keys_of, strict=True)
                ]
            )
        self._chains.reserve(self._keys.slots_used)
        return keys

    def _take(self, inputs: tuple[Batch, ...]) -> list[Taken]:
        """Give the rows that are kept their slots."""
        return [
            Taken(np.zeros(len(batch), np.int64), NO_SLOTS) if side is None else side.take(batch)
            for batch, side in zip(inputs, self._sides, strict=True)
        ]

    def _begin(self, joining: _Joining) -> None:
        """Tell the kernel where the rows of a pass are, and what is known of those that are kept."""
        lines = self._inputs
        lines[:, kernel.IN_FIRST] = lines[:, kernel.IN_STOP] = joining.bounds[:-1]
        lines[:, kernel.IN_END] = joining.bounds[1:]
        lines[:, kernel.IN_REMOVED] = 0
        for line, side in zip(lines, self._sides, strict=True):
            if side is not None:
                line[kernel.IN_LINKS] = side.links.__array_interface__["data"][0]
                line[kernel.IN_WIDTH] = side.links.shape[1]
        joining.progress[kernel.LONE_INPUT] = self._lone_input
        joining.progress[kernel.ENOUGH] = MAX_TUPLES

    def _join(self, joining: _Joining) -> bool:
        """Take rows in until all are, or there are tuples enough; whether all are."""
        progress = joining.progress
        progress[[kernel.MADE, kernel.COPIES]] = 0
        if self._tuples.shape[1] > 2 * MAX_TUPLES:
            self._make_room(MAX_TUPLES, 0)
        while True:
            status = kernel.join_product(
                joining.rows,
                joining.keys,
                joining.signs,
                joining.sequence,
                self._inputs,
                self._chains.values,
                joining.removed,
                joining.emptied,
                joining.touched,
                self._tuples,
                progress,
            )
            if status != kernel.NO_ROOM:
                return bool(status == kernel.FINISHED)
            made, room = int(progress[kernel.MADE]), self._tuples.shape[1]
            self._make_room(max(made + int(progress[kernel.NEEDED]), min(4 * room, room + MAX_TUPLES)), made)

    def _output(self, joining: _Joining, watermark: WatermarkSteps) -> Batch:
        """The rows of the tuples that were made, each as often as it came or went."""
        count = int(joining.progress[kernel.MADE])
        if not count:
            return empty_batch(self._schema, watermark)
        tuples = self._tuples[:, :count]
        if joining.progress[kernel.COPIES] != count:
            tuples = np.repeat(tuples, abs(tuples[kernel.TUPLE_CHANGE]), axis=1)
        change, sequence = np.sign(tuples[kernel.TUPLE_CHANGE]), tuples[kernel.TUPLE_MOMENT].copy()
        parts: list[GivenRows | Column] = []
        for source, fields in self._chosen:
            slots, side = tuples[kernel.TUPLE_ROWS + source], self._sides[source]
            if side is None:
                marks = np.packbits(slots == MARKED, bitorder="little")
                parts.append(Column("b", len(slots), (marks,)))
            else:
                parts.append(side.store.give(slots, fields))
        diff = None if (change > 0).all() else change.astype(np.int8)
        return Batch(self._output_rows.rows(parts, len(change)), sequence, watermark, diff)

    def _end_pass(self, joining: _Joining) -> None:
        """Let go of the rows that are gone or can never match, and of keys without rows."""
        chains, progress, none = self._chains.values, joining.progress, np.empty(0, np.int64)
        for line, side, taken in zip(self._inputs, self._sides, joining.taken, strict=True):
            if side is None:
                continue
            first = line[kernel.IN_FIRST]
            gone = removed = joining.removed[first : first + line[kernel.IN_REMOVED]]
            if len(removed):
                gone = np.empty(len(removed), np.int64)
                gone = gone[: gone_rows(removed, 0, False, side.links, chains, none, progress, gone)]
            side.release(gone, taken.spare)
            side.store.end_pass()
        emptied = np.unique(joining.emptied[: progress[kernel.EMPTIED]])
        if len(emptied):
            self._keys.release(emptied[(chains[emptied] == 0).all(axis=1)])  # some have rows again
        self._keys.end_pass()

    def snapshot(self) -> StateArrays:
        state = {**prefixed("keys", self._keys.snapshot()), "chains": self._chains.copy(self._keys.slots_used)}
        for number, side in enumerate(self._sides):
            if side is not None:
                state |= prefixed(f"input-{number}", side.snapshot())
        return state

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._keys.restore(section("keys", state))
        self._chains.load(state["chains"])
        for number, side in enumerate(self._sides):
            if side is not None:
                side.restore(section(f"input-{number}", state))

    @property
    def state_bytes(self) -> int:
        return self._keys.bytes + self._chains.bytes + sum(side.bytes for side in self._sides if side is not None)

    @property
    def late_rows(self) -> int:
        return 0


class _Joining:
    """A pass's rows on their way through the kernel, one input's after another's; see `kernels.multi_join`."""

    def __init__(self, inputs: Sequence[Batch], keys: Int64Array, taken: Sequence[Taken]) -> None:
        self.taken = taken
        self.bounds = np.cumsum([0, *(len(batch) for batch in inputs)])
        count = int(self.bounds[-1])
        self.rows = _end_to_end([each.rows for each in taken])
        self.keys = keys
        unsigned = all(batch.diff is None for batch in inputs)
        self.signs = ADDED if unsigned else np.concatenate([batch.signs() for batch in inputs])
        self.sequence = _end_to_end([batch.sequence for batch in inputs])
        self.removed = np.empty(count, np.int64)
        self.emptied = np.empty(2 * count, np.int64)
        self.touched = np.empty((count, 2), np.int64)
        self.progress = np.zeros(kernel.PROGRESS, np.int64)


def _end_to_end(parts: Sequence[Int64Array]) -> Int64Array:
    """The rows of all inputs, without copying where only one has any."""
    filled = [part for part in parts if len(part)]
    return filled[0] if len(filled) == 1 else np.concatenate(filled)
