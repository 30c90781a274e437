"""The memory of programs: how values lie in columns, registers and results, and the ways between those.

Registers are `BLOCK` words long and one after another, their validity likewise in bytes. Columns and the arena of the
results are addresses: a base and an index, not a sum, is what LLVM makes vectors of.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from riacho.kernels.compile import inner
from riacho.kernels.primitives import int64

Int64s = NDArray[np.int64]

BLOCK: Final = 1024
"""Rows of a block: a program of ten registers fits into the second-level cache."""

# The columns of a table of sources.
SOURCE_VALID: Final = 0
"""The address of its validity; 0 where no row is null."""
SOURCE_DATA: Final = 1
SOURCE_OFFSET: Final = 2
"""The place of the first row in both."""
SOURCE_BUFFERS: Final = 3
"""Of strings: where their data buffers begin in the table of addresses."""
SOURCE_PARENT: Final = 4
"""One more than the source of the ROW around, which is null together with this one; 0 where there is none."""
SOURCE_BYTES: Final = 5
"""1 where its validity has a byte a row, 0 for a bit."""
SOURCE_COLUMNS: Final = 6

# How the values of a source or an output lie in memory.
BIT: Final = 0
INT8: Final = 1
INT16: Final = 2
INT32: Final = 3
INT64: Final = 4
WIDE: Final = 5
"""16 bytes: a decimal, or the view of a string."""
TEXT: Final = 6
"""To be loaded: a view whose buffer gets its number in the table of addresses."""
VALIDITY: Final = 7
"""To be loaded: just whether it is null."""

# The columns of a table of outputs.
OUT_LAYOUT: Final = 0
OUT_REGISTER: Final = 1
"""The register, or −1 for what a source has."""
OUT_SOURCE: Final = 2
OUT_DATA: Final = 3
"""Where in the arena its values begin, a multiple of 16; −1 for the validity alone."""
OUT_VALID: Final = 4
"""Where in the arena its validity begins, a byte a row."""
OUT_COLUMNS: Final = 5

NO_NULLS: Final = -1
"""Of an output whose validity is not written."""


def _load(bits: int) -> Callable[[int, int], int]:
    def typing(_context: Any, _base: Any, _index: Any) -> Any:
        def generate(_target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            pointer = builder.inttoptr(arguments[0], ir.IntType(bits).as_pointer())
            value = builder.load(builder.gep(pointer, [arguments[1]]))
            value.align = 1
            return value if bits == 64 else builder.sext(value, ir.IntType(64))

        return types.int64(types.int64, types.int64), generate

    return cast("Callable[[int, int], int]", intrinsic(typing))


def _store(bits: int) -> Callable[[int, int, int], None]:
    def typing(_context: Any, _base: Any, _index: Any, _value: Any) -> Any:
        def generate(target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            pointer = builder.inttoptr(arguments[0], ir.IntType(bits).as_pointer())
            value = arguments[2] if bits == 64 else builder.trunc(arguments[2], ir.IntType(bits))
            builder.store(value, builder.gep(pointer, [arguments[1]]), align=1)
            return target.get_dummy_value()

        return types.void(types.int64, types.int64, types.int64), generate

    return cast("Callable[[int, int, int], None]", intrinsic(typing))


int8_at, int16_at, int32_at, word_at = (_load(bits) for bits in (8, 16, 32, 64))
"""`word_at(base, i)`: number i of those at an address, signed."""
put8, put16, put32, put = (_store(bits) for bits in (8, 16, 32, 64))


def _copy(_typing: Any, _to: Any, _from: Any, _size: Any) -> Any:
    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        to, origin = (builder.inttoptr(each, ir.IntType(8).as_pointer()) for each in arguments[:2])
        cgutils.raw_memcpy(builder, to, origin, arguments[2], itemsize=1)  # type: ignore[no-untyped-call]
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), generate


copy_memory = cast("Callable[[int, int, int], None]", intrinsic(_copy))


@inner
def find_validity(sources: Int64s, count: int, start: int, rows: int, scratch: int, validity: int) -> None:
    """Where the validity of each source is for this block, a byte a row from the block's first on; 0: all are valid."""
    for source in range(count):
        row = 6 * source
        parent = sources[row + 4]
        above = int64(0) if parent == 0 else word_at(validity, parent - 1)
        own = sources[row]
        if own == 0:
            put(validity, source, above)
            continue
        first = start + sources[row + 2]
        if sources[row + 5] != 0 and above == 0:
            put(validity, source, own + first)
            continue
        made = scratch + BLOCK * source
        if sources[row + 5] != 0:
            for i in range(rows):
                put8(made, i, int8_at(own + first, i))
        else:
            for i in range(rows):
                put8(made, i, (int8_at(own, (first + i) >> 3) >> ((first + i) & 7)) & 1)
        if above != 0:
            for i in range(rows):
                put8(made, i, int8_at(made, i) & int8_at(above, i))
        put(validity, source, made)


