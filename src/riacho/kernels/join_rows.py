"""Regular joins: the rows of both inputs chained by key, taken in one after another, and the pairs that they make.

Rows are known by the slots of their side's store, and keys by those of an index. A key has a chain of rows of either
side, the last one first. What is known of a row is in `join_layout`.

A pass goes through the rows of both inputs in order of sequence. What came at one moment stays together: what is
retracted then goes first, so that −old +new never meets itself halfway.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import READ_INT8, READ_INT64, inlined, inner, kernel
from riacho.kernels.join_layout import (
    EVENT_MOMENT,
    EVENT_PAIRS,
    EVENT_ROW,
    EVENT_SIDE,
    EVENT_SIGN,
    ROW_BEFORE,
    ROW_COLUMNS_APPENDED,
    ROW_KEY,
    ROW_NEXT,
    ROW_SHOWN,
    ROW_TOUCHED,
    ROW_WEIGHT,
)
from riacho.kernels.primitives import int64, prefetch

Int8s = NDArray[np.int8]
Int64s = NDArray[np.int64]
Table = NDArray[np.int64]

# What is known of a key; columns of one side follow those of the other.
CHAIN_FIRST: Final = 0
CHAIN_COUNT: Final = 2
CHAIN_COLUMNS: Final = 4

# The lines of a table of pairs.
PAIR_LEFT: Final = 0
PAIR_RIGHT: Final = 1
PAIR_CHANGE: Final = 2
PAIR_MOMENT: Final = 3
PAIR_LINES: Final = 4

# How far a pass is; what there is of either side, the right one's follows the left one's.
NEXT_LEFT: Final = 0
NEXT_RIGHT: Final = 1
"""The next rows of both inputs."""
PAIR_COUNT: Final = 2
COPY_COUNT: Final = 3
"""The pairs, each as often as it occurs."""
EVENT_COUNT: Final = 4
REMOVED_LEFT: Final = 5
REMOVED_RIGHT: Final = 6
EMPTIED_COUNT: Final = 7
NEEDED_PAIRS: Final = 8
"""Pairs that the next moment may make, where there was no room for them."""
LAST_MOMENT: Final = 9
OVER_LEFT: Final = 10
OVER_RIGHT: Final = 11
"""A row last written to at this time or before is forgotten."""
NOW: Final = 12
PROGRESS: Final = 13

_FAR: Final = 12
"""Rows ahead whose key's chains are fetched."""


@inlined
def _link(row: int, key: int, side: int, links: Table, chains: Table) -> None:
    first = chains[key, CHAIN_FIRST + side]
    links[row, ROW_NEXT] = first
    if links.shape[1] > ROW_COLUMNS_APPENDED:
        links[row, ROW_BEFORE] = 0
        links[row, ROW_KEY] = key
        if first > 0:
            links[first - 1, ROW_BEFORE] = row + 1
    chains[key, CHAIN_FIRST + side] = row + 1
    chains[key, CHAIN_COUNT + side] += 1


@inner
def _unlink(row: int, side: int, links: Table, chains: Table, emptied: Int64s, progress: Int64s) -> None:
    key = links[row, ROW_KEY]
    after, before = links[row, ROW_NEXT], links[row, ROW_BEFORE]
    if before > 0:
        links[before - 1, ROW_NEXT] = after
    else:
        chains[key, CHAIN_FIRST + side] = after
    if after > 0:
        links[after - 1, ROW_BEFORE] = before
    chains[key, CHAIN_COUNT + side] -= 1
    if chains[key, CHAIN_COUNT] + chains[key, CHAIN_COUNT + 1] == 0:
        emptied[progress[EMPTIED_COUNT]] = key
        progress[EMPTIED_COUNT] += 1


