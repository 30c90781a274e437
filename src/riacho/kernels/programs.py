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
from numba.extending import intrinsic
from numpy.typing import NDArray

from riacho.kernels.compile import READ_INT64, inner, kernel
from riacho.kernels.primitives import int64
from riacho.kernels.program_memory import (
    BLOCK,
    NO_NULLS,
    VALIDITY,
    copy_memory,
    find_validity,
    int8_at,
    load_source,
    put,
    put8,
    word_at,
    write_outputs,
)

Bytes = NDArray[np.uint8]
Int64s = NDArray[np.int64]

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


@inner
def _of_two(operation: int, rows: int, target: int, one: int, other: int) -> None:
    if operation == ADD:
        for i in range(rows):
            put(target, i, word_at(one, i) + word_at(other, i))
    elif operation == SUBTRACT:
        for i in range(rows):
            put(target, i, word_at(one, i) - word_at(other, i))
    elif operation == MULTIPLY:
        for i in range(rows):
            put(target, i, word_at(one, i) * word_at(other, i))
    elif operation == EQUAL:
        for i in range(rows):
            put(target, i, int64(word_at(one, i) == word_at(other, i)))
    else:
        for i in range(rows):
            put(target, i, int64(word_at(one, i) < word_at(other, i)))


@inner
def _of_two_wide(operation: int, rows: int, target: int, one: int, other: int) -> None:
    for i in range(rows):
        low, high = word_at(one, i), word_at(one + 8 * BLOCK, i)
        low_other, high_other = word_at(other, i), word_at(other + 8 * BLOCK, i)
        if operation == WIDE_EQUAL:
            put(target, i, int64(low == low_other and high == high_other))
        elif operation == WIDE_LESS:
            put(target, i, _is_less(low, high, low_other, high_other))
        elif operation == WIDE_MULTIPLY:
            put(target, i, _product_low(low, high, low_other, high_other))
            put(target + 8 * BLOCK, i, _product_high(low, high, low_other, high_other))
        elif operation == WIDE_ADD:
            put(target, i, _sum_low(low, high, low_other, high_other))
            put(target + 8 * BLOCK, i, _sum_high(low, high, low_other, high_other))
        else:
            put(target, i, _difference_low(low, high, low_other, high_other))
            put(target + 8 * BLOCK, i, _difference_high(low, high, low_other, high_other))


@inner
def _same_texts(rows: int, buffers: Int64s, target: int, one: int, other: int) -> None:
    for i in range(rows):
        low, high, high_other = word_at(one, i), word_at(one + 8 * BLOCK, i), word_at(other + 8 * BLOCK, i)
        length = low & 0xFFFFFFFF
        # What a short view does not need is zero.
        same = low == word_at(other, i)
        if same and high != high_other:
            same = length > 12
            if same:
                start = buffers[high & 0xFFFFFFFF] + ((high >> 32) & 0xFFFFFFFF)
                start_other = buffers[high_other & 0xFFFFFFFF] + ((high_other >> 32) & 0xFFFFFFFF)
                at = int64(0)
                while same and at + 8 <= length:
                    same = word_at(start + at, 0) == word_at(start_other + at, 0)
                    at += 8
                while same and at < length:
                    same = int8_at(start, at) == int8_at(start_other, at)
                    at += 1
        put(target, i, int64(same))


@inner
def _by_number(operation: int, rows: int, target: int, first: int, number: int) -> None:
    shift = 64 - number
    for i in range(rows):
        value = word_at(first, i)
        if operation == WRAP:
            put(target, i, (value << shift) >> shift)
            continue
        quotient = value // number
        if operation <= REMAINDER and quotient < 0 and quotient * number != value:
            quotient += 1  # toward zero, as Java divides; the number is neither 0 nor −1
        put(target, i, quotient if operation == DIVIDE or operation == FLOOR_DIVIDE else value - quotient * number)


@inner
def _connective(
    operation: int, rows: int, words: int, valid: int, nulls: int, target: int, one: int, other: int
) -> None:
    """AND and OR in SQL's three values: what decides, decides whatever the other is."""
    result, first, second = words + 8 * BLOCK * target, words + 8 * BLOCK * one, words + 8 * BLOCK * other
    some = int8_at(nulls, one) | int8_at(nulls, other)
    put8(nulls, target, some)
    if some == 0:
        if operation == AND:
            for i in range(rows):
                put(result, i, word_at(first, i) & word_at(second, i))
        else:
            for i in range(rows):
                put(result, i, word_at(first, i) | word_at(second, i))
        return
    decisive = int64(operation == OR)
    for i in range(rows):
        has_one = int8_at(nulls, one) == 0 or int8_at(valid + BLOCK * one, i) != 0
        has_other = int8_at(nulls, other) == 0 or int8_at(valid + BLOCK * other, i) != 0
        decided = (has_one and word_at(first, i) == decisive) or (has_other and word_at(second, i) == decisive)
        put(result, i, decisive if decided else 1 - decisive)
        put8(valid + BLOCK * target, i, int64(decided or (has_one and has_other)))


