"""Regular joins: what the pairs that were found, and the rows that get or lose all matches, change in the result.

Follows `join_rows`: the pairs that a condition lets through count, each change as often as it occurs.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import READ_INT64, READ_TABLE, inlined, inner, kernel
from riacho.kernels.join_layout import (
    EVENT_MOMENT,
    EVENT_PAIRS,
    EVENT_ROW,
    EVENT_SIDE,
    EVENT_SIGN,
    NO_ROW,
    ROW_MATCHES,
    ROW_SHOWN,
    ROW_TOUCHED,
)
from riacho.kernels.primitives import int64

Int8s = NDArray[np.int8]
Int64s = NDArray[np.int64]
Table = NDArray[np.int64]

# What the result shows of a row and its matches.
SHOW_NOTHING: Final = 0
SHOW_UNMATCHED: Final = 1
SHOW_MATCHED: Final = 2
SHOW_MARK: Final = 3

# The settings of `emit_changes`; those of the right side follow those of the left one.
SET_PAIRS: Final = 0
"""1 where pairs are shown."""
SET_LEFT: Final = 1
SET_RIGHT: Final = 2
SET_COUNT_LEFT: Final = 3
SET_COUNT_RIGHT: Final = 4
"""1 where matches are counted."""
SETTINGS: Final = 5

# How far `emit_changes` is.
DONE_EVENTS: Final = 0
DONE_PAIRS: Final = 1
"""Of the pairs, those of moments that are done."""
COUNTED_PAIRS: Final = 2
MADE: Final = 3
TOUCHED_COUNT: Final = 4
MOMENT_EVENTS: Final = 5
"""Where the events end of a moment that was counted, but for whose changes there was no room; 0: none."""
NEEDED_CHANGES: Final = 6
MOST_MATCHES: Final = 7
"""The most matches that a left row had after any moment."""
OPEN: Final = 8
"""1 where the last event's row is to make more pairs."""
RESUMED: Final = 9
"""1 where the first event's row made some before."""
EMITTING: Final = 10

TOUCHED_ROW: Final = 0
TOUCHED_BEFORE: Final = 1
TOUCHED_HAD: Final = 2
TOUCHED_SIDE: Final = 3
TOUCHED_COLUMNS: Final = 4


@kernel(f"int64({READ_INT64}, {READ_INT64}, {READ_INT64}, {READ_INT64}, int64[::1], int64[::1], int64[::1], int8[::1])")
def repeat_pairs(
    left: Int64s,
    right: Int64s,
    change: Int64s,
    moment: Int64s,
    out_left: Int64s,
    out_right: Int64s,
    out_moment: Int64s,
    out_diff: Int8s,
) -> int:
    """Each pair as often as it changed; returns how many that is."""
    count = int64(0)
    for index in range(left.size):
        for _ in range(abs(change[index])):
            out_left[count] = left[index]
            out_right[count] = right[index]
            out_moment[count] = moment[index]
            out_diff[count] = 1 if change[index] > 0 else -1
            count += 1
    return count


@inlined
def _touch(row: int, side: int, links: Table, touched: Table, emitting: Int64s) -> None:
    if links[row, ROW_TOUCHED] == 0:
        place = emitting[TOUCHED_COUNT]
        touched[place, TOUCHED_ROW] = row
        touched[place, TOUCHED_BEFORE] = links[row, ROW_SHOWN]
        touched[place, TOUCHED_HAD] = int64(links[row, ROW_MATCHES] > 0)
        touched[place, TOUCHED_SIDE] = side
        emitting[TOUCHED_COUNT] = place + 1
        links[row, ROW_TOUCHED] = place + 1


@inlined
def _matches(row: int, change: int, side: int, links: Table, touched: Table, emitting: Int64s) -> None:
    """Count matches of a row; it is touched where it gets or loses all, or gets the second."""
    before = links[row, ROW_MATCHES]
    after = before + change
    if (before > 0) != (after > 0) or (after > 1 and before <= 1):
        _touch(row, side, links, touched, emitting)
    links[row, ROW_MATCHES] = after


@inner
def _count_event(
    row: int,
    side: int,
    sign: int,
    resumed: bool,
    goes_on: bool,
    first: int,
    end: int,
    others: Int64s,
    change: Int64s,
    links: Table,
    other_links: Table,
    touched: Table,
    settings: Int64s,
    emitting: Int64s,
) -> None:
    """Count the matches of a row that came or went, or some of them, and those of the rows that it meets."""
    counted, other_counted = settings[SET_COUNT_LEFT + side] == 1, settings[SET_COUNT_RIGHT - side] == 1
    found = int64(0)
    for pair in range(first, end):
        found += change[pair] * sign
        if other_counted:
            _matches(others[pair], sign, 1 - side, other_links, touched, emitting)
    if counted:
        _touch(row, side, links, touched, emitting)
        if links[row, ROW_SHOWN] == 0:  # one that was there knows its matches
            links[row, ROW_MATCHES] = found + (links[row, ROW_MATCHES] if resumed else int64(0))
        if not goes_on:
            links[row, ROW_SHOWN] += sign


@inlined
def _crossing(line: int, matched: int, links: Table, touched: Table, settings: Int64s) -> int:
    """How many more of a touched row the result shows among those with a match, or without one."""
    row, shown = touched[line, TOUCHED_ROW], settings[SET_LEFT + touched[line, TOUCHED_SIDE]]
    change = int64(0)
    if shown == SHOW_NOTHING or shown == SHOW_UNMATCHED + 1 - matched:
        return change
    if int64(links[row, ROW_MATCHES] > 0) == matched:
        change += links[row, ROW_SHOWN]
    if touched[line, TOUCHED_HAD] == matched:
        change -= touched[line, TOUCHED_BEFORE]
    return change


