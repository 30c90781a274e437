"""Which rows bounded frames of OVER take: those that are newer than what came out of their partition last.

A partition whose frames are of time begins a new life when nothing has come for so long that no frame can reach its
rows: what came out before no longer counts. Its clean-up is set for one and a half frames after a row, and set anew,
later, once a row's frames would reach past it; a clean-up that was overtaken this way counts as something that came
out when its time is reached. These are chained by partition: links are their slots plus one, 0 ends a chain.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import READ_INT64, kernel
from riacho.kernels.primitives import int64

Int64s = NDArray[np.int64]
Bools = NDArray[np.bool_]

NONE: Final = -(2**63)
"""No time."""

# The columns of a partition's line.
NEWEST: Final = 0
"""The greatest time that came out in this life."""
CLEANED: Final = 1
"""The time at which the partition is cleaned up."""
CLEANED_BY: Final = 2
"""The watermark that cleans it up: a greater one than stood when the clean-up was set."""
LIFE: Final = 3
FIRST: Final = 4
"""Its chain of overtaken clean-ups."""
LAST: Final = 5
PARTITION_COLUMNS: Final = 6

# The columns of an overtaken clean-up's line.
TIME: Final = 0
DUE: Final = 1
NEXT: Final = 2
OVERTAKEN_COLUMNS: Final = 3

# The counters that the kernels read and move.
USED: Final = 0
FREE: Final = 1
COUNTERS: Final = 2

TABLE = "int64[:, ::1]"


@kernel(
    f"void({READ_INT64}, {READ_INT64}, {READ_INT64}, {READ_INT64}, {READ_INT64}, {READ_INT64}, int64, "
    f"{TABLE}, {TABLE}, int64[::1], int64[::1], boolean[::1], int64[::1])"
)
def admit_rows(
    keys: Int64s,
    times: Int64s,
    seen: Int64s,
    due_keys: Int64s,
    due: Int64s,
    due_times: Int64s,
    preceding: int,
    partitions: Int64s,
    overtaken: Int64s,
    free: Int64s,
    counters: Int64s,
    admitted: Bools,
    lives: Int64s,
) -> None:
    """Which rows are taken, and in which life of their partition.

    Rows of a partition (equal `keys`) stand together, as they arrived; `seen` is the watermark before each. Beside
    them, sorted by partition and `due`, are the rows that come out in this pass, but for those that are late: when the
    watermark reaches `due`, `due_times` comes out. `preceding` is the length of frames in milliseconds; negative: they
    are of rows, and no partition is cleaned up.
    """
    place = int64(0)
    late, late_seen = int64(NONE), int64(NONE)
    for row in range(keys.size):
        key, time, watermark = keys[row], times[row], seen[row]
        if row == 0 or key != keys[row - 1]:
            late = int64(NONE)
            while place < due_keys.size and due_keys[place] < key:
                place += 1
        newest = partitions[key, NEWEST]
        while place < due_keys.size and due_keys[place] == key and due[place] <= watermark:
            newest = max(newest, due_times[place])
            place += 1
        if late > NONE and late_seen < watermark:
            newest = max(newest, late)
            late = int64(NONE)
        while partitions[key, FIRST] > 0 and overtaken[partitions[key, FIRST] - 1, DUE] <= watermark:
            slot = partitions[key, FIRST] - 1
            newest = max(newest, overtaken[slot, TIME])
            partitions[key, FIRST] = overtaken[slot, NEXT]
            free[counters[FREE]] = slot
            counters[FREE] += 1
        if partitions[key, CLEANED] > NONE and partitions[key, CLEANED_BY] <= watermark:
            partitions[key, CLEANED] = NONE
            partitions[key, LIFE] += 1
            newest = int64(NONE)
        partitions[key, NEWEST] = newest
        admitted[row] = time > newest
        lives[row] = partitions[key, LIFE]
        if time <= newest:
            continue
        if time <= watermark:
            late = max(late, time)
            late_seen = watermark
        if preceding >= 0 and (partitions[key, CLEANED] == NONE or partitions[key, CLEANED] < time + preceding + 1):
            if partitions[key, CLEANED] > NONE:
                if counters[FREE] > 0:
                    counters[FREE] -= 1
                    slot = free[counters[FREE]]
                else:
                    slot = counters[USED]
                    counters[USED] += 1
                overtaken[slot, TIME] = partitions[key, CLEANED]
                overtaken[slot, DUE] = partitions[key, CLEANED_BY]
                overtaken[slot, NEXT] = 0
                if partitions[key, FIRST] > 0:
                    overtaken[partitions[key, LAST] - 1, NEXT] = slot + 1
                else:
                    partitions[key, FIRST] = slot + 1
                partitions[key, LAST] = slot + 1
            partitions[key, CLEANED] = time + preceding + preceding // 2 + 1
            partitions[key, CLEANED_BY] = max(partitions[key, CLEANED], watermark + 1)


@kernel(f"void({READ_INT64}, {TABLE}, {TABLE}, int64[::1], int64[::1])")
def forget_partitions(keys: Int64s, partitions: Int64s, overtaken: Int64s, free: Int64s, counters: Int64s) -> None:
    """Let go of partitions: their lines are as fresh ones, but for the number of their life."""
    for index in range(keys.size):
        key = keys[index]
        link = partitions[key, FIRST]
        while link > 0:
            free[counters[FREE]] = link - 1
            counters[FREE] += 1
            link = overtaken[link - 1, NEXT]
        partitions[key, NEWEST] = NONE
        partitions[key, CLEANED] = NONE
        partitions[key, CLEANED_BY] = NONE
        partitions[key, FIRST] = 0
