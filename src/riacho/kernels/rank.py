"""The first rows of each partition by an order: what a batch of rows changes, and how the result changes with it.

A partition's rows lie in its front: a block of row slots, sorted, earlier arrivals first among equals. Where rows may
be retracted the front holds the first of them and the rest is a chain without order, from which the front is filled
again when it runs short.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import READ_INT64, READ_UINT64, inner, kernel
from riacho.kernels.primitives import int64
from riacho.kernels.row_words import READ_TABLE, compare_rows, same_rows

Hashes = NDArray[np.uint64]
Int8s = NDArray[np.int8]
Int64s = NDArray[np.int64]
Words = NDArray[np.int64]

READ_INT8 = "Array(int8, 1, 'C', True)"

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
SET_RETRACTING: Final = 4
SET_FRONT: Final = 5
"""No front of a retracting operator is longer."""
SET_LATER: Final = 6
"""1 where of equals the one that came later is the first."""
SETTINGS: Final = 7

# What is known of a partition.
GROUP_BLOCK: Final = 0
GROUP_CAPACITY: Final = 1
GROUP_COUNT: Final = 2
GROUP_DISTINCT: Final = 3
"""How many different values of the order the front has; counted for DENSE_RANK alone."""
GROUP_REST: Final = 4
"""The first row of the rest, plus one."""
GROUP_REST_COUNT: Final = 5
GROUP_TOUCHED: Final = 6
"""Its place among the partitions that the pass touched, plus one."""
GROUP_LAST: Final = 7
"""The last row of the pass that changed it; −1: none."""
GROUP_COLUMNS: Final = 8

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
ROW_COLUMNS_APPENDED: Final = 3
"""What a row needs that is never retracted."""

_NOWHERE: Final = 0
_IN_FRONT: Final = 1
_IN_REST: Final = 2

# The columns of the list of touched partitions.
TOUCHED_GROUP: Final = 0
TOUCHED_START: Final = 1
TOUCHED_END: Final = 2
"""Which rows of `before` the result showed of it."""
TOUCHED_COLUMNS: Final = 3

# The counters that `rank_rows` moves.
POOL_USED: Final = 0
TOUCHED_COUNT: Final = 1
BEFORE_USED: Final = 2
REMOVED_COUNT: Final = 3
ARRIVALS: Final = 4
COUNTERS: Final = 5

BLOCK_SIZES: Final = 40
"""Blocks have 2^0 to 2^39 places; free ones of each size are chained."""


@inner
def _size_class(capacity: int) -> int:
    number = int64(0)
    while (int64(1) << number) < capacity:
        number += 1
    return number


@inner
def _has_room(groups: Words, group: int, pool: Int64s, free: Int64s, counters: Int64s) -> bool:
    """Whether the partition's front may become one row longer."""
    capacity = groups[group, GROUP_CAPACITY]
    if groups[group, GROUP_COUNT] < capacity:
        return True
    wanted = max(2 * capacity, 1)
    return bool(free[_size_class(wanted)] > 0 or counters[POOL_USED] + wanted <= pool.size)


@inner
def _free_block(groups: Words, group: int, pool: Int64s, free: Int64s) -> None:
    capacity = groups[group, GROUP_CAPACITY]
    if capacity > 0:
        block = groups[group, GROUP_BLOCK]
        size = _size_class(capacity)
        pool[block] = free[size]
        free[size] = block + 1
        groups[group, GROUP_CAPACITY] = 0


@inner
def _grow_front(groups: Words, group: int, pool: Int64s, free: Int64s, counters: Int64s) -> None:
    capacity = groups[group, GROUP_CAPACITY]
    wanted = max(2 * capacity, 1)
    size = _size_class(wanted)
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
def _drop_last(groups: Words, group: int, rows: Words, pool: Int64s, removed: Int64s, counters: Int64s) -> None:
    last = groups[group, GROUP_BLOCK] + groups[group, GROUP_COUNT] - 1
    groups[group, GROUP_COUNT] -= 1
    _remove(pool[last], rows, removed, counters)


