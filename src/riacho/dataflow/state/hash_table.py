"""A hash table that grows in bounded steps: the shell around `kernels.table`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from riacho.dataflow.state.arena import fresh_bytes
from riacho.kernels.table import MAX_SLOTS, copy_entries, erase_entries, insert_entries

Int64Array = npt.NDArray[np.int64]
Uint64Array = npt.NDArray[np.uint64]

FIRST_SIZE = 1024

COPIED_PER_ROW = 8
"""Entries of a replaced table that are copied for each row looked up. A table that was replaced at half its size
takes at least a quarter of that many new keys before the next replacement, so 4 would do."""

COPIED_PER_CALL = 1024

READIED_PER_ROW = 16
"""Entries of the next table whose memory is touched for each row looked up. From three eighths full to half full are an
eighth of a table's size of new keys; in them the twice as many entries of the next one."""

ROOM_KEPT = 8
"""A cleared table stays as it is if it is not larger than so many times what its keys need."""

_PAGE = 512
"""Entries of the smallest page."""

BACKED_BYTES = 1 << 20
"""From this size on the memory of a new table, which is written to at random, is made ready in another thread."""


class HashTable:
    """Entries from hashes to slots. `entries` is written by kernels; `old` is empty unless it is being replaced."""

    __slots__ = ("_copied", "_dead", "_next", "_readied", "entries", "old", "used")

    def __init__(self, expected: int = 0) -> None:
        """A table for so many keys, and more."""
        self.entries: Uint64Array = _free_entries(_size_for(expected))
        self.old: Uint64Array = np.empty(0, np.uint64)
        self.used = 0
        """Entries that are not free, tombstones included."""
        self._copied = 0
        self._dead = 0
        """Tombstones among the entries."""
        self._next: Uint64Array = np.empty(0, np.uint64)
        """The table that will replace a large one. Keys go to places all over it: had its memory to be found then, a
        single pass would find it all."""
        self._readied = 0

    @property
    def bytes(self) -> int:
        return self.entries.nbytes + self.old.nbytes + 8 * self._readied

    @property
    def full(self) -> bool:
        """Whether no further key fits."""
        return self.used >= len(self.entries) // 2

    def replace(self, live: int) -> None:
        """Begin a new table for `live` keys and as many again; keys come over as rows are looked up."""
        assert live < MAX_SLOTS // 2, "a key index holds at most 2^31 keys"
        self._copy(len(self.old))
        size = len(self.entries)
        while live > size // 4:
            size *= 2
        self.old = self.entries
        self.entries = self._next if len(self._next) == size else _free_entries(size)
        self._next, self._readied = np.empty(0, np.uint64), 0
        self.used = 0
        self._copied = 0
        self._dead = 0

    def advance(self, rows: int) -> None:
        """Copy a bounded number of the replaced table's entries, in proportion to `rows` about to be looked up."""
        if len(self.old):
            self._copy(COPIED_PER_CALL + COPIED_PER_ROW * rows)
        elif self.used >= len(self.entries) // 8 * 3 and self.used - self._dead > len(self.entries) // 4:
            self._ready(READIED_PER_ROW * rows)

    def _ready(self, count: int) -> None:
        """Touch the memory of so many entries of the next table, if that will be a large one."""
        size = 2 * len(self.entries)
        if 8 * size < BACKED_BYTES:
            return
        if not len(self._next):
            self._next = _free_entries(size)
        end = min(self._readied + count, size)
        self._next[self._readied : end : _PAGE] = 0
        self._readied = end

    def _copy(self, count: int) -> None:
        if not len(self.old):
            return
        end = min(self._copied + count, len(self.old))
        self.used += copy_entries(self.old, self.entries, self._copied, end)
        self._copied = end
        if end == len(self.old):
            self.old = np.empty(0, np.uint64)

    def erase(self, slots: Int64Array, hashes: Uint64Array) -> None:
        """Forget the keys of these slots, which have these hashes."""
        self._dead += erase_entries(self.entries, hashes, slots)
        if len(self.old):
            erase_entries(self.old, hashes, slots)

    def clear(self) -> None:
        """Forget all keys, and keep the memory if about as many as there were would fill it."""
        size = _size_for(self.used)
        if size < len(self.entries) // ROOM_KEPT:
            self.entries = np.zeros(size, np.uint64)
        else:
            self.entries.fill(0)
        self.old = self._next = np.empty(0, np.uint64)
        self.used = self._dead = self._readied = 0

    def fill(self, slots: Int64Array, hashes: Uint64Array) -> None:
        """Enter the keys of a restored index: their slots and their hashes."""
        self.entries = np.zeros(_size_for(len(slots)), np.uint64)
        insert_entries(slots, hashes, self.entries)
        self.used, self._dead = len(slots), 0


def _size_for(keys: int) -> int:
    """A size of which so many keys take a quarter at most."""
    size = FIRST_SIZE
    while keys > size // 4:
        size *= 2
    return size


def _free_entries(size: int) -> Uint64Array:
    """A table without keys; the memory of a large one is made ready in another thread, too."""
    if 8 * size < BACKED_BYTES:
        return np.zeros(size, np.uint64)
    return fresh_bytes(8 * size).view(np.uint64)
