"""What stands between delimiters in strings, and how often a byte does, 16 bytes at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from riacho.kernels.compile import BYTES, READ_BOOL, READ_INT64, READ_UINT64, inner, kernel
from riacho.kernels.primitives import LANES, int64, load_byte_at, load_word_at, trailing_zeros, uint64

Bytes = NDArray[np.uint8]
Bools = NDArray[np.bool_]
Int32s = NDArray[np.int32]
Addresses = NDArray[np.uint64]
Words = NDArray[np.uint64]
Int64s = NDArray[np.int64]

_INLINE: Final = 12
"""A view holds so many bytes itself."""


def _matching_lanes(_typing: Any, _address: Any, _byte: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        kind = ir.VectorType(ir.IntType(8), LANES)
        lanes = builder.load(builder.inttoptr(arguments[0], kind.as_pointer()))
        lanes.align = 1
        byte = builder.trunc(arguments[1], ir.IntType(8))
        wanted = builder.insert_element(ir.Constant(kind, ir.Undefined), byte, ir.IntType(32)(0))
        everywhere = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        wanted = builder.shuffle_vector(wanted, ir.Constant(kind, ir.Undefined), everywhere)
        same = builder.icmp_signed("==", lanes, wanted)
        return builder.zext(builder.bitcast(same, ir.IntType(LANES)), ir.IntType(64))

    return types.uint64(types.uint64, types.int64), generate


_matching = cast("Callable[[int, int], int]", intrinsic(_matching_lanes))
"""`_matching(address, byte)`: of the 16 bytes there, a bit for each that is this one, the first the lowest."""


def _prefetch_bytes(_typing: Any, _address: Any) -> Any:
    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        address = builder.inttoptr(arguments[0], ir.IntType(8).as_pointer())
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [address.type, number, number, number])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")  # type: ignore[no-untyped-call]
        builder.call(function, [address, number(0), number(3), number(1)])  # to be read, kept in all caches, data
        return context.get_dummy_value()

    return types.void(types.uint64), generate


_prefetch = cast("Callable[[int], None]", intrinsic(_prefetch_bytes))

_AHEAD: Final = 12
"""So many rows on, the first bytes of a long string are brought into the caches."""


@inner
def _fetch_ahead(layout: Int32s, addresses: Addresses, valid: Bools, row: int, rows: int) -> None:
    later = row + _AHEAD
    if later < rows and (valid.size == 0 or valid[later]) and layout[4 * later] > _INLINE:
        address = uint64(addresses[layout[4 * later + 2]]) + uint64(layout[4 * later + 3])
        _prefetch(address)
        _prefetch(address + uint64(63))


@inner
def _matches_from(address: int, at: int, length: int, byte: int) -> int:
    """The same of those of the next 16 that the string has. It is never read past its end."""
    if at + LANES <= length:
        return _matching(address + uint64(at), byte)
    if length >= LANES:
        return _matching(address + uint64(length - LANES), byte) >> uint64(LANES - (length - at))
    found = uint64(0)
    for i in range(length - at):
        if load_byte_at(address + uint64(at + i)) == byte:
            found |= uint64(1) << uint64(i)
    return found


@inner
def _put_part(
    out: Words, line: int, row: int, address: int, length: int, start: int, size: int, buffer: int, offset: int
) -> None:
    """The view of a part of a string, which is in a buffer if it is long."""
    first = address + uint64(start)
    low, high = uint64(0), uint64(0)
    if start + 16 <= length:
        low, high = load_word_at(first), load_word_at(first + uint64(8))
    else:
        for i in range(min(size, int64(_INLINE))):
            byte = uint64(load_byte_at(first + uint64(i)))
            if i < 8:
                low |= byte << uint64(8 * i)
            else:
                high |= byte << uint64(8 * (i - 8))
    if size > _INLINE:
        out[line, 2 * row] = uint64(size) | (low << uint64(32))
        out[line, 2 * row + 1] = uint64(buffer) | (uint64(offset + start) << uint64(32))
        return
    if size < 8:
        low &= (uint64(1) << uint64(8 * size)) - uint64(1)
        high = uint64(0)
    else:
        high &= (uint64(1) << uint64(8 * (size - 8))) - uint64(1)
    out[line, 2 * row] = uint64(size) | (low << uint64(32))
    out[line, 2 * row + 1] = (low >> uint64(32)) | (high << uint64(32))


@kernel(
    f"void({BYTES}, {READ_UINT64}, {READ_BOOL}, int64, {READ_INT64}, uint64[:, ::1], boolean[:, ::1])",
    makes_arrays=True,
)
def split_parts(
    views: Bytes, addresses: Addresses, valid: Bools, delimiter: int, indexes: Int64s, out: Words, out_valid: Bools
) -> None:
    """Of each string the parts number `indexes`, from 0, between delimiters of one byte, where it has them.

    A line of `out` for each index: views into the same buffers, two words a row. An empty string has no parts.
    """
    layout = views.view(np.int32)
    rows = out_valid.shape[1]
    most = int64(0)
    for index in indexes:
        most = max(most, index + 1)
    delimiters = np.empty(most, np.int64)
    for row in range(rows):
        _fetch_ahead(layout, addresses, valid, row, rows)
        length = int64(layout[4 * row])
        if valid.size > 0 and not valid[row]:
            length = int64(0)
        buffer, offset = int64(layout[4 * row + 2]), int64(layout[4 * row + 3])
        address = uint64(views.ctypes.data) + uint64(16 * row + 4)
        if length > _INLINE:
            address = uint64(addresses[buffer]) + uint64(offset)
        count, at = int64(0), int64(0)
        while at < length and count < most:
            found = _matches_from(address, at, length, delimiter)
            while found != uint64(0) and count < most:
                delimiters[count] = at + trailing_zeros(found)
                count += 1
                found &= found - uint64(1)
            at += LANES
        for place in range(indexes.size):
            index = indexes[place]
            out[place, 2 * row] = 0
            out[place, 2 * row + 1] = 0
            out_valid[place, row] = 0 <= index <= count and length > 0
            if out_valid[place, row]:
                start = int64(0) if index == 0 else delimiters[index - 1] + 1
                stop = length if index == count else delimiters[index]
                _put_part(out, place, row, address, length, start, stop - start, buffer, offset)


@kernel(f"void({BYTES}, {READ_UINT64}, {READ_BOOL}, int64, int64[::1])")
def count_byte(views: Bytes, addresses: Addresses, valid: Bools, byte: int, out: Int64s) -> None:
    """How often each string has a byte; 0 where it is null."""
    layout = views.view(np.int32)
    for row in range(out.size):
        _fetch_ahead(layout, addresses, valid, row, out.size)
        count = int64(0)
        length = int64(layout[4 * row])
        if valid.size == 0 or valid[row]:
            address = uint64(views.ctypes.data) + uint64(16 * row + 4)
            if length > _INLINE:
                address = uint64(addresses[layout[4 * row + 2]]) + uint64(layout[4 * row + 3])
            at = int64(0)
            while at < length:
                found = _matches_from(address, at, length, byte)
                while found != uint64(0):
                    count += 1
                    found &= found - uint64(1)
                at += LANES
        out[row] = count
