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

from riacho.kernels.compile import READ_INT8, READ_INT64, READ_TABLE, inlined, inner, kernel
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
"""The next rows of both inputs, or the first ones of a moment that has begun."""
LEFT_END: Final = 2
RIGHT_END: Final = 3
"""Where the moment's end."""
TURN: Final = 4
"""Which of a moment's rows come next, plus one: what goes of the left and right one, what comes; 0 between moments."""
AT: Final = 5
"""The row that is next in this turn."""
CURSOR: Final = 6
"""The link to the next row that it is to meet; −1 where it was not taken in yet."""
PAIR_COUNT: Final = 7
COPY_COUNT: Final = 8
"""The pairs, each as often as it occurs."""
EVENT_COUNT: Final = 9
REMOVED_LEFT: Final = 10
REMOVED_RIGHT: Final = 11
"""Where the rows of a side that may have gone end; the right side's begin after as many as the left input has."""
EMPTIED_COUNT: Final = 12
ENOUGH: Final = 13
"""Pairs, or copies of them, after which the pass stops for a while."""
LAST_MOMENT: Final = 14
OVER_LEFT: Final = 15
OVER_RIGHT: Final = 16
"""A row last written to at this time or before is forgotten."""
NOW: Final = 17
BEGAN: Final = 18
"""Where the pairs begin of the row that was interrupted last."""
ENDED: Final = 19
"""Where those of one end that was gone on with."""
IN_PIECES: Final = 20
"""1 where a row that is interrupted is an event each time; else it is one when it has all its pairs."""
PROGRESS: Final = 21

# What `join_rows` returns.
FINISHED: Final = 0
STOPPED: Final = 1
"""After some moment: there are pairs enough."""
FULL: Final = 2
"""In the midst of the pairs of a row: there is no room for more."""

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

_BETWEEN: Final = 0
_FIRST_TURN: Final = 1
_FIRST_THAT_COMES: Final = 3
_LAST_TURN: Final = 4

_FAR: Final = 12
"""Rows ahead whose key's chains are fetched, and pairs ahead whose rows are."""


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
def _probe(
    row: int,
    moment: int,
    sign: int,
    link: int,
    side: int,
    links: Table,
    written: Int64s,
    left_words: Table,
    right_words: Table,
    comparisons: Table,
    pairs: Table,
    progress: Int64s,
) -> int:
    """Pair a row with those of the other side from this link on, the last one first; returns where there was no room.

    `links` and `written` are the other side's.
    """
    at, copies = progress[PAIR_COUNT], progress[COPY_COUNT]
    while link > 0 and at < pairs.shape[1]:
        other = link - 1
        link = links[other, ROW_NEXT]
        if written.size > 0 and written[other] <= progress[OVER_LEFT + 1 - side]:
            continue
        left, right = (row, other) if side == 0 else (other, row)
        holds = True
        for line in range(comparisons.shape[0]):
            holds = holds and _compare(left, right, left_words, right_words, comparisons, line)
        if not holds:
            continue
        pairs[PAIR_LEFT, at] = left
        pairs[PAIR_RIGHT, at] = right
        pairs[PAIR_MOMENT, at] = moment
        change = int64(sign)
        if links.shape[1] > ROW_COLUMNS_APPENDED:
            change *= links[other, ROW_WEIGHT]
        pairs[PAIR_CHANGE, at] = change
        copies += abs(change)
        at += 1
    progress[PAIR_COUNT], progress[COPY_COUNT] = at, copies
    return link


