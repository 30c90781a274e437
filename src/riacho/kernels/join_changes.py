"""Regular joins: what the pairs that were found, and the rows that get or lose all matches, change in the result.

Follows `join_rows`: pairs that a condition lets through count, each change as often as it occurs.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import READ_BOOL, READ_INT64, READ_TABLE, inlined, inner, kernel
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
from riacho.kernels.primitives import int64, prefetch

Bools = NDArray[np.bool_]
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
MADE: Final = 2
TOUCHED_COUNT: Final = 3
MOMENT_EVENTS: Final = 4
"""Where the events end of a moment that was counted, but for whose changes there was no room; 0: none."""
NEEDED_CHANGES: Final = 5
MOST_MATCHES: Final = 6
"""The most matches that a left row had after any moment."""
EMITTING: Final = 7

TOUCHED_ROW: Final = 0
TOUCHED_BEFORE: Final = 1
TOUCHED_HAD: Final = 2
TOUCHED_SIDE: Final = 3
TOUCHED_COLUMNS: Final = 4

# The operators of a comparison.
LESS: Final = 0
LESS_OR_EQUAL: Final = 1
EQUAL: Final = 2
NOT_EQUAL: Final = 3

# The columns of a table of comparisons; those of the second operand follow those of the first.
COMPARISON_OPERATOR: Final = 0
OPERAND_SIDE: Final = 1
OPERAND_WORD: Final = 2
OPERAND_NULL_WORD: Final = 3
OPERAND_NULL_BIT: Final = 4
OPERAND_COLUMNS: Final = 4
COMPARISON_COLUMNS: Final = 9

_FAR: Final = 12
"""Pairs ahead whose rows are fetched."""


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
def _compare(left: int, right: int, left_words: Table, right_words: Table, comparisons: Table, line: int) -> bool:
    """Whether a comparison of two words of a pair is true; with a null it is not."""
    values = (int64(0), int64(0))
    for place in range(2):
        at = place * OPERAND_COLUMNS
        side, word = comparisons[line, at + OPERAND_SIDE], comparisons[line, at + OPERAND_WORD]
        null_word, null_bit = comparisons[line, at + OPERAND_NULL_WORD], comparisons[line, at + OPERAND_NULL_BIT]
        if side == 0:
            value, nulls = left_words[left, word], left_words[left, null_word]
        else:
            value, nulls = right_words[right, word], right_words[right, null_word]
        if (nulls >> null_bit) & 1 == 1:
            return False
        values = (values[1], value)
    operator = comparisons[line, COMPARISON_OPERATOR]
    if operator == LESS:
        return bool(values[0] < values[1])
    if operator == LESS_OR_EQUAL:
        return bool(values[0] <= values[1])
    return bool((values[0] == values[1]) == (operator == EQUAL))


@kernel(f"int64({READ_INT64}, {READ_INT64}, {READ_TABLE}, {READ_TABLE}, {READ_TABLE}, int64[::1])")
def compare_pairs(
    left: Int64s, right: Int64s, left_words: Table, right_words: Table, comparisons: Table, kept: Int64s
) -> int:
    """The pairs for which all comparisons of words of their rows are true; returns how many there are."""
    count = int64(0)
    for pair in range(left.size):
        if pair + _FAR < left.size:
            prefetch(left_words, left[pair + _FAR] * left_words.shape[1])
            prefetch(right_words, right[pair + _FAR] * right_words.shape[1])
        holds = True
        for line in range(comparisons.shape[0]):
            holds = holds and _compare(left[pair], right[pair], left_words, right_words, comparisons, line)
        kept[count] = pair
        count += int64(holds)
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


@inner
def _count_event(
    row: int,
    side: int,
    sign: int,
    first: int,
    end: int,
    others: Int64s,
    change: Int64s,
    holds: Bools,
    links: Table,
    other_links: Table,
    touched: Table,
    settings: Int64s,
    emitting: Int64s,
) -> None:
    """Count the matches of a row that came or went, and of those that it meets."""
    counted, other_counted = settings[SET_COUNT_LEFT + side] == 1, settings[SET_COUNT_RIGHT - side] == 1
    found = int64(0)
    for pair in range(first, end):
        if holds.size > 0 and not holds[pair]:
            continue
        found += change[pair] * sign
        if other_counted:
            other = others[pair]
            _touch(other, 1 - side, other_links, touched, emitting)
            other_links[other, ROW_MATCHES] += sign
    if counted:
        _touch(row, side, links, touched, emitting)
        if links[row, ROW_SHOWN] == 0:  # one that was there knows its matches
            links[row, ROW_MATCHES] = found
        links[row, ROW_SHOWN] += sign


@inlined
def _crossing(before: int, had: int, after: int, has: bool, matched: int) -> int:
    """How many more of a row there are among those with a match, or without one."""
    change = int64(0)
    if int64(has) == matched:
        change += after
    if had == matched:
        change -= before
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
    holds: Bools,
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
        first_event, first_pair = emitting[DONE_EVENTS], emitting[DONE_PAIRS]
        moment = events[first_event, EVENT_MOMENT]
        if emitting[MOMENT_EVENTS] == 0:
            event, pair = first_event, first_pair
            while event < event_count and events[event, EVENT_MOMENT] == moment:
                side, end = events[event, EVENT_SIDE], events[event, EVENT_PAIRS]
                _count_event(
                    events[event, EVENT_ROW],
                    side,
                    events[event, EVENT_SIGN],
                    pair,
                    end,
                    pair_right if side == 0 else pair_left,
                    pair_change,
                    holds,
                    left_links if side == 0 else right_links,
                    right_links if side == 0 else left_links,
                    touched,
                    settings,
                    emitting,
                )
                pair = end
                event += 1
            emitting[MOMENT_EVENTS] = event
        last_pair = events[emitting[MOMENT_EVENTS] - 1, EVENT_PAIRS]
        needed = int64(0)
        if settings[SET_PAIRS] == 1:
            for pair in range(first_pair, last_pair):
                needed += abs(pair_change[pair])
        for place in range(emitting[TOUCHED_COUNT]):
            row = touched[place, TOUCHED_ROW]
            links = left_links if touched[place, TOUCHED_SIDE] == 0 else right_links
            needed += 2 * (abs(touched[place, TOUCHED_BEFORE]) + abs(links[row, ROW_SHOWN]))
        if emitting[MADE] + needed > out_left.size:
            emitting[NEEDED_CHANGES] = emitting[MADE] + needed
            return
        for sign in range(2):
            positive = sign == 1
            if settings[SET_PAIRS] == 1:
                for pair in range(first_pair, last_pair):
                    if holds.size == 0 or holds[pair]:
                        left, right, change = pair_left[pair], pair_right[pair], pair_change[pair]
                        _emit(
                            left, right, moment, change, positive, out_left, out_right, out_moment, out_diff, emitting
                        )
            for place in range(emitting[TOUCHED_COUNT]):
                row, side = touched[place, TOUCHED_ROW], touched[place, TOUCHED_SIDE]
                before, had = touched[place, TOUCHED_BEFORE], touched[place, TOUCHED_HAD]
                shown = settings[SET_LEFT + side]
                links = left_links if side == 0 else right_links
                after, matches = links[row, ROW_SHOWN], links[row, ROW_MATCHES]
                if side == 0 and after > 0:
                    emitting[MOST_MATCHES] = max(emitting[MOST_MATCHES], matches)
                for matched in range(2):
                    if shown == SHOW_NOTHING or (shown == SHOW_UNMATCHED + 1 - matched):
                        continue
                    change = _crossing(before, had, after, matches > 0, matched)
                    other = int64(matched) if shown == SHOW_MARK else int64(NO_ROW)
                    left, right = (row, other) if side == 0 else (other, row)
                    _emit(left, right, moment, change, positive, out_left, out_right, out_moment, out_diff, emitting)
        for place in range(emitting[TOUCHED_COUNT]):
            links = left_links if touched[place, TOUCHED_SIDE] == 0 else right_links
            links[touched[place, TOUCHED_ROW], ROW_TOUCHED] = 0
        emitting[TOUCHED_COUNT] = 0
        emitting[DONE_EVENTS], emitting[DONE_PAIRS] = emitting[MOMENT_EVENTS], last_pair
        emitting[MOMENT_EVENTS] = 0


@kernel(
    f"void({READ_TABLE}, int64, {READ_INT64}, {READ_INT64}, {READ_INT64}, {READ_BOOL}, {READ_INT64}, int64[:, ::1], "
    "int64[:, ::1], int64[:, ::1], int64[::1], int64[::1], int64[::1], int8[::1], int64[::1])"
)
def emit_changes(
    events: Table,
    event_count: int,
    pair_left: Int64s,
    pair_right: Int64s,
    pair_change: Int64s,
    holds: Bools,
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

    Pairs count that `holds` marks, or all where it is empty. Stops before a moment whose changes find no room: call it
    again with more, until all events are done.
    """
    _emit_changes(
        events,
        event_count,
        pair_left,
        pair_right,
        pair_change,
        holds,
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
