"""The first rows of each partition where rows may be retracted: what a pass changes, and how the result changes.

All rows are kept. The first ones of a partition lie in its front: a block of row slots, sorted, earlier arrivals first
among equals. The rest is a chain without order, from which the front is filled again when it runs short.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import READ_INT8, READ_INT64, READ_TABLE, READ_UINT64, inner, kernel
from riacho.kernels.primitives import int64
from riacho.kernels.rank_layout import (
    BEFORE_USED,
    GROUP_BLOCK,
    GROUP_CAPACITY,
    GROUP_COUNT,
    POOL_USED,
    RANK,
    REMOVED_COUNT,
    ROW_NUMBER,
    SET_END,
    SET_KIND,
    SET_NUMBERED,
    SET_START,
    TOUCHED_COUNT,
    TOUCHED_END,
    TOUCHED_GROUP,
    TOUCHED_START,
    size_class,
)
from riacho.kernels.row_words import compare_rows

Hashes = NDArray[np.uint64]
Int8s = NDArray[np.int8]
Int64s = NDArray[np.int64]
Words = NDArray[np.int64]


# The settings of an operator, after those of `rank_layout`; so below.
SET_FRONT: Final = 4
"""No front is longer."""
SETTINGS: Final = 5

# What is known of a partition.
GROUP_REST: Final = 3
"""The first row of the rest, plus one."""
GROUP_REST_COUNT: Final = 4
GROUP_TOUCHED: Final = 5
"""Its place among the partitions that the pass touched, plus one."""
GROUP_LAST: Final = 6
"""The last row of the pass that changed it."""
GROUP_COLUMNS: Final = 7

# What is known of a row.
ROW_SHOWN: Final = 0
"""The number under which the result shows it, 1 where it has none; 0: not shown."""
ROW_NEXT: Final = 1
"""That after the pass."""
ROW_PLACE: Final = 2
ROW_ARRIVAL: Final = 3
ROW_AFTER: Final = 4
"""Of a row of the rest: the one after it in the chain, plus one."""
ROW_BEFORE: Final = 5
ROW_TWIN: Final = 6
"""Another row with the same values that came later, plus one."""
ROW_COLUMNS: Final = 7

_NOWHERE: Final = 0
_IN_FRONT: Final = 1
_IN_REST: Final = 2

# The counters that `rank_rows` moves.
ARRIVALS: Final = 4
SHORT_GROUP: Final = 5
"""The partition whose front is to be filled again from its rest, plus one; 0: none."""
COUNTERS: Final = 6


@inner
def _has_room(groups: Words, group: int, pool: Int64s, free: Int64s, counters: Int64s) -> bool:
    """Whether the partition's front may become one row longer."""
    capacity = groups[group, GROUP_CAPACITY]
    if groups[group, GROUP_COUNT] < capacity:
        return True
    wanted = max(2 * capacity, 1)
    return bool(free[size_class(wanted)] > 0 or counters[POOL_USED] + wanted <= pool.size)


@inner
def _free_block(groups: Words, group: int, pool: Int64s, free: Int64s) -> None:
    capacity = groups[group, GROUP_CAPACITY]
    if capacity > 0:
        block = groups[group, GROUP_BLOCK]
        size = size_class(capacity)
        pool[block] = free[size]
        free[size] = block + 1
        groups[group, GROUP_CAPACITY] = 0


@inner
def _grow_front(groups: Words, group: int, pool: Int64s, free: Int64s, counters: Int64s) -> None:
    capacity = groups[group, GROUP_CAPACITY]
    wanted = max(2 * capacity, 1)
    size = size_class(wanted)
    if free[size] > 0:
        block = free[size] - 1
        free[size] = pool[block]
    else:
        block = counters[POOL_USED]
        counters[POOL_USED] += wanted
    old = groups[group, GROUP_BLOCK]
    for place in range(groups[group, GROUP_COUNT]):
        pool[block + place] = pool[old + place]
    _free_block(groups, group, pool, free)
    groups[group, GROUP_BLOCK] = block
    groups[group, GROUP_CAPACITY] = wanted


