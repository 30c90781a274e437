"""The texts of points in time, which are the same for all of a day or a minute, as views for each row."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import READ_BOOL, READ_INT64, READ_UINT64, kernel
from riacho.kernels.primitives import int64

Bools = NDArray[np.bool_]
Int64s = NDArray[np.int64]
Uint64s = NDArray[np.uint64]


@kernel(f"boolean({READ_INT64}, {READ_BOOL}, int64, int64, {READ_UINT64}, uint64[::1], int64[::1])")
def step_texts(
    times: Int64s, valid: Bools, step: int, first: int, known: Uint64s, out: Uint64s, bounds: Int64s
) -> bool:
    """Write the view of each time's step, those from `first` on being `known`; False where one is not.

    A view is two words. `valid` is empty where no time is null; a null one gets the first view. `bounds` become the
    least and the greatest step of all.
    """
    steps = int64(known.size // 2)
    least, greatest = int64(2**63 - 1), int64(-(2**63))
    for row in range(times.size):
        if valid.size > 0 and not valid[row]:
            out[2 * row], out[2 * row + 1] = known[0], known[1]
            continue
        number = times[row] // step
        least, greatest = min(least, number), max(greatest, number)
        place = number - first
        if 0 <= place < steps:
            out[2 * row], out[2 * row + 1] = known[2 * place], known[2 * place + 1]
    bounds[0], bounds[1] = least, greatest
    return least > greatest or (first <= least and greatest < first + steps)
