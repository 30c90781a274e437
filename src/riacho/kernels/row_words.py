"""What kernels share about kept rows (`state.rows`): how a row's words hold values, and how two rows compare.

A row is a row of 64-bit words: null bits first, then the words of each leaf field. A leaf of a fixed width is one word
that orders as the value does; a wide decimal is two, its high and its low half; a string or byte string is two, its
Arrow view: length and up to 12 bytes, or length, the first 4 bytes, the chunk's number and the place in it. While the
bytes of a long one still stand where they arrived, the second word is negative: their address with the sign bit set.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import inner
from riacho.kernels.primitives import int64, load_byte_at, load_word_at, uint64

Hashes = NDArray[np.uint64]
Int64s = NDArray[np.int64]
Words = NDArray[np.int64]


INLINE_BYTES: Final = 12
"""A view holds up to so many bytes itself."""

# The kinds of leaves.
PRESENCE: Final = 0
"""Whether a ROW is null; no words."""
INT8: Final = 1
INT16: Final = 2
INT32: Final = 3
INT64: Final = 4
FLOAT32: Final = 5
FLOAT64: Final = 6
BIT: Final = 7
NARROW_DECIMAL: Final = 8
WIDE_DECIMAL: Final = 9
VIEW: Final = 10

# The columns of a table of leaves.
LEAF_KIND: Final = 0
LEAF_WORD: Final = 1
"""The first of the leaf's words in a row."""
LEAF_NULL_WORD: Final = 2
LEAF_NULL_BIT: Final = 3
LEAF_PARENT: Final = 4
"""The leaf that says whether the ROW around this one is null; −1 where there is none."""
LEAF_COLUMNS: Final = 5

# Those of a table of sort keys continue with:
KEY_DESCENDING: Final = 5
KEY_NULLS_FIRST: Final = 6
KEY_COLUMNS: Final = 7

FREE_ROW: Final = -1
"""The first word of a slot that holds no row; null bits leave the sign bit free."""

_ADDRESS: Final = uint64(0x7FFFFFFFFFFFFFFF)
_GOLDEN: Final = uint64(0x9E3779B97F4A7C15)
_MULTIPLIER_1: Final = uint64(0xBF58476D1CE4E5B9)
_MULTIPLIER_2: Final = uint64(0x94D049BB133111EB)


@inner
def bytes_address(second: int, chunks: Hashes) -> int:
    """Where the bytes of a long string are, from the second word of its view."""
    if second < 0:
        return uint64(second) & _ADDRESS
    return uint64(chunks[second & 0xFFFFFFFF] + uint64(second >> 32))


@inner
def _view_byte(first: int, second: int, address: int, position: int) -> int:
    if address != uint64(0):
        return int64(load_byte_at(address + uint64(position)))
    if position < 4:
        return (first >> (32 + 8 * position)) & 255
    return (second >> (8 * (position - 4))) & 255


@inner
def _compare_views(store: Words, one: int, other: int, word: int, chunks: Hashes) -> int:
    """Below, at or above 0 as the bytes of one string order before, as or after the other's."""
    first, second = store[one, word], store[one, word + 1]
    other_first, other_second = store[other, word], store[other, word + 1]
    if first == other_first and second == other_second:
        return int64(0)
    length, other_length = first & 0xFFFFFFFF, other_first & 0xFFFFFFFF
    address, other_address = uint64(0), uint64(0)
    if length > INLINE_BYTES:
        address = bytes_address(second, chunks)
    if other_length > INLINE_BYTES:
        other_address = bytes_address(other_second, chunks)
    shorter = min(length, other_length)
    for position in range(shorter):
        left = _view_byte(first, second, address, position)
        right = _view_byte(other_first, other_second, other_address, position)
        if left != right:
            return left - right
    return int64(length - other_length)


@inner
def compare_rows(store: Words, one: int, other: int, keys: Words, chunks: Hashes) -> int:
    """Below, at or above 0 as one row orders before, equal to or after the other by a table of sort keys."""
    for key in range(keys.shape[0]):
        null_word, null_bit = keys[key, LEAF_NULL_WORD], keys[key, LEAF_NULL_BIT]
        null = (store[one, null_word] >> null_bit) & 1
        other_null = (store[other, null_word] >> null_bit) & 1
        if null != other_null:
            return int64(-1) if null == keys[key, KEY_NULLS_FIRST] else int64(1)
        kind, word = keys[key, LEAF_KIND], keys[key, LEAF_WORD]
        order = int64(0)
        if kind == VIEW:
            order = _compare_views(store, one, other, word, chunks)
        else:
            left, right = store[one, word], store[other, word]
            if left != right:
                order = int64(-1) if left < right else int64(1)
            elif kind == WIDE_DECIMAL:
                low, other_low = uint64(store[one, word + 1]), uint64(store[other, word + 1])
                if low != other_low:
                    order = int64(-1) if low < other_low else int64(1)
        if order != 0:
            return -order if keys[key, KEY_DESCENDING] else order
    return int64(0)


@inner
def _same_bytes(one: int, other: int, length: int) -> bool:
    position = int64(0)
    while position + 8 <= length:
        if load_word_at(one + uint64(position)) != load_word_at(other + uint64(position)):
            return False
        position += 8
    while position < length:
        if load_byte_at(one + uint64(position)) != load_byte_at(other + uint64(position)):
            return False
        position += 1
    return True


@inner
def same_rows(store: Words, one: int, other: int, marks: Int64s, chunks: Hashes) -> bool:
    """Whether two rows are equal, null with null and NaN with NaN. `marks` is 1 at the first words of views."""
    word = 0
    while word < store.shape[1]:
        left = store[one, word]
        if left != store[other, word]:
            return False
        if marks[word] == 0:
            word += 1
            continue
        second, other_second = store[one, word + 1], store[other, word + 1]
        if second != other_second:
            length = left & 0xFFFFFFFF
            if length <= INLINE_BYTES:
                return False
            if not _same_bytes(bytes_address(second, chunks), bytes_address(other_second, chunks), length):
                return False
        word += 2
    return True


@inner
def mix(value: int) -> int:
    """SplitMix64's finalizer: every input bit changes about half of the output bits."""
    value ^= value >> uint64(30)
    value *= _MULTIPLIER_1
    value ^= value >> uint64(27)
    value *= _MULTIPLIER_2
    return value ^ (value >> uint64(31))


@inner
def hash_row(store: Words, slot: int, marks: Int64s, chunks: Hashes) -> int:
    """A hash of a row's values: equal rows hash equally, wherever their strings are."""
    value = uint64(store.shape[1])
    word = 0
    while word < store.shape[1]:
        first = store[slot, word]
        value = mix((value + _GOLDEN) ^ uint64(first))
        if marks[word] == 0:
            word += 1
            continue
        length = first & 0xFFFFFFFF
        second = store[slot, word + 1]
        if length <= INLINE_BYTES:
            value = mix((value + _GOLDEN) ^ uint64(second))
        else:
            address = bytes_address(second, chunks)
            position = int64(0)
            while position + 8 <= length:
                value = mix((value + _GOLDEN) ^ load_word_at(address + uint64(position)))
                position += 8
            if position < length:  # the last 8 bytes, some of them again: a long string has more than 8
                value = mix((value + _GOLDEN) ^ load_word_at(address + uint64(length - 8)))
        word += 2
    return value
