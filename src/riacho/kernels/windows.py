"""Which windows a row belongs to, and which of them were still open when it came."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import READ_INT64, READ_TABLE, inner, kernel
from riacho.kernels.primitives import int64

Bools = NDArray[np.bool_]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]


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


@kernel(f"int64({READ_INT64}, {READ_INT64}, {READ_TABLE}, int64, int64, int64[:, ::1], int64[::1])")
def begin_groups(
    slots: Int64s, new_rows: Int64s, words: Int64s, at: int, arrivals: int, ledger: Int64s, born: Int64s
) -> int:
    """Start the groups that these rows made: empty cells, and which arrival made them. Returns the least word `at`."""
    least = int64(0x7FFFFFFFFFFFFFFF)
    for place in range(new_rows.size):
        row = new_rows[place]
        slot = slots[row]
        for cell in range(ledger.shape[1]):
            ledger[slot, cell] = 0
        born[slot] = arrivals + row
        least = min(least, words[row, at])
    return least


@kernel(f"boolean({READ_INT64}, {READ_TABLE}, int64)")
def in_one_slice(slots: Int64s, keys: Int64s, before: int) -> bool:
    """Whether the first `before` words of these groups' keys, which say where a slice lies, are the same in all."""
    for place in range(1, slots.size):
        for word in range(before):
            if keys[slots[place], word] != keys[slots[0], word]:
                return False
    return True


@kernel(f"void({READ_INT64}, {READ_INT64}, {READ_TABLE}, int64, int64[:, ::1])")
def write_window_keys(ends: Int64s, slots: Int64s, keys: Int64s, before: int, out: Int64s) -> None:
    """A window's end and the words of a group's key behind the first `before`, which say where its slice lies."""
    for row in range(slots.size):
        out[row, 0] = ends[row]
        for word in range(1, out.shape[1]):
            out[row, word] = keys[slots[row], before + word - 1]


@kernel(f"void({READ_INT64}, int64, int64, int64[::1])")
def slice_ends(times: Int64s, slide: int, offset: int, out: Int64s) -> None:
    """The end of the first window that holds each time; microseconds in, milliseconds out."""
    for row in range(times.size):
        out[row] = _floor(times[row] // 1000, slide, offset) + slide
