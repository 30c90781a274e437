"""Which slot of a `RowStore` holds a row equal to another: for rows that are retracted by their content alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.hash_table import HashTable
from riacho.dataflow.state.rows import RowStore
from riacho.kernels.row_index import find_rows, hash_rows

Int64Array = npt.NDArray[np.int64]


class RowIndex:
    """Finds rows by all their values, whatever their hashes: null equals null, NaN NaN, and −0.0 is not 0.0.

    It has no state of its own: after the store was restored, `rebuild` it.
    """

    def __init__(self, store: RowStore) -> None:
        self._store = store
        self._table = HashTable()
        self._hashes = Growable(np.uint64)
        self._counters = np.zeros(1, np.int64)

    @property
    def bytes(self) -> int:
        return self._table.bytes + self._hashes.bytes

    def upsert(self, slots: Int64Array) -> Int64Array:
        """For each staged row the slot of an equal one that came before, else its own slot, which it is known by."""
        store, table = self._store, self._table
        marks, chunks = store.view_marks, store.chunk_addresses
        self._hashes.reserve(store.slots_used)
        hashes = self._hashes.values
        hash_rows(slots, store.words, marks, chunks, hashes)
        found = np.empty(len(slots), np.int64)
        table.advance(len(slots))
        done = 0
        while True:
            self._counters[0] = table.used
            done = find_rows(
                slots, done, store.words, marks, chunks, hashes, table.entries, table.old, self._counters, found
            )
            table.used = int(self._counters[0])
            if done == len(slots):
                return found
            table.replace(len(store))
            table.advance(len(slots))

    def remove(self, slots: Int64Array) -> None:
        """Forget these rows, each given once, before the store releases them."""
        self._table.erase(slots, self._hashes.values[slots])

    def rebuild(self, slots: Int64Array | None = None) -> None:
        """Enter these rows, or every row of the store, of which no two are equal."""
        store = self._store
        slots = store.live() if slots is None else slots
        self._hashes.reserve(store.slots_used)
        hash_rows(slots, store.words, store.view_marks, store.chunk_addresses, self._hashes.values)
        self._table.fill(slots, self._hashes.values[slots])
