"""A chain of filters and projections as one loop over blocks of rows: an interpreter of small programs.

A program is a table of instructions over registers of 64-bit words, each as long as a block and with a byte per row
that says whether its value is null. Every instruction runs over a whole block, whose registers stay in the caches, so
what it costs to decide which instruction it is does not matter. Instructions cannot fail. What a filter asks for is
computed first, for all rows of a block; the rest for the rows that it keeps.

Wide values take two registers: decimals their low and their high half, strings the halves of their view, whose buffer
is a number in one table for all strings. Columns come in as addresses and go out into one arena of bytes; strings go
out as views into the buffers that they came in.
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

from riacho.kernels.compile import READ_INT64, inner, kernel
from riacho.kernels.primitives import int64

Bytes = NDArray[np.uint8]
Int64s = NDArray[np.int64]
Table = NDArray[np.int64]

READ_TABLE = "Array(int64, 2, 'C', True)"

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

# The columns of a program.
OPERATION: Final = 0
TARGET: Final = 1
FIRST: Final = 2
SECOND: Final = 3
THIRD: Final = 4
REPEATED: Final = 5
"""1 where the filter's part has the same line: of a block that is kept as a whole its result is there."""
INSTRUCTION_COLUMNS: Final = 6

# The operations. FIRST, SECOND and THIRD are registers unless their comment says otherwise.
LOAD: Final = 0  # FIRST a source, SECOND how it lies
CONSTANT: Final = 1  # FIRST the value's word, SECOND whether it is null, THIRD its high half; written once
KEEP: Final = 2  # only rows where FIRST is true stay
ADD: Final = 3
SUBTRACT: Final = 4
MULTIPLY: Final = 5
EQUAL: Final = 6
LESS: Final = 7
WIDE_ADD: Final = 8
WIDE_SUBTRACT: Final = 9
WIDE_MULTIPLY: Final = 10
WIDE_EQUAL: Final = 11
WIDE_LESS: Final = 12
TEXT_EQUAL: Final = 13
WRAP: Final = 14  # FIRST to so many bits: SECOND
DIVIDE: Final = 15  # FIRST by the number SECOND, toward zero
REMAINDER: Final = 16  # of FIRST by the number SECOND, with its sign
FLOOR_DIVIDE: Final = 17  # FIRST by the number SECOND, downwards
FLOOR_REMAINDER: Final = 18  # of FIRST by the number SECOND, never negative
NOT: Final = 19
WIDEN: Final = 20
AND: Final = 21
OR: Final = 22
IS_NULL: Final = 23
IS_TRUE: Final = 24
SELECT: Final = 25  # FIRST true: SECOND, else THIRD; takes one register more than its result
WIDE_SELECT: Final = 26

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


_int8, _int16, _int32, _word = (_load(bits) for bits in (8, 16, 32, 64))
"""`_word(base, i)`: number i of those at an address. An address as a base, not a sum, is what LLVM makes vectors of."""
_put8, _put16, _put32, _put = (_store(bits) for bits in (8, 16, 32, 64))


def _on_wide(operation: str, *, high: bool = False) -> Callable[[int, int, int, int], int]:
    """A half of what comes of two numbers of 128 bits, each given as its low and its high half."""

    def typing(_context: Any, _low: Any, _high: Any, _low_other: Any, _high_other: Any) -> Any:
        def generate(_target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            kind, half = ir.IntType(128), ir.Constant(ir.IntType(128), 64)
            one, other = (
                builder.or_(builder.zext(low, kind), builder.shl(builder.zext(up, kind), half))
                for low, up in (arguments[:2], arguments[2:])
            )
            if operation == "less":
                return builder.zext(builder.icmp_signed("<", one, other), ir.IntType(64))
            made = getattr(builder, operation)(one, other)
            return builder.trunc(builder.lshr(made, half) if high else made, ir.IntType(64))

        return types.int64(types.int64, types.int64, types.int64, types.int64), generate

    return cast("Callable[[int, int, int, int], int]", intrinsic(typing))


_sum_low, _sum_high = _on_wide("add"), _on_wide("add", high=True)
_difference_low, _difference_high = _on_wide("sub"), _on_wide("sub", high=True)
_product_low, _product_high = _on_wide("mul"), _on_wide("mul", high=True)
_is_less = _on_wide("less")


def _copy(_typing: Any, _to: Any, _from: Any, _size: Any) -> Any:
    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        to, origin = (builder.inttoptr(each, ir.IntType(8).as_pointer()) for each in arguments[:2])
        cgutils.raw_memcpy(builder, to, origin, arguments[2], itemsize=1)  # type: ignore[no-untyped-call]
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), generate


