"""Sessions by key: which one a row falls into, which ones it makes one of, and which have closed.

A session is the time from its first row to `gap` after its last; rows not further apart than `gap` share one. The
sessions of a key are chained: links are session numbers plus one, 0 ends a chain. Those that have not been closed are
in a binary heap by the end that they had when they were put there; it is put right when they come to its top.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import READ_INT64, inner, kernel
from riacho.kernels.primitives import int64

Int64s = NDArray[np.int64]

LATE: Final = -1
"""The session of a row that came too late for any."""

DEAD: Final = -1
"""The key of a session that became part of another one, or was closed."""

# The counters that the kernels read and move.
SLOTS_USED: Final = 0
"""Sessions ever numbered: the next fresh number."""
FREE_COUNT: Final = 1
"""Numbers on the free list, taken before fresh ones."""
HEAP_SIZE: Final = 2
NEW_COUNT: Final = 3
"""Sessions that this call made."""
MERGED_COUNT: Final = 4
"""Sessions that this call made part of others."""
LATE_COUNT: Final = 5
COUNTERS: Final = 6


@inner
def _sift_up(heap_ends: Int64s, heap_slots: Int64s, place: int) -> None:
    end, slot = heap_ends[place], heap_slots[place]
    while place > 0:
        above = (place - 1) // 2
        if heap_ends[above] <= end:
            break
        heap_ends[place] = heap_ends[above]
        heap_slots[place] = heap_slots[above]
        place = above
    heap_ends[place] = end
    heap_slots[place] = slot


@inner
def _sift_down(heap_ends: Int64s, heap_slots: Int64s, size: int) -> None:
    end, slot = heap_ends[0], heap_slots[0]
    place = int64(0)
    while 2 * place + 1 < size:
        below = 2 * place + 1
        if below + 1 < size and heap_ends[below + 1] < heap_ends[below]:
            below += 1
        if heap_ends[below] >= end:
            break
        heap_ends[place] = heap_ends[below]
        heap_slots[place] = heap_slots[below]
        place = below
    heap_ends[place] = end
    heap_slots[place] = slot


@kernel(
    f"int64({READ_INT64}, {READ_INT64}, {READ_INT64}, {READ_INT64}, {READ_INT64}, int64, int64, int64, int64, "
    "int64[::1], int64[::1], int64[::1], int64[::1], int64[::1], int64[::1], int64[::1], int64[::1], int64[::1], "
    "int64[::1], int64[::1], int64[::1], int64[::1], int64[::1])"
)
def assign_sessions(
    times: Int64s,
    keys: Int64s,
    sequence: Int64s,
    step_sequence: Int64s,
    step_value: Int64s,
    before: int,
    gap: int,
    first: int,
    arrivals: int,
    heads: Int64s,
    nexts: Int64s,
    starts: Int64s,
    ends: Int64s,
    owners: Int64s,
    born: Int64s,
    free: Int64s,
    heap_ends: Int64s,
    heap_slots: Int64s,
    counters: Int64s,
    sessions: Int64s,
    made: Int64s,
    merged: Int64s,
    into: Int64s,
) -> int:
    """The session of each row from row `first` on, `LATE` where all that it could be in had closed.

    `times` are in microseconds, all else in milliseconds. A row joins what is open, whether or not it came after its
    own end. New sessions go to `made`; those that a row made part of another to `merged`, the other one to `into`.
    `born` is the arrival of a session's first row, counted from `arrivals` for row 0. Returns the row before which it
    stopped for want of numbers, else how many rows there are.
    """
    step = 0
    watermark = before
    for row in range(times.size):
        while step < step_sequence.size and step_sequence[step] < sequence[row]:
            watermark = step_value[step]
            step += 1
        if row < first:
            continue
        start = times[row] // 1000
        end = start + gap
        key = keys[row]
        found = int64(-1)
        previous = int64(0)
        link = heads[key]
        while link > 0:
            slot = link - 1
            following = nexts[slot]
            if watermark < ends[slot] - 1 and start <= ends[slot] and starts[slot] <= end:
                if found < 0:
                    found = slot
                    starts[slot] = min(starts[slot], start)
                    ends[slot] = max(ends[slot], end)
                    previous = link
                else:
                    starts[found] = min(starts[found], starts[slot])
                    ends[found] = max(ends[found], ends[slot])
                    born[found] = min(born[found], born[slot])
                    owners[slot] = -1
                    nexts[previous - 1] = following
                    merged[counters[4]] = slot
                    into[counters[4]] = found
                    counters[4] += 1
            else:
                previous = link
            link = following
        if found < 0:
            if watermark >= end - 1:
                sessions[row] = -1
                counters[5] += 1
                continue
            if counters[1] > 0:
                counters[1] -= 1
                found = free[counters[1]]
            elif counters[0] < starts.size:
                found = counters[0]
                counters[0] += 1
            else:
                return row
            starts[found] = start
            ends[found] = end
            owners[found] = key
            born[found] = arrivals + row
            nexts[found] = heads[key]
            heads[key] = found + 1
            heap_ends[counters[2]] = end
            heap_slots[counters[2]] = found
            _sift_up(heap_ends, heap_slots, counters[2])
            counters[2] += 1
            made[counters[3]] = found
            counters[3] += 1
        sessions[row] = found
    return int64(times.size)


@kernel(f"void({READ_INT64}, int64[::1], int64[::1], int64[::1])")
def follow_merges(merged: Int64s, into: Int64s, links: Int64s, sessions: Int64s) -> None:
    """Name the session that is left in the end for each that became part of one: in `into` and in `sessions`.

    `merged` is in order of time. `links` is scratch space by session, all 0 before and after.
    """
    for index in range(merged.size - 1, -1, -1):
        if links[into[index]] > 0:
            into[index] = links[into[index]] - 1
        links[merged[index]] = into[index] + 1
    for row in range(sessions.size):
        if sessions[row] >= 0 and links[sessions[row]] > 0:
            sessions[row] = links[sessions[row]] - 1
    for index in range(merged.size):
        links[merged[index]] = 0


@kernel(
    f"int64(int64, {READ_INT64}, int64[::1], int64[::1], int64[::1], int64[::1], int64[::1], int64[::1], int64[::1])"
)
def close_sessions(
    limit: int,
    ends: Int64s,
    owners: Int64s,
    heads: Int64s,
    nexts: Int64s,
    heap_ends: Int64s,
    heap_slots: Int64s,
    counters: Int64s,
    closed: Int64s,
) -> int:
    """Take the sessions that end at `limit` or before out of the heap and of their keys' chains; returns how many.

    The numbers of those that became part of others before go to `closed` too: their owner is `DEAD`.
    """
    count = 0
    while counters[2] > 0 and heap_ends[0] <= limit:
        slot = heap_slots[0]
        if owners[slot] >= 0 and ends[slot] > limit:
            heap_ends[0] = ends[slot]
            _sift_down(heap_ends, heap_slots, counters[2])
            continue
        counters[2] -= 1
        heap_ends[0] = heap_ends[counters[2]]
        heap_slots[0] = heap_slots[counters[2]]
        _sift_down(heap_ends, heap_slots, counters[2])
        closed[count] = slot
        count += 1
        if owners[slot] < 0:
            continue
        key = owners[slot]
        if heads[key] == slot + 1:
            heads[key] = nexts[slot]
        else:
            link = heads[key]
            while nexts[link - 1] != slot + 1:
                link = nexts[link - 1]
            nexts[link - 1] = nexts[slot]
    return count


@kernel(f"void({READ_INT64}, {READ_INT64}, int64[::1], int64[::1], int64)")
def fill_heap(slots: Int64s, ends: Int64s, heap_ends: Int64s, heap_slots: Int64s, first: int) -> None:
    """Put sessions into a heap that has `first` of them."""
    for index in range(slots.size):
        heap_ends[first + index] = ends[slots[index]]
        heap_slots[first + index] = slots[index]
        _sift_up(heap_ends, heap_slots, first + index)


@kernel(f"void({READ_INT64}, {READ_INT64}, int64[::1], int64[::1], int64[::1])")
def chain_rows(rows: Int64s, sessions: Int64s, heads: Int64s, tails: Int64s, nexts: Int64s) -> None:
    """Put each row at the end of its session's chain."""
    for index in range(rows.size):
        link, session = rows[index] + 1, sessions[index]
        nexts[rows[index]] = 0
        if tails[session] > 0:
            nexts[tails[session] - 1] = link
        else:
            heads[session] = link
        tails[session] = link


@kernel(f"void({READ_INT64}, {READ_INT64}, int64[::1], int64[::1], int64[::1])")
def join_chains(sources: Int64s, targets: Int64s, heads: Int64s, tails: Int64s, nexts: Int64s) -> None:
    """Put the rows of each source session at the end of the target's chain."""
    for index in range(sources.size):
        source, target = sources[index], targets[index]
        if heads[source] == 0:
            continue
        if tails[target] > 0:
            nexts[tails[target] - 1] = heads[source]
        else:
            heads[target] = heads[source]
        tails[target] = tails[source]
        heads[source] = 0
        tails[source] = 0


@kernel(f"int64({READ_INT64}, {READ_INT64}, {READ_INT64}, int64[::1], int64[::1])")
def chained_rows(sessions: Int64s, heads: Int64s, nexts: Int64s, places: Int64s, rows: Int64s) -> int:
    """Each row of these sessions with its session's place among them; returns how many, also where `rows` is short."""
    count = 0
    for index in range(sessions.size):
        link = heads[sessions[index]]
        while link > 0:
            if count < rows.size:
                places[count] = index
                rows[count] = link - 1
            count += 1
            link = nexts[link - 1]
    return count
