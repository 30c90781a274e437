"""Strings kept in one arena and known by number: interning, copying out, moving together."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import BYTES, READ_BOOL, READ_INT64, READ_UINT64, inner, kernel
from riacho.kernels.primitives import (
    copy_bytes,
    copy_from_address,
    int64,
    load_byte_at,
    load_word,
    load_word_at,
    uint64,
)

Bytes = NDArray[np.uint8]
Bools = NDArray[np.bool_]
Hashes = NDArray[np.uint64]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]

# The counters that `intern_views` reads and moves: the first three mean what they mean in `key_index`.
IDS_USED: Final = 0
FREE_COUNT: Final = 1
TABLE_USED: Final = 2
BYTES_USED: Final = 3
"""Bytes of the arena that are taken."""
NEW_COUNT: Final = 4
"""Ids made in this call."""
COUNTERS: Final = 5

RECENT: Final = 512
"""Views whose numbers a batch remembers, each by its hash: 12 kB, which stay in the nearest cache."""

_RECENT_SHIFT: Final = uint64(64 - 9)

_SLOT: Final = uint64(0xFFFFFFFF)
_HIGH: Final = uint64(0xFFFFFFFF00000000)
_GOLDEN: Final = uint64(0x9E3779B97F4A7C15)
_MULTIPLIER_1: Final = uint64(0xBF58476D1CE4E5B9)
_MULTIPLIER_2: Final = uint64(0x94D049BB133111EB)


@inner
def _view_address(views: Bytes, layout: Int32s, addresses: Hashes, row: int, length: int) -> int:
    """Where the bytes of a view are: in itself up to 12, else in the buffer that it names."""
    if length <= 12:
        return uint64(views.ctypes.data) + uint64(16 * row + 4)
    return uint64(addresses[layout[4 * row + 2]]) + uint64(layout[4 * row + 3])


@inner
def _mix(value: int) -> int:
    """SplitMix64's finalizer: every input bit changes about half of the output bits."""
    value ^= value >> uint64(30)
    value *= _MULTIPLIER_1
    value ^= value >> uint64(27)
    value *= _MULTIPLIER_2
    return value ^ (value >> uint64(31))


@inner
def _hash_inline(head: int, tail: int, length: int) -> int:
    """The hash of a string that its view holds itself; what stands behind its end does not count."""
    if length <= 4:
        tail = uint64(0)
        head &= _below(uint64(8 * (length + 4)))
    else:
        tail &= _below(uint64(8 * (length - 4)))
    return _mix((_mix(head + _GOLDEN) + _GOLDEN) ^ tail)


@inner
def _below(bits: int) -> int:
    """As many of the lowest bits, up to all 64."""
    return ~uint64(0) if bits >= uint64(64) else (uint64(1) << bits) - uint64(1)


@inner
def _hash_bytes(address: int, length: int) -> int:
    value = uint64(length)
    at = 0
    while at + 8 <= length:
        value = _mix((value + _GOLDEN) ^ load_word_at(address + uint64(at)))
        at += 8
    word = uint64(0)
    shift = uint64(0)
    while at < length:
        word |= uint64(load_byte_at(address + uint64(at))) << shift
        shift += uint64(8)
        at += 1
    return _mix((value + _GOLDEN) ^ word)


@inner
def _same(arena: Bytes, start: int, address: int, length: int) -> bool:
    at = 0
    while at + 8 <= length:
        if load_word(arena, start + at) != load_word_at(address + uint64(at)):
            return False
        at += 8
    while at < length:
        if arena[start + at] != load_byte_at(address + uint64(at)):
            return False
        at += 1
    return True


@inner
def _find(
    table: Hashes, hashed: int, arena: Bytes, starts: Int64s, lengths: Int64s, address: int, length: int
) -> tuple[int, int]:
    """(id, −1) where the string is, or (−1, place of the free entry that ends its chain)."""
    mask = uint64(table.size - 1)
    place = (hashed >> uint64(32)) & mask
    high = hashed & _HIGH
    while True:
        entry = table[place]
        if entry == uint64(0):
            return int64(-1), int64(place)
        if (entry & _HIGH) == high and (entry & _SLOT) != _SLOT:
            found = int64(entry & _SLOT) - 1
            if lengths[found] == length and _same(arena, starts[found], address, length):
                return found, int64(-1)
        place = (place + uint64(1)) & mask


