"""Rows kept in state, given out as Arrow buffers."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import READ_INT64, READ_TABLE, inlined, inner, kernel
from riacho.kernels.primitives import int64, prefetch
from riacho.kernels.row_words import (
    FLOAT32,
    FLOAT64,
    INLINE_BYTES,
    INT16,
    INT32,
    INT64,
    LEAF_KIND,
    LEAF_NULL_BIT,
    LEAF_NULL_WORD,
    LEAF_WORD,
    NARROW_DECIMAL,
    PRESENCE,
    VIEW,
    WIDE_DECIMAL,
)

Bools = NDArray[np.bool_]
Bytes = NDArray[np.uint8]
Int64s = NDArray[np.int64]
Words = NDArray[np.int64]

_BLOCK: Final = 128
"""Rows given out leaf by leaf: their words stay in the first-level cache."""

_LOW_31: Final = 0x7FFFFFFF
_LOW_63: Final = 0x7FFFFFFFFFFFFFFF


@inner
def _take_present(
    slots: Int64s, first: int, end: int, store: Words, word: int, out: Words, start: int, valid: Bools, leaf: int
) -> None:
    """Of a leaf of one word as it is kept: the values of rows of which none is null."""
    for i in range(first, end):
        out[start + i] = store[slots[i], word]
    for i in range(first, end):
        valid[leaf, i] = True


@inlined
def _place_of(chunk: int, places: Words, line: int, used: int) -> tuple[int, int]:
    """Which of the chunks given out this one is, and how many there are then."""
    place = places[line, chunk]
    if place < 0:
        place = used
        places[line, chunk] = place
        places[2, place] = chunk
        used += 1
    return place, used


@inner
def _take_views(
    slots: Int64s,
    first: int,
    end: int,
    store: Words,
    word: int,
    out: Words,
    start: int,
    valid: Bools,
    leaf: int,
    line: int,
    places: Words,
    used: int,
) -> int:
    """The same of a leaf of views; returns how many chunks there are then."""
    last, place = int64(-1), int64(-1)
    for i in range(first, end):
        value, second = store[slots[i], word], store[slots[i], word + 1]
        if (value & 0xFFFFFFFF) > INLINE_BYTES:
            chunk = second & 0xFFFFFFFF
            if chunk != last:
                last = chunk
                place, used = _place_of(chunk, places, line, used)
            second = ((second >> 32) << 32) | place
        out[start + 2 * i] = value
        out[start + 2 * i + 1] = second
    for i in range(first, end):
        valid[leaf, i] = True
    return used


@inner
def _take(
    slots: Int64s,
    store: Words,
    leaves: Words,
    first_leaf: int,
    last_leaf: int,
    starts: Int64s,
    out: Bytes,
    valid: Bools,
    nulls: Int64s,
    line: int,
    places: Words,
    used: int,
) -> int:
    """What `take_rows` does, for some of the leaves, after `used` chunks; `line` of `places` maps them."""
    places[line, :] = -1
    nulls[first_leaf:last_leaf] = 0
    narrow, short, integers, words = out.view(np.int8), out.view(np.int16), out.view(np.int32), out.view(np.int64)
    for first in range(0, slots.size, _BLOCK):
        end = min(first + _BLOCK, slots.size)
        for i in range(end, min(end + _BLOCK, slots.size)):  # the rows of the next block, wherever they are
            if slots[i] >= 0:
                prefetch(store, slots[i] * store.shape[1])
                prefetch(store, slots[i] * store.shape[1] + store.shape[1] - 1)
        absent, lacking, looked_at = int64(0), int64(0), int64(-1)
        for i in range(first, end):
            absent |= slots[i]
        for leaf in range(first_leaf, last_leaf):
            kind = leaves[leaf, LEAF_KIND]
            word = leaves[leaf, LEAF_WORD]
            null_word = leaves[leaf, LEAF_NULL_WORD]
            null_bit = leaves[leaf, LEAF_NULL_BIT]
            start = starts[leaf]
            if absent >= 0 and (kind == INT64 or kind == VIEW):  # most are, and of few rows a value is null
                if null_word != looked_at:
                    lacking, looked_at = int64(0), null_word
                    for i in range(first, end):
                        lacking |= store[slots[i], null_word]
                if (lacking >> null_bit) & 1 == 0:
                    if kind == INT64:
                        _take_present(slots, first, end, store, word, words, start >> 3, valid, leaf)
                    else:
                        used = _take_views(
                            slots, first, end, store, word, words, start >> 3, valid, leaf, line, places, used
                        )
                    continue
            for i in range(first, end):
                slot = slots[i]
                null = slot < 0 or ((store[slot, null_word] >> null_bit) & 1) == 1
                valid[leaf, i] = not null
                nulls[leaf] += null
                if kind == PRESENCE:
                    continue
                value = int64(0) if null else store[slot, word]
                if kind == INT64:
                    words[(start >> 3) + i] = value
                elif kind == VIEW:
                    second = int64(0) if null else store[slot, word + 1]
                    if (value & 0xFFFFFFFF) > INLINE_BYTES:
                        place, used = _place_of(second & 0xFFFFFFFF, places, line, used)
                        second = ((second >> 32) << 32) | place
                    words[(start >> 3) + 2 * i] = value
                    words[(start >> 3) + 2 * i + 1] = second
                elif kind == INT32:
                    integers[(start >> 2) + i] = value
                elif kind == FLOAT64:
                    words[(start >> 3) + i] = value ^ ((value >> 63) & _LOW_63)
                elif kind == NARROW_DECIMAL:
                    words[(start >> 3) + 2 * i] = value
                    words[(start >> 3) + 2 * i + 1] = value >> 63
                elif kind == WIDE_DECIMAL:
                    words[(start >> 3) + 2 * i] = int64(0) if null else store[slot, word + 1]
                    words[(start >> 3) + 2 * i + 1] = value
                elif kind == INT16:
                    short[(start >> 1) + i] = value
                elif kind == FLOAT32:
                    integers[(start >> 2) + i] = value ^ ((value >> 63) & _LOW_31)
                else:
                    narrow[start + i] = value
    return used


@kernel(
    f"int64({READ_INT64}, int64[:, ::1], {READ_TABLE}, {READ_INT64}, uint8[::1], boolean[:, ::1], int64[::1], "
    "int64[:, ::1])"
)
def take_rows(
    slots: Int64s,
    store: Words,
    leaves: Words,
    starts: Int64s,
    out: Bytes,
    valid: Bools,
    nulls: Int64s,
    places: Words,
) -> int:
    """Write the rows of these slots as columns into `out`, each leaf from its start on; a negative slot is all null.

    `nulls` counts each leaf's nulls, and where there are any its row of `valid` says which they are not. A view names
    chunks by places: the first row of `places` maps chunks to them (−1: none yet), the last has the chunk of each.
    Returns how many there are.
    """
    end = leaves.shape[0]
    return _take(slots, store, leaves, int64(0), end, starts, out, valid, nulls, int64(0), places, int64(0))


@kernel(
    f"int64({READ_INT64}, {READ_INT64}, {READ_TABLE}, {READ_TABLE}, {READ_TABLE}, int64, {READ_INT64}, uint8[::1], "
    "boolean[:, ::1], int64[::1], int64[:, ::1])"
)
def take_pairs(
    lefts: Int64s,
    rights: Int64s,
    left_store: Words,
    right_store: Words,
    leaves: Words,
    left_leaves: int,
    starts: Int64s,
    out: Bytes,
    valid: Bools,
    nulls: Int64s,
    places: Words,
) -> int:
    """As `take_rows`: rows of one store beside rows of another, the first so many leaves of the left one.

    The second row of `places` maps the chunks of the right store, which have negative numbers (`~chunk`) in the last.
    """
    end = leaves.shape[0]
    used = _take(
        lefts, left_store, leaves, int64(0), left_leaves, starts, out, valid, nulls, int64(0), places, int64(0)
    )
    all_used = _take(rights, right_store, leaves, left_leaves, end, starts, out, valid, nulls, int64(1), places, used)
    for place in range(used, all_used):
        places[2, place] = ~places[2, place]
    return all_used
