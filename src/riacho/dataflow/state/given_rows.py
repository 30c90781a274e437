"""Rows that a store gives out: what `take_rows` wrote, of which a column is made when somebody asks for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from riacho.dataflow.state.nested import text_to_nested
from riacho.dataflow.state.words import build_frame, build_rows
from riacho.formats.arrow import (
    AnyArray,
    BoolArray,
    Buffers,
    Column,
    Uint8Array,
    address_of,
    column_buffers,
)
from riacho.formats.buffered import Columnar, LateColumns, Tables
from riacho.kernels.row_words import (
    BIT,
    FLOAT32,
    FLOAT64,
    INT8,
    INT16,
    INT32,
    INT64,
    LEAF_KIND,
    NARROW_DECIMAL,
    PRESENCE,
    VIEW,
    WIDE_DECIMAL,
)
from riacho.kernels.rows import SOURCE_BUFFERS, SOURCE_COLUMNS, SOURCE_DATA, SOURCE_VALID
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

LAYOUTS = 64
"""Numbers of rows whose layouts are remembered."""

_TOGETHER = 64
"""Numbers of rows up to the next multiple of this have one layout."""

_ALIGNED = 64
"""Columns begin at multiples of this, as Arrow advises."""

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


class Layout(NamedTuple):
    """Where `take_rows` is to write each leaf of so many rows, and how many bytes all take."""

    starts: Int64Array
    places: list[int]
    """The same, for Python."""
    size: int


class ChosenFields:
    """Fields that are given out: the first leaf of each, and the leaves with their kinds."""

    __slots__ = ("_alone", "_layouts", "fields", "firsts", "flat", "kinds", "late", "leaves")

    def __init__(self, fields: Sequence[Field], firsts: Sequence[int], leaves: Int64Array) -> None:
        self.fields = tuple(fields)
        self.firsts = list(firsts)
        self.leaves = leaves
        self.kinds: list[int] = leaves[:, LEAF_KIND].tolist()
        self.flat = len(self.kinds) == len(self.fields) and not {PRESENCE, BIT} & set(self.kinds)
        """Whether each field is a column of words that `stage_rows` could read as it is."""
        self.late = not any(
            _is_made_by_polars(item.type, self.kinds[first])
            for item, first in zip(self.fields, self.firsts, strict=True)
        )
        """Whether each column is one of buffers."""
        self._layouts: dict[int, Layout] = {}
        self._alone: dict[int, ChosenFields] = {}

    def alone(self, place: int) -> ChosenFields:
        """One of the fields."""
        if place not in self._alone:
            end = [*self.firsts, len(self.kinds)][place + 1]
            leaves = np.ascontiguousarray(self.leaves[self.firsts[place] : end])
            self._alone[place] = ChosenFields(self.fields[place : place + 1], [0], leaves)
        return self._alone[place]

    def lay_out(self, count: int) -> Layout:
        """Where the leaves of so many rows are to be: room for a few more, that passes of like sizes share it."""
        count = -(-count // _TOGETHER) * _TOGETHER
        known = self._layouts.get(count)
        if known is None:
            starts, size = [], 0
            for kind in self.kinds:
                starts.append(size)
                size += -(-_OUT_BYTES.get(kind, 8) * count // _ALIGNED) * _ALIGNED
            if len(self._layouts) >= LAYOUTS:
                self._layouts.clear()
            known = self._layouts[count] = Layout(np.array(starts, np.int64), starts, size + _ALIGNED)
        return known


class ChosenPairs(ChosenFields):
    """Fields of two stores that are given out together: those of the left one and then those of the right one."""

    __slots__ = ("lefts",)

    def __init__(self, left: ChosenFields, right: ChosenFields) -> None:
        self.lefts = len(left.leaves)
        """So many leaves are of the left one."""
        firsts = [*left.firsts, *(self.lefts + first for first in right.firsts)]
        super().__init__([*left.fields, *right.fields], firsts, np.concatenate((left.leaves, right.leaves)))


def _is_made_by_polars(data_type: DataType, kind: int) -> bool:
    """Whether a column has no buffers of its own: a collection is kept as text."""
    return isinstance(data_type, NullType) or (kind == VIEW and not is_text(data_type) and not is_bytes(data_type))


class GivenRows:
    """Rows that were given out: so many, with the chosen fields.

    `out` has the values of each leaf, from its start on, `valid` which they are, and `nulls` how many are not. Views
    point into `chunks`.
    """

    __slots__ = (
        "_chunks",
        "_kept",
        "_known_address",
        "_layout",
        "_nulls",
        "_out",
        "_strings",
        "_valid",
        "chosen",
        "height",
    )

    def __init__(
        self,
        chosen: ChosenFields,
        layout: Layout,
        out: Uint8Array,
        valid: BoolArray,
        nulls: Int64Array,
        chunks: list[Uint8Array],
    ) -> None:
        self.chosen = chosen
        self.height = valid.shape[1]
        self._layout = layout
        self._out = out
        self._known_address: int | None = None
        self._valid = valid
        self._nulls: list[int] = nulls.tolist()
        self._chunks = chunks
        self._strings: tuple[tuple[AnyArray, ...], tuple[int, ...]] | None = None
        self._kept: list[object] = []
        """What `located` and `tables` have told of."""

    @property
    def _address(self) -> int:
        """Where the values are in memory: asked when somebody reads them."""
        if self._known_address is None:
            self._known_address = address_of(self._out)
        return self._known_address

    def columns(self) -> list[Column | pl.Series]:
        """All columns."""
        return [self.column(place) for place in range(len(self.chosen.fields))]

    def column(self, place: int) -> Column | pl.Series:
        """One of the columns."""
        data_type, leaf = self.chosen.fields[place].type, self.chosen.firsts[place]
        if isinstance(data_type, NullType):
            return pl.Series([None] * self.height, dtype=pl.Null)
        column = self._leaf_column(data_type, leaf)[0]
        if _is_made_by_polars(data_type, self.chosen.kinds[leaf]):
            texts = build_frame((Field("text", data_type),), [column], self.height).to_series()
            return text_to_nested(texts, data_type)
        return column

    def made(self, place: int) -> Column:
        """One of columns that are all of buffers."""
        column = self.column(place)
        assert isinstance(column, Column)
        return column

    def _leaf_column(self, data_type: DataType, leaf: int) -> tuple[Column, int]:
        """A column from the leaves from `leaf` on, and the number after its last."""
        valid, there = None, 0
        if self._nulls[leaf]:
            valid = self._valid[leaf]
            there = address_of(valid)
        kind, count = self.chosen.kinds[leaf], self.height
        if kind == PRESENCE:
            children: list[tuple[str, Column]] = []
            after = leaf + 1
            for item in data_type.fields if isinstance(data_type, RowType) else ():
                column, after = self._leaf_column(item.type, after)
                children.append((item.name, column))
            return Column("+s", count, (), valid, tuple(children)), after
        start = self._layout.places[leaf]
        code, dtype, width = _form(data_type, kind)
        raw = self._out[start : start + width * count]
        if code == "b":
            return Column("b", count, (np.packbits(raw, bitorder="little"),), valid), leaf + 1
        if kind == VIEW:
            buffers, addresses = self._text_buffers()
            at = there, (self._address + start, *addresses)
            return Column(code, count, (raw, *buffers), valid, (), at), leaf + 1
        values = raw if dtype is None else raw.view(dtype)
        return Column(code, count, (values,), valid, (), (there, (self._address + start,))), leaf + 1

    def _text_buffers(self) -> tuple[tuple[AnyArray, ...], tuple[int, ...]]:
        """What views point into, chunks and, last, their sizes; and where all that is."""
        if self._strings is None:
            sizes = np.array([len(chunk) for chunk in self._chunks], np.int64)
            buffers: tuple[AnyArray, ...] = (*self._chunks, sizes)
            self._strings = buffers, tuple([address_of(buffer) for buffer in buffers])
        return self._strings

    def _bitmap(self, leaf: int) -> int:
        """Where bits say which values of a leaf are there; 0: all are."""
        if not self._nulls[leaf]:
            return 0
        bits = np.packbits(self._valid[leaf], bitorder="little")
        self._kept.append(bits)
        return address_of(bits)

    def located(self, place: int) -> Buffers:
        """Where one of the columns is in memory, as long as this lives."""
        leaf = self.chosen.firsts[place]
        kind = self.chosen.kinds[leaf]
        if kind in (PRESENCE, BIT):
            buffers, owner = column_buffers(self.made(place))
            self._kept.append(owner)
            return buffers
        data = self._address + self._layout.places[leaf]
        texts = self._text_buffers()[1] if kind == VIEW else ()
        return Buffers(0, self._bitmap(leaf), (data, *texts), ())

    def tables(self) -> Tables | None:
        """Where all columns are in memory, as long as this lives; None where one is no leaf."""
        if not self.chosen.flat:
            return None
        sources = np.zeros((len(self._nulls), SOURCE_COLUMNS), np.uint64)
        sources[:, SOURCE_DATA] = self._layout.starts + np.int64(self._address)
        for leaf, nulls in enumerate(self._nulls):
            if nulls:
                sources[leaf, SOURCE_VALID] = self._bitmap(leaf)
        return sources, np.array([address_of(chunk) for chunk in self._chunks] or [0], np.uint64)


class LateRows:
    """Rows that a store is to give out, with the chosen fields: each field of all rows, or some rows, as it is asked.

    `give` gives out rows, as long as the store keeps these.
    """

    __slots__ = ("_give", "_given", "_slots", "chosen", "height")

    def __init__(
        self, give: Callable[[Int64Array, ChosenFields], GivenRows], slots: Int64Array, chosen: ChosenFields
    ) -> None:
        self.chosen = chosen
        self.height = len(slots)
        self._give = give
        self._slots = slots
        self._given: dict[int, GivenRows] = {}

    def _field(self, place: int) -> GivenRows:
        if place not in self._given:
            self._given[place] = self._give(self._slots, self.chosen.alone(place))
        return self._given[place]

    def column(self, place: int) -> Column | pl.Series:
        """One of the columns."""
        return self._field(place).column(0)

    def made(self, place: int) -> Column:
        """One of columns that are all of buffers."""
        return self._field(place).made(0)

    def located(self, place: int) -> Buffers:
        """Where one of the columns is in memory, as long as this lives."""
        return self._field(place).located(0)

    def tables(self) -> Tables | None:
        """Nowhere: the columns are made one by one."""
        return None

    def taken(self, rows: Int64Array) -> GivenRows:
        """Some of the rows."""
        return self._give(self._slots[rows], self.chosen)


class OutputRows:
    """How the rows of a result are put together from parts: some that stores give out, and columns of numbers.

    `parts` says how many columns each has; the result's columns are theirs, one after another, or in this `order`.
    """

    def __init__(self, fields: Sequence[Field], parts: Sequence[int], order: Sequence[int] | None = None) -> None:
        self._fields = tuple(fields)
        self._names = tuple(item.name for item in fields)
        places = [(part, own) for part, count in enumerate(parts) for own in range(count)]
        self._places = places if order is None else [places[place] for place in order]
        assert len(self._places) == len(self._fields)
        self._straight = self._places == places
        self._whole = self._straight and len(parts) == 1 and bool(places)
        """Whether one part has all columns."""

    def rows(self, parts: Sequence[GivenRows | LateRows | Column], height: int) -> Columnar:
        """The rows, of which columns are made when they are asked for."""
        part = parts[0] if self._whole else None
        if isinstance(part, GivenRows) and part.chosen.late:
            return LateColumns(self._names, part.made, height, locate=part.located, tables=part.tables)
        if not self._fields or not all(isinstance(part, Column) or part.chosen.late for part in parts):
            columns = [
                part if isinstance(part, Column) else part.column(own)
                for part, own in ((parts[number], own) for number, own in self._places)
            ]
            return build_rows(self._fields, columns, height)
        given = _Parts(self._places, parts)
        if all(isinstance(part, LateRows) for part in parts):
            take = partial(self._taken, parts)
            return LateColumns(self._names, given.made, height, locate=given.located, take=take)
        tables = given.tables if self._straight and all(isinstance(part, GivenRows) for part in parts) else None
        return LateColumns(self._names, given.made, height, locate=given.located, tables=tables)

    def _taken(self, parts: Sequence[GivenRows | LateRows | Column], rows: Int64Array) -> Columnar:
        return self.rows([part.taken(rows) for part in parts if isinstance(part, LateRows)], len(rows))


class _Parts(NamedTuple):
    """The columns of several parts: of each which one's it is, and which of its columns."""

    places: Sequence[tuple[int, int]]
    parts: Sequence[GivenRows | LateRows | Column]

    def made(self, place: int) -> Column:
        number, own = self.places[place]
        part = self.parts[number]
        return part if isinstance(part, Column) else part.made(own)

    def located(self, place: int) -> Buffers:
        number, own = self.places[place]
        part = self.parts[number]
        if not isinstance(part, Column):
            return part.located(own)
        assert part.valid is None, "a number that an operator makes is never null"
        return Buffers(0, 0, part.addresses()[1], ())

    def tables(self) -> Tables | None:
        sources, buffers, count = [], [], 0
        for part in self.parts:
            found = part.tables() if isinstance(part, GivenRows) else None
            if found is None:
                return None
            if count:
                found[0][:, SOURCE_BUFFERS] += np.uint64(count)
            sources.append(found[0])
            buffers.append(found[1])
            count += len(found[1])
        return (sources[0], buffers[0]) if len(sources) == 1 else (np.concatenate(sources), np.concatenate(buffers))


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