_copy_memory = cast("Callable[[int, int, int], None]", intrinsic(_copy))


@inner
def _find_validity(sources: Int64s, count: int, start: int, rows: int, scratch: int, validity: int) -> None:
    """Where the validity of each source is for this block, a byte a row from the block's first on; 0: all are valid."""
    for source in range(count):
        row = 6 * source
        parent = sources[row + 4]
        above = int64(0) if parent == 0 else _word(validity, parent - 1)
        own = sources[row]
        if own == 0:
            _put(validity, source, above)
            continue
        first = start + sources[row + 2]
        if sources[row + 5] != 0 and above == 0:
            _put(validity, source, own + first)
            continue
        made = scratch + BLOCK * source
        if sources[row + 5] != 0:
            for i in range(rows):
                _put8(made, i, _int8(own + first, i))
        else:
            for i in range(rows):
                _put8(made, i, (_int8(own, (first + i) >> 3) >> ((first + i) & 7)) & 1)
        if above != 0:
            for i in range(rows):
                _put8(made, i, _int8(made, i) & _int8(above, i))
        _put(validity, source, made)


@inner
def _load_source(
    layout: int, data: int, first: int, shift: int, places: int, rows: int, dense: bool, target: int
) -> None:
    """Rows of a source, from `first` on or at the places after it, into a register."""
    if layout == INT64:
        if dense:
            _copy_memory(target, data + 8 * first, 8 * rows)
        else:
            for i in range(rows):
                _put(target, i, _word(data + 8 * first, _word(places, i)))
    elif layout == INT32:
        if dense:
            for i in range(rows):
                _put(target, i, _int32(data + 4 * first, i))
        else:
            for i in range(rows):
                _put(target, i, _int32(data + 4 * first, _word(places, i)))
    elif layout >= WIDE:
        for i in range(rows):
            at = 2 * _word(places, i)
            low, high = _word(data + 16 * first, at), _word(data + 16 * first, at + 1)
            if layout == TEXT and (low & 0xFFFFFFFF) > 12:
                high += shift
            _put(target, i, low)
            _put(target + 8 * BLOCK, i, high)
    else:
        for i in range(rows):
            row = first + _word(places, i)
            value = int64(0)
            if layout == INT16:
                value = _int16(data, row)
            elif layout == INT8:
                value = _int8(data, row)
            else:
                value = (_int8(data, row >> 3) >> (row & 7)) & 1
            _put(target, i, value)


@inner
def _of_two(operation: int, rows: int, target: int, one: int, other: int) -> None:
    if operation == ADD:
        for i in range(rows):
            _put(target, i, _word(one, i) + _word(other, i))
    elif operation == SUBTRACT:
        for i in range(rows):
            _put(target, i, _word(one, i) - _word(other, i))
    elif operation == MULTIPLY:
        for i in range(rows):
            _put(target, i, _word(one, i) * _word(other, i))
    elif operation == EQUAL:
        for i in range(rows):
            _put(target, i, int64(_word(one, i) == _word(other, i)))
    else:
        for i in range(rows):
            _put(target, i, int64(_word(one, i) < _word(other, i)))


@inner
def _of_two_wide(operation: int, rows: int, target: int, one: int, other: int) -> None:
    for i in range(rows):
        low, high = _word(one, i), _word(one + 8 * BLOCK, i)
        low_other, high_other = _word(other, i), _word(other + 8 * BLOCK, i)
        if operation == WIDE_EQUAL:
            _put(target, i, int64(low == low_other and high == high_other))
        elif operation == WIDE_LESS:
            _put(target, i, _is_less(low, high, low_other, high_other))
        elif operation == WIDE_MULTIPLY:
            _put(target, i, _product_low(low, high, low_other, high_other))
            _put(target + 8 * BLOCK, i, _product_high(low, high, low_other, high_other))
        elif operation == WIDE_ADD:
            _put(target, i, _sum_low(low, high, low_other, high_other))
            _put(target + 8 * BLOCK, i, _sum_high(low, high, low_other, high_other))
        else:
            _put(target, i, _difference_low(low, high, low_other, high_other))
            _put(target + 8 * BLOCK, i, _difference_high(low, high, low_other, high_other))