@inner
def _place_in_front(
    groups: Words, group: int, place: int, row: int, rows: Words, pool: Int64s, free: Int64s, counters: Int64s
) -> None:
    count = groups[group, GROUP_COUNT]
    if count == groups[group, GROUP_CAPACITY]:
        _grow_front(groups, group, pool, free, counters)
    block = groups[group, GROUP_BLOCK]
    for at in range(block + count, block + place, -1):
        pool[at] = pool[at - 1]
    pool[block + place] = row
    groups[group, GROUP_COUNT] = count + 1
    rows[row, ROW_PLACE] = _IN_FRONT


@inner
def _remove(row: int, rows: Words, removed: Int64s, counters: Int64s) -> None:
    rows[row, ROW_PLACE] = _NOWHERE
    removed[counters[REMOVED_COUNT]] = row
    counters[REMOVED_COUNT] += 1


@inner
def _push_to_rest(groups: Words, group: int, row: int, rows: Words) -> None:
    first = groups[group, GROUP_REST]
    rows[row, ROW_AFTER] = first
    rows[row, ROW_BEFORE] = 0
    if first > 0:
        rows[first - 1, ROW_BEFORE] = row + 1
    groups[group, GROUP_REST] = row + 1
    groups[group, GROUP_REST_COUNT] += 1
    rows[row, ROW_PLACE] = _IN_REST


@inner
def _take_from_rest(groups: Words, group: int, row: int, rows: Words) -> None:
    before, after = rows[row, ROW_BEFORE], rows[row, ROW_AFTER]
    if before > 0:
        rows[before - 1, ROW_AFTER] = after
    else:
        groups[group, GROUP_REST] = after
    if after > 0:
        rows[after - 1, ROW_BEFORE] = before
    groups[group, GROUP_REST_COUNT] -= 1


@inner
def _place_of(
    store: Words, chunks: Hashes, keys: Words, rows: Words, row: int, pool: Int64s, block: int, count: int
) -> int:
    """The place behind the rows of a front that order before this one, or as it and came earlier."""
    low, high = int64(0), int64(count)
    while low < high:
        # The last row first: most rows go behind it.
        middle = count - 1 if high == count else (low + high) >> 1
        other = pool[block + middle]
        order = compare_rows(store, other, row, keys, chunks)
        if order < 0 or (order == 0 and rows[other, ROW_ARRIVAL] < rows[row, ROW_ARRIVAL]):
            low = middle + 1
        else:
            high = middle
    return low


@inner
def _enter_row(
    store: Words,
    chunks: Hashes,
    keys: Words,
    groups: Words,
    group: int,
    row: int,
    rows: Words,
    pool: Int64s,
    free: Int64s,
    counters: Int64s,
    most: int,
) -> None:
    """Enter a row: into the front, or where the rest begins before it, into the rest."""
    rows[row, ROW_ARRIVAL] = counters[ARRIVALS]
    counters[ARRIVALS] += 1
    block, count = groups[group, GROUP_BLOCK], groups[group, GROUP_COUNT]
    place = _place_of(store, chunks, keys, rows, row, pool, block, count)
    if place == count and groups[group, GROUP_REST_COUNT] > 0:
        _push_to_rest(groups, group, row, rows)
        return
    _place_in_front(groups, group, place, row, rows, pool, free, counters)
    if groups[group, GROUP_COUNT] > most:
        groups[group, GROUP_COUNT] -= 1
        _push_to_rest(groups, group, pool[groups[group, GROUP_BLOCK] + most], rows)


@inner
def _leave_row(
    store: Words,
    chunks: Hashes,
    keys: Words,
    groups: Words,
    group: int,
    row: int,
    rows: Words,
    pool: Int64s,
) -> None:
    """Take a row out that was retracted."""
    if rows[row, ROW_PLACE] == _IN_REST:
        _take_from_rest(groups, group, row, rows)
        return
    block, count = groups[group, GROUP_BLOCK], groups[group, GROUP_COUNT]
    place = _place_of(store, chunks, keys, rows, row, pool, block, count)
    for at in range(block + place, block + count - 1):
        pool[at] = pool[at + 1]
    groups[group, GROUP_COUNT] = count - 1


# ---- a pass -------------------------------------------------------------------------------------------------------


