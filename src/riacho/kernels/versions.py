"""Versions of rows by key: which one stood at a time, and which no later row can ask for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import READ_INT64, inner, kernel
from riacho.kernels.primitives import int64

Int64s = NDArray[np.int64]


@inner
def _newest(key: int, limit: int, moment: int, heads: Int64s, nexts: Int64s, times: Int64s, arrivals: Int64s) -> int:
    """The newest version of a key up to a time, of those that came up to a moment; the later one of equal times."""
    best = int64(-1)
    link = heads[key]
    while link > 0:
        row = link - 1
        link = nexts[row]
        if times[row] > limit or arrivals[row] > moment:
            continue
        if best < 0 or times[row] >= times[best]:
            best = row
    return best


@kernel(f"void({', '.join([READ_INT64] * 8)}, int64[::1])")
def find_versions(
    keys: Int64s,
    times: Int64s,
    moments: Int64s,
    seen: Int64s,
    heads: Int64s,
    nexts: Int64s,
    versions: Int64s,
    arrivals: Int64s,
    found: Int64s,
) -> None:
    """The version of each key that stood at a time, of those that came up to a moment; −1 where there is none.

    A version is forgotten once the watermark has passed a newer one: a late row, whose watermark `seen` has, finds none
    that it had forgotten. Chains are in order of arrival; `versions` are the times from which they stand.
    """
    for index in range(keys.size):
        found[index] = -1
        if keys[index] < 0:
            continue
        best = _newest(keys[index], times[index], moments[index], heads, nexts, versions, arrivals)
        if best < 0:
            continue
        kept = _newest(keys[index], seen[index], moments[index] - 1, heads, nexts, versions, arrivals)
        if kept < 0 or versions[best] >= versions[kept]:
            found[index] = best


@kernel(f"int64({READ_INT64}, {READ_INT64}, int64, {READ_INT64}, {READ_INT64}, {READ_INT64}, {READ_INT64}, int64[::1])")
def find_outdated(
    rows: Int64s,
    keys: Int64s,
    watermark: int,
    heads: Int64s,
    nexts: Int64s,
    versions: Int64s,
    arrivals: Int64s,
    outdated: Int64s,
) -> int:
    """Those of `rows` whose key has a newer version that the watermark has passed; returns how many there are."""
    count = 0
    for index in range(rows.size):
        row = rows[index]
        if versions[row] > watermark:
            continue
        kept = _newest(keys[row], watermark, int64(0x7FFFFFFFFFFFFFFF), heads, nexts, versions, arrivals)
        if kept >= 0 and kept != row:
            outdated[count] = row
            count += 1
    return count