@inlined
def _turn_round(first: int, end: int, pairs: Table) -> None:
    """Bring the pairs of a row in the order in which the rows that it met came: a chain begins with the last one."""
    for place in range((end - first) // 2):
        for line in range(PAIR_LINES):
            one = pairs[line, first + place]
            pairs[line, first + place] = pairs[line, end - 1 - place]
            pairs[line, end - 1 - place] = one


@inlined
def _record(events: Table, progress: Int64s, moment: int, row: int, side: int, sign: int) -> None:
    event = progress[EVENT_COUNT]
    events[event, EVENT_MOMENT] = moment
    events[event, EVENT_ROW] = row
    events[event, EVENT_SIDE] = side
    events[event, EVENT_SIGN] = sign
    events[event, EVENT_PAIRS] = progress[PAIR_COUNT]
    progress[EVENT_COUNT] = event + 1


@inlined
def _begin_moment(keys: Int64s, signs: Int8s, sequence: Int64s, lefts: int, chains: Table, progress: Int64s) -> None:
    """Find the rows of the next moment, of which there must be some."""
    left, right = progress[NEXT_LEFT], progress[NEXT_RIGHT]
    if left >= lefts:
        moment = sequence[right]
    elif right >= sequence.size:
        moment = sequence[left]
    else:
        moment = min(sequence[left], sequence[right])
    while left < lefts and sequence[left] == moment:
        left += 1
    while right < sequence.size and sequence[right] == moment:
        right += 1
    progress[LEFT_END], progress[RIGHT_END], progress[LAST_MOMENT] = left, right, moment
    if left + _FAR < lefts:
        prefetch(chains, max(keys[left + _FAR], 0) * CHAIN_COLUMNS)
    if right + _FAR < sequence.size:
        prefetch(chains, max(keys[right + _FAR], 0) * CHAIN_COLUMNS)
    progress[TURN] = _FIRST_TURN if signs.size > 0 else _FIRST_THAT_COMES
    progress[AT], progress[CURSOR] = progress[NEXT_LEFT], -1


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
    left_words: Table,
    right_words: Table,
    comparisons: Table,
    removed: Int64s,
    emptied: Int64s,
    pairs: Table,
    events: Table,
    progress: Int64s,
) -> int:
    """What `join_rows` does, for which no arrays are counted as they change their names from side to side."""
    while True:
        if progress[TURN] == _BETWEEN:
            if progress[NEXT_LEFT] >= lefts and progress[NEXT_RIGHT] >= rows.size:
                return FINISHED
            if progress[PAIR_COUNT] >= progress[ENOUGH] or progress[COPY_COUNT] >= progress[ENOUGH]:
                return STOPPED
            _begin_moment(keys, signs, sequence, lefts, chains, progress)
        moment = progress[LAST_MOMENT]
        while progress[TURN] <= _LAST_TURN:
            turn = progress[TURN] - _FIRST_TURN
            coming, side = turn >= 2, turn & 1
            links, others = (left_links, right_links) if side == 0 else (right_links, left_links)
            written, others_written = (left_written, right_written) if side == 0 else (right_written, left_written)
            index, end = progress[AT], progress[LEFT_END + side]
            while index < end:
                sign = int64(1) if signs.size == 0 else int64(signs[index])
                if (sign > 0) != coming:
                    index += 1
                    continue
                row, key, link = rows[index], keys[index], progress[CURSOR]
                first = progress[PAIR_COUNT]
                fresh = link < 0
                if fresh:
                    _enter(row, key, sign, side, links, chains, written, removed, emptied, progress)
                    link = chains[key, CHAIN_FIRST + 1 - side] if key >= 0 else int64(0)
                link = _probe(
                    row,
                    moment,
                    sign,
                    link,
                    side,
                    others,
                    others_written,
                    left_words,
                    right_words,
                    comparisons,
                    pairs,
                    progress,
                )
                if events.shape[0] > 0 and (link == 0 or progress[IN_PIECES] == 1):
                    _record(events, progress, moment, row, side, sign)
                if link > 0:
                    progress[AT], progress[CURSOR] = index, link
                    if fresh:
                        progress[BEGAN] = first
                    return FULL
                progress[CURSOR] = -1
                if not fresh:
                    progress[ENDED] = progress[PAIR_COUNT]
                elif progress[PAIR_COUNT] > first + 1:
                    _turn_round(first, progress[PAIR_COUNT], pairs)
                index += 1
            progress[TURN] += 1
            progress[AT] = progress[NEXT_LEFT + 1 - side]
        progress[NEXT_LEFT], progress[NEXT_RIGHT] = progress[LEFT_END], progress[RIGHT_END]
        progress[TURN] = _BETWEEN


@kernel(
    f"int64({READ_INT64}, {READ_INT64}, {READ_INT8}, {READ_INT64}, int64, int64[:, ::1], int64[:, ::1], "
    f"int64[:, ::1], int64[::1], int64[::1], {READ_TABLE}, {READ_TABLE}, {READ_TABLE}, int64[::1], int64[::1], "
    "int64[:, ::1], int64[:, ::1], int64[::1])"
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
    left_words: Table,
    right_words: Table,
    comparisons: Table,
    removed: Int64s,
    emptied: Int64s,
    pairs: Table,
    events: Table,
    progress: Int64s,
) -> int:
    """Take the rows of a pass in, moment by moment, and write the pairs that each makes with those before it.

    The first `lefts` rows are the left input's. A negative key has no chain. `signs` is empty where all rows are added,
    a `written` where that side's rows live for ever, `comparisons` of words where every pair counts, `events` where
    nobody wants them. Rows that may have gone are `removed`, and keys that may have no rows any more `emptied`.

    Stops after a moment when there are pairs enough, or, `FULL`, in the midst of a row's pairs: called again, with
    room, it goes on with them. A row's pairs are in the order in which the rows that it met came; those of one that was
    interrupted are the other way round.
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
        left_words,
        right_words,
        comparisons,
        removed,
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
