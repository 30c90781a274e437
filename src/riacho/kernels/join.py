"""Regular joins: the rows of both inputs chained by key, taken in one after another, and the pairs that they make.

Rows are known by the slots of their side's store, and keys by those of an index. A key has a chain of rows of either
side, the last one first. Links are row slots plus one; 0 ends a chain, so fresh memory is an empty one.

A pass goes through the rows of both inputs in order of sequence. What came at one moment stays together: what is
retracted then goes first, so that −old +new never meets itself halfway.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import READ_BOOL, READ_INT64, inlined, kernel
from riacho.kernels.primitives import int64, prefetch

Bools = NDArray[np.bool_]
Int8s = NDArray[np.int8]
Int64s = NDArray[np.int64]
Table = NDArray[np.int64]

READ_INT8 = "Array(int8, 1, 'C', True)"
READ_TABLE = "Array(int64, 2, 'C', True)"

# What is known of a key; columns of one side follow those of the other.
CHAIN_FIRST: Final = 0
CHAIN_COUNT: Final = 2
CHAIN_COLUMNS: Final = 4

# What is known of a row. One that is only ever added, and whose matches nobody counts, needs its link alone.
ROW_NEXT: Final = 0
ROW_BEFORE: Final = 1
ROW_KEY: Final = 2
ROW_WEIGHT: Final = 3
"""How often it occurs; 0: it is in no chain."""
ROW_MATCHES: Final = 4
ROW_SHOWN: Final = 5
"""How often it occurred when `emit_changes` saw it last: that comes later in a pass than `join_rows`."""
ROW_TOUCHED: Final = 6
"""Its place among the rows that a moment touched, plus one; 0 between moments."""
ROW_COLUMNS: Final = 8
ROW_COLUMNS_APPENDED: Final = 1

# How far a pass is.
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

# What `join_rows` tells `emit_changes` of each row that came.
EVENT_MOMENT: Final = 0
EVENT_ROW: Final = 1
EVENT_SIDE: Final = 2
EVENT_SIGN: Final = 3
EVENT_PAIRS: Final = 4
"""Where its pairs end."""
EVENT_COLUMNS: Final = 5

# What the result shows of a row and its matches.
SHOW_NOTHING: Final = 0
SHOW_UNMATCHED: Final = 1
SHOW_MATCHED: Final = 2
SHOW_MARK: Final = 3

# The settings of `emit_changes`.
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

NO_ROW: Final = -1
"""The other side of a row without a match."""
UNMARKED: Final = 0
MARKED: Final = 1
"""In place of the right row of a mark join: whether the left one has a match."""

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


@inlined
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
    own: Int64s,
    others: Int64s,
    changes: Int64s,
    moments: Int64s,
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
        own[at] = row
        others[at] = other
        moments[at] = moment
        change = int64(sign)
        if links.shape[1] > ROW_COLUMNS_APPENDED:
            change *= links[other, ROW_WEIGHT]
        changes[at] = change
        progress[COPY_COUNT] += abs(change)
    skipped = at - first
    if skipped > 0:
        for place in range(at, first + count):
            own[place - skipped] = own[place]
            others[place - skipped] = others[place]
            moments[place - skipped] = moments[place]
            changes[place - skipped] = changes[place]
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


@kernel(
    f"boolean({READ_INT64}, {READ_INT64}, {READ_INT8}, {READ_INT64}, int64, int64[:, ::1], int64[:, ::1], "
    "int64[:, ::1], int64[::1], int64[::1], int64[::1], int64[::1], int64[::1], int64[::1], int64[::1], int64[::1], "
    "int64[::1], int64[:, ::1], int64[::1])"
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
    pair_left: Int64s,
    pair_right: Int64s,
    pair_change: Int64s,
    pair_moment: Int64s,
    events: Table,
    progress: Int64s,
) -> bool:
    """Take the rows of a pass in, moment by moment, and write the pairs that each makes with those before it.

    The first `lefts` rows are the left input's. A negative key has no chain. `signs` is empty where all rows are added,
    a `written` where that side's rows live for ever, `events` where nobody wants them. Rows that may have gone are
    `removed`, and keys that may have no rows any more `emptied`.

    Stops before a moment whose pairs, or copies of them, may find no room; returns whether all rows have been taken in.
    """
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
        if progress[PAIR_COUNT] + needed > pair_left.size or progress[COPY_COUNT] > pair_left.size:
            progress[NEXT_LEFT], progress[NEXT_RIGHT], progress[NEEDED_PAIRS] = left, right, needed
            return False
        if left_end + _FAR < lefts:
            prefetch(chains, max(keys[left_end + _FAR], 0) * CHAIN_COLUMNS)
        if right_end + _FAR < rows.size:
            prefetch(chains, max(keys[right_end + _FAR], 0) * CHAIN_COLUMNS)
        for phase in range(0 if signs.size > 0 else 1, 2):
            for index in range(left, left_end):
                sign = int64(1) if signs.size == 0 else int64(signs[index])
                if (sign > 0) != (phase == 1):
                    continue
                row, key = rows[index], keys[index]
                _enter(row, key, sign, 0, left_links, chains, left_written, left_removed, emptied, progress)
                if key >= 0:
                    _probe(
                        row,
                        key,
                        sign,
                        moment,
                        0,
                        right_links,
                        chains,
                        right_written,
                        pair_left,
                        pair_right,
                        pair_change,
                        pair_moment,
                        progress,
                    )
                if events.shape[0] > 0:
                    _record(events, progress, moment, row, 0, sign)
            for index in range(right, right_end):
                sign = int64(1) if signs.size == 0 else int64(signs[index])
                if (sign > 0) != (phase == 1):
                    continue
                row, key = rows[index], keys[index]
                _enter(row, key, sign, 1, right_links, chains, right_written, right_removed, emptied, progress)
                if key >= 0:
                    _probe(
                        row,
                        key,
                        sign,
                        moment,
                        1,
                        left_links,
                        chains,
                        left_written,
                        pair_right,
                        pair_left,
                        pair_change,
                        pair_moment,
                        progress,
                    )
                if events.shape[0] > 0:
                    _record(events, progress, moment, row, 1, sign)
        left, right = left_end, right_end
        progress[LAST_MOMENT] = moment
    progress[NEXT_LEFT], progress[NEXT_RIGHT] = left, right
    return True


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


@inlined
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
    counted: bool,
    other_counted: bool,
    emitting: Int64s,
) -> None:
    """Count the matches of a row that came or went, and of those that it meets."""
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


@inlined
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
    count_left, count_right = settings[SET_COUNT_LEFT] == 1, settings[SET_COUNT_RIGHT] == 1
    while emitting[DONE_EVENTS] < event_count:
        first_event, first_pair = emitting[DONE_EVENTS], emitting[DONE_PAIRS]
        moment = events[first_event, EVENT_MOMENT]
        if emitting[MOMENT_EVENTS] == 0:
            event, pair = first_event, first_pair
            while event < event_count and events[event, EVENT_MOMENT] == moment:
                row, sign, end = events[event, EVENT_ROW], events[event, EVENT_SIGN], events[event, EVENT_PAIRS]
                if events[event, EVENT_SIDE] == 0:
                    _count_event(
                        row,
                        0,
                        sign,
                        pair,
                        end,
                        pair_right,
                        pair_change,
                        holds,
                        left_links,
                        right_links,
                        touched,
                        count_left,
                        count_right,
                        emitting,
                    )
                else:
                    _count_event(
                        row,
                        1,
                        sign,
                        pair,
                        end,
                        pair_left,
                        pair_change,
                        holds,
                        right_links,
                        left_links,
                        touched,
                        count_right,
                        count_left,
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
                        _emit(
                            pair_left[pair],
                            pair_right[pair],
                            moment,
                            pair_change[pair],
                            positive,
                            out_left,
                            out_right,
                            out_moment,
                            out_diff,
                            emitting,
                        )
            for place in range(emitting[TOUCHED_COUNT]):
                row, side = touched[place, TOUCHED_ROW], touched[place, TOUCHED_SIDE]
                before, had = touched[place, TOUCHED_BEFORE], touched[place, TOUCHED_HAD]
                shown = settings[SET_LEFT + side]
                if side == 0:
                    after, matches = left_links[row, ROW_SHOWN], left_links[row, ROW_MATCHES]
                else:
                    after, matches = right_links[row, ROW_SHOWN], right_links[row, ROW_MATCHES]
                if side == 0 and after > 0:
                    emitting[MOST_MATCHES] = max(emitting[MOST_MATCHES], matches)
                for matched in range(2):
                    if shown == SHOW_NOTHING or (shown == SHOW_UNMATCHED + 1 - matched):
                        continue
                    change = _crossing(before, had, after, matches > 0, matched)
                    other = int64(matched) if shown == SHOW_MARK else int64(NO_ROW)
                    _emit(
                        row if side == 0 else other,
                        other if side == 0 else row,
                        moment,
                        change,
                        positive,
                        out_left,
                        out_right,
                        out_moment,
                        out_diff,
                        emitting,
                    )
        for place in range(emitting[TOUCHED_COUNT]):
            if touched[place, TOUCHED_SIDE] == 0:
                left_links[touched[place, TOUCHED_ROW], ROW_TOUCHED] = 0
            else:
                right_links[touched[place, TOUCHED_ROW], ROW_TOUCHED] = 0
        emitting[TOUCHED_COUNT] = 0
        emitting[DONE_EVENTS], emitting[DONE_PAIRS] = emitting[MOMENT_EVENTS], last_pair
        emitting[MOMENT_EVENTS] = 0


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
