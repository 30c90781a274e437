"""A hash table that grows in bounded steps: the shell around `kernels.table`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from riacho.host.memory import back_memory
from riacho.kernels.table import MAX_SLOTS, copy_entries, erase_entries, insert_entries

Int64Array = npt.NDArray[np.int64]
Uint64Array = npt.NDArray[np.uint64]

FIRST_SIZE = 1024

COPIED_PER_ROW = 8
"""Entries of a replaced table that are copied for each row looked up. A table that was replaced at half its size
takes at least a quarter of that many new keys before the next replacement, so 4 would do."""

COPIED_PER_CALL = 1024

BACKED_BYTES = 1 << 20
"""From this size on the memory of a new table, which is written to at random, is made ready in another thread."""


class HashTable:
    """Entries from hashes to slots. `entries` is written by kernels; `old` is empty unless it is being replaced."""

    __slots__ = ("_copied", "entries", "old", "used")

    def __init__(self) -> None:
        self.entries: Uint64Array = np.zeros(FIRST_SIZE, np.uint64)
        self.old: Uint64Array = np.empty(0, np.uint64)
        self.used = 0
        """Entries that are not free, tombstones included."""
        self._copied = 0

    @property
    def bytes(self) -> int:
        return self.entries.nbytes + self.old.nbytes

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
        self.entries = np.zeros(size, np.uint64)
        if self.entries.nbytes >= BACKED_BYTES:
            back_memory(self.entries.ctypes.data, self.entries.nbytes)
        self.used = 0
        self._copied = 0

    def advance(self, rows: int) -> None:
        """Copy a bounded number of the replaced table's entries, in proportion to `rows` about to be looked up."""
        if len(self.old):
            self._copy(COPIED_PER_CALL + COPIED_PER_ROW * rows)

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
        erase_entries(self.entries, hashes, slots)
        if len(self.old):
            erase_entries(self.old, hashes, slots)

    def fill(self, slots: Int64Array, hashes: Uint64Array) -> None:
        """Enter the keys of a restored index: their slots and their hashes."""
        size = FIRST_SIZE
        while len(slots) > size // 4:
            size *= 2
        self.entries = np.zeros(size, np.uint64)
        insert_entries(slots, hashes, self.entries)
        self.used = len(slots)
