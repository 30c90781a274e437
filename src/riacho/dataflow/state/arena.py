"""Growable arrays: where all state lives. Growing a large one moves pages, not bytes."""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np
import numpy.typing as npt

from riacho.host.memory import back_memory, map_memory

MAPPED_BYTES = 1 << 20
"""From this size on an array has its own mapping, which the kernel can enlarge without copying it."""

MAX_GROWTH_BYTES = 64 << 20
"""Small arrays double; a large one grows by no more than this at a time."""

MAX_AHEAD_BYTES = 32 << 20
"""Of a mapped array half as much as is used, but no more than this, gets its memory before it is needed."""


def fresh_bytes(size: int) -> npt.NDArray[np.uint8]:
    """Bytes to be written to soon, a large number of them in a mapping of their own, whose memory is asked for."""
    if size < MAPPED_BYTES:
        return np.empty(size, np.uint8)
    fresh = np.frombuffer(map_memory(size), np.uint8)
    back_memory(fresh.__array_interface__["data"][0], size)
    return fresh


class Growable:
    """An array of one type that grows along its first axis; new elements are zero.

    `values` is replaced by growing, so nobody keeps it across a `reserve`.

    >>> counts = Growable(np.int64)
    >>> counts.reserve(3)
    >>> counts.values[2] = 7
    >>> counts.reserve(10_000)
    >>> int(counts.values[2]), int(counts.values[9_999])
    (7, 0)
    """

    __slots__ = ("_backed", "_mapping", "_type", "_width", "values")

    def __init__(self, kind: npt.DTypeLike, *, width: int | None = None) -> None:
        self._type = np.dtype(kind)
        self._width = width
        self._mapping: mmap.mmap | None = None
        self._backed = 0
        """So many elements have their memory, or it was asked for."""
        self.values: npt.NDArray[Any] = np.zeros(self._shape(0), self._type)

    def _shape(self, length: int) -> tuple[int, ...]:
        return (length,) if self._width is None else (length, self._width)

    @property
    def bytes(self) -> int:
        """Memory reserved, in bytes."""
        return self.values.nbytes

    def reserve(self, length: int) -> None:
        """Make room for at least `length` elements."""
        if length <= self._backed:
            return
        if length > len(self.values):
            self._grow(length)
        if self._mapping is None:
            self._backed = len(self.values)
        else:
            self._back(length)

    def _back(self, length: int) -> None:
        """Ask for the memory of what comes after the first `length` elements."""
        item = self.values.nbytes // len(self.values)
        ahead = min(length // 2, MAX_AHEAD_BYTES // item)
        end = min(length + ahead, len(self.values))
        start = max(length, self._backed)
        back_memory(self.values.__array_interface__["data"][0] + start * item, (end - start) * item)
        # Half of what is ahead is asked for anew, so that it is seldom asked.
        self._backed = len(self.values) if end == len(self.values) else length + ahead // 2

    def _grow(self, length: int) -> None:
        have = len(self.values)
        item = self._type.itemsize * (1 if self._width is None else self._width)
        wanted = max(length, min(2 * have, have + MAX_GROWTH_BYTES // item), 64)
        size = wanted * item
        if size < MAPPED_BYTES:
            grown = np.zeros(self._shape(wanted), self._type)
            grown[:have] = self.values
            self.values = grown
            return
        size = -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
        if self._mapping is None:
            mapping = map_memory(size)
            grown = self._view(mapping, size // item)
            grown[:have] = self.values
        else:
            mapping = self._mapping
            self.values = np.empty(self._shape(0), self._type)  # a mapping that is looked at cannot move
            mapping.resize(size)
            grown = self._view(mapping, size // item)
        self._mapping = mapping
        self.values = grown

    def _view(self, mapping: mmap.mmap, length: int) -> npt.NDArray[Any]:
        count = length if self._width is None else length * self._width
        return np.frombuffer(mapping, self._type, count).reshape(self._shape(length))

    def copy(self, length: int) -> npt.NDArray[Any]:
        """The first `length` elements, unaffected by later changes: what a snapshot takes."""
        return self.values[:length].copy()

    def load(self, values: npt.NDArray[Any]) -> None:
        """Take over what `copy` gave; for an array that is still empty."""
        self.reserve(len(values))
        self.values[: len(values)] = values
