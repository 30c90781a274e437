"""Keys to dense slots: rows of 64-bit words, compared word by word, so colliding hashes cannot confuse two keys."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import READ_UINT64, inlined, kernel
from riacho.kernels.keys import NO_KEY, READ_WORDS
from riacho.kernels.primitives import int64, prefetch, uint64

Hashes = NDArray[np.uint64]
Int64s = NDArray[np.int64]
Words = NDArray[np.int64]

# The counters that `upsert_keys` reads and moves.
SLOTS_USED: Final = 0
"""Slots ever given out: the next fresh one."""
FREE_COUNT: Final = 1
"""Released slots on the free list, taken before fresh ones."""
TABLE_USED: Final = 2
"""Entries of the table that are not free, tombstones included."""
NEW_COUNT: Final = 3
"""Rows of this call that made a slot."""
COUNTERS: Final = 4

_FAR: Final = 16
_NEAR: Final = 8
"""How many rows ahead entries, and then keys, are fetched: some 100 ns of work."""

_SLOT: Final = uint64(0xFFFFFFFF)
_HIGH: Final = uint64(0xFFFFFFFF00000000)


@inlined
def _equal(keys: Words, slot: int, words: Words, row: int) -> bool:
    for column in range(words.shape[1]):
        if keys[slot, column] != words[row, column]:
            return False
    return True


@inlined
def _find(table: Hashes, hashed: int, keys: Words, words: Words, row: int) -> tuple[int, int]:
    """(slot, −1) where the key is, or (−1, place of the free entry that ends its chain)."""
    mask = uint64(table.size - 1)
    at = (hashed >> uint64(32)) & mask
    high = hashed & _HIGH
    while True:
        entry = table[at]
        if entry == uint64(0):
            return int64(-1), int64(at)
        if (entry & _HIGH) == high and (entry & _SLOT) != _SLOT:
            slot = int64(entry & _SLOT) - 1
            if _equal(keys, slot, words, row):
                return slot, int64(-1)
        at = (at + uint64(1)) & mask


@kernel(
    f"int64({READ_WORDS}, {READ_UINT64}, int64, boolean, uint64[::1], {READ_UINT64}, int64[:, ::1], int64[::1], "
    "int64[::1], int64[::1], int64[::1])"
)
def upsert_keys(
    words: Words,
    hashes: Hashes,
    first: int,
    lacking: bool,
    table: Hashes,
    old: Hashes,
    keys: Words,
    free: Int64s,
    counters: Int64s,
    slots: Int64s,
    new_rows: Int64s,
) -> int:
    """The slot of each row's key from row `first` on, made where the key is new; often it is that of the row before.

    Returns the row before which it stopped, because the table is half full or no slot is left, else the number of
    rows. `old` is the table being replaced, empty when there is none. `lacking`: rows whose slot is `NO_KEY` have no
    key, and keep it.
    """
    limit = table.size // 2
    mask = uint64(table.size - 1)
    rows = words.shape[0]
    for row in range(first, rows):
        # The entry of a later row, and the key that an earlier one of those led to: they are not in the caches.
        if row + _FAR < rows:
            prefetch(table, int64((hashes[row + _FAR] >> uint64(32)) & mask))
            if old.size > 0:
                prefetch(old, int64((hashes[row + _FAR] >> uint64(32)) & uint64(old.size - 1)))
        if row + _NEAR < rows:
            entry = table[(hashes[row + _NEAR] >> uint64(32)) & mask]
            if entry != uint64(0) and (entry & _SLOT) != _SLOT:
                prefetch(keys, (int64(entry & _SLOT) - 1) * keys.shape[1])
        if lacking and slots[row] == NO_KEY:
            continue
        if (
            row > first
            and slots[row - 1] >= 0
            and hashes[row] == hashes[row - 1]
            and _equal(keys, slots[row - 1], words, row)
        ):
            slots[row] = slots[row - 1]
            continue
        slot, place = _find(table, hashes[row], keys, words, row)
        if slot < 0 and old.size > 0:
            slot, _ = _find(old, hashes[row], keys, words, row)
        if slot < 0:
            if counters[2] >= limit:
                return row
            if counters[1] > 0:
                counters[1] -= 1
                slot = free[counters[1]]
            elif counters[0] < keys.shape[0]:
                slot = counters[0]
                counters[0] += 1
            else:
                return row
            for column in range(words.shape[1]):
                keys[slot, column] = words[row, column]
            table[place] = (hashes[row] & _HIGH) | uint64(slot + 1)
            counters[2] += 1
            new_rows[counters[3]] = row
            counters[3] += 1
        slots[row] = slot
    return int64(words.shape[0])


@kernel(f"void({READ_WORDS}, {READ_UINT64}, {READ_UINT64}, {READ_UINT64}, {READ_WORDS}, int64[::1])")
def find_keys(words: Words, hashes: Hashes, table: Hashes, old: Hashes, keys: Words, slots: Int64s) -> None:
    """The slot of each row's key, −1 where it has none."""
    for row in range(words.shape[0]):
        slot, _ = _find(table, hashes[row], keys, words, row)
        if slot < 0 and old.size > 0:
            slot, _ = _find(old, hashes[row], keys, words, row)
        slots[row] = slot
