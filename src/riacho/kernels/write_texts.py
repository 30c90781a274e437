"""Write columns of texts, and what was written before, each row at its own cursor: see `riacho.kernels.cursors`."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import BYTES, READ_BOOL, READ_INT32, READ_INT64, inlined, inner, kernel
from riacho.kernels.cursors import QUOTE, TARGET, TEXTS, append, begin, text_address
from riacho.kernels.primitives import (
    copy_bytes,
    copy_from_address,
    int64,
    load_byte_at,
    load_word_at,
    trailing_zeros,
    uint64,
)

Bytes = NDArray[np.uint8]
Bools = NDArray[np.bool_]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]
Uint64s = NDArray[np.uint64]

# How a text is written.
PLAIN: Final = 0
QUOTED: Final = 1
JSON_STRING: Final = 2

_LOW: Final = 0x0101010101010101
_HIGH: Final = 0x8080808080808080
_QUOTES: Final = 0x2222222222222222
_BACKSLASHES: Final = 0x5C5C5C5C5C5C5C5C
_SPACES: Final = 0x2020202020202020


def _escape_letters() -> Bytes:
    letters = np.zeros(256, np.uint8)
    letters[:32] = ord("u")
    for byte, letter in zip(b'"\\\b\f\n\r\t', b'"\\bfnrt', strict=True):
        letters[byte] = letter
    return letters


_ESCAPE: Final = _escape_letters()
"""What follows the backslash for each byte: a letter, `u` for four digits, or 0 where nothing is escaped."""
_HEX: Final = np.frombuffer(b"0123456789ABCDEF", np.uint8).copy()


@kernel(f"void({TARGET})")
def write_constant(out: Bytes, cursor: Int64s, prefix: Bytes, opening: int) -> None:
    """Append the same text to every row."""
    for row in range(cursor.size):
        cursor[row] = begin(out, cursor[row], prefix, opening)


@inlined
def _plain_run(address: int, count: int) -> int:
    """How many bytes from here need no escape in a JSON string."""
    done = int64(0)
    while done + 8 <= count:
        word = load_word_at(address + uint64(done))
        quotes = word ^ uint64(_QUOTES)
        slashes = word ^ uint64(_BACKSLASHES)
        special = (
            ((quotes - uint64(_LOW)) & ~quotes)
            | ((slashes - uint64(_LOW)) & ~slashes)
            | ((word - uint64(_SPACES)) & ~word)
        ) & uint64(_HIGH)
        if special != uint64(0):
            return done + (trailing_zeros(special) >> 3)
        done += 8
    while done < count and _ESCAPE[load_byte_at(address + uint64(done))] == 0:
        done += 1
    return done


@inner
def _json_string(out: Bytes, position: int, address: int, length: int) -> int:
    out[position] = QUOTE
    position += 1
    done = int64(0)
    while True:
        run = _plain_run(address + uint64(done), length - done)
        copy_from_address(out, position, address + uint64(done), run)
        position += run
        done += run
        if done == length:
            break
        byte = load_byte_at(address + uint64(done))
        letter = _ESCAPE[byte]
        out[position] = 92
        out[position + 1] = letter
        position += 2
        if letter == 117:
            out[position] = 48
            out[position + 1] = 48
            out[position + 2] = _HEX[byte >> 4]
            out[position + 3] = _HEX[byte & 15]
            position += 4
        done += 1
    out[position] = QUOTE
    return position + 1


@kernel(f"void(int64[::1], {TEXTS}, {READ_BOOL}, uint64, int64, int64)")
def add_text_sizes(
    sizes: Int64s, views: Int32s, addresses: Uint64s, valid: Bools, base: int, how: int, null_size: int
) -> None:
    """Add to each row's size what its text will take. `base` is the address of `views`."""
    for row in range(sizes.size):
        if valid.size and not valid[row]:
            sizes[row] += null_size
            continue
        length = int64(views[4 * row])
        if how == JSON_STRING:
            address = text_address(views, addresses, row, base)
            done = _plain_run(address, length)
            extra = int64(0)
            while done < length:
                letter = _ESCAPE[load_byte_at(address + uint64(done))]
                extra += 5 if letter == 117 else 1
                done += 1
                done += _plain_run(address + uint64(done), length - done)
            length += extra
        sizes[row] += length + 2