@inner
def _place_after(
    store: Words, chunks: Hashes, keys: Words, row: int, pool: Int64s, block: int, count: int, later: int
) -> int:
    """The place behind the rows of a front that order before this one or, unless `later` is 1, as it."""
    low, high = int64(0), int64(count)
    if count > 0 and compare_rows(store, row, pool[block + count - 1], keys, chunks) >= later:
        return high  # the most frequent case
    while low < high:
        middle = (low + high) >> 1
        if compare_rows(store, row, pool[block + middle], keys, chunks) < later:
            high = middle
        else:
            low = middle + 1
    return low


@inner
def _append_row(
    store: Words,
    chunks: Hashes,
    keys: Words,
    groups: Words,
    group: int,
    row: int,
    rows: Words,
    pool: Int64s,
    free: Int64s,
    removed: Int64s,
    counters: Int64s,
    kind: int,
    limit: int,
    later: int,
) -> bool:
    """Enter a row where nothing is retracted, and drop those that no longer count; whether anything changed."""
    block, count = groups[group, GROUP_BLOCK], groups[group, GROUP_COUNT]
    place = _place_after(store, chunks, keys, row, pool, block, count, later)
    if kind == ROW_NUMBER:
        if place >= limit:
            _remove(row, rows, removed, counters)
            return False
        if count == limit:
            _drop_last(groups, group, rows, pool, removed, counters)
        _place_in_front(groups, group, place, row, rows, pool, free, counters)
        return True
    if kind == RANK:
        if place >= limit and compare_rows(store, row, pool[block + limit - 1], keys, chunks) != 0:
            _remove(row, rows, removed, counters)
            return False
        _place_in_front(groups, group, place, row, rows, pool, free, counters)
        block = groups[group, GROUP_BLOCK]
        while groups[group, GROUP_COUNT] > limit:
            last = pool[block + groups[group, GROUP_COUNT] - 1]
            if compare_rows(store, last, pool[block + limit - 1], keys, chunks) == 0:
                break
            _drop_last(groups, group, rows, pool, removed, counters)
        return True
    known = place > 0 and compare_rows(store, row, pool[block + place - 1], keys, chunks) == 0
    if not known:
        if place == count and groups[group, GROUP_DISTINCT] == limit:
            _remove(row, rows, removed, counters)
            return False
        groups[group, GROUP_DISTINCT] += 1
    _place_in_front(groups, group, place, row, rows, pool, free, counters)
    if groups[group, GROUP_DISTINCT] > limit:
        groups[group, GROUP_DISTINCT] -= 1
        block = groups[group, GROUP_BLOCK]
        value = pool[block + groups[group, GROUP_COUNT] - 1]
        while compare_rows(store, pool[block + groups[group, GROUP_COUNT] - 1], value, keys, chunks) == 0:
            _drop_last(groups, group, rows, pool, removed, counters)
    return True


# ---- retractions --------------------------------------------------------------------------------------------------


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
def _precedes(store: Words, chunks: Hashes, keys: Words, rows: Words, one: int, other: int) -> bool:
    order = compare_rows(store, one, other, keys, chunks)
    return order < 0 or (order == 0 and rows[one, ROW_ARRIVAL] < rows[other, ROW_ARRIVAL])


@inner
def _sink_root(store: Words, chunks: Hashes, keys: Words, rows: Words, pool: Int64s, start: int, size: int) -> None:
    """Restore a heap whose last row in order is its root, after the root was replaced."""
    at = int64(0)
    while True:
        child = 2 * at + 1
        if child >= size:
            return
        if child + 1 < size and _precedes(store, chunks, keys, rows, pool[start + child], pool[start + child + 1]):
            child += 1
        if not _precedes(store, chunks, keys, rows, pool[start + at], pool[start + child]):
            return
        pool[start + at], pool[start + child] = pool[start + child], pool[start + at]
        at = child


