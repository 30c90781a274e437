"""Write columns as text, each row at its own cursor in one buffer: what the JSON and CSV encoders are made of.

A row's text starts at its place in `out` and grows column by column: every kernel appends one column's value (and
the constant `prefix` before it) to all rows and moves their cursors. The caller has left room for the longest
text. Where `opening` is not -1, a comma goes before the prefix unless the row's last byte is `opening`.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import BYTES, READ_BOOL, READ_INT32, READ_INT64, READ_UINT64, inlined, inner, kernel
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

INTEGER_WIDTH: Final = 20
TIMESTAMP_WIDTH: Final = 36
"""The longest instant of 64-bit microseconds, +294247-01-10 04:00:54.775807Z, with quotes and room to spare."""
NUMBER_WIDTH: Final = 30
"""The longest double in Java's notation, -1.7976931348623157E-308, with quotes where it is none."""

# How a text is written.
PLAIN: Final = 0
QUOTED: Final = 1
JSON_STRING: Final = 2

_COMMA: Final = 44
_QUOTE: Final = 34
_LOW: Final = 0x0101010101010101
_HIGH: Final = 0x8080808080808080
_QUOTES: Final = 0x2222222222222222
_BACKSLASHES: Final = 0x5C5C5C5C5C5C5C5C
_SPACES: Final = 0x2020202020202020
_DAY: Final = 86_400_000_000


def _escape_letters() -> Bytes:
    letters = np.zeros(256, np.uint8)
    letters[:32] = ord("u")
    for byte, letter in zip(b'"\\\b\f\n\r\t', b'"\\bfnrt', strict=True):
        letters[byte] = letter
    return letters


_ESCAPE: Final = _escape_letters()
"""What follows the backslash for each byte: a letter, `u` for four digits, or 0 where nothing is escaped."""
_HEX: Final = np.frombuffer(b"0123456789ABCDEF", np.uint8).copy()
_DIGITS: Final = np.frombuffer(b"".join(b"%02d" % number for number in range(100)), np.uint8).copy()

_TARGET: Final = f"uint8[::1], int64[::1], {BYTES}, int64"
_TEXTS: Final = f"{READ_INT32}, {READ_UINT64}"


@inlined
def _begin(out: Bytes, position: int, prefix: Bytes, opening: int) -> int:
    if opening >= 0 and int64(out[position - 1]) != opening:
        out[position] = _COMMA
        position += 1
    copy_bytes(out, position, prefix, int64(0), prefix.size)
    return position + prefix.size


@inlined
def _append(out: Bytes, position: int, text: Bytes) -> int:
    for i in range(text.size):
        out[position + i] = text[i]
    return position + text.size


@inlined
def _two(out: Bytes, position: int, number: int) -> int:
    out[position] = _DIGITS[2 * number]
    out[position + 1] = _DIGITS[2 * number + 1]
    return position + 2


@inner
def _integer(out: Bytes, position: int, value: int) -> int:
    rest = uint64(value)
    if value < 0:
        out[position] = 45
        position += 1
        rest = uint64(0) - rest
    digits = int64(1)
    limit = uint64(10)
    while digits < 19 and rest >= limit:
        digits += 1
        limit *= uint64(10)
    if digits == 19 and rest >= uint64(10000000000000000000):
        digits += 1
    at = position + digits
    while rest >= uint64(100):
        pair = int64(rest % uint64(100))
        rest //= uint64(100)
        at -= 2
        out[at] = _DIGITS[2 * pair]
        out[at + 1] = _DIGITS[2 * pair + 1]
    if rest >= uint64(10):
        out[at - 2] = _DIGITS[2 * int64(rest)]
        out[at - 1] = _DIGITS[2 * int64(rest) + 1]
    else:
        out[at - 1] = uint64(48) + rest
    return position + digits


@kernel(f"void({_TARGET})")
def write_constant(out: Bytes, cursor: Int64s, prefix: Bytes, opening: int) -> None:
    """Append the same text to every row."""
    for row in range(cursor.size):
        cursor[row] = _begin(out, cursor[row], prefix, opening)


@kernel(f"void({_TARGET}, {READ_INT64}, {READ_BOOL}, {BYTES}, boolean)")
def write_integers(
    out: Bytes,
    cursor: Int64s,
    prefix: Bytes,
    opening: int,
    values: Int64s,
    valid: Bools,
    null: Bytes,
    skip_nulls: bool,
) -> None:
    """`valid` may be empty: no row is null. A null is the text `null`, or nothing at all with `skip_nulls`."""
    for row in range(cursor.size):
        if valid.size and not valid[row]:
            if not skip_nulls:
                cursor[row] = _append(out, _begin(out, cursor[row], prefix, opening), null)
            continue
        cursor[row] = _integer(out, _begin(out, cursor[row], prefix, opening), values[row])