@inner
def _emit(
    left: int,
    right: int,
    moment: int,
    change: int,
    positive: bool,
    out_left: Int64s,
    out_right: Int64s,
    out_moment: Int64s,
    out_diff: Int8s,
    emitting: Int64s,
) -> None:
    if change == 0 or (change > 0) != positive:
        return
    made = emitting[MADE]
    for _ in range(abs(change)):
        out_left[made] = left
        out_right[made] = right
        out_moment[made] = moment
        out_diff[made] = 1 if positive else -1
        made += 1
    emitting[MADE] = made


@inner
def _emit_changes(
    events: Table,
    event_count: int,
    pair_left: Int64s,
    pair_right: Int64s,
    pair_change: Int64s,
    settings: Int64s,
    left_links: Table,
    right_links: Table,
    touched: Table,
    out_left: Int64s,
    out_right: Int64s,
    out_moment: Int64s,
    out_diff: Int8s,
    emitting: Int64s,
) -> None:
    """What `emit_changes` does, for which no arrays are counted as they change their names from side to side."""
    while emitting[DONE_EVENTS] < event_count:
        first_event = emitting[DONE_EVENTS]
        moment = events[first_event, EVENT_MOMENT]
        if emitting[MOMENT_EVENTS] == 0:
            event, pair = first_event, emitting[COUNTED_PAIRS]
            while event < event_count and events[event, EVENT_MOMENT] == moment:
                side, end = events[event, EVENT_SIDE], events[event, EVENT_PAIRS]
                _count_event(
                    events[event, EVENT_ROW],
                    side,
                    events[event, EVENT_SIGN],
                    event == 0 and emitting[RESUMED] == 1,
                    event == event_count - 1 and emitting[OPEN] == 1,
                    pair,
                    end,
                    pair_right if side == 0 else pair_left,
                    pair_change,
                    left_links if side == 0 else right_links,
                    right_links if side == 0 else left_links,
                    touched,
                    settings,
                    emitting,
                )
                pair = end
                event += 1
            emitting[COUNTED_PAIRS] = pair
            if event == event_count and emitting[OPEN] == 1:
                emitting[DONE_EVENTS] = event
                return
            emitting[MOMENT_EVENTS] = event
        first_pair, last_pair = emitting[DONE_PAIRS], emitting[COUNTED_PAIRS]
        needed = int64(0)
        if settings[SET_PAIRS] == 1:
            for pair in range(first_pair, last_pair):
                needed += abs(pair_change[pair])
        for line in range(emitting[TOUCHED_COUNT]):
            links = left_links if touched[line, TOUCHED_SIDE] == 0 else right_links
            for matched in range(2):
                needed += abs(_crossing(line, matched, links, touched, settings))
        if emitting[MADE] + needed > out_left.size:
            emitting[NEEDED_CHANGES] = emitting[MADE] + needed
            return
        for sign in range(2):
            positive = sign == 1
            if settings[SET_PAIRS] == 1:
                for pair in range(first_pair, last_pair):
                    left, right, change = pair_left[pair], pair_right[pair], pair_change[pair]
                    _emit(left, right, moment, change, positive, out_left, out_right, out_moment, out_diff, emitting)
            for line in range(emitting[TOUCHED_COUNT]):
                row, side = touched[line, TOUCHED_ROW], touched[line, TOUCHED_SIDE]
                links = left_links if side == 0 else right_links
                for matched in range(2):
                    change = _crossing(line, matched, links, touched, settings)
                    other = int64(matched) if settings[SET_LEFT + side] == SHOW_MARK else int64(NO_ROW)
                    left, right = (row, other) if side == 0 else (other, row)
                    _emit(left, right, moment, change, positive, out_left, out_right, out_moment, out_diff, emitting)
        for line in range(emitting[TOUCHED_COUNT]):
            row, side = touched[line, TOUCHED_ROW], touched[line, TOUCHED_SIDE]
            links = left_links if side == 0 else right_links
            links[row, ROW_TOUCHED] = 0
            if side == 0 and links[row, ROW_SHOWN] > 0:
                emitting[MOST_MATCHES] = max(emitting[MOST_MATCHES], links[row, ROW_MATCHES])
        emitting[TOUCHED_COUNT] = 0
        emitting[DONE_EVENTS], emitting[DONE_PAIRS] = emitting[MOMENT_EVENTS], last_pair
        emitting[MOMENT_EVENTS] = 0


@kernel(
    f"void({READ_TABLE}, int64, {READ_INT64}, {READ_INT64}, {READ_INT64}, {READ_INT64}, int64[:, ::1], "
    "int64[:, ::1], int64[:, ::1], int64[::1], int64[::1], int64[::1], int8[::1], int64[::1])"
)
def emit_changes(
    events: Table,
    event_count: int,
    pair_left: Int64s,
    pair_right: Int64s,
    pair_change: Int64s,
    settings: Int64s,
    left_links: Table,
    right_links: Table,
    touched: Table,
    out_left: Int64s,
    out_right: Int64s,
    out_moment: Int64s,
    out_diff: Int8s,
    emitting: Int64s,
) -> None:
    """What the events and their pairs change in the result, moment by moment, what is retracted first.

    A moment whose last row is to make more pairs (`OPEN`) is counted only: what it changes is told with the rest of it.
    Stops before a moment whose changes find no room: call it again with more, until all events are done. `touched` has
    room for every event and pair.
    """
    _emit_changes(
        events,
        event_count,
        pair_left,
        pair_right,
        pair_change,
        settings,
        left_links,
        right_links,
        touched,
        out_left,
        out_right,
        out_moment,
        out_diff,
        emitting,
    )