@inlined
def _enter(
    row: int,
    key: int,
    sign: int,
    side: int,
    links: Table,
    chains: Table,
    written: Int64s,
    removed: Int64s,
    emptied: Int64s,
    progress: Int64s,
) -> None:
    """Take a row into its side."""
    if key < 0:
        removed[progress[REMOVED_LEFT + side]] = row
        progress[REMOVED_LEFT + side] += 1
        return
    if links.shape[1] == ROW_COLUMNS_APPENDED:
        _link(row, key, side, links, chains)
        return
    if written.size > 0:
        if links[row, ROW_WEIGHT] != 0 and written[row] <= progress[OVER_LEFT + side]:
            _unlink(row, side, links, chains, emptied, progress)
            links[row, ROW_WEIGHT] = 0
            links[row, ROW_SHOWN] = 0
        written[row] = progress[NOW]
    weight = links[row, ROW_WEIGHT]
    if weight == 0:
        _link(row, key, side, links, chains)
    weight += sign
    links[row, ROW_WEIGHT] = weight
    if weight == 0:
        _unlink(row, side, links, chains, emptied, progress)
    if weight <= 0:
        removed[progress[REMOVED_LEFT + side]] = row
        progress[REMOVED_LEFT + side] += 1


@inlined
def _probe(
    row: int,
    key: int,
    sign: int,
    moment: int,
    side: int,
    links: Table,
    chains: Table,
    written: Int64s,
    pairs: Table,
    progress: Int64s,
) -> None:
    """Pair a row with those of the other side, in order of arrival. `links` and `written` are the other side's."""
    count = chains[key, CHAIN_COUNT + 1 - side]
    first = progress[PAIR_COUNT]
    at = first + count
    other = int64(-1)
    for number in range(count):
        other = (chains[key, CHAIN_FIRST + 1 - side] if number == 0 else links[other, ROW_NEXT]) - 1
        if written.size > 0 and written[other] <= progress[OVER_LEFT + 1 - side]:
            continue
        at -= 1
        pairs[PAIR_LEFT + side, at] = row
        pairs[PAIR_RIGHT - side, at] = other
        pairs[PAIR_MOMENT, at] = moment
        change = int64(sign)
        if links.shape[1] > ROW_COLUMNS_APPENDED:
            change *= links[other, ROW_WEIGHT]
        pairs[PAIR_CHANGE, at] = change
        progress[COPY_COUNT] += abs(change)
    skipped = at - first
    if skipped > 0:
        for line in range(PAIR_LINES):
            for place in range(at, first + count):
                pairs[line, place - skipped] = pairs[line, place]
    progress[PAIR_COUNT] = first + count - skipped


@inlined
def _record(events: Table, progress: Int64s, moment: int, row: int, side: int, sign: int) -> None:
    event = progress[EVENT_COUNT]
    events[event, EVENT_MOMENT] = moment
    events[event, EVENT_ROW] = row
    events[event, EVENT_SIDE] = side
    events[event, EVENT_SIGN] = sign
    events[event, EVENT_PAIRS] = progress[PAIR_COUNT]
    progress[EVENT_COUNT] = event + 1


@inner
def _join(
    rows: Int64s,
    keys: Int64s,
    signs: Int8s,
    sequence: Int64s,
    lefts: int,
    left_links: Table,
    right_links: Table,
    chains: Table,
    left_written: Int64s,
    right_written: Int64s,
    left_removed: Int64s,
    right_removed: Int64s,
    emptied: Int64s,
    pairs: Table,
    events: Table,
    progress: Int64s,
) -> bool:
    """What `join_rows` does, for which no arrays are counted as they change their names from side to side."""
    left, right = progress[NEXT_LEFT], progress[NEXT_RIGHT]
    while left < lefts or right < rows.size:
        if left >= lefts:
            moment = sequence[right]
        elif right >= rows.size:
            moment = sequence[left]
        else:
            moment = min(sequence[left], sequence[right])
        left_end, right_end, needed = left, right, int64(0)
        while left_end < lefts and sequence[left_end] == moment:
            if keys[left_end] >= 0:
                needed += chains[keys[left_end], CHAIN_COUNT + 1]
            left_end += 1
        while right_end < rows.size and sequence[right_end] == moment:
            if keys[right_end] >= 0:
                needed += chains[keys[right_end], CHAIN_COUNT]
            right_end += 1
        needed += (left_end - left) * (right_end - right)
        if progress[PAIR_COUNT] + needed > pairs.shape[1] or progress[COPY_COUNT] > pairs.shape[1]:
            progress[NEXT_LEFT], progress[NEXT_RIGHT], progress[NEEDED_PAIRS] = left, right, needed
            return False
        if left_end + _FAR < lefts:
            prefetch(chains, max(keys[left_end + _FAR], 0) * CHAIN_COLUMNS)
        if right_end + _FAR < rows.size:
            prefetch(chains, max(keys[right_end + _FAR], 0) * CHAIN_COLUMNS)
        for turn in range(0 if signs.size > 0 else 2, 4):
            coming, side = turn >= 2, turn & 1
            first, end = (left, left_end) if side == 0 else (right, right_end)
            links, others = (left_links, right_links) if side == 0 else (right_links, left_links)
            written, others_written = (left_written, right_written) if side == 0 else (right_written, left_written)
            removed = left_removed if side == 0 else right_removed
            for index in range(first, end):
                sign = int64(1) if signs.size == 0 else int64(signs[index])
                if (sign > 0) != coming:
                    continue
                row, key = rows[index], keys[index]
                _enter(row, key, sign, side, links, chains, written, removed, emptied, progress)
                if key >= 0:
                    _probe(row, key, sign, moment, side, others, chains, others_written, pairs, progress)
                if events.shape[0] > 0:
                    _record(events, progress, moment, row, side, sign)
        left, right = left_end, right_end
        progress[LAST_MOMENT] = moment
    progress[NEXT_LEFT], progress[NEXT_RIGHT] = left, right
    return True