@kernel(f"int64(int64, {READ_INT64}, int64[:, ::1], {READ_TABLE}, {READ_INT64}, int64[:, ::1], int64[::1], int64[::1])")
def touch_partitions(
    first: int,
    partitions: Int64s,
    groups: Words,
    rows: Words,
    pool: Int64s,
    touched: Words,
    before: Int64s,
    counters: Int64s,
) -> int:
    """Write down what the result shows of the partitions of a pass's rows, from `first` on.

    Returns the row before which it stopped because `before` is too short, else the number of rows.
    """
    for index in range(first, partitions.size):
        group = partitions[index]
        if groups[group, GROUP_TOUCHED] > 0:
            continue
        block, count = groups[group, GROUP_BLOCK], groups[group, GROUP_COUNT]
        number, used = counters[TOUCHED_COUNT], counters[BEFORE_USED]
        if used + count > before.size:
            return index
        touched[number, TOUCHED_GROUP] = group
        touched[number, TOUCHED_START] = used
        for place in range(block, block + count):
            if rows[pool[place], ROW_SHOWN] > 0:
                before[used] = pool[place]
                used += 1
            elif used > counters[BEFORE_USED]:
                break
        touched[number, TOUCHED_END] = used
        counters[BEFORE_USED] = used
        counters[TOUCHED_COUNT] = number + 1
        groups[group, GROUP_TOUCHED] = number + 1
    return partitions.size


@kernel(
    f"int64(int64, {READ_INT64}, {READ_INT64}, {READ_INT64}, {READ_INT8}, int64[:, ::1], {READ_UINT64}, {READ_TABLE}, "
    f"{READ_INT64}, int64[:, ::1], int64[:, ::1], int64[::1], int64[::1], int64[::1], int64[::1])"
)
def rank_rows(
    first: int,
    slots: Int64s,
    equals: Int64s,
    partitions: Int64s,
    signs: Int8s,
    store: Words,
    chunks: Hashes,
    keys: Words,
    settings: Int64s,
    groups: Words,
    rows: Words,
    pool: Int64s,
    free: Int64s,
    removed: Int64s,
    counters: Int64s,
) -> int:
    """Take a pass's rows, those of `slots` from `first` on, into the fronts of their partitions, which are touched.

    `equals` has for each row the slot of the first with the same values, and `signs` may be empty: all are added.
    Rows that are in no partition afterwards go to `removed`, up to two for each row. Returns the row before which it
    stopped because `pool` is too short, or because a front is, else the number of rows.
    """
    limit, most = settings[SET_END], settings[SET_FRONT]
    for index in range(first, slots.size):
        group, row = partitions[index], slots[index]
        if not _has_room(groups, group, pool, free, counters):
            return index
        for column in range(rows.shape[1]):
            rows[row, column] = 0
        groups[group, GROUP_LAST] = index
        same = equals[index]
        if signs.size > 0 and signs[index] < 0:
            _remove(row, rows, removed, counters)
            if rows[same, ROW_PLACE] == _NOWHERE:
                continue  # what was never added
            if rows[same, ROW_TWIN] > 0:
                twin = rows[same, ROW_TWIN] - 1
                rows[same, ROW_TWIN] = rows[twin, ROW_TWIN]
                same = twin
            _leave_row(store, chunks, keys, groups, group, same, rows, pool)
            _remove(same, rows, removed, counters)
            if groups[group, GROUP_COUNT] < limit and groups[group, GROUP_REST_COUNT] > 0:
                counters[SHORT_GROUP] = group + 1
                return index + 1
            continue
        entered = row
        if same != row and rows[same, ROW_PLACE] == _NOWHERE:  # it went in this pass, and is back
            _remove(row, rows, removed, counters)
            entered = same
        elif same != row:
            rows[row, ROW_TWIN] = rows[same, ROW_TWIN]
            rows[same, ROW_TWIN] = row + 1
        _enter_row(store, chunks, keys, groups, group, entered, rows, pool, free, counters, most)
    return slots.size


@kernel(f"int64(int64, {READ_TABLE}, {READ_TABLE}, int64[::1])")
def list_rest(group: int, groups: Words, rows: Words, out: Int64s) -> int:
    """Write the rows of a partition's rest; returns how many there are."""
    link = groups[group, GROUP_REST]
    made = int64(0)
    while link > 0:
        out[made] = link - 1
        made += 1
        link = rows[link - 1, ROW_AFTER]
    return made


