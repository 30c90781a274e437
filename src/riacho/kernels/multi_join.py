"""Joins of several inputs by keys: rows chained by each of their keys, and what each that comes or goes makes.

Keys connect the inputs, so that there is one way from each to each other. From a row that comes or goes a step leads to
each other input, from one that has been reached by then, along a key: what is found there is the input's factor. For a
key that is the rows with it; of an input that is LEFT joined, a row of nulls where it has none; of a SEMI, ANTI or MARK
joined one, of which only the number of rows is known, one or none that is `NO_ROW`, `MARKED` or `UNMARKED`. All that
can be put together so comes or goes with the row. When a factor changes otherwise, what it has beside rows is such a
row.

A pass goes through the rows of all inputs moment by moment, as in `kernels.join_rows`. Of a moment, first what goes
goes, then what comes comes: factors that turn on having rows are taken out of what they are part of between the two
where the moment decides otherwise than the one before.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import READ_INT8, READ_INT64, READ_TABLE, inlined, inner, kernel
from riacho.kernels.join_layout import MARKED, NO_ROW, UNMARKED
from riacho.kernels.multi_join_chains import (
    IS_FOUND,
    MATCHES_NOTHING,
    WORD,
    cell_address,
    enter_row,
    key_slot,
    link_address,
    place_of,
    say_emptied,
    say_removed,
)
from riacho.kernels.multi_join_layout import (
    AT_INPUT,
    COPIES,
    ENOUGH,
    FINISHED,
    GONE,
    HIGHEST,
    IN_AT,
    IN_END,
    IN_MAY_GO,
    IN_NEXT,
    IN_PART_COUNT,
    IN_PARTS,
    IN_ROLE,
    IN_STOP,
    KEY,
    LOWEST,
    MADE,
    MARK,
    MOMENT,
    NO_ROOM,
    OPEN,
    PADDED,
    PART_CHAIN,
    PART_KEY,
    PART_NEXT,
    PART_SLOT,
    PART_STATE,
    PHASE,
    ROWS,
    SEMI,
    SHOWN,
    SIGN,
    STEP_FROM,
    STEP_FROM_PART,
    STEP_INPUT,
    STEP_PART,
    STOPPED,
    THEN,
    TOUCHED,
    TOUCHED_AT,
    TUPLE_CHANGE,
    TUPLE_MOMENT,
    TUPLE_ROWS,
    WEIGHT,
    WITH,
    WITHOUT,
)
from riacho.kernels.primitives import int64, load_int64_at, prefetch_at, store_int64_at

Int8s = NDArray[np.int8]
Int64s = NDArray[np.int64]
Table = NDArray[np.int64]
Tables = NDArray[np.int64]

READ_TABLES = "Array(int64, 3, 'C', True)"

# How far the steps from a row are; a line for each.
_AT_LINK: Final = 0
_AT_SHOWN: Final = 1
"""What there is left of its factor: the next row's link, and what there is beside rows."""
_AT_CHANGE: Final = 2

# The phases of a moment.
_BETWEEN: Final = 0
_ROWS_GO: Final = 1
_FACTORS_GO: Final = 2
_ROWS_COME: Final = 3
_FACTORS_COME: Final = 4

_HIDDEN: Final = -2
_FAR: Final = 12
"""Rows ahead whose keys' chains are fetched."""


@inlined
def _shown(role: int, state: int) -> int:
    """What a factor that turns on having rows has beside rows."""
    if role == MARK and state != OPEN:
        return MARKED if state == WITH else UNMARKED
    shown = state == WITH if role == SEMI else state == WITHOUT
    return NO_ROW if shown and role != MARK else _HIDDEN