@inner
def _select(
    wide: bool, rows: int, words: int, valid: int, nulls: int, target: int, condition: int, then: int, otherwise: int
) -> None:
    """By masks, without branches. The register after the result is theirs."""
    mask = words + 8 * BLOCK * (target + (2 if wide else 1))
    for i in range(rows):
        put(mask, i, -word_at(words + 8 * BLOCK * condition, i))
    if int8_at(nulls, condition) != 0:
        for i in range(rows):
            put(mask, i, word_at(mask, i) & -int8_at(valid + BLOCK * condition, i))
    for part in range(2 if wide else 1):
        result, one = words + 8 * BLOCK * (target + part), words + 8 * BLOCK * (then + part)
        other = words + 8 * BLOCK * (otherwise + part)
        for i in range(rows):
            put(result, i, word_at(other, i) ^ ((word_at(one, i) ^ word_at(other, i)) & word_at(mask, i)))
    some, some_other = int8_at(nulls, then), int8_at(nulls, otherwise)
    put8(nulls, target, some | some_other)
    if some | some_other != 0:
        for i in range(rows):
            there = int8_at(valid + BLOCK * then, i) | (1 - some)
            there_other = int8_at(valid + BLOCK * otherwise, i) | (1 - some_other)
            put8(valid + BLOCK * target, i, (there_other ^ ((there ^ there_other) & word_at(mask, i))) & 1)


@inner
def _copy_nulls(rows: int, valid: int, nulls: int, target: int, one: int, other: int) -> None:
    """A value of two is null where one of them is."""
    put8(nulls, target, int8_at(nulls, one) | int8_at(nulls, other))
    if int8_at(nulls, one) != 0 and int8_at(nulls, other) != 0:
        for i in range(rows):
            put8(valid + BLOCK * target, i, int8_at(valid + BLOCK * one, i) & int8_at(valid + BLOCK * other, i))
    elif int8_at(nulls, target) != 0:
        copy_memory(valid + BLOCK * target, valid + BLOCK * (one if int8_at(nulls, one) != 0 else other), rows)


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
            load_source(second, sources[source + 1], start + sources[source + 2], shift, places, rows, dense, result)
        there = word_at(validity, first)
        put8(nulls, target, int64(there != 0))
        if there != 0 and dense:
            copy_memory(valid + BLOCK * target, there, rows)
        elif there != 0:
            for i in range(rows):
                put8(valid + BLOCK * target, i, int8_at(there, word_at(places, i)))
    elif operation == CONSTANT:
        if start == 0:
            put8(nulls, target, second)
            for i in range(BLOCK):
                put(result, i, first)
                put(result + 8 * BLOCK, i, third)
                put8(valid + BLOCK * target, i, 1 - second)
    elif operation == KEEP:
        unsure = int8_at(nulls, first) != 0
        for i in range(rows):
            holds = word_at(one, i)
            if unsure:
                holds &= int8_at(valid + BLOCK * first, i)
            put8(kept, i, int8_at(kept, i) & holds)
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
            value = word_at(one, i)
            if operation == NOT:
                put(result, i, 1 - value)
            else:
                put(result, i, value)
                put(result + 8 * BLOCK, i, value >> 63)
        _copy_nulls(rows, valid, nulls, target, first, first)
    elif operation <= OR:
        _connective(operation, rows, words, valid, nulls, target, first, second)
    elif operation <= IS_TRUE:
        unsure = int8_at(nulls, first) != 0
        for i in range(rows):
            there = int64(1)
            if unsure:
                there = int8_at(valid + BLOCK * first, i)
            put(result, i, 1 - there if operation == IS_NULL else there & word_at(one, i))
        put8(nulls, target, int64(0))
    else:
        _select(operation == WIDE_SELECT, rows, words, valid, nulls, target, first, second, third)


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
        find_validity(sources, source_count, start, block, expanded, validity)
        for i in range(block):
            put(places, i, i)
            put8(kept, i, int64(1))
        for line in range(lines + 1):
            if line == filters and filters != 0:
                count = int64(0)
                for i in range(block):
                    put(places, count, i)
                    count += int8_at(kept, i)
            dense = count == block
            if line < lines and not (dense and program[6 * line + 5] != 0):
                _step(
                    program, line, sources, buffers, start, places, count, dense, validity, registers, bits, nulls, kept
                )
        for j in range(count if kept_given.size > 0 else int64(0)):
            kept_given[base + j] = given[start + word_at(places, j)]
        write_outputs(
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