@kernel(f"int64({READ_INT64}, int64, int64[:, ::1], int64[:, ::1], int64[::1], int64[::1], int64[::1])")
def fill_front(
    chosen: Int64s, group: int, groups: Words, rows: Words, pool: Int64s, free: Int64s, counters: Int64s
) -> int:
    """Move these rows of the rest, the first of it in order, behind the front; returns how many found room."""
    for index in range(chosen.size):
        if not _has_room(groups, group, pool, free, counters):
            return index
        _take_from_rest(groups, group, chosen[index], rows)
        _place_in_front(groups, group, groups[group, GROUP_COUNT], chosen[index], rows, pool, free, counters)
    return chosen.size


@kernel(
    f"int64({READ_INT64}, int64[:, ::1], {READ_UINT64}, {READ_TABLE}, {READ_INT64}, int64[:, ::1], int64[:, ::1], "
    f"int64[::1], int64[::1], {READ_TABLE}, {READ_INT64}, int64[::1], int64[::1], int8[::1], int64[::1], int64[::1], "
    "int64[::1])"
)
def emit_ranks(
    partitions: Int64s,
    store: Words,
    chunks: Hashes,
    keys: Words,
    settings: Int64s,
    groups: Words,
    rows: Words,
    pool: Int64s,
    free: Int64s,
    touched: Words,
    before: Int64s,
    out: Int64s,
    numbers: Int64s,
    diff: Int8s,
    moments: Int64s,
    emptied: Int64s,
    counters: Int64s,
) -> int:
    """Write how the result changes with the pass, in order of each partition's last change; returns how many rows.

    The changes are row slots (`out`), their numbers, their signs and the rows of the pass that made them. Partitions
    without rows go to `emptied`, whose number is left in place of the number of touched ones.
    """
    kind, start, end = settings[SET_KIND], settings[SET_START], settings[SET_END]
    numbered = settings[SET_NUMBERED] == 1
    made = int64(0)
    for index in range(partitions.size):
        group = partitions[index]
        if groups[group, GROUP_LAST] != index or groups[group, GROUP_TOUCHED] == 0:
            continue
        entry = groups[group, GROUP_TOUCHED] - 1
        first, last = touched[entry, TOUCHED_START], touched[entry, TOUCHED_END]
        for place in range(first, last):
            rows[before[place], ROW_NEXT] = 0
        block, count = groups[group, GROUP_BLOCK], groups[group, GROUP_COUNT]
        number, shown = int64(0), int64(0)
        while shown < count:
            row = pool[block + shown]
            if kind == ROW_NUMBER:
                number = shown + 1
            elif shown == 0 or compare_rows(store, pool[block + shown - 1], row, keys, chunks) != 0:
                number = shown + 1 if kind == RANK else number + 1
            if number > end:
                break
            if number < start:
                rows[row, ROW_NEXT] = 0
            else:
                rows[row, ROW_NEXT] = number if numbered else int64(1)
            shown += 1
        for place in range(first, last):
            row = before[place]
            if rows[row, ROW_NEXT] != rows[row, ROW_SHOWN]:
                out[made] = row
                numbers[made] = rows[row, ROW_SHOWN]
                diff[made] = -1
                moments[made] = index
                made += 1
        for place in range(block, block + shown):
            row = pool[place]
            if rows[row, ROW_NEXT] != rows[row, ROW_SHOWN]:
                if rows[row, ROW_NEXT] > 0:
                    out[made] = row
                    numbers[made] = rows[row, ROW_NEXT]
                    diff[made] = 1
                    moments[made] = index
                    made += 1
                rows[row, ROW_SHOWN] = rows[row, ROW_NEXT]
        for place in range(first, last):
            rows[before[place], ROW_SHOWN] = rows[before[place], ROW_NEXT]
    left = int64(0)
    for entry in range(counters[TOUCHED_COUNT]):
        group = touched[entry, TOUCHED_GROUP]
        groups[group, GROUP_TOUCHED] = 0
        if groups[group, GROUP_COUNT] == 0 and groups[group, GROUP_REST_COUNT] == 0:
            _free_block(groups, group, pool, free)
            emptied[left] = group
            left += 1
    counters[TOUCHED_COUNT] = left
    counters[BEFORE_USED] = 0
    return made
