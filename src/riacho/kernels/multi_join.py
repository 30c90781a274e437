"""Joins of several inputs by one key: rows chained by key, and what each that comes or goes makes with the others'.

The result for a key is a product. A factor is an input's rows with it; of an input that is LEFT joined, a row of nulls
where it has none; of a SEMI, ANTI or MARK joined one, of which only the number of rows is known, one or none that is
`NO_ROW`, `MARKED` or `UNMARKED`. When a factor changes, the product of the others comes or goes with what changed.

A pass goes through the rows of all inputs moment by moment, as in `kernels.join_rows`, whose links the rows have. Of a
moment, first what goes goes, then what comes comes: factors that turn on having rows are taken out of the product
between the two where the moment decides otherwise than the one before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from riacho.kernels.compile import READ_INT64, inlined, inner, kernel
from riacho.kernels.join_layout import (
    MARKED,
    NO_ROW,
    READ_INT8,
    ROW_BEFORE,
    ROW_COLUMNS_APPENDED,
    ROW_NEXT,
    ROW_WEIGHT,
    UNMARKED,
)
from riacho.kernels.primitives import int64, prefetch

Int8s = NDArray[np.int8]
Int64s = NDArray[np.int64]
Table = NDArray[np.int64]

# How an input is joined.
ROWS: Final = 0
PADDED: Final = 1
SEMI: Final = 2
ANTI: Final = 3
MARK: Final = 4

# What is known of an input, and how far a pass is with it.
IN_ROLE: Final = 0
IN_CHAIN: Final = 1
"""Where its columns begin among those of a key: the first row of its chain, and how many there are."""
IN_STATE: Final = 2
"""Where its columns begin, if its factor turns on having rows: how often rows occur, and what the factor is."""
IN_LINKS: Final = 3
"""The address of its rows' links, and how many each has."""
IN_WIDTH: Final = 4
IN_NEXT: Final = 5
IN_AT: Final = 6
IN_STOP: Final = 7
IN_END: Final = 8
"""The first of its rows of this moment, the one that is next, where they end, and where the pass's do."""
IN_FIRST: Final = 9
IN_REMOVED: Final = 10
"""Where its rows begin, and how many of them may have gone."""
IN_COUNT: Final = 11
"""How many there are in its factor of the product that is being written."""
INPUT_COLUMNS: Final = 12

CHAIN_COLUMNS: Final = 2
STATE_COLUMNS: Final = 2

# What the factor of an input is that turns on having rows.
WITHOUT: Final = 0
OPEN: Final = 1
"""Neither of both, in the middle of a moment."""
WITH: Final = 2

# The lines of a table of tuples; from the third on one for each input.
TUPLE_CHANGE: Final = 0
TUPLE_MOMENT: Final = 1
TUPLE_ROWS: Final = 2

# How far a pass is.
MADE: Final = 0
COPIES: Final = 1
"""The tuples, each as often as it occurs."""
NEEDED: Final = 2
"""Tuples for which there was no room."""
PHASE: Final = 3
MOMENT: Final = 4
TOUCHED: Final = 5
TOUCHED_AT: Final = 6
EMPTIED: Final = 7
LONE_INPUT: Final = 8
"""The only input that must have a row with a key; −1: there are several. Its rows come out without a key, too."""
ENOUGH: Final = 9
"""Tuples after which the pass stops for a while."""
AT_INPUT: Final = 10
KEY: Final = 11
SIGN: Final = 12
SHOWN: Final = 13
THEN: Final = 14
"""What comes or goes next within a moment: of which input, and what; and what becomes of a factor."""
PROGRESS: Final = 15

# The phases of a moment.
_BETWEEN: Final = 0
_ROWS_GO: Final = 1
_FACTORS_GO: Final = 2
_ROWS_COME: Final = 3
_FACTORS_COME: Final = 4

# What `join_product` returns.
FINISHED: Final = 0
STOPPED: Final = 1
"""After some moment: there are tuples enough."""
NO_ROOM: Final = 2

_HIDDEN: Final = -2
_FAR: Final = 12
"""Rows ahead whose key's chains are fetched."""
_WORD: Final = 8
_NEXT: Final = _WORD * ROW_NEXT
_BEFORE: Final = _WORD * ROW_BEFORE
_WEIGHT: Final = _WORD * ROW_WEIGHT


