"""Any JSON object, parsed member by member; its layout is noted for those that look like it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import inner
from riacho.kernels.json_layouts import (
    BEFORE,
    BEFORE_SIZE,
    IS_LONG,
    MAX_STEPS,
    NEAR_ROWS,
    SLOT,
    STEP_WORDS,
    UNUSUAL_ROW,
    USUAL_SIZE,
)
from riacho.kernels.json_syntax import QUOTE, scan_value, skip_space, string_end
from riacho.kernels.primitives import int64, unescape_json
from riacho.kernels.program_memory import put, word_at
from riacho.kernels.tokens import ESCAPED, MISSING, NULL, OBJECT

Bytes = NDArray[np.uint8]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]


@inner
def _member_named(data: Bytes, start: int, length: int, names: Bytes, members: Int32s, first: int, count: int) -> int:
    for member in range(first, first + count):
        if members[member, 1] != length:
            continue
        name = int64(members[member, 0])
        i = int64(0)
        while i < length and data[start + i] == names[name + i]:
            i += 1
        if i == length:
            return int64(member)
    return int64(-1)


@inner
def _find_member(
    data: Bytes, start: int, end: int, kind: int, names: Bytes, members: Int32s, first: int, count: int, scratch: Bytes
) -> int:
    """The row of `members` whose name is this key; -1 for an unwanted one."""
    if kind == ESCAPED:
        if end - start > scratch.size:  # six times the longest wanted name
            return int64(-1)
        length = unescape_json(data, start, end, scratch, int64(0))
        return _member_named(scratch, int64(0), length, names, members, first, count)
    return _member_named(data, start, end - start, names, members, first, count)


@inner
def parse_members(
    data: Bytes,
    start: int,
    end: int,
    row: int,
    names: Bytes,
    nodes: Int32s,
    members: Int32s,
    slot_end: Int32s,
    out_start: Int64s,
    out_length: Int32s,
    out_kind: Bytes,
    base: int,
    nesting: int,
    path: int,
    scratch: Bytes,
    step: int,
) -> tuple[int, int, int, int]:
    """Parse a text member by member and note its steps: (position after it, fault, how many, last value's end).

    The number of steps is -1 where they cannot be predicted. `base`, `nesting`, `path` and `step` are addresses.
    """
    count = int64(0)
    after_value = start
    position = start
    if position + 3 <= end and data[start] == 0xEF and data[start + 1] == 0xBB and data[start + 2] == 0xBF:
        position += 3
    position = skip_space(data, position, end)
    if position >= end:
        return position, int64(1), count, after_value
    if data[position] != 123:
        return position, int64(3 if data[position] == 91 else 2), count, after_value
    position += 1
    repeats = False
    node = int64(0)
    depth = 0
    fresh = True
    while True:
        position = skip_space(data, position, end)
        if position >= end:
            return position, int64(4), count, after_value
        if data[position] == 125:
            position += 1
            if depth == 0:
                break
            depth -= 1
            node = word_at(path, depth)
            fresh = False
            continue
        if not fresh:
            if data[position] != 44:
                return position, int64(7), count, after_value
            position = skip_space(data, position + 1, end)
            if position >= end:
                return position, int64(4), count, after_value
        if data[position] != QUOTE:
            return position, int64(5), count, after_value
        key = position + 1
        key_end, key_kind, fault = string_end(data, key, end)
        if fault != 0:
            return key_end, fault, count, after_value
        position = skip_space(data, key_end + 1, end)
        if position >= end:
            return position, int64(4), count, after_value
        if data[position] != 58:
            return position, int64(6), count, after_value
        position = skip_space(data, position + 1, end)
        if position >= end:
            return position, int64(4), count, after_value
        member = _find_member(
            data, key, key_end, key_kind, names, members, int64(nodes[node, 0]), int64(nodes[node, 1]), scratch
        )
        slot = int64(-1)
        if member >= 0:
            slot = int64(members[member, 2])
            if out_kind[slot, row] != MISSING and slot_end[slot] > slot:
                repeats = True
                for below in range(slot, slot_end[slot] + 1):
                    out_kind[below, row] = MISSING
            if members[member, 3] >= 0 and data[position] == 123:
                out_kind[slot, row] = OBJECT
                put(path, depth, node)
                depth += 1
                node = int64(members[member, 3])
                position += 1
                fresh = True
                continue
        value = position
        kind, first, stop, position, fault = scan_value(data, position, end, nesting)
        if fault != 0:
            return stop, fault, count, after_value
        fresh = False
        if slot >= 0:
            out_start[slot, row] = first
            out_length[slot, row] = stop - first
            out_kind[slot, row] = kind
            if kind == NULL and slot_end[slot] > slot:
                continue  # a row of this kind has no such object: its null is part of what stands between values
        if count < MAX_STEPS:
            put(step, BEFORE, base + after_value)
            put(step, BEFORE_SIZE, value - after_value)
            put(step, SLOT, slot)
            put(step, IS_LONG, int64(0))
            put(step, USUAL_SIZE, position - value)
            put(step, UNUSUAL_ROW, int64(-1) - NEAR_ROWS)
            step += 8 * STEP_WORDS
        count += 1
        after_value = position
    if repeats or count > MAX_STEPS:
        count = int64(-1)
    return position, int64(0), count, after_value