@inner
def _refill(
    store: Words,
    chunks: Hashes,
    keys: Words,
    groups: Words,
    group: int,
    rows: Words,
    pool: Int64s,
    limit: int,
    most: int,
) -> None:
    """Move the first rows of the rest into the front: several at once, since finding them looks at all of it."""
    count = groups[group, GROUP_COUNT]
    start = groups[group, GROUP_BLOCK] + count
    wanted = max(groups[group, GROUP_REST_COUNT] >> 4, 2 * limit)
    wanted = min(min(wanted, most - count), groups[group, GROUP_REST_COUNT])
    size = int64(0)
    link = groups[group, GROUP_REST]
    while link > 0:
        row = link - 1
        if size < wanted:
            at = size  # sift the new row up
            pool[start + at] = row
            size += 1
            while at > 0:
                parent = (at - 1) >> 1
                if not _precedes(store, chunks, keys, rows, pool[start + parent], pool[start + at]):
                    break
                pool[start + at], pool[start + parent] = pool[start + parent], pool[start + at]
                at = parent
        elif _precedes(store, chunks, keys, rows, row, pool[start]):
            pool[start] = row
            _sink_root(store, chunks, keys, rows, pool, start, size)
        link = rows[row, ROW_AFTER]
    for place in range(size):
        _take_from_rest(groups, group, pool[start + place], rows)
        rows[pool[start + place], ROW_PLACE] = _IN_FRONT
    groups[group, GROUP_COUNT] = count + size
    while size > 1:
        size -= 1
        pool[start], pool[start + size] = pool[start + size], pool[start]
        _sink_root(store, chunks, keys, rows, pool, start, size)


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
    """Enter a row where any may be retracted."""
    rows[row, ROW_ARRIVAL] = counters[ARRIVALS]
    counters[ARRIVALS] += 1
    block, count = groups[group, GROUP_BLOCK], groups[group, GROUP_COUNT]
    place = _place_after(store, chunks, keys, row, pool, block, count, int64(0))
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
    limit: int,
    most: int,
) -> None:
    """Take a row out that was retracted."""
    if rows[row, ROW_PLACE] == _IN_REST:
        _take_from_rest(groups, group, row, rows)
        return
    block, count = groups[group, GROUP_BLOCK], groups[group, GROUP_COUNT]
    low, high = int64(0), int64(count)
    while low < high:
        middle = (low + high) >> 1
        if _precedes(store, chunks, keys, rows, pool[block + middle], row):
            low = middle + 1
        else:
            high = middle
    for at in range(block + low, block + count - 1):
        pool[at] = pool[at + 1]
    groups[group, GROUP_COUNT] = count - 1
    if count - 1 < limit and groups[group, GROUP_REST_COUNT] > 0:
        _refill(store, chunks, keys, groups, group, rows, pool, limit, most)


# ---- a pass -------------------------------------------------------------------------------------------------------


@inner
def _touch(
    groups: Words, group: int, rows: Words, pool: Int64s, touched: Words, before: Int64s, counters: Int64s
) -> None:
    """At the first row of a partition in a pass: write down what the result shows of it."""
    number, used = counters[TOUCHED_COUNT], counters[BEFORE_USED]
    touched[number, TOUCHED_GROUP] = group
    touched[number, TOUCHED_START] = used
    block = groups[group, GROUP_BLOCK]
    shown = False
    for place in range(groups[group, GROUP_COUNT]):
        row = pool[block + place]
        if rows[row, ROW_SHOWN] > 0:
            before[used] = row
            used += 1
            shown = True
        elif shown:
            break
    touched[number, TOUCHED_END] = used
    counters[BEFORE_USED] = used
    counters[TOUCHED_COUNT] = number + 1
    groups[group, GROUP_TOUCHED] = number + 1
    groups[group, GROUP_LAST] = -1


