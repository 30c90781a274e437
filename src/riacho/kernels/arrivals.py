"""Each group's values in order of arrival, chained; and what concatenating or ranking them gives.

An occurrence is a row of five cells. Links are numbers plus one, 0 ends a chain. An entry is a distinct (group, value):
it knows its first and last occurrence, so that a retraction finds the earliest without a search.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import BYTES, READ_INT64, kernel
from riacho.kernels.primitives import copy_bytes, int64

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float64]
Int64s = NDArray[np.int64]

READ_CELLS = "Array(int64, 2, 'C', True)"
READ_FLOATS = "Array(float64, 1, 'C', True)"

# The cells of an occurrence; those of a group, and of an entry, are its first and its last occurrence.
NEXT: Final = 0
PREVIOUS: Final = 1
NEXT_SAME: Final = 2
WORD: Final = 3
VALID: Final = 4
OCCURRENCE_CELLS: Final = 5

# The counters that the kernels read and move.
USED: Final = 0
"""Occurrences ever given out."""
FREE_COUNT: Final = 1
"""Released ones, taken before fresh ones."""
COUNTERS: Final = 2


@kernel(
    f"void({READ_INT64}, {READ_INT64}, {READ_INT64}, {READ_INT64}, int64[:, ::1], int64[:, ::1], int64[:, ::1], "
    "int64[::1], int64[::1])"
)
def append_values(
    slots: Int64s,
    entries: Int64s,
    words: Int64s,
    valid: Int64s,
    groups: Int64s,
    firsts: Int64s,
    occurrences: Int64s,
    free: Int64s,
    counters: Int64s,
) -> None:
    """Put each value at the end of its group. There is room for all; `entries` is empty where nothing is retracted."""
    for row in range(slots.size):
        if counters[1] > 0:
            counters[1] -= 1
            place = free[counters[1]]
        else:
            place = counters[0]
            counters[0] += 1
        slot = slots[row]
        last = groups[slot, 1]
        occurrences[place, 0] = 0
        occurrences[place, 1] = last
        occurrences[place, 2] = 0
        occurrences[place, 3] = words[row]
        occurrences[place, 4] = valid[row]
        if last > 0:
            occurrences[last - 1, 0] = place + 1
        else:
            groups[slot, 0] = place + 1
        groups[slot, 1] = place + 1
        if entries.size > 0:
            entry = entries[row]
            same = firsts[entry, 1]
            if same > 0:
                occurrences[same - 1, 2] = place + 1
            else:
                firsts[entry, 0] = place + 1
            firsts[entry, 1] = place + 1


@kernel(
    f"int64({READ_INT64}, {READ_INT64}, int64[:, ::1], int64[:, ::1], int64[:, ::1], int64[::1], int64[::1], "
    "int64[::1])"
)
def remove_values(
    slots: Int64s,
    entries: Int64s,
    groups: Int64s,
    firsts: Int64s,
    occurrences: Int64s,
    free: Int64s,
    counters: Int64s,
    emptied: Int64s,
) -> int:
    """Take the earliest occurrence of each entry out of its group; returns how many entries have none left."""
    count = 0
    for row in range(slots.size):
        entry = entries[row]
        link = firsts[entry, 0]
        if link == 0:
            continue
        place = link - 1
        firsts[entry, 0] = occurrences[place, 2]
        if firsts[entry, 0] == 0:
            firsts[entry, 1] = 0
            emptied[count] = entry
            count += 1
        before, after = occurrences[place, 1], occurrences[place, 0]
        if before > 0:
            occurrences[before - 1, 0] = after
        else:
            groups[slots[row], 0] = after
        if after > 0:
            occurrences[after - 1, 1] = before
        else:
            groups[slots[row], 1] = before
        free[counters[1]] = place
        counters[1] += 1
    return count


@kernel(f"int64({READ_INT64}, {READ_CELLS}, {READ_CELLS}, int64[::1], int64[::1])")
def arrived_values(slots: Int64s, groups: Int64s, occurrences: Int64s, out: Int64s, ends: Int64s) -> int:
    """The occurrences of these groups, one group after another; returns how many, also where `out` is short.

    `ends[i]` is where those of slot `i` end.
    """
    count = 0
    for index in range(slots.size):
        link = groups[slots[index], 0]
        while link > 0:
            if count < out.size:
                out[count] = link - 1
            count += 1
            link = occurrences[link - 1, 0]
        ends[index] = count
    return count


@kernel(
    f"int64({READ_INT64}, {READ_INT64}, {BYTES}, {BYTES}, {BYTES}, {READ_INT64}, {READ_INT64}, {BYTES}, int64[::1], "
    "uint8[::1])"
)
def join_texts(
    ids: Int64s,
    ends: Int64s,
    prefix: Bytes,
    separator: Bytes,
    suffix: Bytes,
    starts: Int64s,
    lengths: Int64s,
    arena: Bytes,
    offsets: Int64s,
    out: Bytes,
) -> int:
    """Each group's strings with the separator between them, the prefix before and the suffix behind.

    Writes where each group's text ends into `offsets` (one more than groups, the first 0); returns the bytes used. Call
    it with an empty `out` first to learn the size.
    """
    used = int64(0)
    row = int64(0)
    offsets[0] = 0
    writing = out.size > 0
    for group in range(ends.size):
        if writing:
            copy_bytes(out, used, prefix, int64(0), prefix.size)
        used += prefix.size
        first = row
        while row < ends[group]:
            if row > first:
                if writing:
                    copy_bytes(out, used, separator, int64(0), separator.size)
                used += separator.size
            length = lengths[ids[row]]
            if writing:
                copy_bytes(out, used, arena, starts[ids[row]], length)
            used += length
            row += 1
        if writing:
            copy_bytes(out, used, suffix, int64(0), suffix.size)
        used += suffix.size
        offsets[group + 1] = used
    return used


@kernel(f"void({READ_FLOATS}, {READ_INT64}, {READ_INT64}, {READ_FLOATS}, float64[:, ::1], boolean[::1])")
def percentiles(
    values: Floats, counts: Int64s, ends: Int64s, fractions: Floats, out: Floats, valid: NDArray[np.bool_]
) -> None:
    """The value at each fraction of each group, interpolated between neighbours.

    `values` ascend within a group and occur `counts` times; a group's end is in `ends`. A group without any is not
    valid.
    """
    start = int64(0)
    for group in range(ends.size):
        total = int64(0)
        for index in range(start, ends[group]):
            total += counts[index]
        valid[group] = total > 0
        for place in range(fractions.size):
            out[group, place] = 0.0
            if total <= 0:
                continue
            position = fractions[place] * (total - 1) + 1.0
            lower, higher = int64(np.floor(position)), int64(np.ceil(position))
            index = start
            seen = counts[index]
            while seen < lower:
                index += 1
                seen += counts[index]
            if seen >= higher:
                out[group, place] = values[index]
            else:
                out[group, place] = (higher - position) * values[index] + (position - lower) * values[index + 1]
        start = ends[group]
