"""Which result each row was given, newest first, by a chain for each distinct row.

Links are result slots plus one; 0 ends a chain, so fresh memory is an empty chain.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import READ_INT8, READ_INT64, kernel

Int8s = NDArray[np.int8]
Int64s = NDArray[np.int64]


UNKNOWN = -1
"""The result of a row that goes and never came."""


@kernel(f"void({READ_INT64}, {READ_INT8}, {READ_INT64}, int64[::1], int64[::1], int64[::1])")
def remember_results(
    rows: Int64s, signs: Int8s, given: Int64s, tails: Int64s, previous: Int64s, results: Int64s
) -> None:
    """Give each row that is added the next of the `given` result slots; one that goes takes its newest along.

    `tails` has the chain of each distinct row. `results` has the slot of each change, `UNKNOWN` where there is none.
    """
    taken = 0
    for index in range(rows.size):
        row = rows[index]
        if signs[index] > 0:
            result = given[taken]
            taken += 1
            previous[result] = tails[row]
            tails[row] = result + 1
            results[index] = result
        elif tails[row] > 0:
            result = tails[row] - 1
            tails[row] = previous[result]
            results[index] = result
        else:
            results[index] = UNKNOWN