@inner
def _same_texts(rows: int, buffers: Int64s, target: int, one: int, other: int) -> None:
    for i in range(rows):
        low, high, high_other = _word(one, i), _word(one + 8 * BLOCK, i), _word(other + 8 * BLOCK, i)
        length = low & 0xFFFFFFFF
        # What a short view does not need is zero.
        same = low == _word(other, i)
        if same and high != high_other:
            same = length > 12
            if same:
                start = buffers[high & 0xFFFFFFFF] + ((high >> 32) & 0xFFFFFFFF)
                start_other = buffers[high_other & 0xFFFFFFFF] + ((high_other >> 32) & 0xFFFFFFFF)
                at = int64(0)
                while same and at + 8 <= length:
                    same = _word(start + at, 0) == _word(start_other + at, 0)
                    at += 8
                while same and at < length:
                    same = _int8(start, at) == _int8(start_other, at)
                    at += 1
        _put(target, i, int64(same))


@inner
def _by_number(operation: int, rows: int, target: int, first: int, number: int) -> None:
    shift = 64 - number
    for i in range(rows):
        value = _word(first, i)
        if operation == WRAP:
            _put(target, i, (value << shift) >> shift)
            continue
        quotient = value // number
        if operation <= REMAINDER and quotient < 0 and quotient * number != value:
            quotient += 1  # toward zero, as Java divides; the number is neither 0 nor −1
        _put(target, i, quotient if operation == DIVIDE or operation == FLOOR_DIVIDE else value - quotient * number)


@inner
def _connective(
    operation: int, rows: int, words: int, valid: int, nulls: int, target: int, one: int, other: int
) -> None:
    """AND and OR in SQL's three values: what decides, decides whatever the other is."""
    result, first, second = words + 8 * BLOCK * target, words + 8 * BLOCK * one, words + 8 * BLOCK * other
    some = _int8(nulls, one) | _int8(nulls, other)
    _put8(nulls, target, some)
    if some == 0:
        if operation == AND:
            for i in range(rows):
                _put(result, i, _word(first, i) & _word(second, i))
        else:
            for i in range(rows):
                _put(result, i, _word(first, i) | _word(second, i))
        return
    decisive = int64(operation == OR)
    for i in range(rows):
        has_one = _int8(nulls, one) == 0 or _int8(valid + BLOCK * one, i) != 0
        has_other = _int8(nulls, other) == 0 or _int8(valid + BLOCK * other, i) != 0
        decided = (has_one and _word(first, i) == decisive) or (has_other and _word(second, i) == decisive)
        _put(result, i, decisive if decided else 1 - decisive)
        _put8(valid + BLOCK * target, i, int64(decided or (has_one and has_other)))


@inner
def _select(
    wide: bool, rows: int, words: int, valid: int, nulls: int, target: int, condition: int, then: int, otherwise: int
) -> None:
    """By masks, without branches. The register after the result is theirs."""
    mask = words + 8 * BLOCK * (target + (2 if wide else 1))
    for i in range(rows):
        _put(mask, i, -_word(words + 8 * BLOCK * condition, i))
    if _int8(nulls, condition) != 0:
        for i in range(rows):
            _put(mask, i, _word(mask, i) & -_int8(valid + BLOCK * condition, i))
    for part in range(2 if wide else 1):
        result, one = words + 8 * BLOCK * (target + part), words + 8 * BLOCK * (then + part)
        other = words + 8 * BLOCK * (otherwise + part)
        for i in range(rows):
            _put(result, i, _word(other, i) ^ ((_word(one, i) ^ _word(other, i)) & _word(mask, i)))
    some, some_other = _int8(nulls, then), _int8(nulls, otherwise)
    _put8(nulls, target, some | some_other)
    if some | some_other != 0:
        for i in range(rows):
            there = _int8(valid + BLOCK * then, i) | (1 - some)
            there_other = _int8(valid + BLOCK * otherwise, i) | (1 - some_other)
            _put8(valid + BLOCK * target, i, (there_other ^ ((there ^ there_other) & _word(mask, i))) & 1)


@inner
def _copy_nulls(rows: int, valid: int, nulls: int, target: int, one: int, other: int) -> None:
    """A value of two is null where one of them is."""
    _put8(nulls, target, _int8(nulls, one) | _int8(nulls, other))
    if _int8(nulls, one) != 0 and _int8(nulls, other) != 0:
        for i in range(rows):
            _put8(valid + BLOCK * target, i, _int8(valid + BLOCK * one, i) & _int8(valid + BLOCK * other, i))
    elif _int8(nulls, target) != 0:
        _copy_memory(valid + BLOCK * target, valid + BLOCK * (one if _int8(nulls, one) != 0 else other), rows)


