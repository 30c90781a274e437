"""Texts by vectors and words: inner functions that find where values end, and convert those of the usual shape.

What is read may be longer than the text: each function says by how much, and its caller knows that the memory is there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from riacho.kernels.compile import inlined
from riacho.kernels.primitives import int64, load_word_at, uint64
from riacho.kernels.program_memory import put

LANES: Final = 32
"""Bytes of a name or a number that are looked at together: most end in the first look."""
TEXT_LANES: Final = 64
"""Bytes of a text: whether one is longer than a look cannot be predicted, which costs as much as two looks."""


def _load_lanes(builder: Any, address: Any, count: int) -> Any:
    lanes = builder.load(builder.inttoptr(address, ir.VectorType(ir.IntType(8), count).as_pointer()))
    lanes.align = 1
    return lanes


def _each_lane(byte: int, count: int) -> Any:
    return ir.Constant(ir.VectorType(ir.IntType(8), count), [byte] * count)


def _lane_bits(builder: Any, lanes: Any) -> Any:
    bits = builder.bitcast(lanes, ir.IntType(lanes.type.count))
    return bits if lanes.type.count == 64 else builder.zext(bits, ir.IntType(64))


def _address_in(_typing: Any, data: Any, _position: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        first = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.ptrtoint(builder.gep(first, [arguments[1]]), ir.IntType(64))

    return types.int64(data, types.int64), generate


def _special_lanes(_typing: Any, _address: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        lanes = _load_lanes(builder, arguments[0], TEXT_LANES)
        # Signed: control characters are below the space, and so are the bytes from 128 on, which are negative.
        special = builder.icmp_signed("<", lanes, _each_lane(32, TEXT_LANES))
        for byte in (34, 92):
            special = builder.or_(special, builder.icmp_signed("==", lanes, _each_lane(byte, TEXT_LANES)))
        return _lane_bits(builder, special)

    return types.uint64(types.int64), generate


def _other_than_digit_lanes(_typing: Any, _address: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        digits = builder.sub(_load_lanes(builder, arguments[0], LANES), _each_lane(48, LANES))
        return _lane_bits(builder, builder.icmp_unsigned(">", digits, _each_lane(9, LANES)))

    return types.uint64(types.int64), generate


def _differing_lanes(_typing: Any, _left: Any, _right: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        lanes = [_load_lanes(builder, address, LANES) for address in arguments]
        return _lane_bits(builder, builder.icmp_signed("!=", *lanes))

    return types.uint64(types.int64, types.int64), generate


address_in = cast("Callable[[NDArray[Any], int], int]", intrinsic(_address_in))
"""`address_in(array, index)`: where a flat element of a C-ordered array is."""
special_lanes = cast("Callable[[int], int]", intrinsic(_special_lanes))
"""`special_lanes(address)`: of the next `TEXT_LANES` bytes, a bit for each (the first is the lowest) that cannot
stand in a JSON string as it is: a quote, a backslash, a control character, or a part of a character beyond ASCII."""
other_than_digit_lanes = cast("Callable[[int], int]", intrinsic(_other_than_digit_lanes))
"""`other_than_digit_lanes(address)`: of the next `LANES` bytes, a bit for each that is no digit."""
differing_lanes = cast("Callable[[int, int], int]", intrinsic(_differing_lanes))
"""`differing_lanes(left, right)`: of `LANES` bytes each at two addresses, a bit for each pair that differs."""

_ZEROS: Final = 0x3030303030303030


@inlined
def _eight_digits(word: int) -> int:
    """The number of eight digits whose values are the bytes of a word, by three multiplications."""
    word = word * uint64(10) + (word >> uint64(8))
    pairs = (word & uint64(0x000000FF000000FF)) * uint64(0x000F424000000064)
    others = ((word >> uint64(16)) & uint64(0x000000FF000000FF)) * uint64(0x0000271000000001)
    return int64((pairs + others) >> uint64(32))


@inlined
def digits_at(address: int, count: int) -> int:
    """The number of 1 to 16 digits, which they are known to be. Reads 8 bytes at least."""
    if count <= 8:
        return _eight_digits((load_word_at(address) ^ uint64(_ZEROS)) << uint64(64 - 8 * count))
    upper = _eight_digits((load_word_at(address) ^ uint64(_ZEROS)) << uint64(128 - 8 * count))
    return upper * 100_000_000 + _eight_digits(load_word_at(address + count - 8) ^ uint64(_ZEROS))


@inlined
def put_view(view: int, text: int, length: int, buffer: int, start: int) -> None:
    """Write the Arrow view of a text that is in a buffer from `start` on. Reads 16 bytes.

    Up to 12 bytes stand in the view itself; a longer text has its first 4 there, its buffer and its offset.
    """
    low, high = load_word_at(text), load_word_at(text + 8)
    # Without a branch, which texts of about 12 bytes would take at random. Shifted twice: a shift by 64 is none.
    in_low, in_high = min(length, int64(8)), min(max(length - 8, int64(0)), int64(4))
    low &= ~((~uint64(0) << uint64(4 * in_low)) << uint64(4 * in_low))
    high &= ~(~uint64(0) << uint64(8 * in_high))
    put(view, 0, length | int64(low << uint64(32)))
    inside = int64(low >> uint64(32)) | int64(high << uint64(32))
    put(view, 1, buffer | (start << 32) if length > 12 else inside)


@inlined
def days_of(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 in the proleptic Gregorian calendar."""
    shifted = year - (1 if month <= 2 else 0)
    era = shifted // 400
    of_era = shifted - era * 400
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468


