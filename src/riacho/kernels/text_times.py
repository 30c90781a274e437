"""Dates, times and timestamps from their texts, a column at a time: what JSON and CSV have in common.

As in `riacho.kernels.text_values`; nothing here is HARD.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import inlined, inner, kernel
from riacho.kernels.primitives import int64, is_digit, load_word, prefetch, uint64
from riacho.kernels.text_words import days_of, usual_timestamp
from riacho.kernels.tokens import ABSENT, BAD, MISSING, NULL, SPANS, STRING, VALUE

Bytes = NDArray[np.uint8]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]

AHEAD: Final = 16
"""So many rows on, the text is brought into the caches: the records that hold it have left the inner ones."""

_DAY: Final = 86_400_000_000
_POWERS: Final = np.array([10**i for i in range(10)], np.int64)


@inlined
def _two_digits(data: Bytes, position: int) -> int:
    """A number of two digits; negative where they are none."""
    high = int64(data[position]) - 48
    low = int64(data[position + 1]) - 48
    if high < 0 or high > 9 or low < 0 or low > 9:
        return int64(-1)
    return high * 10 + low


@inlined
def _month_length(year: int, month: int) -> int:
    if month == 2:
        leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        return int64(29 if leap else 28)
    return int64(30 if month == 4 or month == 6 or month == 9 or month == 11 else 31)


@inner
def _date(data: Bytes, position: int, end: int, clamps: bool) -> tuple[bool, int]:
    """`yyyy-MM-dd` at the start of a range: (whether it is one, days)."""
    if position + 10 > end or data[position + 4] != 45 or data[position + 7] != 45:
        return False, int64(0)
    century = _two_digits(data, position)
    years = _two_digits(data, position + 2)
    month = _two_digits(data, position + 5)
    day = _two_digits(data, position + 8)
    if century < 0 or years < 0 or month < 1 or month > 12 or day < 1 or day > 31:
        return False, int64(0)
    year = century * 100 + years
    longest = _month_length(year, month)
    if day > longest:
        if not clamps:
            return False, int64(0)
        day = longest
    return True, days_of(year, month, day)


@inner
def _time(data: Bytes, position: int, end: int, seconds_optional: bool) -> tuple[bool, int, int]:
    """`HH:mm:ss` and a fraction of up to 9 digits: (whether it is one, nanoseconds, position after it)."""
    if position + 5 > end or data[position + 2] != 58:
        return False, int64(0), position
    hour = _two_digits(data, position)
    minute = _two_digits(data, position + 3)
    second = int64(0)
    nanos = int64(0)
    position += 5
    if position + 3 <= end and data[position] == 58:
        second = _two_digits(data, position + 1)
        position += 3
        if position < end and data[position] == 46:
            position += 1
            digits = int64(0)
            while position < end and is_digit(data[position]) and digits < 9:
                nanos = nanos * 10 + (int64(data[position]) - 48)
                digits += 1
                position += 1
            if digits == 0 and seconds_optional:
                return False, int64(0), position
            nanos *= _POWERS[9 - digits]
    elif not seconds_optional:
        return False, int64(0), position
    if hour < 0 or hour > 24 or minute < 0 or minute > 59 or second < 0 or second > 59:
        return False, int64(0), position
    return True, (hour * 3600 + minute * 60 + second) * 1_000_000_000 + nanos, position


@inner
def _pad_date(data: Bytes, start: int, length: int, out: Bytes) -> bool:
    """Write `2024-1-5` as `2024-01-05`; false where the shape is another."""
    if data[start + 4] != 45:
        return False
    dash = int64(-1)
    for i in range(5, length):
        if data[start + i] == 45:
            dash = int64(i)
            break
    if dash < 6 or dash > 7 or length - dash < 2 or length - dash > 3:
        return False
    for i in range(5):
        out[i] = data[start + i]
    out[5] = 48
    if dash == 7:
        out[5] = data[start + 5]
    out[6] = data[start + dash - 1]
    out[7] = 45
    out[8] = 48
    if length - dash == 3:
        out[8] = data[start + length - 2]
    out[9] = data[start + length - 1]
    return True


@kernel(f"int64({SPANS}, boolean, int32[::1], uint8[::1])", makes_arrays=True)
def parse_dates(
    data: Bytes, starts: Int64s, lengths: Int32s, kinds: Bytes, short: bool, out: Int32s, status: Bytes
) -> int:
    """`yyyy-MM-dd` to days since the epoch; with `short`, months and days of one digit too (java.sql.Date)."""
    others = int64(0)
    padded = np.zeros(10, np.uint8)
    for row in range(starts.size):
        kind = kinds[row]
        outcome = BAD
        value = int64(0)
        if kind == STRING:
            start = starts[row]
            length = int64(lengths[row])
            good = False
            if length == 10:
                good, value = _date(data, start, start + length, False)
            elif short and 8 <= length < 10 and _pad_date(data, start, length, padded):
                good, value = _date(padded, int64(0), int64(10), False)
            if good:
                outcome = VALUE
        elif kind == NULL or kind == MISSING:
            outcome = ABSENT
        out[row] = value
        status[row] = outcome
        if outcome != VALUE:
            others += 1
    return others


@kernel(f"int64({SPANS}, int64, boolean, int64[::1], uint8[::1])")
def parse_times(
    data: Bytes,
    starts: Int64s,
    lengths: Int32s,
    kinds: Bytes,
    unit: int,
    seconds_optional: bool,
    out: Int64s,
    status: Bytes,
) -> int:
    """`HH:mm:ss.fraction` to nanoseconds of the day, cut to multiples of `unit`."""
    others = int64(0)
    for row in range(starts.size):
        kind = kinds[row]
        outcome = BAD
        value = int64(0)
        if kind == STRING:
            end = starts[row] + int64(lengths[row])
            good, value, position = _time(data, starts[row], end, seconds_optional)
            if good and position == end and value <= _DAY * 1000:
                outcome = VALUE
                if value == _DAY * 1000:  # 24:00 is the next day's midnight; a TIME keeps no day
                    if seconds_optional:
                        outcome = BAD
                    value = int64(0)
                value -= value % unit
        elif kind == NULL or kind == MISSING:
            outcome = ABSENT
        out[row] = value
        status[row] = outcome
        if outcome != VALUE:
            others += 1
    return others


SQL_STYLE: Final = 0
ISO_STYLE: Final = 1
SEPARATORS: Final = (32, 84)
"""Between day and hour, by style."""
NO_ZONE: Final = 0
UTC_ZONE: Final = 1
OFFSET_ZONE: Final = 2


@kernel(f"int64({SPANS}, int64, int64, boolean, int64, int64[::1], uint8[::1])")
def parse_timestamps(
    data: Bytes,
    starts: Int64s,
    lengths: Int32s,
    kinds: Bytes,
    style: int,
    zone: int,
    strict: bool,
    unit: int,
    out: Int64s,
    status: Bytes,
) -> int:
    """Date, `' '` (SQL_STYLE) or `T` (ISO_STYLE, seconds optional), time, and a zone: none, `Z`, or an offset.

    To microseconds since the epoch in UTC, cut to multiples of `unit`. Unless `strict`, 30 February is the month's
    last day and 24:00 the next midnight (Java's ResolverStyle.SMART). Returns how many rows hold no value.
    """
    others = int64(0)
    separator = 32 if style == SQL_STYLE else 84
    # The last usual timestamp, whose text the next row's often is: no text has three words of zeros.
    known, known_first, known_middle, known_last = int64(0), uint64(0), uint64(0), uint64(0)
    for row in range(starts.size):
        if row + AHEAD < starts.size:
            prefetch(data, starts[row + AHEAD])
        kind = kinds[row]
        outcome = BAD
        value = int64(0)
        if kind == STRING:
            position = starts[row]
            end = position + int64(lengths[row])
            local = end - position - (1 if zone == UTC_ZONE else 0)
            if (
                19 <= local <= 23
                and position + 24 <= data.size
                and (zone == NO_ZONE or (zone == UTC_ZONE and data[end - 1] == 90))
            ):
                first, middle = load_word(data, position), load_word(data, position + 8)
                last = load_word(data, position + 16) & ~(~uint64(0) << uint64(8 * (local - 16)))
                if first == known_first and middle == known_middle and last == known_last:
                    out[row] = known
                    status[row] = VALUE
                    continue
                usual, value = usual_timestamp(int64(data.ctypes.data) + position, local, separator)
                if usual:
                    known = value - value % unit
                    known_first, known_middle, known_last = first, middle, last
                    out[row] = known
                    status[row] = VALUE
                    continue
                value = int64(0)
            good, days = _date(data, position, end, not strict)
            if good and position + 11 < end and data[position + 10] == separator:
                good, nanos, position = _time(data, position + 11, end, style == ISO_STYLE)
                if good and (nanos < _DAY * 1000 or (nanos == _DAY * 1000 and not strict)):
                    value = days * _DAY + nanos // 1000
                    if zone == NO_ZONE:
                        good = position == end
                    elif position + 1 == end and data[position] == 90:
                        good = True
                    elif zone == OFFSET_ZONE and position + 6 == end and data[position + 3] == 58:
                        hours = _two_digits(data, position + 1)
                        minutes = _two_digits(data, position + 4)
                        good = 0 <= hours <= 18 and 0 <= minutes <= 59
                        away = (hours * 60 + minutes) * 60_000_000
                        if data[position] == 43:
                            value -= away
                        elif data[position] == 45:
                            value += away
                        else:
                            good = False
                    else:
                        good = False
                    value -= value % unit
                    if good:
                        outcome = VALUE
        elif kind == NULL or kind == MISSING:
            outcome = ABSENT
        out[row] = value
        status[row] = outcome
        if outcome != VALUE:
            others += 1
    return others
