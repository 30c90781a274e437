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

from riacho.kernels.compile import BYTES, READ_INT32, READ_INT64, inner, kernel
from riacho.kernels.json_layouts import (
    FIXED_WORDS,
    LAYOUT_WORDS,
    MAX_STEPS,
    SPARE,
    STEP_WORDS,
    STEPS,
    SUFFIX_SIZE,
    complete_layout,
    predicted,
)
from riacho.kernels.json_members import parse_members
from riacho.kernels.json_syntax import MAX_DEPTH
from riacho.kernels.json_targets import READ_BYTES, TARGET_COLUMNS, convert, count_statuses, leave
from riacho.kernels.primitives import int64, prefetch
from riacho.kernels.program_memory import copy_memory, put
from riacho.kernels.text_words import address_in
from riacho.kernels.tokens import MISSING, NULL, OBJECT

Bytes = NDArray[np.uint8]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]

AHEAD: Final = 1024
"""How many bytes before a row is read its bytes are asked for: the processor's own guesses end with each page."""
CACHE_LINE: Final = 64
LAYOUTS: Final = 4
"""Kinds of row remembered at once: enough for a topic that mixes a few record types."""


def workspace_words(nodes: int, slots: int) -> int:
    """What `locate` needs to work in, for so many objects that are taken apart and so many slots."""
    layout = LAYOUT_WORDS + STEP_WORDS * MAX_STEPS + FIXED_WORDS * slots
    return 4 + (READ_BYTES + MAX_DEPTH) // 8 + nodes + 1 + LAYOUTS * layout


@inner
def _settle_row(
    data: Bytes,
    base: int,
    row: int,
    out_start: Int64s,
    out_length: Int32s,
    out_kind: Bytes,
    table: int,
    near: int,
    times: int,
) -> None:
    """Convert the values of a text whose spans are known."""
    for slot in range(out_kind.shape[0]):
        kind = int64(out_kind[slot, row])
        target = table + 8 * TARGET_COLUMNS * slot
        if kind <= NULL:
            continue
        first, length = out_start[slot, row], int64(out_length[slot, row])
        text = base + first
        if kind < OBJECT and first + READ_BYTES > data.size:  # not beyond the buffer's end
            text = near
            copy_memory(text, base + first, min(length, int64(READ_BYTES)))
        if not convert(text, first, length, kind, target, row, times):
            leave(target, kind, row)


@kernel(
    f"int64({BYTES}, {READ_INT64}, {READ_INT32}, {BYTES}, Array(int32, 2, 'C', True), Array(int32, 2, 'C', True), "
    f"{READ_INT32}, int64[:, ::1], int32[:, ::1], uint8[:, ::1], uint8[::1], int64[::1], int64[:, ::1], int64[::1], "
    "uint8[::1])"
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
    workspace: Int64s,
    scratch: Bytes,
) -> int:
    """Where each wanted field's value is, and the values of the usual shape in their columns, as `targets` says.

    Objects that are taken apart are numbered from 0, the row itself: `nodes[n]` is its (first member, count);
    `members[m]` is (name's start in `names`, length, slot, node of the object that it holds, or -1). Slots are
    numbered so that those inside the object of slot s are s + 1 to `slot_end[s]`. Of a row of length -1, which
    has no fault, and of a faulty one every slot is MISSING. The last of equal keys counts. What follows the object
    is not looked at. Of a value that was put into its column the kind is there, the span need not be.

    What `targets` points to is zeros at first; `workspace` is of `workspace_words`, `scratch`
    six times as long as the names and 16 bytes. Returns how many rows are objects.
    """
    rows, slots = starts.size, slot_end.size
    base, table = address_in(data, int64(0)), address_in(targets, int64(0))
    out_starts, out_lengths = address_in(out_start, int64(0)), address_in(out_length, int64(0))
    kinds = address_in(out_kind, int64(0))
    times = address_in(workspace, int64(0))
    near = times + 32
    nesting = near + READ_BYTES
    path = nesting + MAX_DEPTH
    layouts = path + 8 * (nodes.shape[0] + 1)
    layout_bytes = 8 * (LAYOUT_WORDS + STEP_WORDS * MAX_STEPS)
    all_fixed, fixed_bytes = layouts + LAYOUTS * layout_bytes, 8 * FIXED_WORDS * slots
    for word in range(4):
        workspace[word] = 0
    known = 0
    current = 0
    replaced = 0
    objects = int64(0)
    out_kind[:] = MISSING
    faults[:] = 0

    for row in range(rows):
        length = int64(lengths[row])
        if length < 0:
            continue
        start = starts[row]
        end = start + length
        for ahead in range(start + AHEAD, end + AHEAD, CACHE_LINE):
            prefetch(data, ahead)
        # A row is predicted from what lies near it, which must not be the buffer's end.
        predictable = end + SPARE <= data.size
        done = False
        for attempt in range(known if predictable else 0):
            layout = current + attempt
            if layout >= known:
                layout -= known
            done = predicted(
                data,
                base,
                start,
                end,
                row,
                rows,
                layouts + layout_bytes * layout,
                all_fixed + fixed_bytes * layout,
                table,
                out_starts,
                out_lengths,
                kinds,
                nesting,
                times,
            )
            if done:
                current = layout
                break
        if done:
            objects += 1
            continue

        layout = known if known < LAYOUTS else replaced
        at = layouts + layout_bytes * layout
        position, fault, count, after_value = parse_members(
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
            base,
            nesting,
            path,
            scratch,
            at + 8 * LAYOUT_WORDS,
        )
        put(at, SUFFIX_SIZE, data.size + 1)  # matches nothing until the layout is whole
        put(at, STEPS, int64(0))
        if fault != 0:
            faults[row] = fault
            fault_position[row] = position - start
            for slot in range(slots):
                out_kind[slot, row] = MISSING
            continue
        objects += 1
        _settle_row(data, base, row, out_start, out_length, out_kind, table, near, times)
        if count < 0 or not predictable:
            continue
        complete_layout(
            at, all_fixed + fixed_bytes * layout, base, after_value, position - after_value, count, row, out_kind, table
        )
        current = layout
        if known < LAYOUTS:
            known += 1
        else:
            replaced = (replaced + 1) % LAYOUTS
    for slot in range(slots):
        count_statuses(table + 8 * TARGET_COLUMNS * slot, rows)
    return objects