@inner
def _step(
    program: Int64s,
    line: int,
    sources: Int64s,
    buffers: Int64s,
    start: int,
    places: int,
    rows: int,
    dense: bool,
    validity: int,
    words: int,
    valid: int,
    nulls: int,
    kept: int,
) -> None:
    """One instruction over one block."""
    operation, target = program[6 * line], program[6 * line + 1]
    first, second, third = program[6 * line + 2], program[6 * line + 3], program[6 * line + 4]
    result, one = words + 8 * BLOCK * target, words + 8 * BLOCK * first
    if operation == LOAD:
        source = 6 * first
        if second != VALIDITY:
            shift = sources[source + 3]
            _load_source(second, sources[source + 1], start + sources[source + 2], shift, places, rows, dense, result)
        there = _word(validity, first)
        _put8(nulls, target, int64(there != 0))
        if there != 0 and dense:
            _copy_memory(valid + BLOCK * target, there, rows)
        elif there != 0:
            for i in range(rows):
                _put8(valid + BLOCK * target, i, _int8(there, _word(places, i)))
    elif operation == CONSTANT:
        if start == 0:
            _put8(nulls, target, second)
            for i in range(BLOCK):
                _put(result, i, first)
                _put(result + 8 * BLOCK, i, third)
                _put8(valid + BLOCK * target, i, 1 - second)
    elif operation == KEEP:
        unsure = _int8(nulls, first) != 0
        for i in range(rows):
            holds = _word(one, i)
            if unsure:
                holds &= _int8(valid + BLOCK * first, i)
            _put8(kept, i, _int8(kept, i) & holds)
    elif operation <= TEXT_EQUAL:
        other = words + 8 * BLOCK * second
        if operation <= LESS:
            _of_two(operation, rows, result, one, other)
        elif operation == TEXT_EQUAL:
            _same_texts(rows, buffers, result, one, other)
        else:
            _of_two_wide(operation, rows, result, one, other)
        _copy_nulls(rows, valid, nulls, target, first, second)
    elif operation <= FLOOR_REMAINDER:
        _by_number(operation, rows, result, one, second)
        _copy_nulls(rows, valid, nulls, target, first, first)
    elif operation <= WIDEN:
        for i in range(rows):
            value = _word(one, i)
            if operation == NOT:
                _put(result, i, 1 - value)
            else:
                _put(result, i, value)
                _put(result + 8 * BLOCK, i, value >> 63)
        _copy_nulls(rows, valid, nulls, target, first, first)
    elif operation <= OR:
        _connective(operation, rows, words, valid, nulls, target, first, second)
    elif operation <= IS_TRUE:
        unsure = _int8(nulls, first) != 0
        for i in range(rows):
            there = int64(1)
            if unsure:
                there = _int8(valid + BLOCK * first, i)
            _put(result, i, 1 - there if operation == IS_NULL else there & _word(one, i))
        _put8(nulls, target, int64(0))
    else:
        _select(operation == WIDE_SELECT, rows, words, valid, nulls, target, first, second, third)


@inner
def _write_register(layout: int, register: int, rows: int, out: int) -> None:
    if layout == INT64:
        _copy_memory(out, register, 8 * rows)
    elif layout == WIDE:
        for j in range(rows):
            _put(out, 2 * j, _word(register, j))
            _put(out, 2 * j + 1, _word(register + 8 * BLOCK, j))
    elif layout == INT32:
        for j in range(rows):
            _put32(out, j, _word(register, j))
    else:
        for j in range(rows):
            if layout == INT16:
                _put16(out, j, _word(register, j))
            else:
                _put8(out, j, _word(register, j))


@inner
def _write_source(layout: int, data: int, first: int, places: int, rows: int, dense: bool, out: int) -> None:
    if dense and layout != BIT:
        width = int64(1) << (layout - 1)
        _copy_memory(out, data + width * first, width * rows)
    elif layout == WIDE:
        for j in range(rows):
            at = 2 * _word(places, j)
            _put(out, 2 * j, _word(data + 16 * first, at))
            _put(out, 2 * j + 1, _word(data + 16 * first, at + 1))
    elif layout == INT64:
        for j in range(rows):
            _put(out, j, _word(data + 8 * first, _word(places, j)))
    elif layout == INT32:
        for j in range(rows):
            _put32(out, j, _int32(data + 4 * first, _word(places, j)))
    else:
        for j in range(rows):
            row = first + _word(places, j)
            if layout == INT16:
                _put16(out, j, _int16(data, row))
            elif layout == INT8:
                _put8(out, j, _int8(data, row))
            else:
                _put8(out, j, (_int8(data, row >> 3) >> (row & 7)) & 1)


