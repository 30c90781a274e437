"""Where in memory the values are that a program reads: in the buffers of kernels, or in a frame of Polars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from riacho.formats.arrow import Buffers, Column, frame_buffers, memory_at, view_data
from riacho.formats.buffered import Columnar

Int64Array = npt.NDArray[np.int64]
Uint8Array = npt.NDArray[np.uint8]


class Inputs:
    """The values at these paths of whatever batch; a path whose first place is past `width` is in a derived column."""

    def __init__(self, paths: Sequence[tuple[int, ...]], width: int) -> None:
        self._paths = list(paths)
        self._width = width
        self._roots = sorted({path[0] for path in paths if path[0] < width})
        self._parents = [self._paths.index(path[:-1]) + 1 if len(path) > 1 else 0 for path in self._paths]
        """As the kernel's table of sources has them."""

    def of(self, rows: Columnar, derived: Sequence[Column]) -> Input:
        """Those of some rows, and of the derived columns for them."""
        places: dict[tuple[int, ...], Column | Buffers] = {}
        owner: object = None
        if isinstance(rows, pl.DataFrame):
            roots = self._roots
            found: Sequence[Buffers] = ()
            if roots:
                found, owner = frame_buffers(rows[:, roots] if len(roots) < rows.width else rows)
            places |= {(root,): buffers for root, buffers in zip(roots, found, strict=True)}
        else:
            places |= {(root,): rows.columns[root] for root in self._roots}
        places |= {(self._width + number,): column for number, column in enumerate(derived)}
        for path in self._paths:  # a ROW's comes before those of its fields
            if len(path) > 1:
                around = places[path[:-1]]
                place = path[-1]
                places[path] = around.children[place][1] if isinstance(around, Column) else around.children[place]
        return Input(self._paths, self._parents, places, owner)


@dataclass(frozen=True, slots=True)
class Input:
    """The memory of one batch."""

    _paths: list[tuple[int, ...]]
    _parents: list[int]
    _places: dict[tuple[int, ...], Column | Buffers]
    _owner: object

    def tables(self, texts: list[int]) -> tuple[Int64Array, Int64Array]:
        """The kernel's tables of sources and of addresses, which begin with those of `texts`.

        By way of a list: setting an array's elements one by one costs a small batch more than the kernel.
        """
        sources: list[int] = []
        addresses = list(texts)
        for path, parent in zip(self._paths, self._parents, strict=True):
            place = self._places[path]
            if isinstance(place, Buffers):
                data = place.data[0] if place.data else 0
                sources += (place.valid, data, place.offset, len(addresses), parent, 0)
                addresses += place.data[1:-1]  # the last one holds the others' sizes
                continue
            there, buffers = place.addresses()
            sources += (there, buffers[0] if buffers else 0, 0, len(addresses), parent, 1)
            addresses += buffers[1:-1]
        return np.array(sources, np.int64), np.array(addresses or [0], np.int64)

    def values(self, path: tuple[int, ...], width: int, rows: int) -> Uint8Array:
        """A value of so many bytes a row, as the input has it."""
        place = self._places[path]
        if isinstance(place, Column):
            return place.buffers[0].reshape(-1).view(np.uint8)
        return memory_at(place.data[0] + place.offset * width, rows * width, self._owner)

    def texts(self, path: tuple[int, ...]) -> list[Uint8Array]:
        """The buffers that a string's views point into."""
        place = self._places[path]
        return list(place.buffers[1:-1]) if isinstance(place, Column) else view_data(place, self._owner)

    def all_texts(self) -> list[Uint8Array]:
        """Those of all strings, in the order of the table of addresses."""
        found: list[Uint8Array] = []
        for path in self._paths:
            found += self.texts(path)
        return found
