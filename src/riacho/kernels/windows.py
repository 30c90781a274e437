"""Which windows a row belongs to, and which of them were still open when it came."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import READ_INT64, READ_TABLE, inlined, inner, kernel
from riacho.kernels.primitives import int64, prefetch, uint64

Hashes = NDArray[np.uint64]
Int64s = NDArray[np.int64]

_AHEAD: Final = 8
"""How many rows ahead a group's key is fetched."""

_GOLDEN: Final = uint64(0x9E3779B97F4A7C15)
_MULTIPLIER_1: Final = uint64(0xBF58476D1CE4E5B9)
_MULTIPLIER_2: Final = uint64(0x94D049BB133111EB)
_LOW: Final = uint64(0xFFFFFFFF)
_HIGH: Final = uint64(0xFFFFFFFF00000000)


@inner
def _floor(time: int, size: int, offset: int) -> int:
    """The greatest multiple of `size`, shifted by `offset`, that is not after `time`."""
    return time - (time - offset) % size


@kernel(
    f"int64({READ_INT64}, {READ_INT64}, {READ_INT64}, {READ_INT64}, int64, int64, int64, int64, boolean, int64[:, ::1])"
)
def assign_slices(
    times: Int64s,
    sequence: Int64s,
    step_sequence: Int64s,
    step_value: Int64s,
    before: int,
    size: int,
    slide: int,
    offset: int,
    cumulates: bool,
    out: Int64s,
) -> int:
    """The slice of each row and the first of its windows that was open when it came; returns how many rows are late.

    A window is a run of whole slices, each as long as `slide`, which divides `size`. Where it `cumulates`, the windows
    of a row all begin at the multiple of `size` before it. All times in milliseconds; a row's time is in microseconds.
    The first columns of `out` get (slice end, end of the first open window) per row; the second is −2^63
    where every window of the row had closed. The slice's end is the end of the first window that holds it.
    """
    late = 0
    step = 0
    watermark = before
    first_end, last_end = int64(0), int64(0)
    from_time, until_time = int64(0), int64(0)
    for row in range(times.size):
        while step < step_sequence.size and step_sequence[step] < sequence[row]:
            watermark = step_value[step]
            step += 1
        time = times[row]
        if time < from_time or time >= until_time:  # most rows are in the slice of the row before: no division
            first_end = _floor(time // 1000, slide, offset) + slide
            from_time, until_time = (first_end - slide) * 1000, first_end * 1000
            last_end = (_floor(first_end - 1, size, offset) if cumulates else first_end - slide) + size
        out[row, 0] = first_end
        if watermark < first_end - 1:
            out[row, 1] = first_end
        elif watermark < last_end - 1:
            out[row, 1] = _floor(watermark + 1, slide, offset) + slide
        else:
            out[row, 1] = -0x8000000000000000
            late += 1
    return late


@kernel(f"void({READ_INT64}, {READ_INT64}, int64, int64[::1], int64[::1])")
def expand_windows(first_end: Int64s, last_end: Int64s, slide: int, rows: Int64s, ends: Int64s) -> None:
    """Each row once per window end from `first_end` to `last_end` in steps of `slide`."""
    count = 0
    for row in range(first_end.size):
        end = first_end[row]
        while end <= last_end[row]:
            rows[count] = row
            ends[count] = end
            count += 1
            end += slide


@kernel(f"int64({READ_INT64}, {READ_INT64}, {READ_TABLE}, int64, int64, int64[:, ::1], int64[::1], int64[::1], int64)")
def begin_groups(
    slots: Int64s,
    new_rows: Int64s,
    words: Int64s,
    at: int,
    arrivals: int,
    ledger: Int64s,
    born: Int64s,
    order: Int64s,
    live: int,
) -> int:
    """Start the groups that these rows made: empty cells, and which arrival made them. Returns the least word `at`.

    They come last in `order`, behind the `live` groups that are there.
    """
    least = int64(0x7FFFFFFFFFFFFFFF)
    for place in range(new_rows.size):
        row = new_rows[place]
        slot = slots[row]
        for cell in range(ledger.shape[1]):
            ledger[slot, cell] = 0
        born[slot] = arrivals + row
        order[live + place] = slot
        least = min(least, words[row, at])
    return least


# What `part_groups` counts.
DUE: Final = 0
"""Groups with rows in windows that close."""
WINDOWS: Final = 1
"""Those windows, group by group."""
DONE: Final = 2
"""Groups that count in no window that is still open."""
LEAST: Final = 3
"""The least end of a first open window of the groups that stay."""
IN_ORDER: Final = 4
"""1 where the first of the windows that close ascend."""
PARTED: Final = 5


@kernel(
    f"void({READ_TABLE}, boolean, boolean, int64, int64, int64, int64, int64, int64[::1], int64[:, ::1], int64[::1])"
)
def part_groups(
    keys: Int64s,
    sliced: bool,
    cumulates: bool,
    size: int,
    slide: int,
    offset: int,
    open_end: int,
    limit: int,
    order: Int64s,
    found: Int64s,
    counts: Int64s,
) -> None:
    """Part the groups whose windows end at `limit` or before from those that stay in `order`, each in their order.

    `found` becomes: the groups with rows in windows that close; the ends of the first and of the last of those windows;
    the groups that are done. A group's key begins with the end of its window, or if `sliced` with that of its slice and
    that of its first open window; windows that end before `open_end` had closed before. `counts` as named above.
    """
    due, windows, done, stays = int64(0), int64(0), int64(0), int64(0)
    least = int64(0x7FFFFFFFFFFFFFFF)
    known, last_end = int64(0), int64(0)
    in_order = True
    for place in range(order.size):
        if place + _AHEAD < order.size:
            prefetch(keys, order[place + _AHEAD] * keys.shape[1])
        slot = order[place]
        end = keys[slot, 0]
        first = end
        if not sliced:
            last_end = end
        else:
            first = keys[slot, 1]
            if place == 0 or end != known:  # mostly it is the slice of the group before: no division
                known = end
                last_end = (_floor(end - 1, size, offset) if cumulates else end - slide) + size
        from_end = max(first, open_end) if sliced else first
        to_end = min(last_end, limit)
        if from_end <= to_end:
            in_order = in_order and (due == 0 or found[1, due - 1] <= from_end)
            found[0, due] = slot
            found[1, due] = from_end
            found[2, due] = to_end
            due += 1
            windows += 1 if from_end == to_end else (to_end - from_end) // slide + 1
        if last_end <= limit:
            found[3, done] = slot
            done += 1
        else:
            order[stays] = slot
            stays += 1
            least = min(least, first)
    counts[0] = due
    counts[1] = windows
    counts[2] = done
    counts[3] = least
    counts[4] = int64(in_order)


@kernel(f"boolean({READ_INT64}, {READ_TABLE}, int64)")
def in_one_slice(slots: Int64s, keys: Int64s, before: int) -> bool:
    """Whether the first `before` words of these groups' keys, which say where a slice lies, are the same in all."""
    for place in range(1, slots.size):
        for word in range(before):
            if keys[slots[place], word] != keys[slots[0], word]:
                return False
    return True


@inlined
def _hash(end: int, keys: Int64s, slot: int, before: int) -> int:
    """Good in its upper half, as that of keys is."""
    value = _GOLDEN ^ uint64(end)
    for word in range(before, keys.shape[1]):
        value = (value ^ uint64(keys[slot, word])) * _MULTIPLIER_1
        value ^= value >> uint64(29)
    value *= _MULTIPLIER_2
    return value ^ (value >> uint64(32))


@inlined
def _same_key(keys: Int64s, slot: int, other: int, before: int) -> bool:
    for word in range(before, keys.shape[1]):
        if keys[slot, word] != keys[other, word]:
            return False
    return True


@kernel(f"int64({READ_INT64}, {READ_INT64}, {READ_TABLE}, int64, uint64[::1], int64[::1], int64[:, ::1])")
def number_groups(
    slots: Int64s, ends: Int64s, keys: Int64s, before: int, table: Hashes, numbers: Int64s, groups: Int64s
) -> int:
    """Number the windows' groups, whose parts these slots and their windows' ends are, in order; returns how many.

    Parts of one group are of one window, and their keys are the same behind the first `before` words. `groups` become
    a column for each group: its first part, its window's end, and those words. `table` is of zeros, its size a power of
    two above the number of parts.
    """
    mask = uint64(table.size - 1)
    count = int64(0)
    for row in range(slots.size):
        if row + _AHEAD < slots.size:
            prefetch(keys, slots[row + _AHEAD] * keys.shape[1])
        slot, end = slots[row], ends[row]
        hashed = _hash(end, keys, slot, before)
        at = (hashed >> uint64(32)) & mask
        while True:
            entry = table[at]
            if entry == uint64(0):
                table[at] = (hashed & _HIGH) | uint64(count + 1)
                groups[0, count] = slot
                groups[1, count] = end
                for word in range(before, keys.shape[1]):
                    groups[2 + word - before, count] = keys[slot, word]
                numbers[row] = count
                count += 1
                break
            number = int64(entry & _LOW) - 1
            if (entry & _HIGH) == (hashed & _HIGH) and groups[1, number] == end:
                if _same_key(keys, groups[0, number], slot, before):
                    numbers[row] = number
                    break
            at = (at + uint64(1)) & mask
    return count


@kernel(
    f"UniTuple(int64, 2)({READ_INT64}, {READ_INT64}, {READ_INT64}, {READ_INT64}, int64, int64, int64[::1], int64[::1], "
    "int64[::1])"
)
def part_rows(
    ends_us: Int64s,
    sequence: Int64s,
    step_sequence: Int64s,
    step_value: Int64s,
    before: int,
    limit: int,
    ends: Int64s,
    staying: Int64s,
    passing: Int64s,
) -> tuple[int, int]:
    """The rows whose windows were open when they came: those that end after `limit`, and the others; how many of each.

    `ends` become the windows' ends in milliseconds.
    """
    step = 0
    watermark = before
    stays, passes = int64(0), int64(0)
    for row in range(ends_us.size):
        while step < step_sequence.size and step_sequence[step] < sequence[row]:
            watermark = step_value[step]
            step += 1
        end = ends_us[row] // 1000
        ends[row] = end
        if end - 1 <= watermark:
            continue
        if end > limit:
            staying[stays] = row
            stays += 1
        else:
            passing[passes] = row
            passes += 1
    return stays, passes


@kernel(f"boolean({READ_INT64}, {READ_INT64}, {READ_INT64}, int64[::1])")
def closing_moments(ends: Int64s, step_value: Int64s, step_sequence: Int64s, moments: Int64s) -> bool:
    """The sequence number at which the watermark came to each of these windows' ends − 1 ms, as it did in this pass.

    Returns whether they closed in this order.
    """
    ascends = True
    step, last = int64(0), int64(0)
    for row in range(ends.size):
        if row == 0 or ends[row] != ends[row - 1]:
            low, high = int64(0), int64(step_value.size)
            while low < high:
                middle = (low + high) // 2
                if step_value[middle] < ends[row] - 1:
                    low = middle + 1
                else:
                    high = middle
            step = low
            ascends = ascends and step >= last
            last = step
        moments[row] = step_sequence[step]
    return ascends


@kernel(f"void({READ_INT64}, int64, int64, int64[::1])")
def slice_ends(times: Int64s, slide: int, offset: int, out: Int64s) -> None:
    """The end of the first window that holds each time; microseconds in, milliseconds out."""
    for row in range(times.size):
        out[row] = _floor(times[row] // 1000, slide, offset) + slide