def _load_int64_at(_typing: Any, _address: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.load(builder.inttoptr(arguments[0], ir.IntType(64).as_pointer()))

    return types.int64(types.int64), generate


def _store_int64_at(_typing: Any, _address: Any, _value: Any) -> Any:
    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        builder.store(arguments[1], builder.inttoptr(arguments[0], ir.IntType(64).as_pointer()))
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


load_int64_at = cast("Callable[[int], int]", intrinsic(_load_int64_at))
store_int64_at = cast("Callable[[int, int], None]", intrinsic(_store_int64_at))


@inlined
def _link(inputs: Table, number: int, row: int) -> int:
    """The address of what is known of an input's row."""
    return int64(inputs[number, IN_LINKS] + _WORD * row * inputs[number, IN_WIDTH])


@inner
def _enter(
    row: int,
    key: int,
    sign: int,
    number: int,
    inputs: Table,
    chains: Table,
    removed: Int64s,
    emptied: Int64s,
    progress: Int64s,
) -> None:
    """Take a row into its input's chain, or out of it."""
    chain, link = inputs[number, IN_CHAIN], _link(inputs, number, row)
    first = chains[key, chain]
    if inputs[number, IN_WIDTH] == ROW_COLUMNS_APPENDED:
        store_int64_at(link + _NEXT, first)
        chains[key, chain] = row + 1
        chains[key, chain + 1] += 1
        return
    weight = load_int64_at(link + _WEIGHT)
    after = weight + sign
    store_int64_at(link + _WEIGHT, after)
    if weight == 0:
        store_int64_at(link + _NEXT, first)
        store_int64_at(link + _BEFORE, int64(0))
        if first > 0:
            store_int64_at(_link(inputs, number, first - 1) + _BEFORE, row + 1)
        chains[key, chain] = row + 1
        chains[key, chain + 1] += 1
    elif after == 0:
        following, before = load_int64_at(link + _NEXT), load_int64_at(link + _BEFORE)
        if before > 0:
            store_int64_at(_link(inputs, number, before - 1) + _NEXT, following)
        else:
            chains[key, chain] = following
        if following > 0:
            store_int64_at(_link(inputs, number, following - 1) + _BEFORE, before)
        chains[key, chain + 1] -= 1
        if chains[key, chain + 1] == 0:
            emptied[progress[EMPTIED]] = key
            progress[EMPTIED] += 1
    if after <= 0:
        removed[inputs[number, IN_FIRST] + inputs[number, IN_REMOVED]] = row
        inputs[number, IN_REMOVED] += 1


@inlined
def _shown(role: int, state: int) -> int:
    """What a factor that turns on having rows has beside rows."""
    if role == MARK and state != OPEN:
        return MARKED if state == WITH else UNMARKED
    shown = state == WITH if role == SEMI else state == WITHOUT
    return NO_ROW if shown and role != MARK else _HIDDEN


@inlined
def _state(inputs: Table, number: int, chains: Table, key: int) -> int:
    """What the factor is of an input of which having rows matters."""
    state = int64(WITHOUT)
    if key >= 0:
        state = chains[key, inputs[number, IN_STATE] + 1]
    return state


@inlined
def _factor(inputs: Table, number: int, chains: Table, key: int) -> int:
    """How many there are in an input's factor."""
    role = inputs[number, IN_ROLE]
    count = int64(0)
    if role <= PADDED and key >= 0:
        count = chains[key, inputs[number, IN_CHAIN] + 1]
    if role >= PADDED and _shown(role, _state(inputs, number, chains, key)) != _HIDDEN:
        count += 1
    return count


@inner
def _fill(
    number: int,
    key: int,
    first: int,
    end: int,
    count: int,
    repeat: int,
    inputs: Table,
    chains: Table,
    tuples: Table,
) -> None:
    """Write an input's factor into its column of a product: each `repeat` times on end, all over again to the end."""
    role, line, at = inputs[number, IN_ROLE], TUPLE_ROWS + number, int64(0)
    if role <= PADDED and key >= 0:
        at = chains[key, inputs[number, IN_CHAIN] + 1]
        link = chains[key, inputs[number, IN_CHAIN]]
        while link > 0:  # the last one first
            at -= 1
            for place in range(first + at * repeat, first + (at + 1) * repeat):
                tuples[line, place] = link - 1
            link = load_int64_at(_link(inputs, number, link - 1) + _NEXT)
        at = chains[key, inputs[number, IN_CHAIN] + 1]
    if at < count:
        shown = _shown(role, _state(inputs, number, chains, key))
        for place in range(first + at * repeat, first + count * repeat):
            tuples[line, place] = shown
    for place in range(first + count * repeat, end):
        tuples[line, place] = tuples[line, place - count * repeat]
    if role <= PADDED and inputs[number, IN_WIDTH] != ROW_COLUMNS_APPENDED:
        for place in range(first, end):
            if tuples[line, place] >= 0:
                tuples[TUPLE_CHANGE, place] *= load_int64_at(_link(inputs, number, tuples[line, place]) + _WEIGHT)


@inner
def _multiply(
    number: int,
    row: int,
    key: int,
    sign: int,
    inputs: Table,
    chains: Table,
    tuples: Table,
    progress: Int64s,
) -> bool:
    """Write the tuples of something of an input with the others' factors; returns whether there was room."""
    total = int64(1)
    for other in range(inputs.shape[0]):
        if other != number:
            inputs[other, IN_COUNT] = _factor(inputs, other, chains, key)
            total *= inputs[other, IN_COUNT]
    if total == 0:
        return True
    first = progress[MADE]
    end = first + total
    if end > tuples.shape[1]:
        progress[NEEDED] = total
        return False
    for place in range(first, end):
        tuples[TUPLE_ROWS + number, place] = row
        tuples[TUPLE_CHANGE, place] = sign
        tuples[TUPLE_MOMENT, place] = progress[MOMENT]
    repeat = total
    for other in range(inputs.shape[0]):
        if other != number:
            count = inputs[other, IN_COUNT]
            repeat //= count
            _fill(other, key, first, end, count, repeat, inputs, chains, tuples)
    for place in range(first, end):
        progress[COPIES] += abs(tuples[TUPLE_CHANGE, place])
    progress[MADE] = end
    return True


@inner
def _begin_moment(
    keys: Int64s,
    signs: Int8s,
    sequence: Int64s,
    inputs: Table,
    chains: Table,
    emptied: Int64s,
    touched: Table,
    progress: Int64s,
) -> bool:
    """Find the rows of the next moment, and count those of which only having some matters; whether there are any."""
    found, moment = False, int64(0)
    for number in range(inputs.shape[0]):
        at = inputs[number, IN_STOP]
        inputs[number, IN_NEXT] = at
        if at < inputs[number, IN_END] and (not found or sequence[at] < moment):
            found, moment = True, sequence[at]
    if not found:
        return False
    progress[MOMENT] = moment
    progress[TOUCHED] = 0
    for number in range(inputs.shape[0]):
        at, end = inputs[number, IN_NEXT], inputs[number, IN_END]
        counted = inputs[number, IN_ROLE] != ROWS
        inputs[number, IN_AT] = at
        while at < end and sequence[at] == moment:
            if counted and keys[at] >= 0:
                key, state = keys[at], inputs[number, IN_STATE]
                chains[key, state] += int64(1) if signs.size == 0 else int64(signs[at])
                touched[progress[TOUCHED], 0] = key
                touched[progress[TOUCHED], 1] = number
                progress[TOUCHED] += 1
                if chains[key, state] == 0:
                    emptied[progress[EMPTIED]] = key
                    progress[EMPTIED] += 1
            at += 1
        inputs[number, IN_STOP] = at
        if at + _FAR < end:
            prefetch(chains, max(keys[at + _FAR], 0) * chains.shape[1])
    progress[PHASE] = _ROWS_GO if signs.size > 0 else _FACTORS_GO
    return True


@inner
def _find_row(keys: Int64s, signs: Int8s, inputs: Table, progress: Int64s) -> bool:
    """Go to the next row of a moment that goes or comes in this phase; whether there is one."""
    while progress[AT_INPUT] < inputs.shape[0]:
        number = progress[AT_INPUT]
        at = inputs[number, IN_AT]
        if inputs[number, IN_ROLE] > PADDED or at == inputs[number, IN_STOP]:
            inputs[number, IN_AT] = inputs[number, IN_NEXT]
            progress[AT_INPUT] += 1
            continue
        sign = int64(1) if signs.size == 0 else int64(signs[at])
        if (sign > 0) == (progress[PHASE] == _ROWS_COME):
            progress[KEY], progress[SIGN] = keys[at], sign
            return True
        inputs[number, IN_AT] += 1
    return False


@inner
def _find_factor(inputs: Table, chains: Table, touched: Table, progress: Int64s) -> bool:
    """Go to the next factor that is taken out in this phase, or put in; whether there is one."""
    coming = progress[PHASE] == _FACTORS_COME
    while progress[TOUCHED_AT] < progress[TOUCHED]:
        key, number = touched[progress[TOUCHED_AT], 0], touched[progress[TOUCHED_AT], 1]
        counted = inputs[number, IN_STATE]
        state, then = chains[key, counted + 1], int64(WITH) if chains[key, counted] > 0 else int64(WITHOUT)
        if (coming and state == OPEN) or (not coming and state != OPEN and state != then):
            progress[AT_INPUT], progress[KEY], progress[SIGN] = number, key, 1 if coming else -1
            progress[SHOWN] = _shown(inputs[number, IN_ROLE], then if coming else state)
            progress[THEN] = then if coming else int64(OPEN)
            return True
        progress[TOUCHED_AT] += 1
    return False


@kernel(
    f"int64({READ_INT64}, {READ_INT64}, {READ_INT8}, {READ_INT64}, int64[:, ::1], int64[:, ::1], int64[::1], "
    "int64[::1], int64[:, ::1], int64[:, ::1], int64[::1])"
)
def join_product(
    rows: Int64s,
    keys: Int64s,
    signs: Int8s,
    sequence: Int64s,
    inputs: Table,
    chains: Table,
    removed: Int64s,
    emptied: Int64s,
    touched: Table,
    tuples: Table,
    progress: Int64s,
) -> int:
    """Take the rows of a pass in, moment by moment, and write what each changes: tuples of one row of each input.

    The inputs' rows stand one input after another. `signs` is empty where all are added. A negative key matches
    nothing. Rows that may have gone are `removed`, and keys that may have no rows any more `emptied`.

    Where it finds no room it is called again with more, all else unchanged; and again after it stopped.
    """
    while True:
        if progress[PHASE] == _BETWEEN:
            if progress[MADE] >= progress[ENOUGH]:
                return STOPPED
            if not _begin_moment(keys, signs, sequence, inputs, chains, emptied, touched, progress):
                return FINISHED
        phase = progress[PHASE]
        of_rows = phase == _ROWS_GO or phase == _ROWS_COME
        if of_rows:
            found = _find_row(keys, signs, inputs, progress)
        else:
            found = _find_factor(inputs, chains, touched, progress)
        if not found:
            progress[AT_INPUT], progress[TOUCHED_AT] = 0, 0
            progress[PHASE] = phase + 1 if phase < _FACTORS_COME else _BETWEEN
            continue
        number, key, sign = progress[AT_INPUT], progress[KEY], progress[SIGN]
        row = rows[inputs[number, IN_AT]] if of_rows else int64(NO_ROW)
        shown = progress[SHOWN]
        if of_rows:
            shown = row if key >= 0 or number == progress[LONE_INPUT] else int64(_HIDDEN)
        if shown != _HIDDEN and not _multiply(number, shown, key, sign, inputs, chains, tuples, progress):
            return NO_ROOM
        if not of_rows:
            chains[key, inputs[number, IN_STATE] + 1] = progress[THEN]
            progress[TOUCHED_AT] += 1
        elif key >= 0:
            _enter(row, key, sign, number, inputs, chains, removed, emptied, progress)
            inputs[number, IN_AT] += 1
        else:
            removed[inputs[number, IN_FIRST] + inputs[number, IN_REMOVED]] = row
            inputs[number, IN_REMOVED] += 1
            inputs[number, IN_AT] += 1
