"""What joins know of each row that they keep, and of each that came: numbers that several modules' kernels share."""

from __future__ import annotations

from typing import Final

# What is known of a row. One that is only ever added, and whose matches nobody counts, needs its link alone. Links are
# row slots plus one; 0 ends a chain, so fresh memory is an empty one.
ROW_NEXT: Final = 0
ROW_BEFORE: Final = 1
ROW_KEY: Final = 2
ROW_WEIGHT: Final = 3
"""How often it occurs; 0: it is in no chain."""
ROW_MATCHES: Final = 4
ROW_SHOWN: Final = 5
"""How often it occurred when `emit_changes` saw it last: that comes later in a pass than `join_rows`."""
ROW_TOUCHED: Final = 6
"""Its place among the rows that a moment touched, plus one; 0 between moments."""
ROW_COLUMNS: Final = 8
ROW_COLUMNS_APPENDED: Final = 1

# What `join_rows` tells `emit_changes` of each row that came.
EVENT_MOMENT: Final = 0
EVENT_ROW: Final = 1
EVENT_SIDE: Final = 2
EVENT_SIGN: Final = 3
EVENT_PAIRS: Final = 4
"""Where its pairs end."""
EVENT_COLUMNS: Final = 5

NO_ROW: Final = -1
"""The other side of a row without a match."""
UNMARKED: Final = 0
MARKED: Final = 1
"""In place of the right row of a mark join: whether the left one has a match."""
