"""Rows chained by key, in order of arrival, and the pairs that probing the chains finds.

Links are row slots plus one; 0 ends a chain, so fresh memory is an empty chain.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import READ_INT64, kernel

Int64s = NDArray[np.int64]


@kernel(f"void({READ_INT64}, {READ_INT64}, int64[::1], int64[::1], int64[::1], int64[::1])")
def append_rows(rows: Int64s, keys: Int64s, heads: Int64s, tails: Int64s, nexts: Int64s, previous: Int64s) -> None:
    """Put each row at the end of its key's chain. A negative key has no chain."""
    for index in range(rows.size):
        key = keys[index]
        if key < 0:
            continue
        link = rows[index] + 1
        last = tails[key]
        nexts[rows[index]] = 0
        previous[rows[index]] = last
        if last > 0:
            nexts[last - 1] = link
        else:
            heads[key] = link
        tails[key] = link


@kernel(f"void({READ_INT64}, {READ_INT64}, int64[::1], int64[::1], int64[::1], int64[::1])")
def remove_rows(rows: Int64s, keys: Int64s, heads: Int64s, tails: Int64s, nexts: Int64s, previous: Int64s) -> None:
    """Take each row out of its key's chain."""
    for index in range(rows.size):
        key = keys[index]
        if key < 0:
            continue
        before = previous[rows[index]]
        after = nexts[rows[index]]
        if before > 0:
            nexts[before - 1] = after
        else:
            heads[key] = after
        if after > 0:
            previous[after - 1] = before
        else:
            tails[key] = before


@kernel(f"int64({READ_INT64}, {READ_INT64}, {READ_INT64}, int64[::1], int64[::1])")
def probe_chains(keys: Int64s, heads: Int64s, nexts: Int64s, probes: Int64s, rows: Int64s) -> int:
    """Pairs of a probing position and each row in the chain of its key; returns how many there are.

    They are written as far as `probes` and `rows` reach. A negative key finds nothing.
    """
    count = 0
    for index in range(keys.size):
        if keys[index] < 0:
            continue
        link = heads[keys[index]]
        while link > 0:
            if count < rows.size:
                probes[count] = index
                rows[count] = link - 1
            count += 1
            link = nexts[link - 1]
    return count