@inlined
def _open(
    step: int,
    number: int,
    at: int,
    slots: Int64s,
    inputs: Table,
    parts: Table,
    keys: Table,
    steps: Tables,
    tuples: Table,
    path: Table,
    progress: Int64s,
) -> None:
    """Find the factor that a step leads to."""
    begin, place = steps[number, step, STEP_FROM], steps[number, step, STEP_FROM_PART]
    if begin != number:
        link = link_address(inputs, begin, tuples[TUPLE_ROWS + begin, progress[MADE]])
        slot = load_int64_at(link + WORD * parts[inputs[begin, IN_PARTS] + place, PART_SLOT])
    elif at >= 0:
        slot = key_slot(slots, inputs, number, place, at)
    else:
        slot = progress[KEY]
    part, role = steps[number, step, STEP_PART], inputs[steps[number, step, STEP_INPUT], IN_ROLE]
    path[step, _AT_LINK] = 0
    path[step, _AT_SHOWN] = _HIDDEN
    if role <= PADDED and slot >= 0:
        path[step, _AT_LINK] = load_int64_at(cell_address(keys, parts[part, PART_KEY], slot, parts[part, PART_CHAIN]))
    if role >= PADDED:
        state = int64(WITHOUT)
        if slot >= 0:
            state = load_int64_at(cell_address(keys, parts[part, PART_KEY], slot, parts[part, PART_STATE] + 1))
        path[step, _AT_SHOWN] = _shown(role, state)


@inlined
def _expand(
    number: int,
    row: int,
    at: int,
    sign: int,
    slots: Int64s,
    inputs: Table,
    parts: Table,
    keys: Table,
    steps: Tables,
    tuples: Table,
    path: Table,
    progress: Int64s,
) -> bool:
    """Write all tuples that something of an input is in; returns whether there was room, and else takes them back.

    The rows that have been reached stand in the tuple that will be written next.
    """
    first, copies, last = progress[MADE], progress[COPIES], int64(inputs.shape[0] - 2)
    if first == tuples.shape[1]:
        return False
    tuples[TUPLE_ROWS + number, first] = row
    path[0, _AT_CHANGE] = sign
    step, opening = int64(0), True
    while step >= 0:
        if opening:
            _open(step, number, at, slots, inputs, parts, keys, steps, tuples, path, progress)
        reached, made = steps[number, step, STEP_INPUT], progress[MADE]
        link, change = path[step, _AT_LINK], path[step, _AT_CHANGE]
        if link > 0:
            tuples[TUPLE_ROWS + reached, made] = link - 1
            address = link_address(inputs, reached, link - 1)
            path[step, _AT_LINK] = load_int64_at(address + WORD * parts[steps[number, step, STEP_PART], PART_NEXT])
            if inputs[reached, IN_MAY_GO]:
                change *= load_int64_at(address + WORD * WEIGHT)
        elif path[step, _AT_SHOWN] != _HIDDEN:
            tuples[TUPLE_ROWS + reached, made] = path[step, _AT_SHOWN]
            path[step, _AT_SHOWN] = _HIDDEN
        else:
            step, opening = step - 1, False
            continue
        opening = step < last
        if opening:
            step += 1
            path[step, _AT_CHANGE] = change
            continue
        tuples[TUPLE_CHANGE, made] = change
        tuples[TUPLE_MOMENT, made] = progress[MOMENT]
        if made + 1 == tuples.shape[1]:
            progress[MADE], progress[COPIES] = first, copies
            return False
        for line in range(TUPLE_ROWS, tuples.shape[0]):
            tuples[line, made + 1] = tuples[line, made]
        progress[MADE] = made + 1
        progress[COPIES] += abs(change)
    if progress[MADE] > first + 1:
        _turn_round(first, progress[MADE], tuples)
    return True