@inner
def _calendar(out: Bytes, position: int, days: int) -> int:
    """`yyyy-MM-dd` of a day since 1970-01-01; years of more than four digits have a sign, as in ISO-8601."""
    shifted = days + 719468
    era = shifted // 146097
    of_era = shifted - era * 146097
    year_of_era = (of_era - of_era // 1460 + of_era // 36524 - of_era // 146096) // 365
    of_year = of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month_index = (5 * of_year + 2) // 153
    day = of_year - (153 * month_index + 2) // 5 + 1
    month = month_index + (3 if month_index < 10 else -9)
    year = year_of_era + era * 400 + (1 if month <= 2 else 0)
    if 0 <= year <= 9999:
        position = _two(out, position, year // 100)
        position = _two(out, position, year % 100)
    else:
        if year > 0:
            out[position] = 43
        else:
            out[position] = 45
            year = -year
        position += 1
        if year > 9999:
            position = _integer(out, position, year)
        else:
            position = _two(out, position, year // 100)
            position = _two(out, position, year % 100)
    out[position] = 45
    position = _two(out, position + 1, month)
    out[position] = 45
    return _two(out, position + 1, day)


@inner
def _clock(out: Bytes, position: int, micros: int) -> int:
    """`HH:mm:ss` and as many digits of the fraction as are not zero."""
    seconds = micros // 1_000_000
    fraction = micros - seconds * 1_000_000
    position = _two(out, position, seconds // 3600)
    out[position] = 58
    position = _two(out, position + 1, seconds // 60 % 60)
    out[position] = 58
    position = _two(out, position + 1, seconds % 60)
    if fraction:
        out[position] = 46
        position = _two(out, position + 1, fraction // 10000)
        position = _two(out, position, fraction // 100 % 100)
        position = _two(out, position, fraction % 100)
        while out[position - 1] == 48:
            position -= 1
    return position


DATE: Final = 0
TIME: Final = 1
TIMESTAMP: Final = 2


@kernel(f"void({_TARGET}, {READ_INT64}, {READ_BOOL}, {BYTES}, boolean, int64, int64, boolean, boolean)")
def write_times(
    out: Bytes,
    cursor: Int64s,
    prefix: Bytes,
    opening: int,
    values: Int64s,
    valid: Bools,
    null: Bytes,
    skip_nulls: bool,
    what: int,
    separator: int,
    utc: bool,
    quoted: bool,
) -> None:
    """Dates (days), times (microseconds of the day) or timestamps (microseconds), `Z` at the end with `utc`."""
    for row in range(cursor.size):
        if valid.size and not valid[row]:
            if not skip_nulls:
                cursor[row] = _append(out, _begin(out, cursor[row], prefix, opening), null)
            continue
        position = _begin(out, cursor[row], prefix, opening)
        if quoted:
            out[position] = _QUOTE
            position += 1
        value = values[row]
        if what == DATE:
            position = _calendar(out, position, value)
        elif what == TIME:
            position = _clock(out, position, value)
        else:
            days = value // _DAY
            position = _calendar(out, position, days)
            out[position] = separator
            position = _clock(out, position + 1, value - days * _DAY)
        if utc:
            out[position] = 90
            position += 1
        if quoted:
            out[position] = _QUOTE
            position += 1
        cursor[row] = position


@inlined
def _address(views: Int32s, addresses: Uint64s, row: int, base: int) -> int:
    """Where a text of a string view column is in memory."""
    if views[4 * row] <= 12:
        return uint64(base) + uint64(16 * row + 4)
    return uint64(addresses[views[4 * row + 2]]) + uint64(views[4 * row + 3])


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
    out[position] = _QUOTE
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
    out[position] = _QUOTE
    return position + 1


@kernel(f"void(int64[::1], {_TEXTS}, {READ_BOOL}, uint64, int64, int64)")
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
            address = _address(views, addresses, row, base)
            done = _plain_run(address, length)
            extra = int64(0)
            while done < length:
                letter = _ESCAPE[load_byte_at(address + uint64(done))]
                extra += 5 if letter == 117 else 1
                done += 1
                done += _plain_run(address + uint64(done), length - done)
            length += extra
        sizes[row] += length + 2


@kernel(f"void({_TARGET}, {_TEXTS}, {READ_BOOL}, uint64, {BYTES}, boolean, int64)")
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
                cursor[row] = _append(out, _begin(out, cursor[row], prefix, opening), null)
            continue
        position = _begin(out, cursor[row], prefix, opening)
        length = int64(views[4 * row])
        address = _address(views, addresses, row, base)
        if how == JSON_STRING:
            cursor[row] = _json_string(out, position, address, length)
            continue
        if how == QUOTED:
            out[position] = _QUOTE
            position += 1
        copy_from_address(out, position, address, length)
        position += length
        if how == QUOTED:
            out[position] = _QUOTE
            position += 1
        cursor[row] = position


@kernel(f"void({_TARGET}, {BYTES}, {READ_INT64}, {READ_INT32}, {BYTES}, boolean)")
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
                cursor[row] = _append(out, _begin(out, cursor[row], prefix, opening), null)
            continue
        position = _begin(out, cursor[row], prefix, opening)
        copy_bytes(out, position, data, starts[row], length)
        cursor[row] = position + length


_INFINITY: Final = np.frombuffer(b"Infinity", np.uint8).copy()
_NAN: Final = np.frombuffer(b"NaN", np.uint8).copy()


@inner
def _java_number(out: Bytes, position: int, address: int, length: int, digits: Bytes, quotes_others: bool) -> int:
    at = int64(0)
    negative = load_byte_at(address) == 45
    if negative:
        at += 1
    first = load_byte_at(address + uint64(at))
    if first == 105 or first == 78:  # inf, NaN
        if quotes_others:
            out[position] = _QUOTE
            position += 1
        if negative:
            out[position] = 45
            position += 1
        position = _append(out, position, _INFINITY) if first == 105 else _append(out, position, _NAN)
        if quotes_others:
            out[position] = _QUOTE
            position += 1
        return position
    count = int64(0)
    whole = int64(-1)
    exponent = int64(0)
    while at < length:
        byte = int64(load_byte_at(address + uint64(at)))
        at += 1
        if byte == 46:
            whole = count
        elif byte == 101:
            below = False
            while at < length:
                byte = int64(load_byte_at(address + uint64(at)))
                if byte == 45:
                    below = True
                elif byte != 43:
                    exponent = exponent * 10 + (byte - 48)
                at += 1
            if below:
                exponent = -exponent
        else:
            digits[count] = byte
            count += 1
    if whole < 0:
        whole = count
    leading = int64(0)
    while leading < count and digits[leading] == 48:
        leading += 1
    while count > leading and digits[count - 1] == 48:
        count -= 1
    if negative:
        out[position] = 45
        position += 1
    if leading == count:
        out[position] = 48
        out[position + 1] = 46
        out[position + 2] = 48
        return position + 3
    exponent += whole - 1 - leading  # of the first digit that is not zero
    if exponent < -3 or exponent >= 7:
        out[position] = digits[leading]
        out[position + 1] = 46
        position += 2
        if leading + 1 == count:
            out[position] = 48
            position += 1
        for i in range(leading + 1, count):
            out[position] = digits[i]
            position += 1
        out[position] = 69
        return _integer(out, position + 1, exponent)
    if exponent < 0:
        out[position] = 48
        out[position + 1] = 46
        position += 2
        for _ in range(-exponent - 1):
            out[position] = 48
            position += 1
        for i in range(leading, count):
            out[position] = digits[i]
            position += 1
        return position
    for i in range(exponent + 1):
        out[position] = digits[leading + i] if leading + i < count else np.uint8(48)
        position += 1
    out[position] = 46
    position += 1
    if leading + exponent + 1 >= count:
        out[position] = 48
        return position + 1
    for i in range(leading + exponent + 1, count):
        out[position] = digits[i]
        position += 1
    return position


@kernel(f"void({_TARGET}, {_TEXTS}, {READ_BOOL}, uint64, {BYTES}, boolean, boolean)")
def write_numbers(
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
    quotes_others: bool,
) -> None:
    """Doubles, given as their shortest digits in any notation (`1e+16`, `0.0001`, `inf`), as Java prints them.

    NaN and Infinity stand in quotes with `quotes_others`.
    """
    digits = np.empty(400, np.uint8)
    for row in range(cursor.size):
        if valid.size and not valid[row]:
            if not skip_nulls:
                cursor[row] = _append(out, _begin(out, cursor[row], prefix, opening), null)
            continue
        position = _begin(out, cursor[row], prefix, opening)
        address = _address(views, addresses, row, base)
        length = int64(views[4 * row])
        cursor[row] = _java_number(out, position, address, length, digits, quotes_others)


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
                position = _append(out, position, null)
            else:
                copy_bytes(out, position, data, starts[element], length)
                position += length
        if opening >= 0:
            out[position] = closing
            position += 1
        cursor[row] = position
