"""Rows kept in state: taken in from Arrow buffers, their strings moved into chunks."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import READ_INT64, READ_TABLE, READ_UINT64, inner, kernel
from riacho.kernels.primitives import (
    copy_from_address,
    int64,
    load_byte_at,
    load_word_at,
    prefetch_at,
    uint64,
)
from riacho.kernels.row_words import (
    BIT,
    FLOAT64,
    FREE_ROW,
    INLINE_BYTES,
    INT8,
    INT16,
    INT32,
    INT64,
    LEAF_KIND,
    LEAF_NULL_BIT,
    LEAF_NULL_WORD,
    LEAF_PARENT,
    LEAF_WORD,
    NARROW_DECIMAL,
    PRESENCE,
    VIEW,
    WIDE_DECIMAL,
    bytes_address,
    same_rows,
)

Bools = NDArray[np.bool_]
Bytes = NDArray[np.uint8]
Hashes = NDArray[np.uint64]
Int64s = NDArray[np.int64]
Words = NDArray[np.int64]

READ_ADDRESSES = "Array(uint64, 2, 'C', True)"

# The columns of a table of sources: where a batch has the values of each leaf.
SOURCE_VALID: Final = 0
"""The address of the validity bitmap; 0 where no row is null."""
SOURCE_DATA: Final = 1
SOURCE_OFFSET: Final = 2
"""The place of the first row in both."""
SOURCE_BUFFERS: Final = 3
"""Of a leaf of views: where its data buffers begin in the table of their addresses."""
SOURCE_COLUMNS: Final = 4

_BLOCK: Final = 128
"""Rows taken leaf by leaf: their words stay in the first-level cache."""

_NONE: Final = np.empty(0, np.int64)
"""All, in their order."""

_AHEAD: Final = 8
"""How many rows ahead strings that are to be copied are fetched."""

_LOW_32: Final = uint64(0xFFFFFFFF)
_STAGED: Final = uint64(0x8000000000000000)
_NAN_32: Final = 0x7FC00000
_NAN_64: Final = 0x7FF8000000000000
_INFINITY_32: Final = 0x7F800000
_INFINITY_64: Final = 0x7FF0000000000000
_LOW_31: Final = 0x7FFFFFFF
_LOW_63: Final = 0x7FFFFFFFFFFFFFFF


@inner
def _int16_at(address: int) -> int:
    value = int64(load_byte_at(address)) | (int64(load_byte_at(address + uint64(1))) << 8)
    return (value ^ 0x8000) - 0x8000


@inner
def _int32_at(address: int) -> int:
    value = (
        int64(load_byte_at(address))
        | (int64(load_byte_at(address + uint64(1))) << 8)
        | (int64(load_byte_at(address + uint64(2))) << 16)
        | (int64(load_byte_at(address + uint64(3))) << 24)
    )
    return (value ^ 0x80000000) - 0x80000000


@inner
def _word_at(kind: int, data: int, row: int) -> int:
    """The word of a value that has one."""
    if kind == INT64:
        return int64(load_word_at(data + uint64(8 * row)))
    if kind == INT32:
        return _int32_at(data + uint64(4 * row))
    if kind == FLOAT64:
        bits = int64(load_word_at(data + uint64(8 * row)))
        if (bits & _LOW_63) > _INFINITY_64:
            bits = int64(_NAN_64)
        return bits ^ ((bits >> 63) & _LOW_63)
    if kind == NARROW_DECIMAL:
        return int64(load_word_at(data + uint64(16 * row)))
    if kind == BIT:
        return (int64(load_byte_at(data + uint64(row >> 3))) >> (row & 7)) & 1
    if kind == INT16:
        return _int16_at(data + uint64(2 * row))
    if kind == INT8:
        return (int64(load_byte_at(data + uint64(row))) ^ 0x80) - 0x80
    bits = _int32_at(data + uint64(4 * row))  # FLOAT32
    if (bits & _LOW_31) > _INFINITY_32:
        bits = int64(_NAN_32)
    return bits ^ ((bits >> 63) & _LOW_31)


@inner
def _stage_leaf(
    rows: Int64s,
    slots: Int64s,
    first: int,
    end: int,
    store: Words,
    kind: int,
    word: int,
    data: int,
    offset: int,
    buffers: Hashes,
    buffer: int,
) -> None:
    if kind == INT64:  # most are, and a loop without the other kinds takes half as long
        for i in range(first, end):
            row = (rows[i] if rows.size > 0 else i) + offset
            store[slots[i] if slots.size > 0 else i, word] = int64(load_word_at(data + uint64(8 * row)))
        return
    for i in range(first, end):
        row = (rows[i] if rows.size > 0 else i) + offset
        slot = slots[i] if slots.size > 0 else i
        if kind == VIEW:
            length_word = load_word_at(data + uint64(16 * row))
            second = load_word_at(data + uint64(16 * row + 8))
            if int64(length_word & _LOW_32) > INLINE_BYTES:
                at = buffers[buffer + int64(second & _LOW_32)] + (second >> uint64(32))
                second = at | _STAGED
            store[slot, word] = int64(length_word)
            store[slot, word + 1] = int64(second)
        elif kind == WIDE_DECIMAL:
            store[slot, word] = int64(load_word_at(data + uint64(16 * row + 8)))
            store[slot, word + 1] = int64(load_word_at(data + uint64(16 * row)))
        else:
            store[slot, word] = _word_at(kind, data, row)


@inner
def _stage(
    rows: Int64s,
    start: int,
    slots: Int64s,
    count: int,
    store: Words,
    leaves: Words,
    lines: Int64s,
    sources: Hashes,
    buffers: Hashes,
    null_words: int,
) -> None:
    """What `stage_rows` does, of `count` rows."""
    for first in range(0, count, _BLOCK):
        end = min(first + _BLOCK, count)
        for word in range(null_words):
            for i in range(first, end):
                store[slots[i] if slots.size > 0 else i, word] = 0
        for leaf in range(leaves.shape[0]):
            line = lines[leaf] if lines.size > 0 else leaf
            kind = leaves[leaf, LEAF_KIND]
            word = leaves[leaf, LEAF_WORD]
            data = sources[line, SOURCE_DATA]
            offset = int64(sources[line, SOURCE_OFFSET]) + start
            if kind != PRESENCE:
                buffer = int64(sources[line, SOURCE_BUFFERS])
                _stage_leaf(rows, slots, first, end, store, kind, word, data, offset, buffers, buffer)
            valid = sources[line, SOURCE_VALID]
            parent = leaves[leaf, LEAF_PARENT]
            if valid == uint64(0) and parent < 0:
                continue
            null_word = leaves[leaf, LEAF_NULL_WORD]
            mask = int64(1) << leaves[leaf, LEAF_NULL_BIT]
            for i in range(first, end):
                row = (rows[i] if rows.size > 0 else i) + offset
                slot = slots[i] if slots.size > 0 else i
                present = valid == uint64(0) or ((int64(load_byte_at(valid + uint64(row >> 3))) >> (row & 7)) & 1) == 1
                if parent >= 0:
                    above = store[slot, leaves[parent, LEAF_NULL_WORD]] >> leaves[parent, LEAF_NULL_BIT]
                    present = present and (above & 1) == 0
                if present:
                    continue
                store[slot, null_word] |= mask
                if kind != PRESENCE:
                    store[slot, word] = 0
                if kind == VIEW or kind == WIDE_DECIMAL:
                    store[slot, word + 1] = 0


@inner
def _pick(free: Int64s, free_count: int, fresh: int, slots: Int64s) -> None:
    """Take slots: the last ones that are free, and then those from `fresh` on, which were never used."""
    reused = min(free_count, slots.size)
    for i in range(reused):
        slots[i] = free[free_count - reused + i]
    for i in range(reused, slots.size):
        slots[i] = fresh + i - reused


@kernel(
    f"void({READ_INT64}, int64, {READ_INT64}, int64, int64, int64[::1], int64[:, ::1], {READ_TABLE}, "
    f"{READ_ADDRESSES}, {READ_UINT64}, int64)"
)
def stage_rows(
    rows: Int64s,
    start: int,
    free: Int64s,
    free_count: int,
    fresh: int,
    slots: Int64s,
    store: Words,
    leaves: Words,
    sources: Hashes,
    buffers: Hashes,
    null_words: int,
) -> None:
    """Give each of these rows, counted from `start` on, a slot, the free ones first, and write it there.

    Where no rows are named, they are as many as `slots` from `start` on. Long strings stay where they are, known by
    their addresses.
    """
    _pick(free, free_count, fresh, slots)
    _stage(rows, start, slots, slots.size, store, leaves, _NONE, sources, buffers, null_words)


@kernel(f"void(int64, int64[:, ::1], {READ_TABLE}, {READ_INT64}, {READ_ADDRESSES}, {READ_UINT64}, int64)")
def read_fields(
    start: int, words: Words, leaves: Words, lines: Int64s, sources: Hashes, buffers: Hashes, null_words: int
) -> None:
    """Write fields of as many rows as there is room for, from `start` on; `lines`: where `sources` has each leaf."""
    _stage(_NONE, start, _NONE, words.shape[0], words, leaves, lines, sources, buffers, null_words)


@inner
def _settle(
    slots: Int64s,
    first: int,
    end: int,
    store: Words,
    views: Int64s,
    chunk: Bytes,
    number: int,
    used: Int64s,
    live: Int64s,
) -> int:
    """What `settle_rows` does, up to position `end`."""
    for i in range(first, end):
        if i + _AHEAD < end:
            for view in range(views.size):
                coming = store[slots[i + _AHEAD], views[view] + 1]
                length = store[slots[i + _AHEAD], views[view]] & 0xFFFFFFFF
                if length > INLINE_BYTES and coming < 0:
                    at = int64(uint64(coming) & ~_STAGED)
                    prefetch_at(at)
                    prefetch_at(at + length - 1)
        slot = slots[i]
        needed = int64(0)
        for view in range(views.size):
            length = store[slot, views[view]] & 0xFFFFFFFF
            if length > INLINE_BYTES and store[slot, views[view] + 1] < 0:
                needed += length
        if needed == 0:
            continue
        if used[number] + needed > chunk.size:
            return i
        for view in range(views.size):
            word = views[view]
            length = store[slot, word] & 0xFFFFFFFF
            second = store[slot, word + 1]
            if length > INLINE_BYTES and second < 0:
                start = used[number]
                copy_from_address(chunk, start, uint64(second) & ~_STAGED, length)
                store[slot, word + 1] = (start << 32) | number
                used[number] = start + length
        live[number] += needed
    return end


@kernel(f"int64({READ_INT64}, int64, int64[:, ::1], {READ_INT64}, uint8[::1], int64, int64[::1], int64[::1])")
def settle_rows(
    slots: Int64s, first: int, store: Words, views: Int64s, chunk: Bytes, number: int, used: Int64s, live: Int64s
) -> int:
    """Copy the long strings of rows just staged into a chunk, from position `first` of `slots` on.

    `views` are the first words of views. `used` and `live` count each chunk's bytes. Returns the position before which
    it stopped because the chunk is full, else the number of slots.
    """
    return _settle(slots, first, slots.size, store, views, chunk, number, used, live)


@kernel(
    f"int64({READ_INT64}, int64, {READ_INT64}, int64, int64, int64[::1], int64[:, ::1], {READ_TABLE}, "
    f"{READ_ADDRESSES}, {READ_UINT64}, int64, {READ_INT64}, uint8[::1], int64, int64[::1], int64[::1])"
)
def keep_rows(
    rows: Int64s,
    start: int,
    free: Int64s,
    free_count: int,
    fresh: int,
    slots: Int64s,
    store: Words,
    leaves: Words,
    sources: Hashes,
    buffers: Hashes,
    null_words: int,
    views: Int64s,
    chunk: Bytes,
    number: int,
    used: Int64s,
    live: Int64s,
) -> int:
    """`stage_rows` and `settle_rows` in one."""
    _pick(free, free_count, fresh, slots)
    _stage(rows, start, slots, slots.size, store, leaves, _NONE, sources, buffers, null_words)
    return _settle(slots, int64(0), slots.size, store, views, chunk, number, used, live)


@kernel(
    f"UniTuple(int64, 3)({READ_INT64}, {READ_INT64}, int64, {READ_INT64}, int64, int64, int64[::1], int64[::1], "
    f"int64[::1], int64[:, ::1], {READ_TABLE}, {READ_ADDRESSES}, {READ_UINT64}, int64, {READ_INT64}, {READ_INT64}, "
    f"{READ_UINT64}, uint8[::1], int64, int64[::1], int64[::1])"
)
def replace_rows(
    rows: Int64s,
    replaced: Int64s,
    start: int,
    free: Int64s,
    free_count: int,
    fresh: int,
    slots: Int64s,
    staying: Int64s,
    gone: Int64s,
    store: Words,
    leaves: Words,
    sources: Hashes,
    buffers: Hashes,
    null_words: int,
    views: Int64s,
    marks: Int64s,
    chunks: Hashes,
    chunk: Bytes,
    number: int,
    used: Int64s,
    live: Int64s,
) -> tuple[int, int, int]:
    """`stage_rows`, each row in place of a `replaced` one (−1: none), and `settle_rows` of those that differ from it.

    A row with the values of the one that it replaces is not kept: its slot is that one's. `staying` are the slots of
    the rows that are kept, `gone` those to be released. Returns the position in `staying` before which settling stopped
    because the chunk is full, and the numbers of both.
    """
    _pick(free, free_count, fresh, slots)
    _stage(rows, start, slots, slots.size, store, leaves, _NONE, sources, buffers, null_words)
    kept, lost = int64(0), int64(0)
    for i in range(slots.size):
        slot, old = slots[i], replaced[i]
        if old >= 0 and same_rows(store, old, slot, marks, chunks):
            gone[lost] = slot
            lost += 1
            slots[i] = old
            continue
        if old >= 0:
            gone[lost] = old
            lost += 1
        staying[kept] = slot
        kept += 1
    settled = _settle(staying, int64(0), kept, store, views, chunk, number, used, live)
    return settled, kept, lost


@kernel(f"int64({READ_INT64}, int64[:, ::1], {READ_INT64}, int64[::1], int64[::1], int64)")
def drop_rows(slots: Int64s, store: Words, views: Int64s, live: Int64s, free: Int64s, free_count: int) -> int:
    """Forget the rows of these slots, and that their strings are alive; how many bytes the strings had in chunks.

    The slots are added to those that are free, the first one last.
    """
    freed = int64(0)
    for i in range(slots.size):
        slot = slots[i]
        for view in range(views.size):
            word = views[view]
            length = store[slot, word] & 0xFFFFFFFF
            second = store[slot, word + 1]
            if length > INLINE_BYTES and second >= 0:
                live[second & 0xFFFFFFFF] -= length
                freed += length
            store[slot, word] = 0
            store[slot, word + 1] = 0
        store[slot, 0] = FREE_ROW
        free[free_count + slots.size - 1 - i] = slot
    return freed


@kernel(
    f"int64(int64, int64, int64[:, ::1], {READ_INT64}, {READ_UINT64}, {READ_INT64}, uint8[::1], int64, int64[::1], "
    "int64[::1])"
)
def move_strings(
    first: int,
    end: int,
    store: Words,
    views: Int64s,
    chunks: Hashes,
    leaving: Int64s,
    chunk: Bytes,
    number: int,
    used: Int64s,
    live: Int64s,
) -> int:
    """Copy the long strings of slots `first` to `end` that lie in chunks marked `leaving` into another chunk.

    Returns the slot before which it stopped because the chunk is full, else `end`.
    """
    for slot in range(first, end):
        for view in range(views.size):
            word = views[view]
            length = store[slot, word] & 0xFFFFFFFF
            second = store[slot, word + 1]
            if length <= INLINE_BYTES or second < 0 or leaving[second & 0xFFFFFFFF] == 0:
                continue
            start = used[number]
            if start + length > chunk.size:
                return slot
            copy_from_address(chunk, start, bytes_address(second, chunks), length)
            live[second & 0xFFFFFFFF] -= length
            live[number] += length
            used[number] = start + length
            store[slot, word + 1] = (start << 32) | number
    return end


@kernel(f"void({READ_TABLE}, int64, {READ_INT64}, int64[::1])")
def count_live_bytes(store: Words, rows: int, views: Int64s, live: Int64s) -> None:
    """Count the bytes of each chunk that rows refer to."""
    for slot in range(rows):
        for view in range(views.size):
            length = store[slot, views[view]] & 0xFFFFFFFF
            second = store[slot, views[view] + 1]
            if length > INLINE_BYTES and second >= 0:
                live[second & 0xFFFFFFFF] += length
