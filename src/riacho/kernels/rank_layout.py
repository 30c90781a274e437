"""What the kernels of both kinds of top-N share: numbers of their settings and tables, and sizes of blocks.

A partition's first rows lie in its front: a block of places in a pool. `kernels.first_rows` is for rows that are only
added, `kernels.rank` for rows that may be retracted; each goes on numbering where this module ends.
"""

from __future__ import annotations

from typing import Final

from riacho.kernels.compile import inner
from riacho.kernels.primitives import int64

# How rows are numbered.
ROW_NUMBER: Final = 0
RANK: Final = 1
DENSE_RANK: Final = 2

# The settings of an operator.
SET_KIND: Final = 0
SET_START: Final = 1
SET_END: Final = 2
"""The numbers from SET_START to SET_END are shown."""
SET_NUMBERED: Final = 3
"""1 where the result has the number."""

# What is known of a partition.
GROUP_BLOCK: Final = 0
GROUP_CAPACITY: Final = 1
GROUP_COUNT: Final = 2

# The columns of the list of touched partitions.
TOUCHED_GROUP: Final = 0
TOUCHED_START: Final = 1
TOUCHED_END: Final = 2
"""Which rows of `before` are its own."""
TOUCHED_COLUMNS: Final = 3

# The counters.
POOL_USED: Final = 0
TOUCHED_COUNT: Final = 1
BEFORE_USED: Final = 2
REMOVED_COUNT: Final = 3

BLOCK_SIZES: Final = 40
"""Blocks have 2^0 to 2^39 places; free ones of each size are chained."""


@inner
def size_class(capacity: int) -> int:
    """The least power of two that is no less."""
    number = int64(0)
    while (int64(1) << number) < capacity:
        number += 1
    return number
