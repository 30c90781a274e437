"""Pairs of rows whose keys are equal and whose times are near."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import READ_INT64, kernel

Int64s = NDArray[np.int64]


@kernel(f"int64({', '.join([READ_INT64] * 10)}, int64, int64, int64, int64, int64[::1], int64[::1])")
def probe_intervals(
    rows: Int64s,
    keys: Int64s,
    times: Int64s,
    arrivals: Int64s,
    seen: Int64s,
    heads: Int64s,
    nexts: Int64s,
    other_times: Int64s,
    other_arrivals: Int64s,
    other_seen: Int64s,
    least: int,
    most: int,
    kept: int,
    other_kept: int,
    probes: Int64s,
    found: Int64s,
) -> int:
    """Pairs of each of `rows` with the rows of the other side in the chain of its key; returns how many there are.

    The row's time less the other's is from `least` to `most`, and the one that came first was still kept when the
    other came: a row is `kept` so long beyond its time, by the watermark that the other one has `seen`. The pairs are
    written as far as `probes` and `found` reach. Links are slots plus one.
    """
    count = 0
    for index in range(rows.size):
        row = rows[index]
        if keys[row] < 0:
            continue
        link = heads[keys[row]]
        while link > 0:
            other = link - 1
            link = nexts[other]
            difference = times[row] - other_times[other]
            if difference < least or difference > most:
                continue
            if other_arrivals[other] < arrivals[row]:
                if other_times[other] + other_kept < seen[row]:
                    continue
            elif other_arrivals[other] > arrivals[row] and times[row] + kept < other_seen[other]:
                continue
            if count < found.size:
                probes[count] = row
                found[count] = other
            count += 1
    return count
