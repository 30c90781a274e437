"""The first rows of each partition where rows are only added: those of a pass that stay, and how the result changes.

A partition's rows lie in its front: a block of the pool, sorted, each entry a row and the words of its order. The words
are compared without looking at the rows. Until a pass has decided which of its rows stay, an entry names one by its
place in the batch, as a negative number (`~place`), and then by its place among those that stay: only these are copied
into state. At last `seat_rows` names all by their slots.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import READ_INT64, READ_TABLE, inlined, inner, kernel
from riacho.kernels.primitives import int64, prefetch
from riacho.kernels.rank_layout import (
    BEFORE_USED,
    DENSE_RANK,
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

Int8s = NDArray[np.int8]
Int64s = NDArray[np.int64]
Words = NDArray[np.int64]

# The settings of an operator, after those of `rank_layout`; so below.
SET_LATER: Final = 4
"""1 where of equals the one that came later is the first."""
SET_BLOCK: Final = 5
"""Places of a partition's first block, a power of two."""
SETTINGS: Final = 6

# What is known of a partition.
GROUP_DISTINCT: Final = 3
"""How many different values of the order the front has; counted for DENSE_RANK alone."""
GROUP_TOUCHED: Final = 4
"""Its place among the partitions that the pass touched, plus one."""
GROUP_LAST: Final = 5
"""The last row of the pass that changed it; −1: none."""
GROUP_COLUMNS: Final = 6

# Of each row that a touched partition had before the pass.
BEFORE_ROW: Final = 0
BEFORE_NUMBER: Final = 1
BEFORE_COLUMNS: Final = 2

# The lines of how the result changes with a pass.
SHOWN_ROW: Final = 0
"""The slots of the rows that go and come."""
SHOWN_NUMBER: Final = 1
SHOWN_MOMENT: Final = 2
"""The sequence numbers of the pass's rows that made the changes."""
SHOWN_LINES: Final = 3

# The counters that `enter_rows` moves.
SHOWN_MOST: Final = 4
"""No more rows are in the fronts that have changed."""
COUNTERS: Final = 5

_FAR: Final = 16
_NEAR: Final = 8
"""How many rows ahead a partition, and then its front, are fetched."""


@inner
def _free_block(groups: Words, group: int, pool: Words, free: Int64s) -> None:
    capacity = groups[group, GROUP_CAPACITY]
    if capacity > 0:
        block = groups[group, GROUP_BLOCK]
        size = size_class(capacity)
        pool[block, 0] = free[size]
        free[size] = block + 1
        groups[group, GROUP_CAPACITY] = 0


@inner
def _grow_front(groups: Words, group: int, pool: Words, free: Int64s, counters: Int64s, first: int) -> bool:
    """Make a partition's front longer; False where the pool has no room for it."""
    wanted = max(2 * groups[group, GROUP_CAPACITY], first)
    size = size_class(wanted)
    if free[size] > 0:
        block = free[size] - 1
        free[size] = pool[block, 0]
    elif counters[POOL_USED] + wanted <= pool.shape[0]:
        block = counters[POOL_USED]
        counters[POOL_USED] += wanted
    else:
        return False
    old = groups[group, GROUP_BLOCK]
    for place in range(groups[group, GROUP_COUNT]):
        for word in range(pool.shape[1]):
            pool[block + place, word] = pool[old + place, word]
    _free_block(groups, group, pool, free)
    groups[group, GROUP_BLOCK] = block
    groups[group, GROUP_CAPACITY] = wanted
    return True


@inlined
def _compare_entries(pool: Words, one: int, other: int) -> int:
    """Below, at or above 0 as the row of one entry orders before, as or after that of the other."""
    for word in range(1, pool.shape[1]):
        left, right = pool[one, word], pool[other, word]
        if left != right:
            return int64(-1) if left < right else int64(1)
    return int64(0)


@inner
def _number(kind: int, pool: Words, block: int, place: int, before: int) -> int:
    """The number of the row at a place of a front, from that of the row before it."""
    if kind == ROW_NUMBER:
        return place + 1
    if place > 0 and _compare_entries(pool, block + place - 1, block + place) == 0:
        return before
    return place + 1 if kind == RANK else before + 1


