"""The first or the last row of each key: what a pass decides, and what it changes."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import READ_INT64, READ_TABLE, kernel
from riacho.kernels.primitives import int64, prefetch

Int8s = NDArray[np.int8]
Int64s = NDArray[np.int64]
Words = NDArray[np.int64]

# What is known of a key.
KEPT_ROW: Final = 0
"""The slot of its row, plus one; 0: it has none. Negative within a pass: the place of one of the pass's, minus one."""
KEPT_BEFORE: Final = 1
"""What that was before the pass."""
KEPT_WORDS: Final = 2
"""The first of the words of the row's order."""

# The lines of what is decided of a pass, and of what it changes.
CHOSEN: Final = 0
REPLACED: Final = 1
DECISION_LINES: Final = 2

CHANGED: Final = 0
"""The slots of the rows that go and come."""
MOMENT: Final = 1
"""The sequence numbers of the pass's rows that they are for."""
WRITTEN: Final = 2
"""Their keys."""
CHANGE_LINES: Final = 3

_FAR: Final = 16
"""How many rows ahead a key is fetched."""


@kernel(f"int64({READ_INT64}, {READ_TABLE}, int64, int64[:, ::1], int64[:, ::1])")
def decide_rows(partitions: Int64s, words: Words, last: int, kept: Words, decided: Words) -> int:
    """Find the row of each key of a pass: the first by the words of their order, or (`last`) the last.

    Among equals the first or the last to arrive. The rows of the pass that are chosen go to a line of `decided`, and
    the kept rows that they replace to another (−1: none). Returns how many.
    """
    rows = partitions.size
    for row in range(rows):
        if row + _FAR < rows:
            prefetch(kept, partitions[row + _FAR] * kept.shape[1])
        decided[CHOSEN, row] = 0  # until all are compared, whether it is
        group = partitions[row]
        known = kept[group, KEPT_ROW]
        if known != 0:
            order = int64(0)
            for word in range(words.shape[1]):
                left, right = words[row, word], kept[group, KEPT_WORDS + word]
                if left != right:
                    order = int64(-1) if left < right else int64(1)
                    break
            if order < 0 if last == 1 else order >= 0:
                continue
        if known >= 0:
            kept[group, KEPT_BEFORE] = known
        else:
            decided[CHOSEN, -known - 1] = 0
        decided[CHOSEN, row] = 1
        kept[group, KEPT_ROW] = -row - 1
        for word in range(words.shape[1]):
            kept[group, KEPT_WORDS + word] = words[row, word]
    made = int64(0)
    for row in range(rows):
        if decided[CHOSEN, row] == 1:
            decided[CHOSEN, made] = row
            decided[REPLACED, made] = kept[partitions[row], KEPT_BEFORE] - 1
            made += 1
    return made


@kernel(
    f"UniTuple(int64, 2)({READ_INT64}, {READ_INT64}, {READ_INT64}, {READ_INT64}, {READ_INT64}, int64[:, ::1], "
    "int64[:, ::1], int8[::1])"
)
def emit_replaced(
    chosen: Int64s,
    replaced: Int64s,
    slots: Int64s,
    partitions: Int64s,
    sequence: Int64s,
    kept: Words,
    changes: Words,
    diff: Int8s,
) -> tuple[int, int]:
    """Note the slots of the chosen rows, and write what changes: the old row, the new row.

    A row whose slot is that of the one that it replaces changes nothing. Returns the number of changes, and how many of
    them are new rows.
    """
    made, added = int64(0), int64(0)
    for index in range(slots.size):
        row, old, slot = chosen[index], replaced[index], slots[index]
        group = partitions[row]
        kept[group, KEPT_ROW] = slot + 1
        if slot == old:
            continue
        if old >= 0:
            changes[CHANGED, made] = old
            changes[MOMENT, made] = sequence[row]
            changes[WRITTEN, made] = group
            diff[made] = -1
            made += 1
        changes[CHANGED, made] = slot
        changes[MOMENT, made] = sequence[row]
        changes[WRITTEN, made] = group
        diff[made] = 1
        made += 1
        added += 1
    return made, added
