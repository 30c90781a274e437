"""Whole rows kept in state, by slot; their strings in chunks of bytes that are only ever appended to.

Keys are interned (`state.strings`): equal strings must be one. Kept rows are not, since most of their strings occur
once: a long one is copied once, when its row is kept, and given out as a view into its chunk.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from riacho.dataflow.operator import StateArrays
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.chunks import Chunks
from riacho.dataflow.state.given_rows import ChosenFields, ChosenPairs, GivenRows, LateRows
from riacho.dataflow.state.leaves import Leaves, leaf_kind
from riacho.dataflow.state.nested import nested_to_text
from riacho.dataflow.state.words import build_frame
from riacho.formats.arrow import Buffers, Column
from riacho.formats.buffered import Columnar, LateColumns, Slice, buffers_of, frame_of, tables_of
from riacho.kernels.given_rows import take_pairs, take_rows
from riacho.kernels.row_words import (
    FREE_ROW,
    KEY_COLUMNS,
    KEY_DESCENDING,
    KEY_NULLS_FIRST,
    LEAF_COLUMNS,
    VIEW,
)
from riacho.kernels.rows import (
    count_live_bytes,
    drop_rows,
    keep_rows,
    move_strings,
    replace_rows,
    settle_rows,
    stage_rows,
)
from riacho.plan.ordering import SortKey
from riacho.plan.relations import Field
from riacho.plan.types import is_bytes, is_text

Int64Array = npt.NDArray[np.int64]
Uint64Array = npt.NDArray[np.uint64]

SWEPT_SLOTS = 4096
"""Slots that a sweep looks at in one pass at least, and as many again for each row that the pass released."""

NO_SLOTS: Int64Array = np.empty(0, np.int64)

EVERY_ROW: Int64Array = np.empty(0, np.int64)
"""To the kernel: all rows from the first on."""


class Replaced(NamedTuple):
    """Where rows are that took the places of others, and which rows are to be released, once they were given out."""

    slots: Int64Array
    gone: Int64Array


class RowStore:
    """Rows of given fields, known by slots counted from 0.

    How an operator keeps rows in a pass:

    1. `slots = store.stage(batch.rows)` gives each row a slot. Its words can be read and compared by kernels at
       once (`words`, `chunk_addresses`, `sort_keys`; see `kernels.row_words`), but its long strings still stand in the
       frame, which the store holds until `end_pass`.
    2. The operator decides: what stays it `settle`s (strings are copied, once), what does not it `release`s.
    3. `columns(slots)` or `frame(slots)` gives rows out: strings as views into the chunks, without copying them.
       Slot −1 is a row of nulls. A row that is retracted is given out first and released after.
    4. `end_pass()` reclaims memory, a bounded piece of work. What was not settled by then must have been released.

    `keep` and `keep_located` are stage and settle in one. A chunk's written bytes never change, so frames and snapshots
    share them; a chunk is reused once all its rows and all frames that look at it are gone.

    Nulls, NaN (every NaN is one), −0.0, decimals, and ROWs of such round trip; arrays and maps are kept as text.
    """

    def __init__(self, fields: Sequence[Field]) -> None:
        self.fields = tuple(fields)
        self._layout = layout = Leaves(self.fields)
        self._starts, self._leaves, self._views = layout.starts, layout.table, layout.views
        self.width = layout.width
        """Words per row."""
        self.view_marks = np.zeros(layout.width, np.int64)
        """1 at the first words of views, for kernels that compare whole rows."""
        self.view_marks[self._views] = 1
        self._texts = [
            index
            for index, item in enumerate(self.fields)
            if leaf_kind(item.type) == VIEW and not is_text(item.type) and not is_bytes(item.type)
        ]
        self._places = list(range(len(self.fields)))
        self._all = ChosenFields(self.fields, self._starts, self._leaves)
        self._rows = Growable(np.int64, width=layout.width)
        self._used = 0
        self._free = Growable(np.int64)
        self._free_count = 0
        self._chunks = Chunks()
        self._owners: list[object] = []
        self._swept = 0
        self._sweeping = False
        self._released = 0
        self._rows.reserve(64)

    def __len__(self) -> int:
        return self._used - self._free_count

    @property
    def slots_used(self) -> int:
        """One past the greatest slot ever given out: what arrays addressed by slot need room for."""
        return self._used

    @property
    def words(self) -> Int64Array:
        """Every row's words by slot; replaced by `stage`."""
        return self._rows.values

    @property
    def chunk_addresses(self) -> Uint64Array:
        """Where each chunk begins; replaced by `settle`."""
        return self._chunks.addresses

    @property
    def bytes(self) -> int:
        return self._rows.bytes + self._free.bytes + self._chunks.bytes

    # ---- rows come and go -------------------------------------------------------------------------------------

    def locate(self, given: Columnar) -> Located:
        """Where the values of rows are in memory. There must be some."""
        if self._texts:
            frame = frame_of(given)
            given = frame.with_columns([nested_to_text(frame.to_series(index)) for index in self._texts])
        return Located(given, self._places)

    def stage(self, given: Columnar, rows: Int64Array | None = None) -> Int64Array:
        """A slot for each row that is given, or for these of them, in their order."""
        if not (given.height if rows is None else len(rows)):
            return NO_SLOTS
        located = self.locate(given)
        return self.stage_located(located, located.numbers if rows is None else rows)

    def stage_located(self, located: Located, rows: Int64Array) -> Int64Array:
        """A slot for each of these rows, in their order."""
        if located.take is not None and len(rows):
            return self.stage(located.take(rows))
        slots, free_count, fresh = self._take_slots(len(rows))
        self._owners.append(located.owner)
        layout = self._layout
        sources, buffers, first = layout.locate(located)
        stage_rows(
            rows,
            first,
            self._free.values,
            free_count,
            fresh,
            slots,
            self._rows.values,
            layout.table,
            sources,
            buffers,
            layout.null_words,
        )
        return slots

    def _take_slots(self, count: int) -> tuple[Int64Array, int, int]:
        """Room for so many slots, which a kernel is to pick: how many were free before, and the first unused one."""
        free_count, fresh = self._free_count, self._used
        reused = min(free_count, count)
        self._free_count = free_count - reused
        self._used = fresh + count - reused
        self._rows.reserve(self._used)
        return np.empty(count, np.int64), free_count, fresh

    def settle(self, slots: Int64Array) -> None:
        """Keep these staged rows: their strings move into the chunks."""
        if len(self._views):
            self._settle(slots, 0)

    def _settle(self, slots: Int64Array, first: int) -> None:
        """Settle the rows from `first` on."""
        chunks = self._chunks
        while True:
            number = chunks.current
            first = settle_rows(
                slots, first, self.words, self._views, chunks.memory[number], number, chunks.used, chunks.live
            )
            if first == len(slots):
                return
            row = self.words[slots[first], self._views]
            chunks.add(int((row & 0xFFFFFFFF).sum()))

    def keep(self, given: Columnar) -> Int64Array:
        """A slot for each row that is given, all settled."""
        if not given.height:
            return NO_SLOTS
        located = self.locate(given)
        if located.take is not None:
            return self.keep(located.take(located.numbers))
        return self._keep(located, EVERY_ROW, located.height)

    def keep_located(self, located: Located, rows: Int64Array) -> Int64Array:
        """A slot for each of these rows, in their order, all settled."""
        if not len(rows):
            return NO_SLOTS
        if located.take is not None:
            return self.keep(located.take(rows))
        return self._keep(located, rows, len(rows))

    def _keep(self, located: Located, rows: Int64Array, count: int) -> Int64Array:
        layout, chunks = self._layout, self._chunks
        slots, free_count, fresh = self._take_slots(count)
        number = chunks.current
        sources, buffers, first = layout.locate(located)
        settled = keep_rows(
            rows,
            first,
            self._free.values,
            free_count,
            fresh,
            slots,
            self._rows.values,
            layout.table,
            sources,
            buffers,
            layout.null_words,
            layout.views,
            chunks.memory[number],
            number,
            chunks.used,
            chunks.live,
        )
        if settled < count:
            self._settle(slots, settled)
        return slots

    def replace(self, located: Located, rows: Int64Array, replaced: Int64Array) -> Replaced:
        """Keep each of these rows in place of another (−1: of none); one that equals the other is not kept.

        The rows that go stay until they are released.
        """
        count = len(rows)
        if not count:
            return Replaced(NO_SLOTS, NO_SLOTS)
        if located.take is not None:
            located, rows = self.locate(located.take(rows)), EVERY_ROW
        layout, chunks = self._layout, self._chunks
        slots, free_count, fresh = self._take_slots(count)
        staying, gone = np.empty(count, np.int64), np.empty(count, np.int64)
        number = chunks.current
        sources, buffers, first = layout.locate(located)
        settled, kept, lost = replace_rows(
            rows,
            replaced,
            first,
            self._free.values,
            free_count,
            fresh,
            slots,
            staying,
            gone,
            self._rows.values,
            layout.table,
            sources,
            buffers,
            layout.null_words,
            layout.views,
            self.view_marks,
            chunks.addresses,
            chunks.memory[number],
            number,
            chunks.used,
            chunks.live,
        )
        if settled < kept:
            self._settle(staying[:kept], settled)
        return Replaced(slots, gone[:lost])

    def release(self, slots: Int64Array) -> None:
        """Forget the rows of these slots, each given once, and free the slots for others."""
        chunks, count = self._chunks, self._free_count
        self._free.reserve(count + len(slots))
        chunks.freed += drop_rows(slots, self._rows.values, self._views, chunks.live, self._free.values, count)
        self._free_count += len(slots)
        self._released += len(slots)

    def end_pass(self) -> None:
        """Let go of the frames of the pass, and move some strings together where many are dead."""
        self._owners.clear()
        chunks = self._chunks
        if chunks.worth_a_look:
            if not self._sweeping and chunks.begin_sweep():
                self._sweeping, self._swept = True, 0
            chunks.drop_empty()
        if self._sweeping:
            end = min(self._swept + SWEPT_SLOTS + 2 * self._released, self._used)
            while self._swept < end:
                number = chunks.current
                self._swept = move_strings(
                    self._swept,
                    end,
                    self.words,
                    self._views,
                    chunks.addresses,
                    chunks.leaving,
                    chunks.memory[number],
                    number,
                    chunks.used,
                    chunks.live,
                )
                if self._swept < end:
                    chunks.add(int((self.words[self._swept, self._views] & 0xFFFFFFFF).sum()))
            # Rows kept meanwhile have their strings in other chunks, so slots given out since need no look.
            self._sweeping = self._swept < self._used
            if not self._sweeping:
                chunks.drop_empty()
        chunks.prepare()
        self._released = 0

    # ---- rows are given out -----------------------------------------------------------------------------------

    def give(self, slots: Int64Array, chosen: ChosenFields | None = None) -> GivenRows:
        """These rows, with all fields or the `chosen` ones; −1 is a row of nulls."""
        chosen = chosen or self._all
        count, leaves = len(slots), chosen.leaves
        layout = chosen.lay_out(count)
        out = np.empty(layout.size, np.uint8)
        valid = np.empty((len(leaves), count), np.bool_)
        nulls = np.empty(len(leaves), np.int64)
        places = np.empty((3, len(self._chunks.memory)), np.int64)
        used = take_rows(slots, self.words, leaves, layout.starts, out, valid, nulls, places)
        chunks = [self._chunks.memory[number] for number in places[2, :used].tolist()]
        return GivenRows(chosen, layout, out, valid, nulls, chunks)

    def give_pairs(self, slots: Int64Array, right: RowStore, rights: Int64Array, chosen: ChosenPairs) -> GivenRows:
        """These rows, each beside one of another store; −1 is a row of nulls."""
        leaves, layout = chosen.leaves, chosen.lay_out(len(slots))
        out = np.empty(layout.size, np.uint8)
        valid = np.empty((len(leaves), len(slots)), np.bool_)
        nulls = np.empty(len(leaves), np.int64)
        memory, others = self._chunks.memory, right._chunks.memory
        places = np.empty((3, len(memory) + len(others)), np.int64)
        used = take_pairs(
            slots, rights, self.words, right.words, leaves, chosen.lefts, layout.starts, out, valid, nulls, places
        )
        numbers = places[2, :used].tolist()
        chunks = [memory[number] if number >= 0 else others[~number] for number in numbers]
        return GivenRows(chosen, layout, out, valid, nulls, chunks)

    def give_late(self, slots: Int64Array, chosen: ChosenFields) -> LateRows:
        """The same, but only what of it is asked for, until rows are released or taken in."""
        return LateRows(self.give, slots.copy(), chosen)

    def columns(self, slots: Int64Array, chosen: ChosenFields | None = None) -> list[Column | pl.Series]:
        """The columns of these rows, one per field or per `chosen` one; −1 is a row of nulls."""
        return self.give(slots, chosen).columns()

    def choose(self, fields: Sequence[int]) -> ChosenFields:
        """Some of the fields, for `give`."""
        numbers: list[int] = []
        firsts = []
        ends = [*self._starts[1:], len(self._leaves)]
        for index in fields:
            firsts.append(len(numbers))
            numbers += range(self._starts[index], ends[index])
        leaves = np.ascontiguousarray(self._leaves[numbers])
        return ChosenFields([self.fields[index] for index in fields], firsts, leaves)

    def frame(self, slots: Int64Array) -> pl.DataFrame:
        """These rows as a frame."""
        return build_frame(self.fields, self.columns(slots), len(slots))

    def leaf(self, field: int) -> Int64Array:
        """Where the words of a field, which is no ROW, are, as a line of the kernels' table of leaves."""
        leaf: Int64Array = self._leaves[self._starts[field]]
        return leaf

    def sort_keys(self, order: Sequence[SortKey]) -> Int64Array:
        """An order by fields as the table that `compare_rows` reads."""
        keys = np.zeros((len(order), KEY_COLUMNS), np.int64)
        for row, key in zip(keys, order, strict=True):
            row[:LEAF_COLUMNS] = self._leaves[self._starts[key.column]]
            row[KEY_DESCENDING] = key.descending
            row[KEY_NULLS_FIRST] = key.nulls_first
        return keys

    # ---- snapshots --------------------------------------------------------------------------------------------

    def live(self) -> Int64Array:
        """The slots that hold a row, ascending."""
        return np.flatnonzero(self.words[: self._used, 0] != FREE_ROW)

    def snapshot(self) -> StateArrays:
        return {
            "rows": self._rows.copy(self._used),
            "free": self._free.copy(self._free_count),
            **self._chunks.snapshot(),
        }

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._used, self._free_count = len(state["rows"]), len(state["free"])
        self._rows.load(state["rows"])
        self._free.load(state["free"])
        self._chunks.restore(state)
        count_live_bytes(self.words, self._used, self._views, self._chunks.live)


