"""Keys as rows of 64-bit words: their hashes, and reading them from rows that are kept already."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import READ_INT64, READ_TABLE, inlined, kernel
from riacho.kernels.primitives import int64, uint64

Hashes = NDArray[np.uint64]
Int64s = NDArray[np.int64]
Words = NDArray[np.int64]

READ_WORDS = "Array(int64, 2, 'C', True)"
"""A row per key, a column per word."""

NO_KEY: Final = -1
"""The slot of a key with a null in it: it matches nothing."""

# The columns of a table of the fields of a key.
FIELD_WORD: Final = 0
FIELD_NULL_WORD: Final = 1
FIELD_NULL_BIT: Final = 2
FIELD_SAFE: Final = 3
"""Where null equals null: the field's bit in the key's last word; −1 where it matches nothing."""
FIELD_COLUMNS: Final = 4

_GOLDEN = uint64(0x9E3779B97F4A7C15)
_MULTIPLIER_1 = uint64(0xBF58476D1CE4E5B9)
_MULTIPLIER_2 = uint64(0x94D049BB133111EB)


@inlined
def _hash(words: Words, row: int) -> int:
    """Good in its upper half: a multiplication a word, and one to end with."""
    value = _GOLDEN + uint64(words.shape[1])
    for column in range(words.shape[1]):
        value = (value ^ uint64(words[row, column])) * _MULTIPLIER_1
        value ^= value >> uint64(29)
    value *= _MULTIPLIER_2
    return value ^ (value >> uint64(32))


@kernel(f"void({READ_WORDS}, uint64[::1])")
def hash_words(words: Words, out: Hashes) -> None:
    """One hash per row of `words`."""
    for row in range(words.shape[0]):
        out[row] = _hash(words, row)


@kernel(f"int64({READ_INT64}, {READ_TABLE}, {READ_TABLE}, int64, int64[:, ::1], uint64[::1], int64[::1])")
def read_keys(
    rows: Int64s, store: Words, fields: Words, first: int, words: Words, hashes: Hashes, slots: Int64s
) -> int:
    """Write the words of each row's key and their hash, from line `first` on; returns how many keys match nothing.

    Of those the slot is written. Where there are fields in which null equals null, the last word of a key has a bit for
    each that is.
    """
    lacking = int64(0)
    last = words.shape[1] - 1
    for index in range(rows.size):
        row, line = rows[index], first + index
        whole = True
        words[line, last] = 0
        for place in range(fields.shape[0]):
            null = (store[row, fields[place, FIELD_NULL_WORD]] >> fields[place, FIELD_NULL_BIT]) & 1
            words[line, place] = int64(0) if null == 1 else store[row, fields[place, FIELD_WORD]]
            if null == 0:
                continue
            if fields[place, FIELD_SAFE] >= 0:
                words[line, last] |= int64(1) << fields[place, FIELD_SAFE]
            else:
                whole = False
        hashes[line] = _hash(words, line)
        slots[line] = 0 if whole else NO_KEY
        lacking += int64(not whole)
    return lacking