@kernel(
    f"int64({BYTES}, {READ_UINT64}, {READ_BOOL}, int64, uint64[:, ::1], uint64[::1], {READ_UINT64}, uint8[::1], "
    "int64[::1], int64[::1], uint64[::1], int64[::1], int64[::1], int64[::1], int64[::1])"
)
def intern_views(
    views: Bytes,
    addresses: Hashes,
    valid: Bools,
    first: int,
    recent: Hashes,
    table: Hashes,
    old: Hashes,
    arena: Bytes,
    starts: Int64s,
    lengths: Int64s,
    id_hash: Hashes,
    free: Int64s,
    counters: Int64s,
    ids: Int64s,
    new_ids: Int64s,
) -> int:
    """The number of each string from row `first` on, copied into the arena where it is new; −1 for null.

    `valid` is empty where no row is null. Equal views are looked up once in a while: `recent` has, by a hash of the
    view, its two words and the string's number plus one; it begins as zeros with each batch. Returns the row before
    which it stopped because the table, the numbers or the arena are full, else the number of rows.
    """
    layout = views.view(np.int32)
    limit = table.size // 2
    for row in range(first, ids.size):
        if valid.size > 0 and not valid[row]:
            ids[row] = -1
            continue
        head, tail = load_word(views, 16 * row), load_word(views, 16 * row + 8)
        spot = int64(((head ^ (tail * _MULTIPLIER_1)) * _GOLDEN) >> _RECENT_SHIFT)
        if recent[spot, 0] == head and recent[spot, 1] == tail and recent[spot, 2] != uint64(0):
            ids[row] = int64(recent[spot, 2]) - 1
            continue
        length = int64(layout[4 * row])
        address = _view_address(views, layout, addresses, row, length)
        hashed = _hash_inline(head, tail, length) if length <= 12 else _hash_bytes(address, length)
        found, place = _find(table, hashed, arena, starts, lengths, address, length)
        if found < 0 and old.size > 0:
            found, _ = _find(old, hashed, arena, starts, lengths, address, length)
        if found < 0:
            if counters[2] >= limit or counters[3] + length > arena.size:
                return row
            if counters[1] > 0:
                counters[1] -= 1
                found = free[counters[1]]
            elif counters[0] < starts.size:
                found = counters[0]
                counters[0] += 1
            else:
                return row
            start = counters[3]
            copy_from_address(arena, start, address, length)
            counters[3] += length
            starts[found] = start
            lengths[found] = length
            id_hash[found] = hashed
            table[place] = (hashed & _HIGH) | uint64(found + 1)
            counters[2] += 1
            new_ids[counters[4]] = found
            counters[4] += 1
        recent[spot, 0] = head
        recent[spot, 1] = tail
        recent[spot, 2] = uint64(found + 1)
        ids[row] = found
    return ids.size


@kernel(f"int64({READ_INT64}, {READ_INT64}, {READ_INT64}, {BYTES}, int32[:, ::1], uint8[::1])")
def copy_views(ids: Int64s, starts: Int64s, lengths: Int64s, arena: Bytes, views: Int32s, out: Bytes) -> int:
    """Write string views for these numbers, their bytes over 12 into `out`; returns how many bytes those are.

    Call it with an empty `out` first to learn the size. −1 gives an empty string.
    """
    used = int64(0)
    for row in range(ids.size):
        if ids[row] < 0:
            views[row, :] = 0
            continue
        start = starts[ids[row]]
        length = lengths[ids[row]]
        if out.size == 0 and length > 12:
            used += length
            continue
        view = views[row].view(np.uint8)
        views[row, 0] = length
        if length <= 12:
            views[row, 1:] = 0
            for i in range(length):
                view[4 + i] = arena[start + i]
        else:
            for i in range(4):
                view[4 + i] = arena[start + i]
            views[row, 2] = 0
            views[row, 3] = used
            copy_bytes(out, used, arena, start, length)
            used += length
    return used


@kernel(f"void({READ_INT64}, int64, int64[::1])")
def add_references(ids: Int64s, change: int, references: Int64s) -> None:
    """Add `change` to the reference count of each id, as often as it appears; −1 is passed over."""
    for index in range(ids.size):
        if ids[index] >= 0:
            references[ids[index]] += change


@kernel(f"int64({READ_INT64}, {READ_INT64}, int64[::1], int64[::1])")
def unreferenced(ids: Int64s, references: Int64s, lengths: Int64s, out: Int64s) -> int:
    """Those of the ids, each once, that nothing refers to, marked as free by the length −1; returns how many.

    `out` holds them and behind its first half, at the same place, their lengths.
    """
    count = 0
    half = out.size // 2
    for index in range(ids.size):
        found = ids[index]
        if found < 0 or references[found] != 0 or lengths[found] < 0:
            continue
        out[count] = found
        out[half + count] = lengths[found]
        lengths[found] = -1
        count += 1
    return count


@kernel(f"int64({READ_INT64}, int64[::1], {BYTES}, uint8[::1])")
def move_strings(lengths: Int64s, starts: Int64s, arena: Bytes, out: Bytes) -> int:
    """Copy every string with a length of 0 or more into `out`, one after another; returns the bytes used."""
    used = int64(0)
    for index in range(lengths.size):
        length = lengths[index]
        if length < 0:
            continue
        start = starts[index]
        copy_bytes(out, used, arena, start, length)
        starts[index] = used
        used += length
    return used
