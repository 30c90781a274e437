"""The keys by which rows meet, read from rows that are kept already: no column is looked for, and none is made."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import READ_INT64, READ_TABLE, kernel
from riacho.kernels.primitives import int64

Bools = NDArray[np.bool_]
Int64s = NDArray[np.int64]
Words = NDArray[np.int64]

# The columns of a table of the fields of a key.
FIELD_WORD: Final = 0
FIELD_NULL_WORD: Final = 1
FIELD_NULL_BIT: Final = 2
FIELD_SAFE: Final = 3
"""Where null equals null: the field's bit in the key's last word; −1 where it matches nothing."""
FIELD_COLUMNS: Final = 4


@kernel(f"int64({READ_INT64}, {READ_TABLE}, {READ_TABLE}, int64[:, ::1], boolean[::1])")
def read_keys(rows: Int64s, store: Words, fields: Words, words: Words, complete: Bools) -> int:
    """Write the words of each row's key, and whether it can match; returns how many cannot.

    Where there are fields in which null equals null, the last word of a key has a bit for each that is.
    """
    lacking = int64(0)
    last = words.shape[1] - 1
    for index in range(rows.size):
        row = rows[index]
        whole = True
        words[index, last] = 0
        for place in range(fields.shape[0]):
            null = (store[row, fields[place, FIELD_NULL_WORD]] >> fields[place, FIELD_NULL_BIT]) & 1
            words[index, place] = int64(0) if null == 1 else store[row, fields[place, FIELD_WORD]]
            if null == 0:
                continue
            if fields[place, FIELD_SAFE] >= 0:
                words[index, last] |= int64(1) << fields[place, FIELD_SAFE]
            else:
                whole = False
        complete[index] = whole
        if not whole:
            lacking += 1
    return lacking
