"""A batch's columns as Arrow buffers, made a Polars frame when somebody asks for one.

What a kernel wrote goes to the next kernel by its addresses; crossing into Polars and back would cost a small batch
more than the work on it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from riacho.formats.arrow import (
    BoolArray,
    Buffers,
    Column,
    Uint8Array,
    Uint64Array,
    column_buffers,
    frame_buffers,
    strings,
    to_frame,
)
from riacho.kernels.row_words import INLINE_BYTES
from riacho.kernels.rows import SOURCE_OFFSET

Truths = tuple[BoolArray, BoolArray | None]
"""Booleans, a byte each, and which of them are not null (None: all)."""

Int64Array = npt.NDArray[np.int64]

Tables = tuple[Uint64Array, Uint64Array]
"""Where columns are in memory as `kernels.rows` reads it: a line for each, and the buffers that views point into."""


class BufferedColumns:
    """Columns of one height under the names of a relation's fields."""

    __slots__ = ("_columns", "_frame", "height", "names")

    def __init__(self, names: tuple[str, ...], columns: tuple[Column, ...], height: int) -> None:
        self.names = names
        self.height = height
        self._columns: tuple[Column, ...] | None = columns
        self._frame: pl.DataFrame | None = None

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns, in the order of the names."""
        if self._columns is None:
            self._columns = tuple([self.column(place) for place in range(len(self.names))])
        return self._columns

    def column(self, place: int) -> Column:
        """One of the columns."""
        assert self._columns is not None
        return self._columns[place]

    @property
    def frame(self) -> pl.DataFrame:
        """The columns as a frame that shares their memory."""
        if self._frame is None:
            self._frame = to_frame(list(zip(self.names, self.columns, strict=True)), self.height)
        return self._frame

    def located(self, place: int) -> Buffers | None:
        """Where a column is in memory, as long as these rows live; None where it has to be made first."""
        del place
        return None

    def tables(self) -> Tables | None:
        """Where all columns are in memory, as long as these rows live; None where one is not that simple."""
        return None

    def truths(self, place: int) -> Truths:
        """A column of booleans as bytes."""
        column = self.column(place)
        return np.unpackbits(column.buffers[0], count=column.length, bitorder="little").view(np.bool_), column.valid


class LateColumns(BufferedColumns):
    """Columns each of which is made when it is asked for: in a small batch making one costs more than its values.

    `make` is given the column's place, once. `locate`, `tables` and `truths` answer for the methods of like names,
    where they are given; `take` gives the rows at some places without making these. `taken_from` tells whose rows these
    are, and at which places, where they were gathered.
    """

    __slots__ = ("_locate", "_made", "_make", "_tables", "_truths", "take", "taken_from")

    def __init__(
        self,
        names: tuple[str, ...],
        make: Callable[[int], Column],
        height: int,
        *,
        locate: Callable[[int], Buffers | None] | None = None,
        truths: Callable[[int], Truths] | None = None,
        tables: Callable[[], Tables | None] | None = None,
        taken_from: tuple[BufferedColumns, Int64Array] | None = None,
        take: Callable[[Int64Array], Columnar] | None = None,
    ) -> None:
        self.names = names
        self.height = height
        self._columns = None
        self._frame = None
        self._make = make
        self._made: dict[int, Column] = {}
        self._locate = locate
        self._truths = truths
        self._tables = tables
        self.taken_from = taken_from
        self.take = take

    def column(self, place: int) -> Column:
        column = self._made.get(place)
        if column is None:
            column = self._made[place] = self._make(place)
        return column

    def located(self, place: int) -> Buffers | None:
        return None if self._locate is None else self._locate(place)

    def tables(self) -> Tables | None:
        return None if self._tables is None else self._tables()

    def truths(self, place: int) -> Truths:
        return super().truths(place) if self._truths is None else self._truths(place)


class Slice(BufferedColumns):
    """The rows of `whole` from `first` on, in its memory: what a small pass takes of the rows decoded together."""

    __slots__ = ("_made", "first", "whole")

    def __init__(self, whole: BufferedColumns, first: int, height: int) -> None:
        self.names = whole.names
        self.height = height
        self._columns = None
        self._frame = None
        self._made: dict[int, Column] = {}
        self.whole = whole
        self.first = first

    def column(self, place: int) -> Column:
        column = self._made.get(place)
        if column is None:
            column = sliced_column(self.whole.column(place), self.first, self.first + self.height)
            self._made[place] = column
        return column

    def located(self, place: int) -> Buffers | None:
        found = self.whole.located(place)
        return None if found is None else _from(found, self.first)

    def tables(self) -> Tables | None:
        found = self.whole.tables()
        if found is None:
            return None
        sources, buffers = found
        sources = sources.copy()
        sources[:, SOURCE_OFFSET] += np.uint64(self.first)
        return sources, buffers

    def truths(self, place: int) -> Truths:
        values, valid = self.whole.truths(place)
        rows = slice(self.first, self.first + self.height)
        return values[rows], None if valid is None else valid[rows]


def _from(buffers: Buffers, first: int) -> Buffers:
    """Where the rows from `first` on are."""
    children = tuple([_from(child, first) for child in buffers.children])
    return Buffers(buffers.offset + first, buffers.valid, buffers.data, children)


def tables_of(rows: Columnar) -> Tables | None:
    """Where all columns of rows are in memory, as long as they live; None where nobody can say so at once."""
    return None if isinstance(rows, pl.DataFrame) else rows.tables()


Columnar = pl.DataFrame | BufferedColumns
"""The rows of a batch in one of the two forms."""


def frame_of(rows: Columnar) -> pl.DataFrame:
    """The rows as a Polars frame."""
    return rows if isinstance(rows, pl.DataFrame) else rows.frame


def column_of(rows: Columnar, index: int) -> Column | pl.Series:
    """One of the columns, as it is."""
    return rows.to_series(index) if isinstance(rows, pl.DataFrame) else rows.column(index)


def column_named(rows: Columnar, name: str) -> Column | pl.Series:
    """The column of this name, as it is."""
    return rows.get_column(name) if isinstance(rows, pl.DataFrame) else rows.column(rows.names.index(name))


def series_of(column: Column | pl.Series, name: str = "") -> pl.Series:
    """A column as a Polars series, of this name if it was none."""
    return column if isinstance(column, pl.Series) else to_frame([(name, column)], column.length).to_series()


def picked(rows: Columnar, places: Sequence[int], names: tuple[str, ...]) -> Columnar:
    """Some of the columns, in any order, under other names."""
    if isinstance(rows, pl.DataFrame):
        return pl.DataFrame([rows.to_series(place).alias(name) for place, name in zip(places, names, strict=True)])

    def tables() -> Tables | None:
        found = rows.tables()
        return None if found is None else (found[0][list(places)], found[1])

    take = rows.take if isinstance(rows, LateColumns) else None
    return LateColumns(
        names,
        lambda place: rows.column(places[place]),
        rows.height,
        locate=lambda place: rows.located(places[place]),
        truths=lambda place: rows.truths(places[place]),
        tables=tables,
        take=None if take is None else lambda some: picked(take(some), places, names),
    )


def without(rows: Columnar, names: Collection[str]) -> Columnar:
    """All columns but these."""
    known = rows.columns if isinstance(rows, pl.DataFrame) else rows.names
    kept = [place for place, name in enumerate(known) if name not in names]
    return picked(rows, kept, tuple([known[place] for place in kept]))


def renamed(rows: Columnar, names: tuple[str, ...]) -> Columnar:
    """The same columns under other names."""
    if isinstance(rows, pl.DataFrame):
        known = tuple(rows.columns)
        return rows if known == names else rows.rename(dict(zip(known, names, strict=True)))
    return rows if rows.names == names else picked(rows, range(len(names)), names)


def beside(left: Columnar, right: Columnar, names: tuple[str, ...]) -> Columnar:
    """The columns of both, which have as many rows, under other names."""
    if isinstance(left, pl.DataFrame) or isinstance(right, pl.DataFrame):
        columns = frame_of(left).get_columns() + frame_of(right).get_columns()
        return pl.DataFrame([column.alias(name) for column, name in zip(columns, names, strict=True)])
    width = len(left.names)
    return LateColumns(
        names, lambda place: left.column(place) if place < width else right.column(place - width), left.height
    )


def buffers_of(rows: Columnar, places: list[int]) -> tuple[list[Buffers], object]:
    """Where the columns at these places are in memory, and what keeps that memory alive. There must be rows."""
    if not places:
        return [], None
    if isinstance(rows, pl.DataFrame):
        buffers, owner = frame_buffers(rows[:, places] if len(places) < rows.width else rows)
        return list(buffers), owner
    if (located := located_all(rows, places)) is not None:
        return located, rows
    found = [column_buffers(rows.column(place)) for place in places]
    return [buffers for buffers, _ in found], found


def located_all(rows: BufferedColumns, places: Sequence[int]) -> list[Buffers] | None:
    """Where these columns are in memory, as long as the rows live; None where one has to be made first."""
    located = []
    for place in places:
        found = rows.located(place)
        if found is None:
            return None
        located.append(found)
    return located


def concatenated(parts: Sequence[Columnar]) -> Columnar:
    """The rows of all parts, which have columns of the same names and types, one after another."""
    if len(parts) == 1:
        return parts[0]
    buffered = [part for part in parts if isinstance(part, BufferedColumns)]
    if len(buffered) < len(parts) or not buffered[0].columns:
        return pl.concat([frame_of(part) for part in parts], rechunk=True)
    return _joined(buffered)


def _joined(parts: Sequence[BufferedColumns]) -> BufferedColumns:
    """Strings are not copied, only their views."""
    first = parts[0]
    height = sum(part.height for part in parts)
    columns = tuple([_joined_columns([part.columns[place] for part in parts]) for place in range(len(first.columns))])
    return BufferedColumns(first.names, columns, height)


def _joined_columns(parts: list[Column]) -> Column:
    code = parts[0].format
    rows = sum(part.length for part in parts)
    valid = None
    if any(part.valid is not None for part in parts):
        valid = np.concatenate([np.ones(part.length, np.bool_) if part.valid is None else part.valid for part in parts])
    match code:
        case "vu" | "vz":
            return _joined_strings(parts, valid, text=code == "vu")
        case "+s":
            names = [name for name, _ in parts[0].children]
            children = [
                (name, _joined_columns([part.children[place][1] for part in parts])) for place, name in enumerate(names)
            ]
            return Column(code, rows, (), valid, tuple(children))
        case "b":
            bits = [np.unpackbits(part.buffers[0], count=part.length, bitorder="little") for part in parts]
            return Column(code, rows, (np.packbits(np.concatenate(bits), bitorder="little"),), valid)
        case "+L":
            return _joined_lists(parts, rows, valid)
    return Column(code, rows, (np.concatenate([part.buffers[0].reshape(-1) for part in parts]),), valid)


def _joined_strings(parts: list[Column], valid: BoolArray | None, *, text: bool) -> Column:
    """Views are given the new numbers of the buffers that they point into."""
    views = np.concatenate([part.buffers[0].view(np.int32) for part in parts]).reshape(-1, 4)
    data: list[Uint8Array] = []
    row = 0
    for part in parts:
        own = views[row : row + part.length]
        if data:
            own[:, 2] += np.where(own[:, 0] > INLINE_BYTES, np.int32(len(data)), np.int32(0))
        data += part.buffers[1:-1]
        row += part.length
    return strings(views.reshape(-1).view(np.uint8), data, valid, text=text)


def _joined_lists(parts: list[Column], rows: int, valid: BoolArray | None) -> Column:
    """Each part's offsets go on from the end of those before it."""
    offsets = [np.zeros(1, np.int64)]
    end = 0
    for part in parts:
        own = part.buffers[0]
        offsets.append(own[1:] + end)
        end += int(own[-1])
    ((name, _),) = parts[0].children
    elements = _joined_columns([part.children[0][1] for part in parts])
    return Column("+L", rows, (np.concatenate(offsets),), valid, ((name, elements),))