@kernel(
    f"int64(int64, {READ_INT64}, {READ_INT64}, {READ_INT64}, {READ_INT8}, int64[:, ::1], {READ_UINT64}, {READ_TABLE}, "
    f"{READ_INT64}, int64[:, ::1], int64[:, ::1], int64[::1], int64[::1], int64[:, ::1], int64[::1], int64[::1], "
    "int64[::1])"
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
    touched: Words,
    before: Int64s,
    removed: Int64s,
    counters: Int64s,
) -> int:
    """Take a pass's rows, those of `slots` from `first` on, into the fronts of their partitions.

    `equals` has for each row the slot of the first with the same values, and `signs` may be empty: all are added.
    Rows that are in no partition afterwards go to `removed`. Returns the row before which it stopped because `pool`,
    `before` or `removed` is too short, else the number of rows.
    """
    kind, limit, most = settings[SET_KIND], settings[SET_END], settings[SET_FRONT]
    retracting, later = settings[SET_RETRACTING] == 1, settings[SET_LATER]
    for index in range(first, slots.size):
        group, row = partitions[index], slots[index]
        count = groups[group, GROUP_COUNT]
        if not _has_room(groups, group, pool, free, counters) or counters[REMOVED_COUNT] + count + 2 > removed.size:
            return index
        if groups[group, GROUP_TOUCHED] == 0:
            if counters[BEFORE_USED] + count > before.size:
                return index
            _touch(groups, group, rows, pool, touched, before, counters)
        for column in range(rows.shape[1]):
            rows[row, column] = 0
        if not retracting:
            changed = _append_row(
                store, chunks, keys, groups, group, row, rows, pool, free, removed, counters, kind, limit, later
            )
            if changed:
                groups[group, GROUP_LAST] = index
            continue
        groups[group, GROUP_LAST] = index
        same = equals[index]
        if signs.size == 0 or signs[index] > 0:
            if same != row and rows[same, ROW_PLACE] == _NOWHERE:  # it went in this pass, and is back
                _enter_row(store, chunks, keys, groups, group, same, rows, pool, free, counters, most)
                _remove(row, rows, removed, counters)
                continue
            if same != row:
                rows[row, ROW_TWIN] = rows[same, ROW_TWIN]
                rows[same, ROW_TWIN] = row + 1
            _enter_row(store, chunks, keys, groups, group, row, rows, pool, free, counters, most)
            continue
        _remove(row, rows, removed, counters)
        if rows[same, ROW_PLACE] == _NOWHERE:
            continue  # what was never added
        if rows[same, ROW_TWIN] > 0:
            twin = rows[same, ROW_TWIN] - 1
            rows[same, ROW_TWIN] = rows[twin, ROW_TWIN]
            same = twin
        _leave_row(store, chunks, keys, groups, group, same, rows, pool, limit, most)
        _remove(same, rows, removed, counters)
    return slots.size


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


@kernel(
    f"int64({READ_INT64}, {READ_INT64}, int64[:, ::1], int64[::1], int64[::1], int64[::1], int64[::1], int64[::1], "
    "int64[::1], int64[::1])"
)
def close_fronts(
    closing: Int64s,
    settings: Int64s,
    groups: Words,
    pool: Int64s,
    free: Int64s,
    out: Int64s,
    numbers: Int64s,
    owners: Int64s,
    removed: Int64s,
    counts: Int64s,
) -> int:
    """Write the rows of these partitions that are shown, and their numbers and owners, and forget the partitions.

    All their rows go to `removed`, their number to `counts`; returns how many are shown.
    """
    made, gone = int64(0), int64(0)
    for index in range(closing.size):
        group = closing[index]
        block = groups[group, GROUP_BLOCK]
        for place in range(groups[group, GROUP_COUNT]):
            removed[gone] = pool[block + place]
            gone += 1
            if settings[SET_START] <= place + 1 <= settings[SET_END]:
                out[made] = pool[block + place]
                numbers[made] = place + 1
                owners[made] = index
                made += 1
        groups[group, GROUP_COUNT] = 0
        _free_block(groups, group, pool, free)
    counts[0] = gone
    return made


