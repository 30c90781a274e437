"""Hashes of keys that are rows of 64-bit words."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import kernel
from riacho.kernels.primitives import uint64

Words = NDArray[np.int64]
Hashes = NDArray[np.uint64]

READ_WORDS = "Array(int64, 2, 'C', True)"
"""A row per key, a column per word."""

_GOLDEN = uint64(0x9E3779B97F4A7C15)
_MULTIPLIER_1 = uint64(0xBF58476D1CE4E5B9)
_MULTIPLIER_2 = uint64(0x94D049BB133111EB)


@kernel(f"void({READ_WORDS}, uint64[::1])")
def hash_words(words: Words, out: Hashes) -> None:
    """One hash per row of `words`, good in its upper half: a multiplication a word, and one to end with."""
    width = words.shape[1]
    for row in range(words.shape[0]):
        value = _GOLDEN + uint64(width)
        for column in range(width):
            value = (value ^ uint64(words[row, column])) * _MULTIPLIER_1
            value ^= value >> uint64(29)
        value *= _MULTIPLIER_2
        out[row] = value ^ (value >> uint64(32))
