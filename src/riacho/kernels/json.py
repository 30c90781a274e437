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
from riacho.kernels.json_targets import READ_BYTES, TARGET_COLUMNS, convert, count_statuses, put_absent, settle
from riacho.kernels.primitives import int64, load_word, trailing_zeros, uint64, unescape_json
from riacho.kernels.program_memory import copy_memory, word_at
from riacho.kernels.text_words import LANES, differing_lanes, other_than_digit_lanes, special_lanes
from riacho.kernels.tokens import ESCAPED, INTEGER, MISSING, NULL, OBJECT, STRING

Bytes = NDArray[np.uint8]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]

LAYOUTS: Final = 4
"""Kinds of row remembered at once: enough for a topic that mixes a few record types."""
MAX_STEPS: Final = 256
"""Values of a row that a layout remembers; a longer row is always parsed member by member."""


@inlined
def _same_bytes(data: Bytes, left: int, right: int, length: int) -> bool:
    """Whether two ranges of one buffer, at least one byte long, are equal. Reads a vector after each."""
    if length <= LANES:
        return (differing_lanes(data, left, right) << uint64(64 - length)) == uint64(0)
    if length <= 2 * LANES:
        different = differing_lanes(data, left, right)
        return different | differing_lanes(data, left + length - LANES, right + length - LANES) == uint64(0)
    return _same_long(data, left, right, length)


@inner
def _same_long(data: Bytes, left: int, right: int, length: int) -> bool:
    for i in range(length):
        if data[left + i] != data[right + i]:
            return False
    return True


@inlined
def _usual_value(data: Bytes, position: int, end: int) -> tuple[int, int, int]:
    """A string of ASCII characters without escapes, an integer, or null: (kind, end of its span, position after it).

    MISSING for any other value and for what is wrong. Reads two vectors after it.
    """
    byte = data[uint64(position)]  # unsigned: no test for an index from the end
    if byte == QUOTE:
        stop = position + 1
        while stop < end:
            special = special_lanes(data, stop)
            if special != uint64(0):
                stop += trailing_zeros(special)
                if data[uint64(stop)] == QUOTE and stop < end:
                    return STRING, stop, stop + 1
                break
            stop += LANES
        return MISSING, position, position
    first = position + (1 if byte == 45 else 0)
    digits = trailing_zeros(other_than_digit_lanes(data, first))
    stop = first + digits
    if digits == 0:
        if load_word(data, position) & uint64(0xFFFFFFFF) == uint64(0x6C6C756E) and position + 4 <= end:
            return NULL, position + 4, position + 4
        return MISSING, position, position
    if digits >= LANES or stop >= end or (digits > 1 and data[uint64(first)] == 48):
        return MISSING, position, position
    byte = data[uint64(stop)]
    if byte == 46 or byte | 32 == 101:
        return MISSING, position, position
    return INTEGER, stop, stop


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
            node = path[depth]
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
                path[depth] = node
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
            steps[count, 0] = after_value
            steps[count, 1] = value - after_value
            steps[count, 2] = slot
        count += 1
        after_value = position
    if repeats or count > MAX_STEPS:
        count = int64(-1)
    return position, int64(0), count, after_value