# A timestamp of the usual shape as three words: `2024-01-`, `01 00:00`, `:00.000`; 0x30 is where a digit stands.
_SHAPE_DATE: Final = 0x2D30302D30303030
_SHAPE_MIDDLE: Final = 0x30303A3030003030
_SHAPE_SECONDS: Final = 0x003030302E30303A
_LITERALS_DATE: Final = 0xFF0000FF00000000
_LITERALS_MIDDLE: Final = 0x0000FF0000FF0000
_LITERALS_SECONDS: Final = 0xFF000000FF0000FF
_SIXES: Final = 0x0606060606060606
_HIGH_HALVES: Final = 0xF0F0F0F0F0F0F0F0


@inlined
def _pair(word: int) -> int:
    """The number of two digits that a word begins with."""
    return int64(word & uint64(15)) * 10 + int64((word >> uint64(8)) & uint64(15))


@inlined
def usual_timestamp(text: int, length: int, separator: int) -> tuple[bool, int]:
    """A timestamp of 19 to 23 characters without a zone, of an unremarkable day: (whether it is one, microseconds).

    Reads 24 bytes. What it does not take may still be a timestamp.
    """
    date = load_word_at(text) ^ uint64(_SHAPE_DATE)
    middle = load_word_at(text + 8) ^ uint64(_SHAPE_MIDDLE) ^ (uint64(separator) << uint64(16))
    given = ~(~uint64(0) << uint64(8 * (length - 16)))  # what the text leaves out is zeros
    rest = (load_word_at(text + 16) ^ uint64(_SHAPE_SECONDS)) & given
    literals = (
        (date & uint64(_LITERALS_DATE)) | (middle & uint64(_LITERALS_MIDDLE)) | (rest & uint64(_LITERALS_SECONDS))
    )
    digits = date | middle | rest
    carried = (date + uint64(_SIXES)) | (middle + uint64(_SIXES)) | (rest + uint64(_SIXES))
    if literals != uint64(0) or ((digits | carried) & uint64(_HIGH_HALVES)) != uint64(0):
        return False, int64(0)
    year = _pair(date) * 100 + _pair(date >> uint64(16))
    month = _pair(date >> uint64(40))
    day = _pair(middle)
    hour = _pair(middle >> uint64(24))
    minute = _pair(middle >> uint64(48))
    second = _pair(rest >> uint64(8))
    if length == 20 or month < 1 or month > 12 or day < 1 or day > 28 or hour > 23 or minute > 59 or second > 59:
        return False, int64(0)
    millis = _pair(rest >> uint64(32)) * 10 + int64((rest >> uint64(48)) & uint64(15))
    seconds = ((days_of(year, month, day) * 24 + hour) * 60 + minute) * 60 + second
    return True, seconds * 1_000_000 + millis * 1000
