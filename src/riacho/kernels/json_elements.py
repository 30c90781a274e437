"""The elements of arrays and the members of objects that `riacho.kernels.json` has found and checked."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import BYTES, READ_INT32, READ_INT64, kernel
from riacho.kernels.json_syntax import MAX_DEPTH, scan_value, skip_space, string_end
from riacho.kernels.primitives import int64
from riacho.kernels.text_words import address_in
from riacho.kernels.tokens import MISSING, NULL, OBJECT

Bytes = NDArray[np.uint8]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]


@kernel(f"int64({BYTES}, {READ_INT64}, {READ_INT32}, {BYTES}, int64, int64[::1], uint8[::1])", makes_arrays=True)
def count_elements(
    data: Bytes, starts: Int64s, lengths: Int32s, kinds: Bytes, container: int, offsets: Int64s, status: Bytes
) -> int:
    """The elements of arrays (`container` ARRAY) or members of objects (OBJECT) that `locate` has found.

    `offsets` (one more than rows) gets the running total; `status` 0 for a container, 1 for null, 2 for another
    value. Returns the total.
    """
    nesting = np.empty(MAX_DEPTH + 1, np.uint8)
    total = int64(0)
    for row in range(starts.size):
        offsets[row] = total
        kind = kinds[row]
        status[row] = 0 if kind == container else (1 if kind == NULL or kind == MISSING else 2)
        if kind != container:
            continue
        end = starts[row] + int64(lengths[row]) - 1
        position = skip_space(data, starts[row] + 1, end)
        while position < end:
            if container == OBJECT:
                stop, _, _ = string_end(data, position + 1, end)
                position = skip_space(data, skip_space(data, stop + 1, end) + 1, end)
            _, _, _, position, _ = scan_value(data, position, end, address_in(nesting, 0))
            total += 1
            position = skip_space(data, position, end)
            if position < end:
                position = skip_space(data, position + 1, end)
    offsets[starts.size] = total
    return total


@kernel(
    f"void({BYTES}, {READ_INT64}, {READ_INT32}, {BYTES}, int64, int64[::1], int32[::1], uint8[::1], int64[::1], "
    "int32[::1], uint8[::1])",
    makes_arrays=True,
)
def list_elements(
    data: Bytes,
    starts: Int64s,
    lengths: Int32s,
    kinds: Bytes,
    container: int,
    out_start: Int64s,
    out_length: Int32s,
    out_kind: Bytes,
    key_start: Int64s,
    key_length: Int32s,
    key_kind: Bytes,
) -> None:
    """The spans of what `count_elements` has counted; those of the keys too where the containers are objects."""
    nesting = np.empty(MAX_DEPTH + 1, np.uint8)
    at = int64(0)
    for row in range(starts.size):
        if kinds[row] != container:
            continue
        end = starts[row] + int64(lengths[row]) - 1
        position = skip_space(data, starts[row] + 1, end)
        while position < end:
            if container == OBJECT:
                stop, kind, _ = string_end(data, position + 1, end)
                key_start[at] = position + 1
                key_length[at] = stop - position - 1
                key_kind[at] = kind
                position = skip_space(data, skip_space(data, stop + 1, end) + 1, end)
            kind, first, stop, position, _ = scan_value(data, position, end, address_in(nesting, 0))
            out_start[at] = first
            out_length[at] = stop - first
            out_kind[at] = kind
            at += 1
            position = skip_space(data, position, end)
            if position < end:
                position = skip_space(data, position + 1, end)