@kernel(
    f"int64(int64, {READ_INT64}, {READ_INT64}, int64[:, ::1], {READ_TABLE}, int64[:, ::1], int64[:, ::1], int64[::1])"
)
def touch_fronts(
    first: int,
    partitions: Int64s,
    settings: Int64s,
    groups: Words,
    pool: Words,
    touched: Words,
    before: Words,
    counters: Int64s,
) -> int:
    """Write down which rows the partitions of a pass's rows, from `first` on, have before it, and their numbers.

    Returns the row before which it stopped because `before` is too short, else the number of rows.
    """
    kind, rows = settings[SET_KIND], partitions.size
    entry, used = counters[TOUCHED_COUNT], counters[BEFORE_USED]
    stopped = rows
    for index in range(first, rows):
        if index + _FAR < rows:
            prefetch(groups, partitions[index + _FAR] * GROUP_COLUMNS)
        if index + _NEAR < rows:
            prefetch(pool, groups[partitions[index + _NEAR], GROUP_BLOCK] * pool.shape[1])
        group = partitions[index]
        if groups[group, GROUP_TOUCHED] > 0:
            continue
        block, count, number = groups[group, GROUP_BLOCK], groups[group, GROUP_COUNT], int64(0)
        if used + count > before.shape[0]:
            stopped = index
            break
        touched[entry, TOUCHED_GROUP] = group
        touched[entry, TOUCHED_START] = used
        for place in range(count):
            number = _number(kind, pool, block, place, number)
            before[used, BEFORE_ROW] = pool[block + place, 0]
            before[used, BEFORE_NUMBER] = number
            used += 1
        touched[entry, TOUCHED_END] = used
        entry += 1
        groups[group, GROUP_TOUCHED] = entry
        groups[group, GROUP_LAST] = -1
    counters[TOUCHED_COUNT], counters[BEFORE_USED] = entry, used
    return stopped


@kernel(f"void({READ_TABLE}, int64, {READ_INT64}, {READ_TABLE}, int64[:, ::1])")
def write_words(touched: Words, word: int, values: Int64s, groups: Words, pool: Words) -> None:
    """Give the rows of the touched fronts another word of their order: a value for each of those in `before`."""
    for entry in range(touched.shape[0]):
        block, start = groups[touched[entry, TOUCHED_GROUP], GROUP_BLOCK], touched[entry, TOUCHED_START]
        for row in range(start, touched[entry, TOUCHED_END]):
            pool[block + row - start, word + 1] = values[row]


@inner
def _drop_last(groups: Words, group: int, pool: Words, removed: Int64s, counters: Int64s) -> None:
    groups[group, GROUP_COUNT] -= 1
    row = pool[groups[group, GROUP_BLOCK] + groups[group, GROUP_COUNT], 0]
    if row >= 0:
        removed[counters[REMOVED_COUNT]] = row
        counters[REMOVED_COUNT] += 1


@inner
def _drop_beyond(groups: Words, group: int, pool: Words, settings: Int64s, removed: Int64s, counters: Int64s) -> None:
    """Drop the rows whose rank is beyond the last one, now that a row was entered."""
    limit, block = settings[SET_END], groups[group, GROUP_BLOCK]
    against, equal = block + groups[group, GROUP_COUNT] - 1, True
    if settings[SET_KIND] == RANK:
        against, equal = block + limit - 1, False
    elif groups[group, GROUP_DISTINCT] <= limit:
        return
    else:
        groups[group, GROUP_DISTINCT] -= 1
    while groups[group, GROUP_COUNT] > limit or equal:
        if (_compare_entries(pool, block + groups[group, GROUP_COUNT] - 1, against) == 0) != equal:
            return
        _drop_last(groups, group, pool, removed, counters)


