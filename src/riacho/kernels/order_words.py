"""The words of an order: less, one after another, as rows come earlier in it."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import READ_TABLE, kernel

Words = NDArray[np.int64]

# How a word of an order is made, a row of a table each.
MADE_OF: Final = 0
"""The word of the row that it is made of; −1: it is made elsewhere."""
MADE_BIT: Final = 1
"""The one bit of it that counts; −1: all of it."""
MADE_FLIPPED: Final = 2
"""The bits that change: all where the order descends."""
MADE_COLUMNS: Final = 3


@kernel(f"void({READ_TABLE}, {READ_TABLE}, int64[:, ::1])")
def order_words(rows: Words, made: Words, out: Words) -> None:
    """Write words that are less, one after another, as rows order before others, from the words of their fields."""
    for word in range(made.shape[0]):
        source, bit, flipped = made[word, MADE_OF], made[word, MADE_BIT], made[word, MADE_FLIPPED]
        if source < 0:
            continue
        if bit < 0:
            for row in range(rows.shape[0]):
                out[row, word] = rows[row, source] ^ flipped
        else:
            for row in range(rows.shape[0]):
                out[row, word] = ((rows[row, source] >> bit) & 1) ^ flipped
