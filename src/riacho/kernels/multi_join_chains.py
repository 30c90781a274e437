"""The chains of rows by their keys in joins of several inputs: a row is put into them, and taken out of them.

Links are row slots plus one; 0 ends a chain, so fresh memory is an empty one. Of a row that may go `WEIGHT` and `GONE`
are known, and of every row for each of its keys in turn: the link to the next row with it, to the one before if the
row may go, and the key itself if the row has several.

What is known of an input's rows, and of a key's slots, is found by its address: each has a width of its own.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import inlined
from riacho.kernels.multi_join_layout import (
    EMPTIED,
    IN_FIRST,
    IN_KEYS,
    IN_LINKS,
    IN_MAY_GO,
    IN_PART_COUNT,
    IN_PARTS,
    IN_REMOVED,
    IN_ROW_COUNT,
    IN_WIDTH,
    KEY_TABLE,
    KEY_WIDTH,
    PART_BEFORE,
    PART_CHAIN,
    PART_KEY,
    PART_NEEDED,
    PART_NEXT,
    PART_SLOT,
    WEIGHT,
)
from riacho.kernels.primitives import int64, load_int64_at, store_int64_at

Int64s = NDArray[np.int64]
Table = NDArray[np.int64]

WORD: Final = 8
"""Bytes."""

# Whether a row of a pass can match, and whether others can find it.
MATCHES_NOTHING: Final = 0
IS_FOUND_BY_NONE: Final = 1
IS_FOUND: Final = 2


@inlined
def link_address(inputs: Table, number: int, row: int) -> int:
    """The address of what is known of an input's row."""
    return int64(inputs[number, IN_LINKS] + WORD * row * inputs[number, IN_WIDTH])


@inlined
def cell_address(keys: Table, key: int, slot: int, column: int) -> int:
    """The address of something that is known of the slot of a key."""
    return int64(keys[key, KEY_TABLE] + WORD * (slot * keys[key, KEY_WIDTH] + column))


@inlined
def key_slot(slots: Int64s, inputs: Table, number: int, place: int, at: int) -> int:
    """The slot of one of the keys of a pass's row."""
    return int64(slots[inputs[number, IN_KEYS] + place * inputs[number, IN_ROW_COUNT] + at - inputs[number, IN_FIRST]])


@inlined
def say_emptied(emptied: Table, key: int, slot: int, progress: Int64s) -> None:
    """Say that a key may have no rows any more."""
    emptied[progress[EMPTIED], 0] = key
    emptied[progress[EMPTIED], 1] = slot
    progress[EMPTIED] += 1


@inlined
def _chain(link: int, row: int, slot: int, number: int, part: int, inputs: Table, parts: Table, keys: Table) -> None:
    """Put a row at the head of the chain of one of its keys."""
    head = cell_address(keys, parts[part, PART_KEY], slot, parts[part, PART_CHAIN])
    first = load_int64_at(head)
    store_int64_at(link + WORD * parts[part, PART_NEXT], first)
    if inputs[number, IN_MAY_GO]:
        store_int64_at(link + WORD * parts[part, PART_BEFORE], int64(0))
        if first > 0:
            store_int64_at(link_address(inputs, number, first - 1) + WORD * parts[part, PART_BEFORE], row + 1)
    store_int64_at(head, row + 1)


@inlined
def _unchain(
    link: int,
    slot: int,
    number: int,
    part: int,
    inputs: Table,
    parts: Table,
    keys: Table,
    emptied: Table,
    progress: Int64s,
) -> None:
    """Take a row out of the chain of one of its keys."""
    following = load_int64_at(link + WORD * parts[part, PART_NEXT])
    before = load_int64_at(link + WORD * parts[part, PART_BEFORE])
    if before > 0:
        store_int64_at(link_address(inputs, number, before - 1) + WORD * parts[part, PART_NEXT], following)
    else:
        store_int64_at(cell_address(keys, parts[part, PART_KEY], slot, parts[part, PART_CHAIN]), following)
    if following > 0:
        store_int64_at(link_address(inputs, number, following - 1) + WORD * parts[part, PART_BEFORE], before)
    if before == 0 and following == 0:
        say_emptied(emptied, parts[part, PART_KEY], slot, progress)


@inlined
def enter_row(
    row: int,
    at: int,
    sign: int,
    number: int,
    slots: Int64s,
    inputs: Table,
    parts: Table,
    keys: Table,
    removed: Int64s,
    emptied: Table,
    progress: Int64s,
) -> None:
    """Take a row into its input's chains, or out of them."""
    link, before, after = link_address(inputs, number, row), int64(0), int64(1)
    if inputs[number, IN_MAY_GO]:
        before = load_int64_at(link + WORD * WEIGHT)
        after = before + sign
        store_int64_at(link + WORD * WEIGHT, after)
    if after <= 0:
        say_removed(row, number, inputs, removed)
    if before != 0 and after != 0:
        return
    for place in range(inputs[number, IN_PART_COUNT]):
        part = inputs[number, IN_PARTS] + place
        slot = key_slot(slots, inputs, number, place, at)
        if inputs[number, IN_PART_COUNT] > 1:
            store_int64_at(link + WORD * parts[part, PART_SLOT], slot)
        if slot < 0:
            continue
        if after == 0:
            _unchain(link, slot, number, part, inputs, parts, keys, emptied, progress)
        else:
            _chain(link, row, slot, number, part, inputs, parts, keys)


@inlined
def say_removed(row: int, number: int, inputs: Table, removed: Int64s) -> None:
    """Say that a row may have gone."""
    removed[inputs[number, IN_FIRST] + inputs[number, IN_REMOVED]] = row
    inputs[number, IN_REMOVED] += 1


@inlined
def place_of(at: int, number: int, slots: Int64s, inputs: Table, parts: Table) -> int:
    """What becomes of a row, by which of its keys are null."""
    found = int64(IS_FOUND_BY_NONE)
    for place in range(inputs[number, IN_PART_COUNT]):
        if key_slot(slots, inputs, number, place, at) >= 0:
            found = int64(IS_FOUND)
        elif parts[inputs[number, IN_PARTS] + place, PART_NEEDED]:
            return int64(MATCHES_NOTHING)
    return found