@kernel(
    f"int64(int64, {READ_INT64}, {READ_TABLE}, {READ_INT64}, int64[:, ::1], int64[:, ::1], int64[::1], int64[::1], "
    "int64[::1])"
)
def enter_rows(
    first: int,
    partitions: Int64s,
    words: Words,
    settings: Int64s,
    groups: Words,
    pool: Words,
    free: Int64s,
    removed: Int64s,
    counters: Int64s,
) -> int:
    """Take a pass's rows, from `first` on, into the touched fronts of their partitions, where they belong there.

    `words` are those of their order. Kept rows that no front has any more go to `removed`, which is as long as
    `before`. Returns the row before which it stopped because `pool` is too short, else the number of rows.
    """
    kind, limit, later, rows = settings[SET_KIND], settings[SET_END], settings[SET_LATER], partitions.size
    for index in range(first, rows):
        if index + _FAR < rows:
            prefetch(groups, partitions[index + _FAR] * GROUP_COLUMNS)
        if index + _NEAR < rows:
            prefetch(pool, groups[partitions[index + _NEAR], GROUP_BLOCK] * pool.shape[1])
        group = partitions[index]
        count = groups[group, GROUP_COUNT]
        if count == groups[group, GROUP_CAPACITY]:
            if not _grow_front(groups, group, pool, free, counters, settings[SET_BLOCK]):
                return index
        # The new row first stands behind the front, where there is a place, and is compared there.
        block = groups[group, GROUP_BLOCK]
        end = block + count
        pool[end, 0] = ~index
        for word in range(words.shape[1]):
            pool[end, word + 1] = words[index, word]
        low, high, same = int64(0), count, False
        while low < high:
            # The last row first: most rows stay behind a full front.
            middle = count - 1 if high == count else (low + high) >> 1
            order = _compare_entries(pool, end, block + middle)
            same = same or order == 0
            if order < later:
                high = middle
            else:
                low = middle + 1
        if kind == DENSE_RANK:
            if not same:
                if low == count and groups[group, GROUP_DISTINCT] == limit:
                    continue
                groups[group, GROUP_DISTINCT] += 1
        elif low >= limit and not (kind == RANK and same):
            continue
        for place in range(end, block + low, -1):
            for word in range(pool.shape[1]):
                pool[place, word] = pool[place - 1, word]
        pool[block + low, 0] = ~index
        for word in range(words.shape[1]):
            pool[block + low, word + 1] = words[index, word]
        groups[group, GROUP_COUNT] = count + 1
        groups[group, GROUP_LAST] = index
        if kind != ROW_NUMBER:
            _drop_beyond(groups, group, pool, settings, removed, counters)
        elif count == limit:
            _drop_last(groups, group, pool, removed, counters)
    return rows


@kernel(
    f"UniTuple(int64, 2)({READ_INT64}, {READ_TABLE}, int64[:, ::1], int64[::1], int64[::1], int64[::1], int64[::1])"
)
def list_changed(
    partitions: Int64s,
    groups: Words,
    pool: Words,
    changed: Int64s,
    staying: Int64s,
    places: Int64s,
    counters: Int64s,
) -> tuple[int, int]:
    """List the partitions that the pass has changed, by their last changes, and its rows that stay, ascending.

    Fronts then name a row of the pass by its place among those that stay. Returns how many of both there are; `places`
    is room for a number for each row of the pass.
    """
    made, most = int64(0), counters[BEFORE_USED]
    for index in range(partitions.size):
        places[index] = -1
    for index in range(partitions.size):
        group = partitions[index]
        if groups[group, GROUP_LAST] != index:
            continue
        changed[made] = group
        made += 1
        block, count = groups[group, GROUP_BLOCK], groups[group, GROUP_COUNT]
        most += count
        for place in range(block, block + count):
            if pool[place, 0] < 0:
                places[~pool[place, 0]] = 0
    counters[SHOWN_MOST] = most
    stay = int64(0)
    for index in range(partitions.size):
        if places[index] == 0:
            places[index] = stay
            staying[stay] = index
            stay += 1
    for entry in range(made):
        block = groups[changed[entry], GROUP_BLOCK]
        for place in range(block, block + groups[changed[entry], GROUP_COUNT]):
            if pool[place, 0] < 0:
                pool[place, 0] = ~places[~pool[place, 0]]
    return made, stay