@inner
def _write_validity(there: int, places: int, rows: int, out: int) -> int:
    """Whether some row is null. A register's rows are dense, and all of a block may be valid: `places`, `there` 0."""
    least = int64(1)
    for j in range(rows):
        value = int64(1)
        if there != 0:
            value = _int8(there, _word(places, j) if places != 0 else j)
        least &= value
        _put8(out, j, value)
    return 1 - least


@inner
def _write_outputs(
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
            there = valid + BLOCK * register if _int8(nulls, register) != 0 else int64(0)
            if _write_validity(there, int64(0), rows, arena + outputs[at + 4] + base) != 0:
                null_places[place] = outputs[at + 4]
            continue
        if outputs[at + 3] >= 0:
            first = start + sources[6 * source + 2]
            _write_source(layout, sources[6 * source + 1], first, places, rows, dense, data)
        there = _word(validity, source)
        _put(written, place, there)
        if there == 0:
            continue
        leader = int64(0)
        while _word(written, leader) != there or outputs[5 * leader + 1] >= 0:
            leader += 1
        if leader == place and _write_validity(there, places, rows, arena + outputs[at + 4] + base) != 0:
            null_places[place] = outputs[at + 4]
        elif leader < place:
            null_places[place] = null_places[leader]


@kernel(
    f"int64({READ_INT64}, int64, int64, {READ_INT64}, int64, {READ_INT64}, {READ_INT64}, int64, {READ_INT64}, "
    "int64[::1], uint8[::1], int64[::1], int64[::1], uint8[::1], int64[::1])"
)
def run_program(
    program: Int64s,
    filters: int,
    lines: int,
    sources: Int64s,
    source_count: int,
    buffers: Int64s,
    outputs: Int64s,
    rows: int,
    given: Int64s,
    words: Int64s,
    valid: Bytes,
    scratch: Int64s,
    kept_given: Int64s,
    arena: Bytes,
    null_places: Int64s,
) -> int:
    """Run a program over all rows; how many it keeps.

    The first `filters` of its lines say which; 0: all. The tables are flat. `words` and `valid` are the registers,
    `BLOCK` long; `scratch` is as long as `scratch_words` says. Outputs go to the arena as their table says;
    `null_places` gets where in it the validity of each is, `NO_NULLS` where no row is null. Of `given`, a number a row,
    those of the rows that are kept go to `kept_given`, unless that is empty.
    """
    base = int64(0)
    registers, bits = words.ctypes.data, valid.ctypes.data
    places = scratch.ctypes.data
    validity = places + 8 * BLOCK
    written = validity + 8 * source_count
    nulls = written + 8 * null_places.size
    kept = nulls + BLOCK
    expanded = kept + BLOCK
    for place in range(null_places.size):
        null_places[place] = NO_NULLS
    for start in range(0, rows, BLOCK):
        block = min(int64(BLOCK), rows - start)
        count = block
        _find_validity(sources, source_count, start, block, expanded, validity)
        for i in range(block):
            _put(places, i, i)
            _put8(kept, i, int64(1))
        for line in range(lines + 1):
            if line == filters and filters != 0:
                count = int64(0)
                for i in range(block):
                    _put(places, count, i)
                    count += _int8(kept, i)
            dense = count == block
            if line < lines and not (dense and program[6 * line + 5] != 0):
                _step(
                    program, line, sources, buffers, start, places, count, dense, validity, registers, bits, nulls, kept
                )
        for j in range(count if kept_given.size > 0 else int64(0)):
            kept_given[base + j] = given[start + _word(places, j)]
        _write_outputs(
            outputs,
            sources,
            start,
            places,
            count,
            count == block,
            validity,
            registers,
            bits,
            nulls,
            arena.ctypes.data,
            base,
            written,
            null_places,
        )
        base += count
    return base


def scratch_words(sources: int, outputs: int) -> int:
    """How long the scratch memory of a program is."""
    return BLOCK + sources + outputs + (2 + sources) * BLOCK // 8