@inner
def _turn_round(first: int, end: int, tuples: Table) -> None:
    """Bring tuples in the order in which their rows came: a chain begins with the last one."""
    for place in range((end - first) // 2):
        for line in range(tuples.shape[0]):
            one = tuples[line, first + place]
            tuples[line, first + place] = tuples[line, end - 1 - place]
            tuples[line, end - 1 - place] = one


@inlined
def _begin_moment(
    slots: Int64s,
    signs: Int8s,
    sequence: Int64s,
    inputs: Table,
    parts: Table,
    keys: Table,
    emptied: Table,
    touched: Table,
    progress: Int64s,
) -> bool:
    """Find the rows of the next moment, and count those of which only having some matters; whether there are any."""
    found, moment = False, int64(0)
    for number in range(inputs.shape[0]):
        at = inputs[number, IN_STOP]
        if at < inputs[number, IN_END]:
            if not found or sequence[at] < moment:
                found, moment = True, sequence[at]
                progress[LOWEST] = number
            if sequence[at] == moment:
                progress[HIGHEST] = number
    if not found:
        return False
    progress[MOMENT] = moment
    progress[TOUCHED] = 0
    for number in range(progress[LOWEST], progress[HIGHEST] + 1):
        at, end = inputs[number, IN_STOP], inputs[number, IN_END]
        inputs[number, IN_NEXT] = inputs[number, IN_AT] = at
        while at < end and sequence[at] == moment:
            slot = key_slot(slots, inputs, number, 0, at)
            if inputs[number, IN_ROLE] != ROWS and slot >= 0:
                part = inputs[number, IN_PARTS]
                counter = cell_address(keys, parts[part, PART_KEY], slot, parts[part, PART_STATE])
                count = load_int64_at(counter) + (int64(1) if signs.size == 0 else int64(signs[at]))
                store_int64_at(counter, count)
                touched[progress[TOUCHED], 0] = slot
                touched[progress[TOUCHED], 1] = number
                progress[TOUCHED] += 1
                if count == 0:
                    say_emptied(emptied, parts[part, PART_KEY], slot, progress)
            at += 1
        inputs[number, IN_STOP] = at
        if at + _FAR < end:
            for place in range(inputs[number, IN_PART_COUNT]):
                slot = key_slot(slots, inputs, number, place, at + _FAR)
                prefetch_at(cell_address(keys, parts[inputs[number, IN_PARTS] + place, PART_KEY], max(slot, 0), 0))
    progress[AT_INPUT], progress[TOUCHED_AT] = progress[LOWEST], 0
    progress[PHASE] = _ROWS_GO if signs.size > 0 else _FACTORS_GO if progress[TOUCHED] > 0 else _ROWS_COME
    return True


@inlined
def _find_row(signs: Int8s, inputs: Table, progress: Int64s) -> bool:
    """Go to the next row of a moment that goes or comes in this phase; whether there is one."""
    while progress[AT_INPUT] <= progress[HIGHEST]:
        number = progress[AT_INPUT]
        at = inputs[number, IN_AT]
        if inputs[number, IN_ROLE] > PADDED or at == inputs[number, IN_STOP]:
            inputs[number, IN_AT] = inputs[number, IN_NEXT]
            progress[AT_INPUT] += 1
            continue
        sign = int64(1) if signs.size == 0 else int64(signs[at])
        if (sign > 0) == (progress[PHASE] == _ROWS_COME):
            progress[SIGN] = sign
            return True
        inputs[number, IN_AT] += 1
    return False


@inlined
def _find_factor(inputs: Table, parts: Table, keys: Table, touched: Table, progress: Int64s) -> bool:
    """Go to the next factor that is taken out in this phase, or put in; whether there is one."""
    coming = progress[PHASE] == _FACTORS_COME
    while progress[TOUCHED_AT] < progress[TOUCHED]:
        slot, number = touched[progress[TOUCHED_AT], 0], touched[progress[TOUCHED_AT], 1]
        part = inputs[number, IN_PARTS]
        counter = cell_address(keys, parts[part, PART_KEY], slot, parts[part, PART_STATE])
        state, then = load_int64_at(counter + WORD), int64(WITH) if load_int64_at(counter) > 0 else int64(WITHOUT)
        if (coming and state == OPEN) or (not coming and state != OPEN and state != then):
            progress[AT_INPUT], progress[KEY], progress[SIGN] = number, slot, 1 if coming else -1
            progress[SHOWN] = _shown(inputs[number, IN_ROLE], then if coming else state)
            progress[THEN] = then if coming else int64(OPEN)
            return True
        progress[TOUCHED_AT] += 1
    return False


@kernel(
    f"int64({READ_INT64}, {READ_INT64}, {READ_INT8}, {READ_INT64}, int64[:, ::1], {READ_TABLE}, {READ_TABLE}, "
    f"{READ_TABLES}, int64[::1], int64[:, ::1], int64[:, ::1], int64[:, ::1], int64[:, ::1], int64[::1])"
)
def join_tuples(
    rows: Int64s,
    slots: Int64s,
    signs: Int8s,
    sequence: Int64s,
    inputs: Table,
    parts: Table,
    keys: Table,
    steps: Tables,
    removed: Int64s,
    emptied: Table,
    touched: Table,
    tuples: Table,
    path: Table,
    progress: Int64s,
) -> int:
    """Take the rows of a pass in, moment by moment, and write what each changes: tuples of one row of each input.

    The inputs' rows stand one input after another; `slots` are those of their keys, negative where one matches nothing.
    `signs` is empty where all are added. Rows that may have gone are `removed`, and keys that may have no rows any more
    `emptied`. `steps` are those from each input.

    Where it finds no room it is called again with more, all else unchanged; and again after it stopped.
    """
    while True:
        if progress[PHASE] == _BETWEEN:
            if progress[MADE] >= progress[ENOUGH]:
                return STOPPED
            if not _begin_moment(slots, signs, sequence, inputs, parts, keys, emptied, touched, progress):
                return FINISHED
        phase = progress[PHASE]
        of_rows = phase == _ROWS_GO or phase == _ROWS_COME
        if of_rows:
            found = _find_row(signs, inputs, progress)
        else:
            found = _find_factor(inputs, parts, keys, touched, progress)
        if not found:
            progress[AT_INPUT], progress[TOUCHED_AT] = progress[LOWEST], 0
            if progress[TOUCHED] > 0:
                progress[PHASE] = phase + 1 if phase < _FACTORS_COME else _BETWEEN
            else:
                progress[PHASE] = _ROWS_COME if phase == _ROWS_GO else _BETWEEN
            continue
        number, sign, at = progress[AT_INPUT], progress[SIGN], int64(-1)
        shown, becomes = progress[SHOWN], int64(IS_FOUND)
        if of_rows:
            at = inputs[number, IN_AT]
            becomes = place_of(at, number, slots, inputs, parts)
            shown = rows[at] if becomes != MATCHES_NOTHING else int64(_HIDDEN)
        if shown != _HIDDEN and not _expand(
            number, shown, at, sign, slots, inputs, parts, keys, steps, tuples, path, progress
        ):
            return NO_ROOM
        if not of_rows:
            part = inputs[number, IN_PARTS]
            state = cell_address(keys, parts[part, PART_KEY], progress[KEY], parts[part, PART_STATE] + 1)
            store_int64_at(state, progress[THEN])
            progress[TOUCHED_AT] += 1
            continue
        if becomes == IS_FOUND:
            enter_row(rows[at], at, sign, number, slots, inputs, parts, keys, removed, emptied, progress)
        else:
            say_removed(rows[at], number, inputs, removed)
            for place in range(inputs[number, IN_PART_COUNT]):
                slot = key_slot(slots, inputs, number, place, at)
                if slot >= 0:
                    say_emptied(emptied, parts[inputs[number, IN_PARTS] + place, PART_KEY], slot, progress)
        inputs[number, IN_AT] += 1


@kernel(f"int64({READ_INT64}, int64[:, ::1], boolean, int64[::1])")
def gone_rows(removed: Int64s, links: Table, may_go: bool, gone: Int64s) -> int:
    """Which of these rows occur no more, each once; returns how many. What is known of them is forgotten."""
    count = int64(0)
    for index in range(removed.size):
        row = removed[index]
        if may_go:
            if links[row, GONE] != 0 or links[row, WEIGHT] != 0:
                continue
            links[row, GONE] = 1
        gone[count] = row
        count += 1
    for index in range(count):
        for column in range(links.shape[1]):
            links[gone[index], column] = 0
    return count
