"""Find the values of the wanted fields in JSON texts, in one pass over the bytes.

The texts of a topic look alike, so `locate` predicts: it remembers, for a few kinds of row, the bytes that stood
between one value and the next (`,"price":`) and compares them in place. Only where they differ is a text parsed
member by member. Both ways check everything that they pass, values of unwanted fields too, so the outcome never
depends on the rows before. Source: RFC 8259; leniency and depth limit are Jackson's, which Flink uses.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import BYTES, READ_INT32, READ_INT64, inlined, inner, kernel
from riacho.kernels.json_syntax import MAX_DEPTH, QUOTE, scan_value, skip_space, string_end
from riacho.kernels.primitives import LANES, differing_lanes, int64, uint64, unescape_json
from riacho.kernels.tokens import ESCAPED, MISSING, NULL, OBJECT

Bytes = NDArray[np.uint8]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]

LAYOUTS: Final = 4
"""Kinds of row remembered at once: enough for a topic that mixes a few record types."""
VARIES: Final = 255
"""In a remembered layout: the row's own value decides the slot's kind."""
MAX_STEPS: Final = 256
"""Values of a row that a layout remembers; a longer row is always parsed member by member."""


@inlined
def _same_bytes(data: Bytes, left: int, right: int, length: int) -> bool:
    """Whether two ranges of one buffer are equal; both end inside it."""
    while length > 0 and left + LANES <= data.size and right + LANES <= data.size:
        different = differing_lanes(data, left, right)
        if length <= LANES:
            return (different << uint64(64 - length)) == uint64(0)
        if different != uint64(0):
            return False
        left += LANES
        right += LANES
        length -= LANES
    for i in range(length):
        if data[left + i] != data[right + i]:
            return False
    return True


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
def _value(data: Bytes, position: int, end: int, nesting: Bytes) -> tuple[int, int, int, int, int]:
    """`scan_value`, called: one body for all but the hottest loop."""
    return scan_value(data, position, end, nesting)


@inner
def _text_end(data: Bytes, position: int, end: int) -> tuple[int, int, int]:
    """`string_end`, called likewise."""
    return string_end(data, position, end)


@inner
def _after_space(data: Bytes, position: int, end: int) -> int:
    """`skip_space`, called likewise."""
    return skip_space(data, position, end)


@inner
def _parse_members(
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
    nesting: Bytes,
    path: Int64s,
    scratch: Bytes,
    steps: Int64s,
) -> tuple[int, int, int, int]:
    """Parse a text member by member and note its layout in `steps`: (position after it, fault, steps, last value's
    end). The number of steps is -1 where the layout cannot be predicted.
    """
    for slot in range(slot_end.size):
        out_kind[slot, row] = MISSING
    count = int64(0)
    after_value = start
    position = start
    if position + 3 <= end and data[start] == 0xEF and data[start + 1] == 0xBB and data[start + 2] == 0xBF:
        position += 3
    position = _after_space(data, position, end)
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
        position = _after_space(data, position, end)
        if position >= end:
            return position, int64(4), count, after_value
        if data[position] == 125:
            position += 1
            if depth == 0:
                break
            depth -= 1
            node = path[depth]
            fresh = False
            continue
        if not fresh:
            if data[position] != 44:
                return position, int64(7), count, after_value
            position = _after_space(data, position + 1, end)
            if position >= end:
                return position, int64(4), count, after_value
        if data[position] != QUOTE:
            return position, int64(5), count, after_value
        key = position + 1
        key_end, key_kind, fault = _text_end(data, key, end)
        if fault != 0:
            return key_end, fault, count, after_value
        position = _after_space(data, key_end + 1, end)
        if position >= end:
            return position, int64(4), count, after_value
        if data[position] != 58:
            return position, int64(6), count, after_value
        position = _after_space(data, position + 1, end)
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
                path[depth] = node
                depth += 1
                node = int64(members[member, 3])
                position += 1
                fresh = True
                continue
        value = position
        kind, first, stop, position, fault = _value(data, position, end, nesting)
        if fault != 0:
            return stop, fault, count, after_value
        if slot >= 0:
            out_start[slot, row] = first
            out_length[slot, row] = stop - first
            out_kind[slot, row] = kind
        if count < MAX_STEPS:
            steps[count, 0] = after_value
            steps[count, 1] = value - after_value
            steps[count, 2] = slot
        count += 1
        after_value = position
        fresh = False
    if repeats or count > MAX_STEPS:
        count = int64(-1)
    return position, int64(0), count, after_value


@kernel(
    f"void({BYTES}, {READ_INT64}, {READ_INT32}, {BYTES}, Array(int32, 2, 'C', True), Array(int32, 2, 'C', True), "
    f"{READ_INT32}, int64[:, ::1], int32[:, ::1], uint8[:, ::1], int64, int64, uint8[::1], int64[::1])"
)
def locate(
    data: Bytes,
    starts: Int64s,
    lengths: Int32s,
    names: Bytes,
    nodes: Int32s,
    members: Int32s,
    slot_end: Int32s,
    out_start: Int64s,
    out_length: Int32s,
    out_kind: Bytes,
    first_row: int,
    stop_row: int,
    faults: Bytes,
    fault_position: Int64s,
) -> None:
    """Where each wanted field's value is, in rows `first_row` to `stop_row`.

    Objects that are taken apart are numbered from 0, the row itself: `nodes[n]` is its (first member, count);
    `members[m]` is (name's start in `names`, length, slot, node of the object that it holds, or -1). Slots are
    numbered so that those inside the object of slot s are s + 1 to `slot_end[s]`. Of a row of length -1, which
    has no fault, and of a faulty one every slot is MISSING. The last of equal keys counts. What follows the object
    is not looked at.
    """
    steps = np.empty((LAYOUTS, MAX_STEPS, 3), np.int64)
    step_count = np.zeros(LAYOUTS, np.int64)
    fixed = np.zeros((LAYOUTS, slot_end.size), np.uint8)
    suffix = np.zeros((LAYOUTS, 2), np.int64)
    known = 0
    current = 0
    replaced = 0
    nesting = np.empty(MAX_DEPTH + 1, np.uint8)
    path = np.empty(nodes.shape[0] + 1, np.int64)
    scratch = np.empty(6 * names.size + 16, np.uint8)
    slots = slot_end.size

    for row in range(first_row, stop_row):
        faults[row] = 0
        length = int64(lengths[row])
        if length < 0:
            for slot in range(slots):
                out_kind[slot, row] = MISSING
            continue
        start = starts[row]
        end = start + length

        predicted = False
        for attempt in range(known):
            layout = (current + attempt) % known
            position = start
            count = step_count[layout]
            step = 0
            while step < count:
                prefix = steps[layout, step, 1]
                if position + prefix >= end or not _same_bytes(data, position, steps[layout, step, 0], prefix):
                    break
                position += prefix
                slot = steps[layout, step, 2]
                if slot >= 0 and slot_end[slot] > slot and data[position] == 123:
                    break  # the row before had no object here
                kind, first, stop, position, fault = scan_value(data, position, end, nesting)
                if fault != 0:
                    break
                if slot >= 0:
                    out_start[slot, row] = first
                    out_length[slot, row] = stop - first
                    out_kind[slot, row] = kind
                step += 1
            if step == count:
                last = suffix[layout, 1]
                if position + last <= end and _same_bytes(data, position, suffix[layout, 0], last):
                    for slot in range(slots):
                        kind = fixed[layout, slot]
                        if kind != VARIES:
                            out_kind[slot, row] = kind
                    predicted = True
                    current = layout
                    break
        if predicted:
            continue

        layout = known if known < LAYOUTS else replaced
        suffix[layout, 1] = data.size + 1  # matches nothing until the layout is whole
        step_count[layout] = 0
        position, fault, count, after_value = _parse_members(
            data,
            start,
            end,
            row,
            names,
            nodes,
            members,
            slot_end,
            out_start,
            out_length,
            out_kind,
            nesting,
            path,
            scratch,
            steps[layout],
        )
        if fault != 0:
            faults[row] = fault
            fault_position[row] = position - start
            for slot in range(slots):
                out_kind[slot, row] = MISSING
        if fault != 0 or count < 0:
            continue
        step_count[layout] = count
        suffix[layout, 0] = after_value
        suffix[layout, 1] = position - after_value
        for slot in range(slots):
            kind = int64(out_kind[slot, row])
            fixed[layout, slot] = kind if kind == MISSING or kind == OBJECT else VARIES
        for step in range(count):
            if steps[layout, step, 2] >= 0:
                fixed[layout, steps[layout, step, 2]] = VARIES
        current = layout
        if known < LAYOUTS:
            known += 1
        else:
            replaced = (replaced + 1) % LAYOUTS


@kernel(f"int64({BYTES}, {READ_INT64}, {READ_INT32}, {BYTES}, int64, int64[::1], uint8[::1])")
def count_elements(
    data: Bytes, starts: Int64s, lengths: Int32s, kinds: Bytes, container: int, offsets: Int64s, status: Bytes
) -> int:
    """The elements of arrays (`container` ARRAY) or members of objects (OBJECT) that `locate` has found.

    `offsets` (one more than rows) gets the running total; `status` 0 for a container, 1 for null, 2 for another
    value. Returns the total.
    """
    nesting = np.empty(MAX_DEPTH + 1, np.uint8)
    total = int64(0)
    for row in range(starts.size):
        offsets[row] = total
        kind = kinds[row]
        status[row] = 0 if kind == container else (1 if kind == NULL or kind == MISSING else 2)
        if kind != container:
            continue
        end = starts[row] + int64(lengths[row]) - 1
        position = _after_space(data, starts[row] + 1, end)
        while position < end:
            if container == OBJECT:
                stop, _, _ = _text_end(data, position + 1, end)
                position = _after_space(data, _after_space(data, stop + 1, end) + 1, end)
            _, _, _, position, _ = _value(data, position, end, nesting)
            total += 1
            position = _after_space(data, position, end)
            if position < end:
                position = _after_space(data, position + 1, end)
    offsets[starts.size] = total
    return total


@kernel(
    f"void({BYTES}, {READ_INT64}, {READ_INT32}, {BYTES}, int64, int64[::1], int32[::1], uint8[::1], int64[::1], "
    "int32[::1], uint8[::1])"
)
def list_elements(
    data: Bytes,
    starts: Int64s,
    lengths: Int32s,
    kinds: Bytes,
    container: int,
    out_start: Int64s,
    out_length: Int32s,
    out_kind: Bytes,
    key_start: Int64s,
    key_length: Int32s,
    key_kind: Bytes,
) -> None:
    """The spans of what `count_elements` has counted; those of the keys too where the containers are objects."""
    nesting = np.empty(MAX_DEPTH + 1, np.uint8)
    at = int64(0)
    for row in range(starts.size):
        if kinds[row] != container:
            continue
        end = starts[row] + int64(lengths[row]) - 1
        position = _after_space(data, starts[row] + 1, end)
        while position < end:
            if container == OBJECT:
                stop, kind, _ = _text_end(data, position + 1, end)
                key_start[at] = position + 1
                key_length[at] = stop - position - 1
                key_kind[at] = kind
                position = _after_space(data, _after_space(data, stop + 1, end) + 1, end)
            kind, first, stop, position, _ = _value(data, position, end, nesting)
            out_start[at] = first
            out_length[at] = stop - first
            out_kind[at] = kind
            at += 1
            position = _after_space(data, position, end)
            if position < end:
                position = _after_space(data, position + 1, end)
