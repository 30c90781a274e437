"""Where byte strings lie: those of fetched records, put one after another, and those that are written out as lines."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import BYTES, READ_INT32, READ_INT64, kernel
from riacho.kernels.primitives import copy_bytes, int64

Bytes = NDArray[np.uint8]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]


@kernel(f"int64({READ_INT64}, {READ_INT32}, {READ_INT32}, int64, int64, int64[::1], int32[::1])")
def place_values(
    start: Int64s,
    length: Int32s,
    key_length: Int32s,
    shift: int,
    first: int,
    out_start: Int64s,
    out_length: Int32s,
) -> int:
    """Write the spans of some records' values, moved by `shift`, as the rows from `first` on.

    Returns how many bytes their keys and values have: a length of -1 is null, and has none.
    """
    size = int64(0)
    for row in range(start.size):
        out_start[first + row] = start[row] + shift
        out_length[first + row] = length[row]
        size += max(int64(length[row]), int64(0)) + max(int64(key_length[row]), int64(0))
    return size


@kernel(f"void({BYTES}, {READ_INT64}, {READ_INT32}, {BYTES}, uint8[::1])")
def write_lines(data: Bytes, start: Int64s, length: Int32s, delimiter: Bytes, out: Bytes) -> None:
    """Write the spans one after another with a delimiter after each; a length of -1 is null, an empty line."""
    position = int64(0)
    for row in range(start.size):
        size = max(int64(length[row]), int64(0))
        copy_bytes(out, position, data, start[row], size)
        position += size
        copy_bytes(out, position, delimiter, int64(0), delimiter.size)
        position += delimiter.size
