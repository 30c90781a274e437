"""Open-addressed hash tables from hashes to slots, grown in bounded steps.

A table is an array of entries, its size a power of two, probed linearly. An entry is the upper half of a key's hash
and its slot number plus one; 0 is free, `TOMBSTONE` was removed. What a slot's key is, and so whether two keys are
equal, only the callers know. While a table grows, the old one stays readable: its entries are copied a few at a time
(`copy_entries`), new keys go to the new one, and a key counts as known when either has it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import READ_INT64, READ_UINT64, inner, kernel
from riacho.kernels.primitives import int64, prefetch, uint64

Hashes = NDArray[np.uint64]
Int64s = NDArray[np.int64]

MAX_SLOTS: Final = 2**32 - 3
"""Slots are 32 bits in an entry; 0 and the tombstone take two numbers."""

_FAR: Final = 16
"""How many entries ahead the place of a copy is fetched."""

_TOMBSTONE: Final = uint64(0xFFFFFFFF)
_SLOT: Final = uint64(0xFFFFFFFF)
_HIGH: Final = uint64(0xFFFFFFFF00000000)


@inner
def _entry(hashed: int, slot: int) -> int:
    return (hashed & _HIGH) | uint64(slot + 1)


@kernel(f"int64({READ_UINT64}, uint64[::1], int64, int64)")
def copy_entries(old: Hashes, table: Hashes, start: int, end: int) -> int:
    """Copy the old table's entries `start` to `end` into the new table; returns how many there were."""
    mask = uint64(table.size - 1)
    copied = 0
    for place in range(start, end):
        if place + _FAR < end:
            prefetch(table, int64((old[place + _FAR] >> uint64(32)) & mask))
        entry = old[place]
        if entry == uint64(0) or entry == _TOMBSTONE:
            continue
        at = (entry >> uint64(32)) & mask
        while table[at] != uint64(0):
            at = (at + uint64(1)) & mask
        table[at] = entry
        copied += 1
    return copied


@kernel(f"int64(uint64[::1], {READ_UINT64}, {READ_INT64})")
def erase_entries(table: Hashes, hashes: Hashes, slots: Int64s) -> int:
    """Replace the entries of these slots, whose keys have these hashes, by tombstones; returns how many were there."""
    mask = uint64(table.size - 1)
    erased = 0
    for index in range(slots.size):
        wanted = _entry(hashes[index], slots[index])
        at = (wanted >> uint64(32)) & mask
        while table[at] != uint64(0):
            if table[at] == wanted:
                table[at] = _TOMBSTONE
                erased += 1
                break
            at = (at + uint64(1)) & mask
    return erased


@kernel(f"void({READ_INT64}, {READ_UINT64}, uint64[::1])")
def insert_entries(slots: Int64s, hashes: Hashes, table: Hashes) -> None:
    """Enter slots whose keys are known to be distinct and absent, as a restore does."""
    mask = uint64(table.size - 1)
    for index in range(slots.size):
        hashed = hashes[index]
        at = (hashed >> uint64(32)) & mask
        while table[at] != uint64(0):
            at = (at + uint64(1)) & mask
        table[at] = _entry(hashed, slots[index])
