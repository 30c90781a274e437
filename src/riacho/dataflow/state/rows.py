"""Whole rows kept in state, by slot; their strings in chunks of bytes that are only ever appended to.

Keys are interned (`state.strings`): equal strings must be one. Kept rows are not, since most of their strings occur
once: a long one is copied once, when its row is kept, and given out as a view into its chunk.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from riacho.dataflow.operator import StateArrays
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.chunks import Chunks
from riacho.dataflow.state.leaves import Leaves, leaf_kind
from riacho.dataflow.state.nested import nested_to_text, text_to_nested
from riacho.dataflow.state.words import build_frame
from riacho.formats.arrow import Buffers, Column
from riacho.formats.buffered import Columnar, buffers_of, frame_of
from riacho.kernels.row_words import (
    BIT,
    FLOAT32,
    FLOAT64,
    FREE_ROW,
    INT8,
    INT16,
    INT32,
    INT64,
    KEY_COLUMNS,
    KEY_DESCENDING,
    KEY_NULLS_FIRST,
    LEAF_COLUMNS,
    LEAF_KIND,
    NARROW_DECIMAL,
    PRESENCE,
    VIEW,
    WIDE_DECIMAL,
)
from riacho.kernels.rows import (
    count_live_bytes,
    drop_rows,
    move_strings,
    settle_rows,
    stage_rows,
    take_rows,
)
from riacho.plan.ordering import SortKey
from riacho.plan.relations import Field
from riacho.plan.types import (
    BooleanType,
    DataType,
    DateType,
    DecimalType,
    FloatType,
    IntegerType,
    NullType,
    RowType,
    TimestampLtzType,
    TimestampType,
    TimeType,
    is_bytes,
    is_text,
)

Int64Array = npt.NDArray[np.int64]
Uint64Array = npt.NDArray[np.uint64]
Uint8Array = npt.NDArray[np.uint8]
BoolArray = npt.NDArray[np.bool_]

SWEPT_SLOTS = 4096
"""Slots that a sweep looks at in one pass at least, and as many again for each row that the pass released."""

_OUT_BYTES = {
    INT8: 1,
    INT16: 2,
    INT32: 4,
    FLOAT32: 4,
    BIT: 1,
    NARROW_DECIMAL: 16,
    WIDE_DECIMAL: 16,
    VIEW: 16,
    PRESENCE: 0,
}
_ARROW_TYPES: dict[int, tuple[str, npt.DTypeLike]] = {
    INT8: ("c", np.int8),
    INT16: ("s", np.int16),
    INT32: ("i", np.int32),
    INT64: ("l", np.int64),
    FLOAT32: ("f", np.float32),
    FLOAT64: ("g", np.float64),
}


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

    `keep(rows)` is stage and settle in one. A chunk's written bytes never change, so frames and snapshots share them;
    a chunk is reused once all its rows and all frames that look at it are gone.

    Nulls, NaN (every NaN is one), −0.0, decimals, and ROWs of such round trip; arrays and maps are kept as text.
    """

    def __init__(self, fields: Sequence[Field]) -> None:
        self.fields = tuple(fields)
        self._layout = layout = Leaves(self.fields)
        self._starts, self._kinds, self._leaves, self._views = layout.starts, layout.kinds, layout.table, layout.views
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
        self._all = ChosenFields(self.fields, self._starts, self._leaves, self._kinds)
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
        return Located(*buffers_of(given, self._places), given.height)

    def stage(self, given: Columnar, rows: Int64Array | None = None) -> Int64Array:
        """A slot for each row that is given, or for these of them, in their order."""
        if rows is None:
            rows = np.arange(given.height)
        return self.stage_located(self.locate(given), rows) if len(rows) else np.empty(0, np.int64)

    def stage_located(self, located: Located, rows: Int64Array) -> Int64Array:
        """A slot for each of these rows, in their order."""
        slots = self._take_slots(len(rows))
        self._owners.append(located.owner)
        sources, buffers = self._layout.locate(located.columns)
        stage_rows(rows, slots, self._rows.values, self._leaves, sources, buffers, self._layout.null_words)
        return slots

    def _take_slots(self, count: int) -> Int64Array:
        reused = min(self._free_count, count)
        self._free_count -= reused
        slots = np.empty(count, np.int64)
        slots[:reused] = self._free.values[self._free_count : self._free_count + reused]
        slots[reused:] = np.arange(self._used, self._used + count - reused)
        self._used += count - reused
        self._rows.reserve(self._used)
        return slots

    def settle(self, slots: Int64Array) -> None:
        """Keep these staged rows: their strings move into the chunks."""
        chunks, first = self._chunks, 0
        if not len(self._views):
            return
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
        slots = self.stage(given)
        self.settle(slots)
        return slots

    def release(self, slots: Int64Array) -> None:
        """Forget the rows of these slots, each given once, and free the slots for others."""
        drop_rows(slots, self.words, self._views, self._chunks.live)
        self._free.reserve(self._free_count + len(slots))
        self._free.values[self._free_count : self._free_count + len(slots)] = slots[::-1]
        self._free_count += len(slots)
        self._released += len(slots)

    def end_pass(self) -> None:
        """Let go of the frames of the pass, and move some strings together where many are dead."""
        self._owners.clear()
        chunks = self._chunks
        if not self._sweeping and self._released and chunks.begin_sweep():
            self._sweeping, self._swept = True, 0
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
        if self._released:
            chunks.drop_empty()
        chunks.prepare()
        self._released = 0

    # ---- rows are given out -----------------------------------------------------------------------------------

    def columns(self, slots: Int64Array, chosen: ChosenFields | None = None) -> list[Column | pl.Series]:
        """The columns of these rows, one per field or per `chosen` one; −1 is a row of nulls."""
        fields, firsts, leaves, kinds = chosen or self._all
        if not kinds:
            return []
        count = len(slots)
        starts = []
        size = 0
        for kind in kinds:
            starts.append(size)
            size += -(-_OUT_BYTES.get(kind, 8) * count // 64) * 64
        out = np.empty(size + 64, np.uint8)
        valid = np.empty((len(kinds), count), np.bool_)
        nulls = np.zeros(len(kinds), np.int64)
        places = np.full((2, len(self._chunks.memory)), -1, np.int64)
        used = take_rows(slots, self.words, leaves, np.array(starts), out, valid, nulls, places)
        chunks = [self._chunks.memory[number] for number in places[1, :used].tolist()]
        sizes = np.array([len(chunk) for chunk in chunks], np.int64)
        given = _Given(out, starts, valid, nulls.tolist(), (*chunks, sizes), count, kinds)
        return [self._given_column(item.type, first, given) for item, first in zip(fields, firsts, strict=True)]

    def choose(self, fields: Sequence[int]) -> ChosenFields:
        """Some of the fields, for `columns`."""
        numbers: list[int] = []
        firsts = []
        ends = [*self._starts[1:], len(self._kinds)]
        for index in fields:
            firsts.append(len(numbers))
            numbers += range(self._starts[index], ends[index])
        leaves = np.ascontiguousarray(self._leaves[numbers])
        chosen = tuple(self.fields[index] for index in fields)
        return ChosenFields(chosen, firsts, leaves, leaves[:, LEAF_KIND].tolist())

    def frame(self, slots: Int64Array) -> pl.DataFrame:
        """These rows as a frame."""
        return build_frame(self.fields, self.columns(slots), len(slots))

    def _given_column(self, data_type: DataType, leaf: int, given: _Given) -> Column | pl.Series:
        column = self._leaf_column(data_type, leaf, given)[0]
        if isinstance(data_type, NullType):
            return pl.Series([None] * given.height, dtype=pl.Null)
        if given.kinds[leaf] == VIEW and not is_text(data_type) and not is_bytes(data_type):
            texts = build_frame((Field("text", data_type),), [column], given.height).to_series()
            return text_to_nested(texts, data_type)
        return column

    def _leaf_column(self, data_type: DataType, leaf: int, given: _Given) -> tuple[Column, int]:
        """A column from the leaves from `leaf` on, and the number after its last."""
        valid = given.valid[leaf] if given.nulls[leaf] else None
        kind, count = given.kinds[leaf], given.height
        if kind == PRESENCE:
            children: list[tuple[str, Column]] = []
            after = leaf + 1
            for item in data_type.fields if isinstance(data_type, RowType) else ():
                column, after = self._leaf_column(item.type, after, given)
                children.append((item.name, column))
            return Column("+s", count, (), valid, tuple(children)), after
        start = given.starts[leaf]
        code, dtype, width = _form(data_type, kind)
        raw = given.out[start : start + width * count]
        if code == "b":
            return Column("b", count, (np.packbits(raw, bitorder="little"),), valid), leaf + 1
        if kind == VIEW:
            return Column(code, count, (raw, *given.strings), valid), leaf + 1
        return Column(code, count, (raw if dtype is None else raw.view(dtype),), valid), leaf + 1

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


class Located(NamedTuple):
    """Where the columns of `height` rows are in memory, and what keeps that memory alive."""

    columns: list[Buffers]
    owner: object
    height: int


class _Given(NamedTuple):
    """What `take_rows` wrote, by leaf."""

    out: Uint8Array
    starts: list[int]
    valid: BoolArray
    nulls: list[int]
    strings: tuple[npt.NDArray[Any], ...]
    """What views point into: chunks and, last, their sizes."""
    height: int
    kinds: list[int]


@cache
def _form(data_type: DataType, kind: int) -> tuple[str, npt.DTypeLike | None, int]:
    """Of a column of one leaf: Arrow's code, NumPy's type (None: bytes), and how many bytes a row has."""
    width = _OUT_BYTES.get(kind, 8)
    match data_type:
        case IntegerType() | FloatType():
            return (*_ARROW_TYPES[kind], width)
        case BooleanType():
            return "b", None, width
        case DecimalType(precision=precision, scale=scale):
            return f"d:{precision},{scale}", None, width
        case DateType():
            return "tdD", np.int32, width
        case TimeType():
            return "ttn", np.int64, width
        case TimestampType():
            return "tsu:", np.int64, width
        case TimestampLtzType():
            return "tsu:UTC", np.int64, width
    if kind == VIEW:
        return ("vz" if is_bytes(data_type) else "vu"), None, width
    return "l", np.int64, width  # intervals


class ChosenFields(NamedTuple):
    """Fields that are given out: the first leaf of each, and the leaves with their kinds."""

    fields: tuple[Field, ...]
    firsts: list[int]
    leaves: Int64Array
    kinds: list[int]
