"""Where in memory the values are that a program reads: in the buffers of kernels, or in a frame of Polars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from riacho.formats.arrow import Buffers, Column, frame_buffers, memory_at, view_data
from riacho.formats.buffered import Columnar, LateColumns
from riacho.kernels.program_memory import SOURCE_COLUMNS, SOURCE_OFFSET

Int64Array = npt.NDArray[np.int64]
Uint8Array = npt.NDArray[np.uint8]

Places = Mapping[tuple[int, ...], Column | Buffers]
Path = tuple[int, ...]


class _Located(NamedTuple):
    """Where some rows have the values, and the kernel's tables of it: a line a path, and the addresses of strings."""

    rows: Columnar
    places: Places
    owner: object
    sources: Int64Array
    addresses: list[int]
    address_table: Int64Array


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
        first = 0
        if isinstance(rows, LateColumns) and rows.part_of is not None:
            whole, first = rows.part_of
            if self._whole is None or self._whole.rows is not whole:
                self._whole = self._locate(whole)
            located = self._whole
        else:
            located = self._locate(rows)
        sources = located.sources
        if first:
            sources = sources.copy()
            sources[SOURCE_OFFSET::SOURCE_COLUMNS] += first
        if not self._derived:
            return Input(located.places, located.owner, first, self._width, sources, located.address_table)
        chosen = [derived[number] for number in self._derived]
        places = dict(located.places)
        places |= {(self._width + number,): column for number, column in zip(self._derived, chosen, strict=True)}
        addresses = list(located.addresses)
        lines: list[int] = []
        for column in chosen:
            lines += _line(column, 0, addresses)
        sources = np.concatenate((sources, np.array(lines, np.int64)))
        return Input(places, located.owner, first, self._width, sources, _table(addresses))

    def _locate(self, rows: Columnar) -> _Located:
        places: dict[Path, Column | Buffers] = {}
        owner: object = None
        if isinstance(rows, pl.DataFrame):
            roots = self._roots
            found: Sequence[Buffers] = ()
            if roots:
                found, owner = frame_buffers(rows[:, roots] if len(roots) < rows.width else rows)
            places |= {(root,): buffers for root, buffers in zip(roots, found, strict=True)}
        else:
            places |= {(root,): rows.column(root) for root in self._roots}
        addresses = list(self._texts)
        lines: list[int] = []
        for path, parent in zip(self._paths, self._parents, strict=True):
            if parent:  # a ROW's place comes before those of its fields
                around = places[path[:-1]]
                places[path] = around.children[path[-1]][1] if isinstance(around, Column) else around.children[path[-1]]
            lines += _line(places[path], parent, addresses)
        # By way of a list: setting an array's elements one by one costs a small batch more than the kernel.
        sources = np.array(lines, np.int64)
        return _Located(rows, places, owner, sources, addresses, _table(addresses))


def _line(place: Column | Buffers, parent: int, addresses: list[int]) -> tuple[int, int, int, int, int, int]:
    """A line of the kernel's table of sources; the addresses of a string's buffers are appended to theirs."""
    known = len(addresses)
    if isinstance(place, Buffers):
        addresses += place.data[1:-1]  # the last one holds the others' sizes
        return (place.valid, place.data[0] if place.data else 0, place.offset, known, parent, 0)
    there, buffers = place.addresses()
    addresses += buffers[1:-1]
    return (there, buffers[0] if buffers else 0, 0, known, parent, 1)


def _table(addresses: list[int]) -> Int64Array:
    return np.array(addresses or [0], np.int64)


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