class Located:
    """Where the values of rows, of which there must be some, are in memory, and what keeps that memory alive."""

    __slots__ = ("_columns", "_numbers", "_places", "_rows", "first", "height", "owner", "tables", "take")

    def __init__(self, rows: Columnar, places: list[int]) -> None:
        self.height = rows.height
        # A part of rows is read where they are: to say where it is takes longer than a small one takes to be read.
        whole, self.first = (rows.whole, rows.first) if isinstance(rows, Slice) else (rows, 0)
        self.tables = tables_of(whole)
        """Of all columns at once, where whoever made them knows that: the rows begin with the `first` one there."""
        self.take = rows.take if isinstance(rows, LateColumns) else None
        """Gives some of the rows where these are not there yet."""
        self._rows, self._places = rows, places
        self._columns: list[Buffers] | None = None
        self._numbers: Int64Array | None = None
        self.owner: object = rows
        if self.tables is None and self.take is None:
            self._columns, self.owner = buffers_of(rows, places)

    @property
    def numbers(self) -> Int64Array:
        """The rows' places."""
        if self._numbers is None:
            self._numbers = np.arange(self.height)
        return self._numbers

    def column(self, place: int) -> Buffers:
        """Where one of the columns is."""
        if self.take is not None and not isinstance(self._rows, pl.DataFrame):
            found = self._rows.located(self._places[place])
            if found is not None:
                return found
        return self.columns[place]

    @property
    def columns(self) -> list[Buffers]:
        """Where each column is."""
        if self._columns is None:
            self._columns, owner = buffers_of(self._rows, self._places)
            self.owner = self.owner, owner
        return self._columns