# ---- deduplication ------------------------------------------------------------------------------------------------

KEPT_ROW: Final = 0
"""The row that a key has, plus one."""
KEPT_BEFORE: Final = 1
"""That before the pass."""
KEPT_TOUCHED: Final = 2
KEPT_COLUMNS: Final = 3


@kernel(
    f"int64({READ_INT64}, {READ_INT64}, int64[:, ::1], {READ_UINT64}, {READ_TABLE}, {READ_INT64}, int64, "
    "int64[:, ::1], int64[::1], int8[::1], int64[::1], int64[::1], int64[::1])"
)
def keep_rows(
    slots: Int64s,
    partitions: Int64s,
    store: Words,
    chunks: Hashes,
    keys: Words,
    marks: Int64s,
    last: int,
    kept: Words,
    out: Int64s,
    diff: Int8s,
    moments: Int64s,
    removed: Int64s,
    counts: Int64s,
) -> int:
    """Keep the first row of each key by an ascending order, or (`last`) the last, and write what changed.

    Among equals the first or the last to arrive stays. A row with the values of the one that it would replace changes
    nothing. Rows that are not kept go to `removed`, their number to `counts`; returns the number of changes.
    """
    gone = int64(0)
    for index in range(slots.size):
        group, row = partitions[index], slots[index]
        known = kept[group, KEPT_ROW]
        if kept[group, KEPT_TOUCHED] == 0:
            kept[group, KEPT_TOUCHED] = 1
            kept[group, KEPT_BEFORE] = known
        if known > 0:
            order = compare_rows(store, row, known - 1, keys, chunks)
            if (order < 0) if last == 0 else (order >= 0):
                if known != kept[group, KEPT_BEFORE]:
                    removed[gone] = known - 1
                    gone += 1
            else:
                removed[gone] = row
                gone += 1
                continue
        kept[group, KEPT_ROW] = row + 1
    made = int64(0)
    for index in range(slots.size):
        group, row = partitions[index], slots[index]
        if kept[group, KEPT_TOUCHED] == 0 or kept[group, KEPT_ROW] != row + 1:
            continue
        kept[group, KEPT_TOUCHED] = 0
        old = kept[group, KEPT_BEFORE] - 1
        if old >= 0:
            if same_rows(store, old, row, marks, chunks):
                kept[group, KEPT_ROW] = old + 1
                removed[gone] = row
                gone += 1
                continue
            out[made] = old
            diff[made] = -1
            moments[made] = index
            made += 1
            removed[gone] = old
            gone += 1
        out[made] = row
        diff[made] = 1
        moments[made] = index
        made += 1
    for index in range(slots.size):
        kept[partitions[index], KEPT_TOUCHED] = 0
    counts[0] = gone
    return made


@kernel(f"void({READ_INT64}, int64[::1], int64, int64[:, ::1], {READ_UINT64}, {READ_TABLE})")
def merge_runs(slots: Int64s, out: Int64s, length: int, store: Words, chunks: Hashes, keys: Words) -> None:
    """Merge pairs of sorted runs of this length into `out`; equal rows stay as they are."""
    for start in range(0, slots.size, 2 * length):
        middle, end = min(start + length, slots.size), min(start + 2 * length, slots.size)
        left, right = start, middle
        for place in range(start, end):
            first = right >= end
            if left < middle and right < end:
                first = compare_rows(store, slots[left], slots[right], keys, chunks) <= 0
            if first:
                out[place] = slots[left]
                left += 1
            else:
                out[place] = slots[right]
                right += 1
