"""Where in memory the values are that a program reads: in the buffers of kernels, or in a frame of Polars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from riacho.formats.arrow import Buffers, Column, frame_buffers, memory_at, view_data
from riacho.formats.buffered import Columnar, Slice, located_all
from riacho.kernels.program_memory import SOURCE_COLUMNS, SOURCE_OFFSET

Int64Array = npt.NDArray[np.int64]
Uint8Array = npt.NDArray[np.uint8]

Places = Mapping[tuple[int, ...], Column | Buffers]
Path = tuple[int, ...]


class _Located(NamedTuple):
    """Where some rows have the values, and the kernel's tables of that without derived columns."""

    rows: Columnar
    places: Places
    owner: object
    input: Input


class Inputs:
    """The values at these paths of whatever batch; a path whose first place is past `width` is in a derived column.

    The kernel's table of addresses begins with those of `texts`.
    """

    def __init__(self, paths: Sequence[Path], width: int, texts: Sequence[int]) -> None:
        self._paths = [path for path in paths if path[0] < width]
        self._derived = [path[0] - width for path in paths if path[0] >= width]
        assert list(paths) == [*self._paths, *((width + number,) for number in self._derived)]
        self._width = width
        self._texts = list(texts)
        self._roots = sorted({path[0] for path in self._paths})
        self._parents = [self._paths.index(path[:-1]) + 1 if len(path) > 1 else 0 for path in self._paths]
        """As the kernel's table of sources has them."""
        self._whole: _Located | None = None
        """The rows that the last batch was a part of: often the next one is, too."""

    def of(self, rows: Columnar, derived: Sequence[Column]) -> Input:
        """Those of some rows, and of the derived columns for them."""
        if not isinstance(rows, Slice):
            return self._input(*self._found(rows), 0, derived)
        whole, first = rows.whole, rows.first
        located = self._whole
        if located is None or located.rows is not whole:
            places, owner = self._found(whole)
            located = self._whole = _Located(whole, places, owner, self._input(places, owner, 0, ()))
        if self._derived:
            return self._input(dict(located.places), located.owner, first, derived)
        known = located.input
        sources = known.sources
        if first:
            sources = sources.copy()
            sources[SOURCE_OFFSET::SOURCE_COLUMNS] += first
        return Input(known.places, known.owner, first, self._width, sources, known.addresses)

    def _found(self, rows: Columnar) -> tuple[dict[Path, Column | Buffers], object]:
        """Where the given columns are, and what keeps their memory alive."""
        if not isinstance(rows, pl.DataFrame):
            if (located := located_all(rows, self._roots)) is not None:
                return {(root,): found for root, found in zip(self._roots, located, strict=True)}, rows
            return {(root,): rows.column(root) for root in self._roots}, None
        if not self._roots:
            return {}, None
        roots = self._roots
        found, owner = frame_buffers(rows[:, roots] if len(roots) < rows.width else rows)
        return {(root,): buffers for root, buffers in zip(roots, found, strict=True)}, owner

    def _input(
        self, places: dict[Path, Column | Buffers], owner: object, first: int, derived: Sequence[Column]
    ) -> Input:
        """The tables of the given columns, from their row `first` on, and of the derived ones for these rows."""
        addresses = list(self._texts)
        lines: list[int] = []
        for path, parent in zip(self._paths, self._parents, strict=True):
            if parent:  # a ROW's place comes before those of its fields
                around = places[path[:-1]]
                places[path] = around.children[path[-1]][1] if isinstance(around, Column) else around.children[path[-1]]
            lines += _line(places[path], first, parent, addresses)
        for number in self._derived if derived else ():
            places[self._width + number,] = derived[number]
            lines += _line(derived[number], 0, 0, addresses)
        # By way of lists: setting an array's elements one by one costs a small batch more than the kernel.
        sources, table = np.array(lines, np.int64), np.array(addresses or [0], np.int64)
        return Input(places, owner, first, self._width, sources, table)


def _line(
    place: Column | Buffers, first: int, parent: int, addresses: list[int]
) -> tuple[int, int, int, int, int, int]:
    """A line of the kernel's table of sources; the addresses of a string's buffers are appended to theirs."""
    known = len(addresses)
    if isinstance(place, Buffers):
        addresses += place.data[1:-1]  # the last one holds the others' sizes
        return (place.valid, place.data[0] if place.data else 0, place.offset + first, known, parent, 0)
    there, buffers = place.addresses()
    addresses += buffers[1:-1]
    return (there, buffers[0] if buffers else 0, first, known, parent, 1)


class Input(NamedTuple):
    """The memory of one batch, whose rows are those from `first` on, and the kernel's tables of it."""

    places: Places
    owner: object
    first: int
    width: int
    sources: Int64Array
    addresses: Int64Array

    def values(self, path: Path, width: int, rows: int) -> Uint8Array:
        """A value of so many bytes a row, as the input has it."""
        place, first = self.places[path], self.first if path[0] < self.width else 0
        if isinstance(place, Column):
            values: Uint8Array = place.buffers[0].reshape(-1).view(np.uint8)
            return values[first * width : (first + rows) * width]
        return memory_at(place.data[0] + (place.offset + first) * width, rows * width, self.owner)

    def texts(self, path: Path) -> list[Uint8Array]:
        """The buffers that a string's views point into."""
        place = self.places[path]
        return list(place.buffers[1:-1]) if isinstance(place, Column) else view_data(place, self.owner)

    def all_texts(self) -> list[Uint8Array]:
        """Those of all strings, in the order of the table of addresses."""
        found: list[Uint8Array] = []
        for path in sorted(self.places):
            found += self.texts(path)
        return found
