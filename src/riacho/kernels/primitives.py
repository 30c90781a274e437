"""Inner functions that kernels of several modules share: integers in Kafka's and in memory's byte orders, texts.

None of them checks bounds: the caller has compared the position with the buffer's end. `int64` and `uint64` are
the conversions that kernels use; to the type checker they are `int`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from riacho.kernels.compile import inlined, inner

Bytes = NDArray[np.uint8]
Int64s = NDArray[np.int64]


if TYPE_CHECKING:
    int64 = int
    uint64 = int
else:
    int64 = types.int64
    uint64 = types.uint64


def _copy_bytes(_typing: Any, out: Any, _position: Any, data: Any, _start: Any, _length: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        out_value, position, data_value, start, length = arguments
        target = context.make_array(signature.args[0])(context, builder, out_value).data
        source = context.make_array(signature.args[2])(context, builder, data_value).data
        to, origin = builder.gep(target, [position]), builder.gep(source, [start])
        cgutils.raw_memcpy(builder, to, origin, length, itemsize=1)  # type: ignore[no-untyped-call]
        return context.get_dummy_value()

    return types.void(out, types.int64, data, types.int64, types.int64), generate


copy_bytes = cast("Callable[[Bytes, int, Bytes, int, int], None]", intrinsic(_copy_bytes))
"""`copy_bytes(out, position, data, start, length)`: one memcpy, several times a loop's speed. No overlap."""


_BYTE_POINTER = ir.IntType(8).as_pointer()


def _prefetch_address(builder: Any, address: Any) -> None:
    number = ir.IntType(32)
    kind = ir.FunctionType(ir.VoidType(), [address.type, number, number, number])
    function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")  # type: ignore[no-untyped-call]
    # For reading, to be kept in all caches, of data.
    builder.call(function, [address, number(0), number(3), number(1)])