@kernel(f"void({TARGET}, {TEXTS}, {READ_BOOL}, uint64, {BYTES}, boolean, int64)")
def write_texts(
    out: Bytes,
    cursor: Int64s,
    prefix: Bytes,
    opening: int,
    views: Int32s,
    addresses: Uint64s,
    valid: Bools,
    base: int,
    null: Bytes,
    skip_nulls: bool,
    how: int,
) -> None:
    """Texts of a string view column: as they are (PLAIN), in quotes (QUOTED), or as JSON_STRING."""
    for row in range(cursor.size):
        if valid.size and not valid[row]:
            if not skip_nulls:
                cursor[row] = append(out, begin(out, cursor[row], prefix, opening), null)
            continue
        position = begin(out, cursor[row], prefix, opening)
        length = int64(views[4 * row])
        address = text_address(views, addresses, row, base)
        if how == JSON_STRING:
            cursor[row] = _json_string(out, position, address, length)
            continue
        if how == QUOTED:
            out[position] = QUOTE
            position += 1
        copy_from_address(out, position, address, length)
        position += length
        if how == QUOTED:
            out[position] = QUOTE
            position += 1
        cursor[row] = position


@kernel(f"void({TARGET}, {BYTES}, {READ_INT64}, {READ_INT32}, {BYTES}, boolean)")
def write_spans(
    out: Bytes,
    cursor: Int64s,
    prefix: Bytes,
    opening: int,
    data: Bytes,
    starts: Int64s,
    lengths: Int32s,
    null: Bytes,
    skip_nulls: bool,
) -> None:
    """Texts that were written before; null where the length is -1."""
    for row in range(cursor.size):
        length = int64(lengths[row])
        if length < 0:
            if not skip_nulls:
                cursor[row] = append(out, begin(out, cursor[row], prefix, opening), null)
            continue
        position = begin(out, cursor[row], prefix, opening)
        copy_bytes(out, position, data, starts[row], length)
        cursor[row] = position + length


@kernel(
    f"void(uint8[::1], int64[::1], {READ_INT64}, {READ_BOOL}, {BYTES}, {READ_INT64}, {READ_INT32}, {BYTES}, "
    f"{READ_INT64}, {READ_INT32}, int64, int64, int64, {BYTES})"
)
def join_elements(
    out: Bytes,
    cursor: Int64s,
    offsets: Int64s,
    kept: Bools,
    key_data: Bytes,
    key_starts: Int64s,
    key_lengths: Int32s,
    data: Bytes,
    starts: Int64s,
    lengths: Int32s,
    opening: int,
    closing: int,
    separator: int,
    null: Bytes,
) -> None:
    """Append the written elements of each row's list between brackets; with keys, `key:element`.

    Elements `offsets[row]` to `offsets[row + 1]` are the row's; those that are not `kept` (if it is not empty) are
    left out. An `opening` of -1 writes no brackets. An element of length -1 is `null`.
    """
    for row in range(cursor.size):
        position = cursor[row]
        if opening >= 0:
            out[position] = opening
            position += 1
        fresh = True
        for element in range(offsets[row], offsets[row + 1]):
            if kept.size and not kept[element]:
                continue
            if not fresh:
                out[position] = separator
                position += 1
            fresh = False
            if key_starts.size:
                size = int64(key_lengths[element])
                copy_bytes(out, position, key_data, key_starts[element], size)
                out[position + size] = 58
                position += size + 1
            length = int64(lengths[element])
            if length < 0:
                position = append(out, position, null)
            else:
                copy_bytes(out, position, data, starts[element], length)
                position += length
        if opening >= 0:
            out[position] = closing
            position += 1
        cursor[row] = position