@inner
def _emit_side(
    sign: int,
    group: int,
    settings: Int64s,
    slots: Int64s,
    groups: Words,
    pool: Words,
    touched: Words,
    before: Words,
    sequence: Int64s,
    made: int,
    changes: Words,
    diff: Int8s,
) -> int:
    """Write what the result loses of a partition, or what it gains, from row `made` on; the number of the next row.

    A front keeps the order of the rows that stay, so that one walk along both lists pairs them.
    """
    kind, start, end = settings[SET_KIND], settings[SET_START], settings[SET_END]
    numbered = settings[SET_NUMBERED] == 1
    entry = groups[group, GROUP_TOUCHED] - 1
    at, last = touched[entry, TOUCHED_START], touched[entry, TOUCHED_END]
    block, count = groups[group, GROUP_BLOCK], groups[group, GROUP_COUNT]
    moment = sequence[groups[group, GROUP_LAST]]
    number = int64(0)
    place = int64(0)
    while place < count or at < last:
        old, new, row = int64(0), int64(0), int64(0)  # numbers; 0: not shown
        if place < count and pool[block + place, 0] < 0:
            row, new = slots[~pool[block + place, 0]], 1
        else:
            row, old = before[at, BEFORE_ROW], before[at, BEFORE_NUMBER]
            if place < count and pool[block + place, 0] == row:
                new = 1
            at += 1
        if new == 1:
            number = new = _number(kind, pool, block, place, number)
            place += 1
        if old < start or old > end:
            old = 0
        if new < start or new > end:
            new = 0
        if old == new or (not numbered and old > 0 and new > 0):
            continue
        shown = new if sign > 0 else old
        if shown > 0:
            changes[SHOWN_ROW, made] = row
            changes[SHOWN_NUMBER, made] = shown
            changes[SHOWN_MOMENT, made] = moment
            diff[made] = sign
            made += 1
    return made


@kernel(
    f"UniTuple(int64, 2)({READ_INT64}, {READ_INT64}, {READ_INT64}, {READ_TABLE}, {READ_TABLE}, {READ_TABLE}, "
    f"{READ_TABLE}, {READ_INT64}, int64[:, ::1], int8[::1])"
)
def emit_first_rows(
    changed: Int64s,
    settings: Int64s,
    slots: Int64s,
    groups: Words,
    pool: Words,
    touched: Words,
    before: Words,
    sequence: Int64s,
    changes: Words,
    diff: Int8s,
) -> tuple[int, int]:
    """Write how the result changes with the pass, before its rows are seated, and their signs.

    Returns how many changes there are, and how many of them are rows that go.
    """
    made, gone = int64(0), int64(0)
    for index in range(changed.size):
        for side in range(2):
            first = made
            made = _emit_side(
                2 * side - 1,
                changed[index],
                settings,
                slots,
                groups,
                pool,
                touched,
                before,
                sequence,
                made,
                changes,
                diff,
            )
            if side == 0:
                gone += made - first
    return made, gone


@kernel(f"void({READ_INT64}, {READ_INT64}, {READ_TABLE}, int64[:, ::1], int64[:, ::1], int64[::1])")
def seat_rows(changed: Int64s, slots: Int64s, touched: Words, groups: Words, pool: Words, counters: Int64s) -> None:
    """Name the rows of the pass by their slots, and end the pass."""
    for index in range(changed.size):
        block = groups[changed[index], GROUP_BLOCK]
        for place in range(block, block + groups[changed[index], GROUP_COUNT]):
            if pool[place, 0] < 0:
                pool[place, 0] = slots[~pool[place, 0]]
    for entry in range(counters[TOUCHED_COUNT]):
        groups[touched[entry, TOUCHED_GROUP], GROUP_TOUCHED] = 0
    counters[TOUCHED_COUNT] = 0
    counters[BEFORE_USED] = 0
    counters[REMOVED_COUNT] = 0


@kernel(
    f"int64({READ_INT64}, {READ_INT64}, int64[:, ::1], int64[:, ::1], int64[::1], int64[::1], int64[::1], int64[::1], "
    "int64[::1], int64[::1])"
)
def close_fronts(
    closing: Int64s,
    settings: Int64s,
    groups: Words,
    pool: Words,
    free: Int64s,
    out: Int64s,
    numbers: Int64s,
    owners: Int64s,
    removed: Int64s,
    counts: Int64s,
) -> int:
    """Write the rows of these partitions that are shown, and their numbers and owners, and forget the partitions.

    For ROW_NUMBER. All their rows go to `removed`, their number to `counts`; returns how many are shown.
    """
    made, gone = int64(0), int64(0)
    for index in range(closing.size):
        group = closing[index]
        block = groups[group, GROUP_BLOCK]
        for place in range(groups[group, GROUP_COUNT]):
            removed[gone] = pool[block + place, 0]
            gone += 1
            if settings[SET_START] <= place + 1 <= settings[SET_END]:
                out[made] = pool[block + place, 0]
                numbers[made] = place + 1
                owners[made] = index
                made += 1
        groups[group, GROUP_COUNT] = 0
        _free_block(groups, group, pool, free)
    counts[0] = gone
    return made
