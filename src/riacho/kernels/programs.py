"""A chain of filters and projections as one loop over blocks of rows: an interpreter of small programs.

A program is a table of instructions over registers of 64-bit words, each as long as a block and with a byte per row
that says whether its value is null. Every instruction runs over a whole block, whose registers stay in the caches, so
what it costs to decide which instruction it is does not matter. Instructions cannot fail.

Columns come in as addresses, as Arrow lays them out, and go out into one arena of bytes; strings go out as views into
the buffers that they came in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from riacho.kernels.compile import READ_UINT64, inner, kernel
from riacho.kernels.primitives import int64, load_byte_at, load_word_at, uint64

Bytes = NDArray[np.uint8]
Int64s = NDArray[np.int64]
Table = NDArray[np.int64]
Addresses = NDArray[np.uint64]

READ_TABLE = "Array(int64, 2, 'C', True)"
READ_ADDRESSES = "Array(uint64, 2, 'C', True)"

BLOCK: Final = 1024
"""Rows of a block: a program of ten registers fits into the second-level cache."""

# The columns of a table of sources.
SOURCE_VALID: Final = 0
"""The address of the validity bitmap; 0 where no row is null."""
SOURCE_DATA: Final = 1
SOURCE_OFFSET: Final = 2
"""The place of the first row in both."""
SOURCE_BUFFERS: Final = 3
"""Of strings: where their data buffers begin in the table of addresses."""
SOURCE_PARENT: Final = 4
"""One more than the source of the ROW around, which is null together with this one; 0 where there is none."""
SOURCE_STEP: Final = 5
"""0 where one value stands for every row, else 1."""
SOURCE_COLUMNS: Final = 6

# How the values of a source or an output lie in memory.
BIT: Final = 0
INT8: Final = 1
INT16: Final = 2
INT32: Final = 3
INT64: Final = 4
WIDE: Final = 5
"""16 bytes: a decimal, or the view of a string."""

# The columns of a program.
OPERATION: Final = 0
TARGET: Final = 1
FIRST: Final = 2
SECOND: Final = 3
THIRD: Final = 4
INSTRUCTION_COLUMNS: Final = 5

# The operations. FIRST, SECOND and THIRD are registers unless their comment says otherwise.
LOAD: Final = 0  # FIRST a source, SECOND how it lies
CONSTANT: Final = 1  # FIRST the value's word, SECOND whether it is null
KEEP: Final = 2  # only rows where FIRST is true stay
ADD: Final = 3
SUBTRACT: Final = 4
MULTIPLY: Final = 5
WRAP: Final = 6  # FIRST to so many bits: SECOND
DIVIDE: Final = 7  # FIRST by the number SECOND, toward zero
REMAINDER: Final = 8  # of FIRST by the number SECOND, with its sign
FLOOR_DIVIDE: Final = 9  # FIRST by the number SECOND, downwards
FLOOR_REMAINDER: Final = 10  # of FIRST by the number SECOND, never negative
EQUAL: Final = 11
LESS: Final = 12
NOT: Final = 13
AND: Final = 14
OR: Final = 15
IS_NULL: Final = 16
IS_TRUE: Final = 17
SELECT: Final = 18  # FIRST true: SECOND, else THIRD
TEXT_EQUAL: Final = 19  # FIRST and SECOND sources
TEXT_IS_NULL: Final = 20  # FIRST a source
FLOAT_ADD: Final = 21
FLOAT_SUBTRACT: Final = 22
FLOAT_MULTIPLY: Final = 23
TO_FLOAT: Final = 24

# The columns of a table of outputs.
OUT_LAYOUT: Final = 0
OUT_REGISTER: Final = 1
"""The register, or −1 for what a source has."""
OUT_SOURCE: Final = 2
OUT_DATA: Final = 3
"""Where in the arena its values begin, a multiple of 16; −1 for the validity of a ROW alone."""
OUT_VALID: Final = 4
"""Where in the arena its validity begins, a byte a row."""
OUT_COLUMNS: Final = 5


def _load_at(bits: int) -> Callable[[int], int]:
    def typing(_context: Any, _address: Any) -> Any:
        def generate(_target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            pointer = builder.inttoptr(arguments[0], ir.IntType(bits).as_pointer())
            value = builder.load(pointer)
            value.align = 1
            return builder.sext(value, ir.IntType(64))

        return types.int64(types.uint64), generate

    return cast("Callable[[int], int]", intrinsic(typing))


_load_int8 = _load_at(8)
_load_int16 = _load_at(16)
_load_int32 = _load_at(32)


@inner
def _is_valid(sources: Addresses, source: int, row: int) -> bool:
    """Whether a source's value, and the ROWs around it, are there."""
    while True:
        bitmap = sources[source, 0]
        if bitmap != uint64(0):
            place = row + int64(sources[source, 2])
            if (int64(load_byte_at(bitmap + uint64(place >> 3))) >> (place & 7)) & 1 == 0:
                return False
        parent = int64(sources[source, 4])
        if parent == 0:
            return True
        source = parent - 1


