"""Write columns of dates, times and timestamps as text, each row at its own cursor: see `riacho.kernels.cursors`."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import BYTES, READ_BOOL, READ_INT64, inner, kernel
from riacho.kernels.cursors import QUOTE, TARGET, append, begin, write_integer, write_two_digits

Bytes = NDArray[np.uint8]
Bools = NDArray[np.bool_]
Int64s = NDArray[np.int64]

TIMESTAMP_WIDTH: Final = 36
"""The longest instant of 64-bit microseconds, +294247-01-10 04:00:54.775807Z, with quotes and room to spare."""

_DAY: Final = 86_400_000_000


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
        position = write_two_digits(out, position, year // 100)
        position = write_two_digits(out, position, year % 100)
    else:
        if year > 0:
            out[position] = 43
        else:
            out[position] = 45
            year = -year
        position += 1
        if year > 9999:
            position = write_integer(out, position, year)
        else:
            position = write_two_digits(out, position, year // 100)
            position = write_two_digits(out, position, year % 100)
    out[position] = 45
    position = write_two_digits(out, position + 1, month)
    out[position] = 45
    return write_two_digits(out, position + 1, day)


@inner
def _clock(out: Bytes, position: int, micros: int) -> int:
    """`HH:mm:ss` and as many digits of the fraction as are not zero."""
    seconds = micros // 1_000_000
    fraction = micros - seconds * 1_000_000
    position = write_two_digits(out, position, seconds // 3600)
    out[position] = 58
    position = write_two_digits(out, position + 1, seconds // 60 % 60)
    out[position] = 58
    position = write_two_digits(out, position + 1, seconds % 60)
    if fraction:
        out[position] = 46
        position = write_two_digits(out, position + 1, fraction // 10000)
        position = write_two_digits(out, position, fraction // 100 % 100)
        position = write_two_digits(out, position, fraction % 100)
        while out[position - 1] == 48:
            position -= 1
    return position


DATE: Final = 0
TIME: Final = 1
TIMESTAMP: Final = 2


@kernel(f"void({TARGET}, {READ_INT64}, {READ_BOOL}, {BYTES}, boolean, int64, int64, boolean, boolean)")
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
                cursor[row] = append(out, begin(out, cursor[row], prefix, opening), null)
            continue
        position = begin(out, cursor[row], prefix, opening)
        if quoted:
            out[position] = QUOTE
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
            out[position] = QUOTE
            position += 1
        cursor[row] = position