@kernel(
    f"void({BYTES}, {READ_INT64}, {READ_INT32}, {BYTES}, Array(int32, 2, 'C', True), Array(int32, 2, 'C', True), "
    f"{READ_INT32}, int64[:, ::1], int32[:, ::1], uint8[:, ::1], uint8[::1], int64[::1], int64[:, ::1])",
    makes_arrays=True,
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
    faults: Bytes,
    fault_position: Int64s,
    targets: Int64s,
) -> None:
    """Where each wanted field's value is, and the values of the usual shape in their columns, as `targets` says.

    Objects that are taken apart are numbered from 0, the row itself: `nodes[n]` is its (first member, count);
    `members[m]` is (name's start in `names`, length, slot, node of the object that it holds, or -1). Slots are
    numbered so that those inside the object of slot s are s + 1 to `slot_end[s]`. Of a row of length -1, which
    has no fault, and of a faulty one every slot is MISSING. The last of equal keys counts. What follows the object
    is not looked at. Of a value that was put into its column the kind is there, the span need not be.
    """
    steps = np.empty((LAYOUTS, MAX_STEPS, 3), np.int64)
    fixed = np.empty((LAYOUTS, slot_end.size, 2), np.int64)
    step_count, fixed_count = np.empty(LAYOUTS, np.int64), np.empty(LAYOUTS, np.int64)
    suffix_start, suffix_length = np.empty(LAYOUTS, np.int64), np.empty(LAYOUTS, np.int64)
    known = 0
    current = 0
    replaced = 0
    nesting = np.empty(MAX_DEPTH + 1, np.uint8)
    path = np.empty(nodes.shape[0] + 1, np.int64)
    scratch = np.empty(6 * names.size + 16, np.uint8)
    near = np.empty(READ_BYTES, np.uint8)
    known_time = np.empty(4, np.int64)
    for word in range(4):
        known_time[word] = 0
    address = int64(data.ctypes.data)
    table, target_bytes = int64(targets.ctypes.data), int64(8 * TARGET_COLUMNS)
    slots = slot_end.size

    for row in range(starts.size):
        faults[row] = 0
        length = int64(lengths[row])
        if length < 0:
            for slot in range(slots):
                out_kind[slot, row] = MISSING
                put_absent(table + target_bytes * slot, row)
            continue
        start = starts[row]
        end = start + length
        times = int64(known_time.ctypes.data)  # in the loop, or the array would be freed before it

        predicted = False
        for attempt in range(known if end + 3 * LANES <= data.size else 0):
            layout = current + attempt
            if layout >= known:
                layout -= known
            position = start
            count = step_count[layout]
            step = int64(steps.ctypes.data) + 24 * MAX_STEPS * layout
            last = step + 24 * count
            while step < last:
                size = word_at(step, 1)
                if position + size >= end or not _same_bytes(data, position, word_at(step, 0), size):
                    break
                position += size
                slot = word_at(step, 2)
                kind, stop, after = _usual_value(data, position, end)
                first = position + (1 if kind == STRING else 0)
                if kind == MISSING:
                    kind, first, stop, after, fault = scan_value(data, position, end, nesting)
                    if fault != 0 or (kind == OBJECT and slot >= 0 and slot_end[slot] > slot):
                        break
                position = after
                if slot >= 0:
                    out_kind[slot, row] = kind
                    target = table + target_bytes * slot
                    if kind == NULL:
                        put_absent(target, row)
                    elif not convert(address + first, first, stop - first, kind, target, row, times):
                        out_start[slot, row] = first
                        out_length[slot, row] = stop - first
                        settle(target, kind, row)
                step += 24
            size = suffix_length[layout]
            if step == last and position + size <= end and _same_bytes(data, position, suffix_start[layout], size):
                for i in range(fixed_count[layout]):
                    slot = fixed[layout, i, 0]
                    out_kind[slot, row] = fixed[layout, i, 1]
                    settle(table + target_bytes * slot, fixed[layout, i, 1], row)
                predicted = True
                current = layout
                break
        if predicted:
            continue

        layout = known if known < LAYOUTS else replaced
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
        suffix_length[layout] = data.size + 1  # matches nothing until the layout is whole
        step_count[layout] = 0
        if fault != 0:
            faults[row] = fault
            fault_position[row] = position - start
            for slot in range(slots):
                out_kind[slot, row] = MISSING
        for slot in range(slots):
            kind = int64(out_kind[slot, row])
            target = table + target_bytes * slot
            if NULL < kind < OBJECT:
                first, length = out_start[slot, row], int64(out_length[slot, row])
                text = address + first
                if first + READ_BYTES > data.size:  # not beyond the buffer's end
                    text = int64(near.ctypes.data)
                    copy_memory(text, address + first, min(length, int64(READ_BYTES)))
                if convert(text, first, length, kind, target, row, times):
                    continue
            settle(target, kind, row)
        # Such a row is predicted from what lies near it, which must not be the buffer's end.
        if fault != 0 or count < 0 or end + 3 * LANES > data.size:
            continue
        step_count[layout] = count
        suffix_start[layout] = after_value
        suffix_length[layout] = position - after_value
        fixed_count[layout] = 0
        for slot in range(slots):
            varies = False
            for step in range(count):
                varies = varies or steps[layout, step, 2] == slot
            if not varies:
                fixed[layout, fixed_count[layout], 0] = slot
                fixed[layout, fixed_count[layout], 1] = out_kind[slot, row]
                fixed_count[layout] += 1
        current = layout
        if known < LAYOUTS:
            known += 1
        else:
            replaced = (replaced + 1) % LAYOUTS
    for slot in range(slots):
        count_statuses(table + target_bytes * slot, starts.size)
