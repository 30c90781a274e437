"""Which dense slot a key has: the index under every keyed operator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from riacho.dataflow.operator import StateArrays
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.hash_table import HashTable
from riacho.kernels.group_changes import take_columns
from riacho.kernels.key_index import (
    COUNTERS,
    FREE_COUNT,
    NEW_COUNT,
    SLOTS_USED,
    TABLE_USED,
    find_keys,
    upsert_keys,
)
from riacho.kernels.keys import hash_words

Int64Array = npt.NDArray[np.int64]
Uint64Array = npt.NDArray[np.uint64]

HashFunction = Callable[[Int64Array, Uint64Array], None]


class Upserted(NamedTuple):
    """`slots`: one per row. `new_rows`: the rows whose key was new, ascending."""

    slots: Int64Array
    new_rows: Int64Array


class KeyIndex:
    """Maps keys, rows of `width` 64-bit words, to slots counted from 0.

    A slot keeps its key until it is released, and is then given to another. Two keys share a slot only when all
    their words are equal, whatever their hashes.

    >>> index = KeyIndex(2)
    >>> index.upsert(np.array([[0, 7], [0, 8], [0, 7]])).slots.tolist()
    [0, 1, 0]
    """

    def __init__(self, width: int, *, expected: int = 0, hash_function: HashFunction = hash_words) -> None:
        """`expected`: about how many keys there will be, where that is known beforehand."""
        self._hash = hash_function
        self._width = width
        self._table = HashTable(expected)
        self._keys = Growable(np.int64, width=width)
        self._free = Growable(np.int64)
        self._counters = np.zeros(COUNTERS, np.int64)
        self._keys.reserve(max(expected, 64))

    def __len__(self) -> int:
        return int(self._counters[SLOTS_USED] - self._counters[FREE_COUNT])

    @property
    def slots_used(self) -> int:
        """One past the greatest slot ever given out: what arrays addressed by slot need room for."""
        return int(self._counters[SLOTS_USED])

    @property
    def keys(self) -> Int64Array:
        """The keys' words by slot; those of released slots mean nothing."""
        return self._keys.values

    @property
    def bytes(self) -> int:
        return self._table.bytes + self._keys.bytes + self._free.bytes

    def upsert(self, words: Int64Array) -> Upserted:
        """The slot of each row's key; a key that has none gets one, in order of rows."""
        slots = np.empty(len(words), np.int64)
        return Upserted(slots, self.upsert_into(slots, words, self._hashes(words)))

    def upsert_into(
        self, slots: Int64Array, words: Int64Array, hashes: Uint64Array, *, lacking: bool = False
    ) -> Int64Array:
        """Write the slot of each row's key, which has this hash; returns the rows whose key was new, ascending.

        `lacking`: those whose slot is `NO_KEY` have no key, and keep it.
        """
        rows = len(words)
        new_rows = np.empty(rows, np.int64)
        counters, table = self._counters, self._table
        counters[NEW_COUNT] = 0
        table.advance(rows)
        row = 0
        while row < rows:
            counters[TABLE_USED] = table.used
            row = upsert_keys(
                words,
                hashes,
                row,
                lacking,
                table.entries,
                table.old,
                self._keys.values,
                self._free.values,
                counters,
                slots,
                new_rows,
            )
            table.used = int(counters[TABLE_USED])
            if row == rows:
                break
            if table.full:
                table.replace(len(self))
                table.advance(rows)
            else:
                self._keys.reserve(self.slots_used + 1)
        return new_rows[: counters[NEW_COUNT]]

    def find(self, words: Int64Array) -> Int64Array:
        """The slot of each row's key, −1 where it has none."""
        slots = np.empty(len(words), np.int64)
        find_keys(words, self._hashes(words), self._table.entries, self._table.old, self._keys.values, slots)
        return slots

    def words_of(self, slots: Int64Array) -> Int64Array:
        """The keys of these slots, a row for each of their words."""
        words = np.empty((self._width, len(slots)), np.int64)
        take_columns(self._keys.values, slots, words)
        return words

    def release(self, slots: Int64Array) -> None:
        """Forget the keys of these slots, each given once, and free the slots for others."""
        self._table.erase(slots, self._hashes(self._keys.values[slots]))
        free = int(self._counters[FREE_COUNT])
        self._free.reserve(free + len(slots))
        self._free.values[free : free + len(slots)] = slots[::-1]  # the first one released is the first one reused
        self._counters[FREE_COUNT] += len(slots)

    def clear(self) -> None:
        """Forget all keys; slots are given out from 0 again.

        >>> index = KeyIndex(1)
        >>> _ = index.upsert(np.array([[5], [6]]))
        >>> index.clear()
        >>> len(index), index.upsert(np.array([[6], [5]])).slots.tolist()
        (0, [0, 1])
        """
        self._table.clear()
        self._counters.fill(0)

    def live(self) -> Int64Array:
        """The slots that have a key, ascending."""
        taken = np.ones(self.slots_used, np.bool_)
        taken[self._free.values[: self._counters[FREE_COUNT]]] = False
        return np.flatnonzero(taken)

    def _hashes(self, words: Int64Array) -> Uint64Array:
        hashes = np.empty(len(words), np.uint64)
        self._hash(words, hashes)
        return hashes

    def snapshot(self) -> StateArrays:
        return {
            "keys": self._keys.copy(self.slots_used),
            "free": self._free.copy(int(self._counters[FREE_COUNT])),
        }

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        keys, free = state["keys"], state["free"]
        self._keys.load(keys)
        self._free.load(free)
        self._counters[SLOTS_USED] = len(keys)
        self._counters[FREE_COUNT] = len(free)
        live = self.live()
        self._table.fill(live, self._hashes(self._keys.values[live]))