def sliced(rows: Columnar, first: int, stop: int) -> Columnar:
    """The rows from `first` up to `stop`, in the memory of all."""
    if isinstance(rows, pl.DataFrame):
        return rows[first:stop]
    if isinstance(rows, Slice):
        return Slice(rows.whole, rows.first + first, stop - first)
    return Slice(rows, first, stop - first)


def gathered(rows: Columnar, places: npt.NDArray[np.int64]) -> Columnar:
    """The rows at these places, in their order."""
    if isinstance(rows, pl.DataFrame):
        index = pl.Series(places.astype(np.uint32))  # Polars' own type of index, which it need not check
        return pl.DataFrame([column[index] for column in rows.get_columns()])
    if isinstance(rows, LateColumns) and rows.take is not None and len(places):
        return rows.take(places)
    return LateColumns(
        rows.names,
        lambda place: gathered_column(rows.column(place), places),
        len(places),
        taken_from=(rows, places),
    )


def taken_from(rows: Columnar) -> tuple[BufferedColumns, Int64Array] | None:
    """Whose rows at which places these are, where they were gathered."""
    return rows.taken_from if isinstance(rows, LateColumns) else None


def gathered_column(column: Column, places: npt.NDArray[np.int64]) -> Column:
    """The values at these places, in their order."""
    valid = None if column.valid is None else column.valid[places]
    if column.format == "+s":
        children = tuple([(name, gathered_column(child, places)) for name, child in column.children])
        return Column("+s", len(places), (), valid, children)
    values, *rest = column.buffers
    if column.format == "+L":
        ((name, elements),) = column.children
        starts, lengths = values[places], values[places + 1] - values[places]
        offsets = np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths)))
        inner = np.repeat(starts - offsets[:-1], lengths) + np.arange(offsets[-1])
        return Column("+L", len(places), (offsets,), valid, ((name, gathered_column(elements, inner)),))
    if column.format == "b":
        bits = np.unpackbits(values, count=column.length, bitorder="little")
        return Column("b", len(places), (np.packbits(bits[places], bitorder="little"),), valid)
    width = len(values) // max(column.length, 1)
    if width > 1:  # bytes
        taken = values.reshape(-1, width).view(_WORDS[width]).take(places, axis=0).reshape(-1).view(np.uint8)
    else:
        taken = values.take(places, axis=0)
    return Column(column.format, len(places), (taken, *rest), valid)