def _prefetch(_typing: Any, data: Any, _position: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        _prefetch_address(builder, builder.bitcast(builder.gep(array.data, [arguments[1]]), _BYTE_POINTER))
        return context.get_dummy_value()

    return types.void(data, types.int64), generate


prefetch = cast("Callable[[NDArray[Any], int], None]", intrinsic(_prefetch))
"""`prefetch(array, index)`: begin to bring a flat element of a C-ordered array into the caches, without waiting."""


def _load_int64_at(_typing: Any, _address: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.load(builder.inttoptr(arguments[0], ir.IntType(64).as_pointer()))

    return types.int64(types.int64), generate


def _store_int64_at(_typing: Any, _address: Any, _value: Any) -> Any:
    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        builder.store(arguments[1], builder.inttoptr(arguments[0], ir.IntType(64).as_pointer()))
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


def _prefetch_at(_typing: Any, _address: Any) -> Any:
    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        _prefetch_address(builder, builder.inttoptr(arguments[0], _BYTE_POINTER))
        return context.get_dummy_value()

    return types.void(types.int64), generate


load_int64_at = cast("Callable[[int], int]", intrinsic(_load_int64_at))
"""`load_int64_at(address)`: an aligned word."""
store_int64_at = cast("Callable[[int, int], None]", intrinsic(_store_int64_at))
"""`store_int64_at(address, value)`."""
prefetch_at = cast("Callable[[int], None]", intrinsic(_prefetch_at))
"""`prefetch_at(address)`: begin to bring what is there into the caches, without waiting."""


def _load_word(_typing: Any, data: Any, _position: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        return _unaligned_load(builder, builder.gep(array.data, [arguments[1]]))

    return types.uint64(data, types.int64), generate


def _load_word_at(_typing: Any, _address: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return _unaligned_load(builder, builder.inttoptr(arguments[0], ir.IntType(8).as_pointer()))

    return types.uint64(types.uint64), generate


def _load_byte_at(_typing: Any, _address: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.load(builder.inttoptr(arguments[0], ir.IntType(8).as_pointer()))

    return types.uint8(types.uint64), generate


def _copy_from_address(_typing: Any, out: Any, _position: Any, _address: Any, _length: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        out_value, position, address, length = arguments
        target = context.make_array(signature.args[0])(context, builder, out_value).data
        source = builder.inttoptr(address, ir.IntType(8).as_pointer())
        cgutils.raw_memcpy(builder, builder.gep(target, [position]), source, length, itemsize=1)  # type: ignore[no-untyped-call]
        return context.get_dummy_value()

    return types.void(out, types.int64, types.uint64, types.int64), generate


def _trailing_zeros(_typing: Any, _word: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.uint64), generate


LANES: Final = 16
"""Bytes that the vector intrinsics look at together: what every processor with 64 bits has."""


def _unaligned_load(builder: Any, pointer: Any) -> Any:
    word = builder.load(builder.bitcast(pointer, ir.IntType(64).as_pointer()))
    word.align = 1
    return word


load_word = cast("Callable[[Bytes, int], int]", intrinsic(_load_word))
"""`load_word(data, position)`: 8 bytes in the machine's order (little-endian: the first byte is the lowest)."""
load_word_at = cast("Callable[[int], int]", intrinsic(_load_word_at))
"""`load_word_at(address)`: 8 bytes of memory that no array describes."""
load_byte_at = cast("Callable[[int], int]", intrinsic(_load_byte_at))
"""`load_byte_at(address)`: one byte of memory that no array describes."""
copy_from_address = cast("Callable[[Bytes, int, int, int], None]", intrinsic(_copy_from_address))
"""`copy_from_address(out, position, address, length)`: as `copy_bytes`, from memory that no array describes."""
trailing_zeros = cast("Callable[[int], int]", intrinsic(_trailing_zeros))
"""`trailing_zeros(word)`: the number of zero bits below the lowest one of 64; 64 for 0."""


@inlined
def is_digit(byte: int) -> bool:
    """Whether a byte is one of 0 to 9 in ASCII."""
    return uint64(byte) - uint64(48) <= uint64(9)


@inner
def read_int16(data: Bytes, position: int) -> int:
    """A signed big-endian integer of 2 bytes."""
    value = (int64(data[position]) << 8) | int64(data[position + 1])
    return (value ^ 0x8000) - 0x8000


@inner
def read_int32(data: Bytes, position: int) -> int:
    """A signed big-endian integer of 4 bytes."""
    value = (
        (int64(data[position]) << 24)
        | (int64(data[position + 1]) << 16)
        | (int64(data[position + 2]) << 8)
        | int64(data[position + 3])
    )
    return (value ^ 0x80000000) - 0x80000000


@inner
def read_int64(data: Bytes, position: int) -> int:
    """A signed big-endian integer of 8 bytes."""
    value = int64(0)
    for i in range(8):
        value = (value << 8) | int64(data[position + i])
    return value


@inner
def varint_size(value: int) -> int:
    """Bytes that a zigzag varint takes: 1 to 10.

    The number is written as signed, so small negative numbers are short too.
    """
    rest = uint64((int64(value) << 1) ^ (int64(value) >> 63))
    size = 1
    while rest >= uint64(0x80):
        rest >>= uint64(7)
        size += 1
    return size


@inner
def write_varint(data: Bytes, position: int, value: int) -> int:
    """Write a zigzag varint; the position after it."""
    rest = uint64((int64(value) << 1) ^ (int64(value) >> 63))
    while rest >= uint64(0x80):
        data[position] = rest & uint64(0x7F) | uint64(0x80)
        rest >>= uint64(7)
        position += 1
    data[position] = rest
    return position + 1


@inner
def read_varint(data: Bytes, position: int, end: int) -> tuple[int, int]:
    """A zigzag varint of at most 10 bytes that ends before `end`: (value, position after it).

    The position is -1 where the bytes end inside it or it is longer.
    """
    value = uint64(0)
    shift = uint64(0)
    while position < end and shift < uint64(70):
        byte = uint64(data[position])
        position += 1
        value |= (byte & uint64(0x7F)) << shift
        if byte < uint64(0x80):
            return int64(value >> uint64(1)) ^ -int64(value & uint64(1)), position
        shift += uint64(7)
    return int64(0), -1


@inner
def _hex(byte: int) -> int:
    if byte <= 57:
        return int64(byte) - 48
    return (int64(byte) | 32) - 87


@inner
def _hex4(data: Bytes, position: int) -> int:
    """The four hexadecimal digits of an escape."""
    return (
        (_hex(data[position]) << 12)
        | (_hex(data[position + 1]) << 8)
        | (_hex(data[position + 2]) << 4)
        | _hex(data[position + 3])
    )


@inner
def unescape_json(data: Bytes, start: int, end: int, out: Bytes, position: int) -> int:
    """Write a checked JSON string without its escapes; the position after it. Never longer than the source.

    A surrogate without its partner becomes `?`, as when Java encodes it.
    """
    while start < end:
        byte = data[start]
        if byte != 92:
            out[position] = byte
            position += 1
            start += 1
            continue
        escape = data[start + 1]
        if escape != 117:
            if escape == 98:
                escape = np.uint8(8)
            elif escape == 102:
                escape = np.uint8(12)
            elif escape == 110:
                escape = np.uint8(10)
            elif escape == 114:
                escape = np.uint8(13)
            elif escape == 116:
                escape = np.uint8(9)
            out[position] = escape
            position += 1
            start += 2
            continue
        code = _hex4(data, start + 2)
        start += 6
        if 0xD800 <= code <= 0xDBFF and start + 6 <= end and data[start] == 92 and data[start + 1] == 117:
            low = _hex4(data, start + 2)
            if 0xDC00 <= low <= 0xDFFF:
                code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
                start += 6
        if 0xD800 <= code <= 0xDFFF:
            code = int64(63)
        if code < 0x80:
            out[position] = code
            position += 1
        elif code < 0x800:
            out[position] = 0xC0 | (code >> 6)
            out[position + 1] = 0x80 | (code & 0x3F)
            position += 2
        elif code < 0x10000:
            out[position] = 0xE0 | (code >> 12)
            out[position + 1] = 0x80 | ((code >> 6) & 0x3F)
            out[position + 2] = 0x80 | (code & 0x3F)
            position += 3
        else:
            out[position] = 0xF0 | (code >> 18)
            out[position + 1] = 0x80 | ((code >> 12) & 0x3F)
            out[position + 2] = 0x80 | ((code >> 6) & 0x3F)
            out[position + 3] = 0x80 | (code & 0x3F)
            position += 4
    return position


@inner
def utf8_length(data: Bytes, position: int, end: int) -> int:
    """Bytes of the character that starts here; 0 where they are not UTF-8 (RFC 3629)."""
    first = data[position]
    if first < 0x80:
        return 1
    if first < 0xC2 or first > 0xF4:
        return 0
    length = 2 if first < 0xE0 else (3 if first < 0xF0 else 4)
    if position + length > end:
        return 0
    second = data[position + 1]
    if second < 0x80 or second > 0xBF:
        return 0
    if (
        (first == 0xE0 and second < 0xA0)
        or (first == 0xED and second > 0x9F)
        or (first == 0xF0 and second < 0x90)
        or (first == 0xF4 and second > 0x8F)
    ):
        return 0
    for i in range(2, length):
        byte = data[position + i]
        if byte < 0x80 or byte > 0xBF:
            return 0
    return length


@inner
def text_order(one: int, other: int, starts: Int64s, lengths: Int64s, arena: Bytes) -> int:
    """Negative, zero or positive as the first of two strings of an arena is less, equal or greater, byte by byte."""
    if one == other:
        return int64(0)
    common = min(lengths[one], lengths[other])
    for i in range(common):
        difference = int64(arena[starts[one] + i]) - int64(arena[starts[other] + i])
        if difference != 0:
            return difference
    return int64(lengths[one] - lengths[other])
