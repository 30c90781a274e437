"""Write columns of texts as CSV does, in quotes where they are needed: see `riacho.kernels.cursors`.

Source: Jackson, CsvEncoder: it looks at every character of a short text and quotes a long one unseen.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import BYTES, READ_BOOL, inlined, inner, kernel
from riacho.kernels.cursors import TARGET, TEXTS, append, begin, text_address
from riacho.kernels.primitives import copy_from_address, int64, load_byte_at, load_word_at, trailing_zeros, uint64

Bytes = NDArray[np.uint8]
Bools = NDArray[np.bool_]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]
Uint64s = NDArray[np.uint64]

LONGEST_CHECKED: Final = 24
"""Characters, as Java counts them, beyond which a text is quoted (CsvEncoder.MAX_QUOTE_CHECK)."""

_LOW: Final = 0x0101010101010101
_HIGH: Final = 0x8080808080808080

_MOST_BYTES: Final = 3
"""Bytes of UTF-8 for one of Java's characters: one of four bytes counts twice."""


@inner
def _is_quoted(address: int, length: int, safe: int, escape: int) -> bool:
    """Whether a text is long, or has an ASCII character up to `safe` or the one that is `escape`."""
    if length > _MOST_BYTES * LONGEST_CHECKED:
        return True
    units = int64(0)
    for place in range(length):
        byte = int64(load_byte_at(address + uint64(place)))
        if byte <= safe or byte == escape:
            return True
        if byte & 0xC0 != 0x80:  # where a character begins
            units += 2 if byte >= 0xF0 else 1
    return units > LONGEST_CHECKED


@inlined
def _plain_run(address: int, count: int, quote: int, escape: int) -> int:
    """How many bytes from here are neither of two."""
    done = int64(0)
    quotes, escapes = uint64(_LOW) * uint64(quote), uint64(_LOW) * uint64(escape)
    while done + 8 <= count:
        word = load_word_at(address + uint64(done))
        first, second = word ^ quotes, word ^ escapes
        found = (((first - uint64(_LOW)) & ~first) | ((second - uint64(_LOW)) & ~second)) & uint64(_HIGH)
        if found != uint64(0):
            return done + (trailing_zeros(found) >> 3)
        done += 8
    while done < count:
        byte = int64(load_byte_at(address + uint64(done)))
        if byte == quote or byte == escape:
            break
        done += 1
    return done


@kernel(f"void(int64[::1], {TEXTS}, {READ_BOOL}, uint64, int64, int64)")
def add_csv_sizes(
    sizes: Int64s, views: Int32s, addresses: Uint64s, valid: Bools, base: int, quote: int, escape: int
) -> None:
    """Add to each row's size what its text takes in quotes. `base` is the address of `views`."""
    for row in range(sizes.size):
        if valid.size > 0 and not valid[row]:
            continue
        length = int64(views[4 * row])
        address = text_address(views, addresses, row, base)
        size = length + 2
        done = _plain_run(address, length, quote, escape)
        while done < length:
            size += 1
            done += 1
            done += _plain_run(address + uint64(done), length - done, quote, escape)
        sizes[row] += size


@kernel(f"void({TARGET}, {TEXTS}, {READ_BOOL}, uint64, {BYTES}, int64, int64, int64)")
def write_csv_texts(
    out: Bytes,
    cursor: Int64s,
    prefix: Bytes,
    opening: int,
    views: Int32s,
    addresses: Uint64s,
    valid: Bools,
    base: int,
    null: Bytes,
    safe: int,
    quote: int,
    escape: int,
) -> None:
    """Texts of a string view column, in quotes if they are long or have a character that asks for it.

    All ASCII characters up to `safe` do, and `escape`, which stands before each quote and each of itself: the quote
    itself, where there is no other.
    """
    for row in range(cursor.size):
        position = begin(out, cursor[row], prefix, opening)
        if valid.size > 0 and not valid[row]:
            cursor[row] = append(out, position, null)
            continue
        length = int64(views[4 * row])
        address = text_address(views, addresses, row, base)
        if not _is_quoted(address, length, safe, escape):
            copy_from_address(out, position, address, length)
            cursor[row] = position + length
            continue
        out[position] = quote
        position += 1
        done, end = int64(0), _plain_run(address, length, quote, escape)
        while end < length:
            copy_from_address(out, position, address + uint64(done), end - done)
            position += end - done
            out[position] = escape
            position += 1
            done = end
            end += 1
            end += _plain_run(address + uint64(end), length - end, quote, escape)
        copy_from_address(out, position, address + uint64(done), length - done)
        position += length - done
        out[position] = quote
        cursor[row] = position + 1