@inner
def _has_bitmap(sources: Addresses, source: int) -> bool:
    while True:
        if sources[source, 0] != uint64(0):
            return True
        parent = int64(sources[source, 4])
        if parent == 0:
            return False
        source = parent - 1


@inner
def _word_at(layout: int, data: int, row: int) -> int:
    if layout == INT64:
        return int64(load_word_at(data + uint64(8 * row)))
    if layout == INT32:
        return int64(_load_int32(data + uint64(4 * row)))
    if layout == BIT:
        return (int64(load_byte_at(data + uint64(row >> 3))) >> (row & 7)) & 1
    if layout == INT16:
        return int64(_load_int16(data + uint64(2 * row)))
    return int64(_load_int8(data + uint64(row)))


@inner
def _load(
    sources: Addresses, source: int, layout: int, start: int, rows: int, words: Table, valid: Bytes, target: int
) -> bool:
    """A block of a source into a register; whether any of it is null."""
    data, offset = sources[source, 1], int64(sources[source, 2])
    first = start + offset
    if layout == INT64:
        for i in range(rows):
            words[target, i] = int64(load_word_at(data + uint64(8 * (first + i))))
    elif layout == INT32:
        for i in range(rows):
            words[target, i] = _load_int32(data + uint64(4 * (first + i)))
    else:
        for i in range(rows):
            words[target, i] = _word_at(layout, data, first + i)
    if not _has_bitmap(sources, source):
        return False
    some = False
    for i in range(rows):
        there = _is_valid(sources, source, start + i)
        valid[target, i] = there
        some |= not there
    return some


@inner
def _text_address(sources: Addresses, buffers: Addresses, source: int, view: int, length: int) -> int:
    if length <= 12:
        return view + uint64(4)
    second = load_word_at(view + uint64(8))
    number = int64(second & uint64(0xFFFFFFFF))
    return uint64(buffers[int64(sources[source, 3]) + number]) + (second >> uint64(32))


@inner
def _same_text(sources: Addresses, buffers: Addresses, one: int, row_one: int, other: int, row_other: int) -> bool:
    left = sources[one, 1] + uint64(16 * row_one)
    right = sources[other, 1] + uint64(16 * row_other)
    length = _load_int32(left)
    if length != _load_int32(right):
        return False
    if length <= 12:
        # What a short view does not need is zero.
        return load_word_at(left) == load_word_at(right) and load_word_at(left + uint64(8)) == load_word_at(
            right + uint64(8)
        )
    if load_word_at(left) != load_word_at(right):
        return False
    start_left = _text_address(sources, buffers, one, left, length)
    start_right = _text_address(sources, buffers, other, right, length)
    at = 0
    while at + 8 <= length:
        if load_word_at(start_left + uint64(at)) != load_word_at(start_right + uint64(at)):
            return False
        at += 8
    while at < length:
        if load_byte_at(start_left + uint64(at)) != load_byte_at(start_right + uint64(at)):
            return False
        at += 1
    return True


