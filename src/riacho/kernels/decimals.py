"""Arithmetic on decimals as unscaled 128-bit integers in two halves."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import READ_INT64, READ_UINT64, kernel
from riacho.kernels.primitives import int64, uint64

Bools = NDArray[np.bool_]
Int64s = NDArray[np.int64]
Uint64s = NDArray[np.uint64]

_LOW_32: Final = uint64(0xFFFFFFFF)
_MAX_TENTH: Final = uint64(0x7FFFFFFFFFFFFFFF) // uint64(10) - uint64(1)
"""An upper half that can be multiplied by ten and keep its sign bit."""


@kernel(f"void({READ_INT64}, {READ_UINT64}, {READ_INT64}, int64, int64[::1], uint64[::1], boolean[::1])")
def average_decimals(
    high: Int64s, low: Uint64s, counts: Int64s, digits: int, out_high: Int64s, out_low: Uint64s, fits: Bools
) -> None:
    """Each number divided by its count, with so many more digits, rounded half away from zero (Java's HALF_UP).

    Counts are below 2^32; a number whose count is 0 gives 0. `fits` says where the quotient has 128 bits.
    """
    for row in range(high.size):
        out_high[row] = 0
        out_low[row] = uint64(0)
        fits[row] = True
        if counts[row] <= 0:
            continue
        count = uint64(counts[row])
        negative = high[row] < 0
        upper, lower = uint64(high[row]), low[row]
        if negative:
            lower = ~lower + uint64(1)
            upper = ~upper + uint64(lower == uint64(0))
        # Long division by digits of 32 bits.
        part = upper >> uint64(32)
        first = part // count
        part = ((part % count) << uint64(32)) | (upper & _LOW_32)
        second = part // count
        part = ((part % count) << uint64(32)) | (lower >> uint64(32))
        third = part // count
        part = ((part % count) << uint64(32)) | (lower & _LOW_32)
        fourth = part // count
        rest = part % count
        upper = (first << uint64(32)) | second
        lower = (third << uint64(32)) | fourth
        for _ in range(digits):
            if upper > _MAX_TENTH:
                fits[row] = False
                break
            rest *= uint64(10)
            carry = (lower >> uint64(32)) * uint64(10) + (((lower & _LOW_32) * uint64(10)) >> uint64(32))
            lower = lower * uint64(10)
            upper = upper * uint64(10) + (carry >> uint64(32))
            digit = rest // count
            rest = rest % count
            lower += digit
            upper += uint64(lower < digit)
        if uint64(2) * rest >= count:
            lower += uint64(1)
            upper += uint64(lower == uint64(0))
        if negative:
            lower = ~lower + uint64(1)
            upper = ~upper + uint64(lower == uint64(0))
        out_high[row] = int64(upper)
        out_low[row] = lower