@kernel(
    f"boolean({READ_INT64}, {READ_INT64}, {READ_INT8}, {READ_INT64}, int64, int64[:, ::1], int64[:, ::1], "
    "int64[:, ::1], int64[::1], int64[::1], int64[::1], int64[::1], int64[::1], int64[:, ::1], int64[:, ::1], "
    "int64[::1])"
)
def join_rows(
    rows: Int64s,
    keys: Int64s,
    signs: Int8s,
    sequence: Int64s,
    lefts: int,
    left_links: Table,
    right_links: Table,
    chains: Table,
    left_written: Int64s,
    right_written: Int64s,
    left_removed: Int64s,
    right_removed: Int64s,
    emptied: Int64s,
    pairs: Table,
    events: Table,
    progress: Int64s,
) -> bool:
    """Take the rows of a pass in, moment by moment, and write the pairs that each makes with those before it.

    The first `lefts` rows are the left input's. A negative key has no chain. `signs` is empty where all rows are added,
    a `written` where that side's rows live for ever, `events` where nobody wants them. Rows that may have gone are
    `removed`, and keys that may have no rows any more `emptied`.

    Stops before a moment whose pairs, or copies of them, may find no room; returns whether all rows have been taken in.
    """
    return _join(
        rows,
        keys,
        signs,
        sequence,
        lefts,
        left_links,
        right_links,
        chains,
        left_written,
        right_written,
        left_removed,
        right_removed,
        emptied,
        pairs,
        events,
        progress,
    )


@kernel(f"int64({READ_INT64}, int64, boolean, int64[:, ::1], int64[:, ::1], int64[::1], int64[::1], int64[::1])")
def gone_rows(
    removed: Int64s,
    side: int,
    below: bool,
    links: Table,
    chains: Table,
    emptied: Int64s,
    progress: Int64s,
    gone: Int64s,
) -> int:
    """Which of these rows occur no more, or (`below`) less than never, each once; returns how many.

    What is known of them is forgotten.
    """
    count = int64(0)
    for index in range(removed.size):
        row = removed[index]
        if links.shape[1] > ROW_COLUMNS_APPENDED:
            weight = links[row, ROW_WEIGHT]
            if links[row, ROW_TOUCHED] != 0 or weight > 0 or (weight < 0 and not below):
                continue
            if weight < 0:
                _unlink(row, side, links, chains, emptied, progress)
            links[row, ROW_TOUCHED] = 1
        gone[count] = row
        count += 1
    if links.shape[1] > ROW_COLUMNS_APPENDED:
        for index in range(count):
            for column in range(links.shape[1]):
                links[gone[index], column] = 0
    return count


@kernel(f"void({READ_INT64}, int64, int64[:, ::1], int64[:, ::1], int64[::1], int64[::1])")
def forget_rows(rows: Int64s, side: int, links: Table, chains: Table, emptied: Int64s, progress: Int64s) -> None:
    """Take these rows, whose time is over, out of their chains."""
    for index in range(rows.size):
        row = rows[index]
        if links[row, ROW_WEIGHT] != 0:
            _unlink(row, side, links, chains, emptied, progress)
        for column in range(links.shape[1]):
            links[row, column] = 0