@inner
def _divided(value: int, divisor: int) -> int:
    """Toward zero, as Java divides; the divisor is neither 0 nor −1."""
    quotient = value // divisor
    if quotient < 0 and quotient * divisor != value:
        quotient += 1
    return quotient


@inner
def _arithmetic(operation: int, words: Table, rows: int, target: int, first: int, second: int) -> None:
    if operation == ADD:
        for i in range(rows):
            words[target, i] = words[first, i] + words[second, i]
    elif operation == SUBTRACT:
        for i in range(rows):
            words[target, i] = words[first, i] - words[second, i]
    elif operation == MULTIPLY:
        for i in range(rows):
            words[target, i] = words[first, i] * words[second, i]
    elif operation == EQUAL:
        for i in range(rows):
            words[target, i] = int64(words[first, i] == words[second, i])
    else:
        for i in range(rows):
            words[target, i] = int64(words[first, i] < words[second, i])


@inner
def _by_number(operation: int, words: Table, rows: int, target: int, first: int, number: int) -> None:
    if operation == WRAP:
        shift = 64 - number
        for i in range(rows):
            words[target, i] = (words[first, i] << shift) >> shift
    elif operation == DIVIDE:
        for i in range(rows):
            words[target, i] = _divided(words[first, i], number)
    elif operation == REMAINDER:
        for i in range(rows):
            words[target, i] = words[first, i] - _divided(words[first, i], number) * number
    elif operation == FLOOR_DIVIDE:
        for i in range(rows):
            words[target, i] = words[first, i] // number
    else:
        for i in range(rows):
            words[target, i] = words[first, i] - (words[first, i] // number) * number


@inner
def _nulls_of_two(valid: Bytes, nulls: Bytes, rows: int, target: int, first: int, second: int) -> None:
    """A value of two is null where one of them is."""
    nulls[target] = nulls[first] | nulls[second]
    if nulls[target] == 0:
        return
    for i in range(rows):
        one = nulls[first] == 0 or valid[first, i] != 0
        other = nulls[second] == 0 or valid[second, i] != 0
        valid[target, i] = one and other


@inner
def _nulls_of_one(valid: Bytes, nulls: Bytes, rows: int, target: int, first: int) -> None:
    nulls[target] = nulls[first]
    if nulls[first] != 0:
        for i in range(rows):
            valid[target, i] = valid[first, i]


@inner
def _connective(
    operation: int, words: Table, valid: Bytes, nulls: Bytes, rows: int, target: int, first: int, second: int
) -> None:
    """AND and OR in SQL's three values: what decides, decides whatever the other is."""
    decisive = int64(operation == OR)
    if nulls[first] == 0 and nulls[second] == 0:
        nulls[target] = 0
        if operation == AND:
            for i in range(rows):
                words[target, i] = words[first, i] & words[second, i]
        else:
            for i in range(rows):
                words[target, i] = words[first, i] | words[second, i]
        return
    some = False
    for i in range(rows):
        one = nulls[first] == 0 or valid[first, i] != 0
        other = nulls[second] == 0 or valid[second, i] != 0
        if (one and words[first, i] == decisive) or (other and words[second, i] == decisive):
            words[target, i] = decisive
            valid[target, i] = 1
        else:
            words[target, i] = 1 - decisive
            valid[target, i] = one and other
            some |= not (one and other)
    nulls[target] = some


@inner
def _select(
    words: Table, valid: Bytes, nulls: Bytes, rows: int, target: int, condition: int, then: int, otherwise: int
) -> None:
    some = False
    for i in range(rows):
        taken = words[condition, i] != 0 and (nulls[condition] == 0 or valid[condition, i] != 0)
        source = then if taken else otherwise
        there = nulls[source] == 0 or valid[source, i] != 0
        words[target, i] = words[source, i]
        valid[target, i] = there
        some |= not there
    nulls[target] = some


@inner
def _step(
    program: Table,
    line: int,
    sources: Addresses,
    buffers: Addresses,
    start: int,
    rows: int,
    words: Table,
    floats: NDArray[np.float64],
    valid: Bytes,
    nulls: Bytes,
    kept: Bytes,
) -> None:
    """One instruction over one block."""
    operation, target = program[line, 0], program[line, 1]
    first, second, third = program[line, 2], program[line, 3], program[line, 4]
    if operation == LOAD:
        nulls[target] = _load(sources, first, second, start, rows, words, valid, target)
    elif operation == CONSTANT:
        nulls[target] = second
        for i in range(rows):
            words[target, i] = first
            valid[target, i] = second == 0
    elif operation == KEEP:
        for i in range(rows):
            if words[first, i] == 0 or (nulls[first] != 0 and valid[first, i] == 0):
                kept[i] = 0
    elif operation <= MULTIPLY or operation == EQUAL or operation == LESS:
        _arithmetic(operation, words, rows, target, first, second)
        _nulls_of_two(valid, nulls, rows, target, first, second)
    elif operation <= FLOOR_REMAINDER:
        _by_number(operation, words, rows, target, first, second)
        _nulls_of_one(valid, nulls, rows, target, first)
    elif operation == NOT:
        for i in range(rows):
            words[target, i] = 1 - words[first, i]
        _nulls_of_one(valid, nulls, rows, target, first)
    elif operation == AND or operation == OR:
        _connective(operation, words, valid, nulls, rows, target, first, second)
    elif operation == IS_NULL:
        for i in range(rows):
            words[target, i] = int64(nulls[first] != 0 and valid[first, i] == 0)
        nulls[target] = 0
    elif operation == IS_TRUE:
        for i in range(rows):
            words[target, i] = int64(words[first, i] != 0 and (nulls[first] == 0 or valid[first, i] != 0))
        nulls[target] = 0
    elif operation == SELECT:
        _select(words, valid, nulls, rows, target, first, second, third)
    elif operation == TEXT_EQUAL:
        some = False
        for i in range(rows):
            row_one = (start + i) * int64(sources[first, 5])
            row_other = (start + i) * int64(sources[second, 5])
            there = _is_valid(sources, first, row_one) and _is_valid(sources, second, row_other)
            valid[target, i] = there
            some |= not there
            words[target, i] = int64(
                there
                and _same_text(
                    sources,
                    buffers,
                    first,
                    row_one + int64(sources[first, 2]),
                    second,
                    row_other + int64(sources[second, 2]),
                )
            )
        nulls[target] = some
    elif operation == TEXT_IS_NULL:
        for i in range(rows):
            words[target, i] = int64(not _is_valid(sources, first, start + i))
        nulls[target] = 0
    elif operation == TO_FLOAT:
        for i in range(rows):
            floats[target, i] = float(words[first, i])
        _nulls_of_one(valid, nulls, rows, target, first)
    else:
        if operation == FLOAT_ADD:
            for i in range(rows):
                floats[target, i] = floats[first, i] + floats[second, i]
        elif operation == FLOAT_SUBTRACT:
            for i in range(rows):
                floats[target, i] = floats[first, i] - floats[second, i]
        else:
            for i in range(rows):
                floats[target, i] = floats[first, i] * floats[second, i]
        _nulls_of_two(valid, nulls, rows, target, first, second)


@inner
def _write_register(
    layout: int, words: Table, register: int, places: Int64s, count: int, arena: Bytes, data: int, base: int
) -> None:
    if layout == INT64:
        out64 = arena.view(np.int64)
        for j in range(count):
            out64[data // 8 + base + j] = words[register, places[j]]
    elif layout == INT32:
        out32 = arena.view(np.int32)
        for j in range(count):
            out32[data // 4 + base + j] = words[register, places[j]]
    elif layout == INT16:
        out16 = arena.view(np.int16)
        for j in range(count):
            out16[data // 2 + base + j] = words[register, places[j]]
    else:
        for j in range(count):
            arena[data + base + j] = words[register, places[j]] & 0xFF


@inner
def _write_source(
    layout: int, address: int, first: int, places: Int64s, count: int, arena: Bytes, data: int, base: int
) -> None:
    if layout == WIDE:
        out64 = arena.view(np.uint64)
        for j in range(count):
            at = address + uint64(16 * (first + places[j]))
            out64[data // 8 + 2 * (base + j)] = load_word_at(at)
            out64[data // 8 + 2 * (base + j) + 1] = load_word_at(at + uint64(8))
    elif layout == INT64:
        out = arena.view(np.int64)
        for j in range(count):
            out[data // 8 + base + j] = int64(load_word_at(address + uint64(8 * (first + places[j]))))
    elif layout == INT32:
        out32 = arena.view(np.int32)
        for j in range(count):
            out32[data // 4 + base + j] = _load_int32(address + uint64(4 * (first + places[j])))
    elif layout == INT16:
        out16 = arena.view(np.int16)
        for j in range(count):
            out16[data // 2 + base + j] = _load_int16(address + uint64(2 * (first + places[j])))
    else:
        for j in range(count):
            arena[data + base + j] = _word_at(layout, address, first + places[j]) & 0xFF


@kernel(
    f"int64({READ_TABLE}, {READ_ADDRESSES}, {READ_UINT64}, {READ_TABLE}, int64, int64, "
    "int64[:, ::1], uint8[:, ::1], uint8[::1], uint8[::1], int64[::1])"
)
def run_program(
    program: Table,
    sources: Addresses,
    buffers: Addresses,
    outputs: Table,
    rows: int,
    registers: int,
    words: Table,
    valid: Bytes,
    arena: Bytes,
    has_nulls: Bytes,
    kept_rows: Int64s,
) -> int:
    """Run a program over all rows; how many it keeps.

    `words` and `valid` are the registers, `BLOCK` long. Outputs go to the arena as their table says; `has_nulls` tells
    which of them have any. The rows that are kept go to `kept_rows`, unless that is empty: then all are.
    """
    floats = words.view(np.float64)
    nulls = np.zeros(max(registers, 1), np.uint8)
    kept = np.empty(BLOCK, np.uint8)
    places = np.empty(BLOCK, np.int64)
    base = int64(0)
    for start in range(0, rows, BLOCK):
        block = min(int64(BLOCK), rows - start)
        kept[:block] = 1
        for line in range(program.shape[0]):
            _step(program, line, sources, buffers, start, block, words, floats, valid, nulls, kept)
        count = int64(0)
        for i in range(block):
            places[count] = i
            count += int64(kept[i])
        if kept_rows.size > 0:
            for j in range(count):
                kept_rows[base + j] = start + places[j]
        for out in range(outputs.shape[0]):
            layout, register, source = outputs[out, 0], outputs[out, 1], outputs[out, 2]
            data, validity = outputs[out, 3], outputs[out, 4]
            if register >= 0:
                _write_register(layout, words, register, places, count, arena, data, base)
                if nulls[register] == 0:
                    arena[validity + base : validity + base + count] = 1
                else:
                    for j in range(count):
                        arena[validity + base + j] = valid[register, places[j]]
                    has_nulls[out] = 1
                continue
            first = start + int64(sources[source, 2])
            if data >= 0:
                _write_source(layout, sources[source, 1], first, places, count, arena, data, base)
            if not _has_bitmap(sources, source):
                arena[validity + base : validity + base + count] = 1
                continue
            for j in range(count):
                there = _is_valid(sources, source, start + places[j])
                arena[validity + base + j] = there
                if not there:
                    has_nulls[out] = 1
        base += count
    return base