_WORDS: dict[int, str] = {2: "u2", 4: "u4", 8: "u8", 16: "u8"}
"""What values of so many bytes are moved as."""


def sliced_column(column: Column, first: int, stop: int) -> Column:
    """The values from `first` up to `stop`, in the memory of all."""
    valid = None if column.valid is None else column.valid[first:stop]
    if column.format == "+s":
        children = tuple([(name, sliced_column(child, first, stop)) for name, child in column.children])
        there, _ = column.addresses()
        return Column("+s", stop - first, (), valid, children, (there + first if there else 0, ()))
    values, *rest = column.buffers
    if column.format == "+L":
        ((name, elements),) = column.children
        inner = sliced_column(elements, int(values[first]), int(values[stop]))
        return Column("+L", stop - first, (values[first : stop + 1] - values[first],), valid, ((name, inner),))
    if column.format == "b":
        bits = np.unpackbits(values, count=column.length, bitorder="little")[first:stop]
        return Column("b", stop - first, (np.packbits(bits, bitorder="little"),), valid)
    width = len(values) // max(column.length, 1)
    there, (start, *others) = column.addresses()
    addresses = there + first if there else 0, (start + first * width * values.strides[0], *others)
    return Column(column.format, stop - first, (values[first * width : stop * width], *rest), valid, (), addresses)
