"""Kept rows found by their whole content: which slot holds a row equal to another."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import READ_INT64, READ_UINT64, inner, kernel
from riacho.kernels.primitives import int64, uint64
from riacho.kernels.row_words import hash_row, same_rows

Hashes = NDArray[np.uint64]
Int64s = NDArray[np.int64]
Words = NDArray[np.int64]

_LOW_32: Final = uint64(0xFFFFFFFF)


@kernel(f"void({READ_INT64}, int64[:, ::1], {READ_INT64}, {READ_UINT64}, uint64[::1])")
def hash_rows(slots: Int64s, store: Words, marks: Int64s, chunks: Hashes, hashes: Hashes) -> None:
    """Write the hash of each row's values under its slot. `marks` marks the first words of views."""
    for i in range(slots.size):
        hashes[slots[i]] = hash_row(store, slots[i], marks, chunks)


@inner
def _find_row(table: Hashes, hashed: int, store: Words, slot: int, marks: Int64s, chunks: Hashes) -> tuple[int, int]:
    """(slot, −1) of an equal row, or (−1, place of the free entry that ends its chain)."""
    mask = uint64(table.size - 1)
    at = (hashed >> uint64(32)) & mask
    while True:
        entry = table[at]
        if entry == uint64(0):
            return int64(-1), int64(at)
        if (entry & ~_LOW_32) == (hashed & ~_LOW_32) and (entry & _LOW_32) != _LOW_32:
            other = int64(entry & _LOW_32) - 1
            if same_rows(store, slot, other, marks, chunks):
                return other, int64(-1)
        at = (at + uint64(1)) & mask


@kernel(
    f"int64({READ_INT64}, int64, int64[:, ::1], {READ_INT64}, {READ_UINT64}, {READ_UINT64}, uint64[::1], "
    f"{READ_UINT64}, int64[::1], int64[::1])"
)
def find_rows(
    slots: Int64s,
    first: int,
    store: Words,
    marks: Int64s,
    chunks: Hashes,
    hashes: Hashes,
    table: Hashes,
    old: Hashes,
    counters: Int64s,
    found: Int64s,
) -> int:
    """For each row the slot of an equal one that is known, or its own, which is known from then on.

    `counters` holds how many entries of the table are not free. `old` is the table being replaced, or empty. Returns
    the position before which it stopped because the table is half full, else the number of slots.
    """
    for i in range(first, slots.size):
        slot = slots[i]
        hashed = hashes[slot]
        known, place = _find_row(table, hashed, store, slot, marks, chunks)
        if known < 0 and old.size > 0:
            known, _ = _find_row(old, hashed, store, slot, marks, chunks)
        if known < 0:
            if counters[0] >= table.size // 2:
                return i
            table[place] = (hashed & ~_LOW_32) | uint64(slot + 1)
            counters[0] += 1
            known = slot
        found[i] = known
    return slots.size
