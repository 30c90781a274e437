"""Text that grows at each row's own cursor in one buffer: inner functions that all kernels which write share.

A row's text starts at its place in `out` and grows column by column: every such kernel appends one column's value (and
the constant `prefix` before it) to all rows and moves their cursors. The caller has left room for the longest
text. Where `opening` is not -1, a comma goes before the prefix unless the row's last byte is `opening`.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import BYTES, READ_INT32, READ_UINT64, inlined, inner
from riacho.kernels.primitives import copy_bytes, int64, uint64

Bytes = NDArray[np.uint8]
Int32s = NDArray[np.int32]
Uint64s = NDArray[np.uint64]

TARGET: Final = f"uint8[::1], int64[::1], {BYTES}, int64"
"""The types of what is written to: `out`, the cursors, `prefix` and `opening`."""
TEXTS: Final = f"{READ_INT32}, {READ_UINT64}"
"""The types of a string view column: its views, four integers each, and the addresses of its buffers."""

QUOTE: Final = 34
_COMMA: Final = 44
_DIGITS: Final = np.frombuffer(b"".join(b"%02d" % number for number in range(100)), np.uint8).copy()


@inlined
def begin(out: Bytes, position: int, prefix: Bytes, opening: int) -> int:
    if opening >= 0 and int64(out[position - 1]) != opening:
        out[position] = _COMMA
        position += 1
    copy_bytes(out, position, prefix, int64(0), prefix.size)
    return position + prefix.size


@inlined
def append(out: Bytes, position: int, text: Bytes) -> int:
    for i in range(text.size):
        out[position + i] = text[i]
    return position + text.size


@inlined
def write_two_digits(out: Bytes, position: int, number: int) -> int:
    out[position] = _DIGITS[2 * number]
    out[position + 1] = _DIGITS[2 * number + 1]
    return position + 2


@inner
def write_integer(out: Bytes, position: int, value: int) -> int:
    rest = uint64(value)
    if value < 0:
        out[position] = 45
        position += 1
        rest = uint64(0) - rest
    digits = int64(1)
    limit = uint64(10)
    while digits < 19 and rest >= limit:
        digits += 1
        limit *= uint64(10)
    if digits == 19 and rest >= uint64(10000000000000000000):
        digits += 1
    at = position + digits
    while rest >= uint64(100):
        pair = int64(rest % uint64(100))
        rest //= uint64(100)
        at -= 2
        out[at] = _DIGITS[2 * pair]
        out[at + 1] = _DIGITS[2 * pair + 1]
    if rest >= uint64(10):
        out[at - 2] = _DIGITS[2 * int64(rest)]
        out[at - 1] = _DIGITS[2 * int64(rest) + 1]
    else:
        out[at - 1] = uint64(48) + rest
    return position + digits


@inlined
def text_address(views: Int32s, addresses: Uint64s, row: int, base: int) -> int:
    """Where a text of a string view column is in memory."""
    if views[4 * row] <= 12:
        return uint64(base) + uint64(16 * row + 4)
    return uint64(addresses[views[4 * row + 2]]) + uint64(views[4 * row + 3])