@inner
def load_source(
    layout: int, data: int, first: int, shift: int, places: int, rows: int, dense: bool, target: int
) -> None:
    """Rows of a source, from `first` on or at the places after it, into a register."""
    if layout == INT64:
        if dense:
            copy_memory(target, data + 8 * first, 8 * rows)
        else:
            for i in range(rows):
                put(target, i, word_at(data + 8 * first, word_at(places, i)))
    elif layout == INT32:
        if dense:
            for i in range(rows):
                put(target, i, int32_at(data + 4 * first, i))
        else:
            for i in range(rows):
                put(target, i, int32_at(data + 4 * first, word_at(places, i)))
    elif layout >= WIDE:
        for i in range(rows):
            at = 2 * word_at(places, i)
            low, high = word_at(data + 16 * first, at), word_at(data + 16 * first, at + 1)
            if layout == TEXT and (low & 0xFFFFFFFF) > 12:
                high += shift
            put(target, i, low)
            put(target + 8 * BLOCK, i, high)
    else:
        for i in range(rows):
            row = first + word_at(places, i)
            value = int64(0)
            if layout == INT16:
                value = int16_at(data, row)
            elif layout == INT8:
                value = int8_at(data, row)
            else:
                value = (int8_at(data, row >> 3) >> (row & 7)) & 1
            put(target, i, value)


@inner
def _write_register(layout: int, register: int, rows: int, out: int) -> None:
    if layout == INT64:
        copy_memory(out, register, 8 * rows)
    elif layout == WIDE:
        for j in range(rows):
            put(out, 2 * j, word_at(register, j))
            put(out, 2 * j + 1, word_at(register + 8 * BLOCK, j))
    elif layout == INT32:
        for j in range(rows):
            put32(out, j, word_at(register, j))
    else:
        for j in range(rows):
            if layout == INT16:
                put16(out, j, word_at(register, j))
            else:
                put8(out, j, word_at(register, j))


@inner
def _write_source(layout: int, data: int, first: int, places: int, rows: int, dense: bool, out: int) -> None:
    if dense and layout != BIT:
        width = int64(1) << (layout - 1)
        copy_memory(out, data + width * first, width * rows)
    elif layout == WIDE:
        for j in range(rows):
            at = 2 * word_at(places, j)
            put(out, 2 * j, word_at(data + 16 * first, at))
            put(out, 2 * j + 1, word_at(data + 16 * first, at + 1))
    elif layout == INT64:
        for j in range(rows):
            put(out, j, word_at(data + 8 * first, word_at(places, j)))
    elif layout == INT32:
        for j in range(rows):
            put32(out, j, int32_at(data + 4 * first, word_at(places, j)))
    else:
        for j in range(rows):
            row = first + word_at(places, j)
            if layout == INT16:
                put16(out, j, int16_at(data, row))
            elif layout == INT8:
                put8(out, j, int8_at(data, row))
            else:
                put8(out, j, (int8_at(data, row >> 3) >> (row & 7)) & 1)


@inner
def _write_validity(there: int, places: int, rows: int, out: int) -> int:
    """Whether some row is null. A register's rows are dense, and all of a block may be valid: `places`, `there` 0."""
    least = int64(1)
    for j in range(rows):
        value = int64(1)
        if there != 0:
            value = int8_at(there, word_at(places, j) if places != 0 else j)
        least &= value
        put8(out, j, value)
    return 1 - least


@inner
def write_outputs(
    outputs: Int64s,
    sources: Int64s,
    start: int,
    places: int,
    rows: int,
    dense: bool,
    validity: int,
    words: int,
    valid: int,
    nulls: int,
    arena: int,
    base: int,
    written: int,
    null_places: Int64s,
) -> None:
    """What the kept rows of a block have. Values with one validity, as fields of one ROW are, write it once."""
    for place in range(null_places.size):
        at = 5 * place
        layout, register, source = outputs[at], outputs[at + 1], outputs[at + 2]
        data = arena + outputs[at + 3] + (int64(1) << max(layout - 1, int64(0))) * base
        if register >= 0:
            _write_register(layout, words + 8 * BLOCK * register, rows, data)
            there = valid + BLOCK * register if int8_at(nulls, register) != 0 else int64(0)
            if _write_validity(there, int64(0), rows, arena + outputs[at + 4] + base) != 0:
                null_places[place] = outputs[at + 4]
            continue
        if outputs[at + 3] >= 0:
            first = start + sources[6 * source + 2]
            _write_source(layout, sources[6 * source + 1], first, places, rows, dense, data)
        there = word_at(validity, source)
        put(written, place, there)
        if there == 0:
            continue
        leader = int64(0)
        while word_at(written, leader) != there or outputs[5 * leader + 1] >= 0:
            leader += 1
        if leader == place and _write_validity(there, places, rows, arena + outputs[at + 4] + base) != 0:
            null_places[place] = outputs[at + 4]
        elif leader < place:
            null_places[place] = null_places[leader]
