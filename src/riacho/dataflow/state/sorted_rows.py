"""Kept rows in an order."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from riacho.dataflow.state.rows import RowStore
from riacho.kernels.merge import merge_runs

Int64Array = npt.NDArray[np.int64]


def sort_rows(store: RowStore, keys: Int64Array, slots: Int64Array) -> Int64Array:
    """Slots by a table of the store's sort keys, equal rows as they are. Overwrites `slots`."""
    scratch = np.empty_like(slots)
    length = 1
    while length < len(slots):
        merge_runs(slots, scratch, length, store.words, store.chunk_addresses, keys)
        slots, scratch = scratch, slots
        length *= 2
    return slots
