"""Literals: numbers, dates, times, timestamps and intervals as written, with Flink's types.

Source: Flink, "Data Types"; Calcite, "Literals" and "Intervals".
"""

from __future__ import annotations

import re
import sys
from datetime import date, datetime, time
from decimal import Decimal
from math import isinf

from riacho.plan.expressions import Literal, LiteralValue
from riacho.plan.types import (
    BIGINT,
    DOUBLE,
    INT,
    MAX_DECIMAL_PRECISION,
    DataType,
    DateType,
    DayTimeIntervalType,
    DecimalType,
    TimestampType,
    TimeType,
    YearMonthIntervalType,
)

MILLISECONDS = {"WEEK": 604_800_000, "DAY": 86_400_000, "HOUR": 3_600_000, "MINUTE": 60_000, "SECOND": 1_000}
MONTHS = {"YEAR": 12, "QUARTER": 3, "MONTH": 1}
_ORDER = ("DAY", "HOUR", "MINUTE", "SECOND")
_GREATEST = {"HOUR": 23, "MINUTE": 59, "SECOND": 59}
"""Behind a larger unit."""

DIGITS = 2
"""Of an interval's first field, unless its unit says another number."""

MOST_DIGITS = 10
"""That a unit of an interval may have."""

_FRACTION_DIGITS = 6
"""Behind the point of a second, unless its unit says another number. Milliseconds are kept of them."""

_UNIT = re.compile(r"(\w+)(?:\((\d+)(?:, (\d+))?\))?(?: TO (\w+)(?:\((\d+)\))?)?")

_SEPARATORS = {"HOUR": "[ ]+", "MINUTE": ":", "SECOND": ":"}

_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_TIME = re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d{1,9}))?")


def unicode_text(text: str, escape: str = "\\") -> str:
    r"""What stands between the quotes of U&'…': four hexadecimal digits behind the escape are a UTF-16 code unit.

    >>> unicode_text(r"caf\00e9 \\ \d83c\df88"), unicode_text("d!0061t!!", "!")
    ('café \\ 🎈', 'dat!')

    Raises `ValueError` for an escape that stands before anything else, or that is none.
    """
    if len(escape) != 1 or re.fullmatch(r'[0-9A-Fa-f\s+"]', escape):
        raise ValueError("UESCAPE takes one character that is no hexadecimal digit, space, plus sign or double quote")
    mark = re.escape(escape)
    if wrong := re.match(rf"(?:[^{mark}]|{mark}{mark}|{mark}[0-9A-Fa-f]{{4}})*+{mark}", text):
        raise ValueError(f"four hexadecimal digits must follow '{escape}', and do not at character {wrong.end()}")
    units = re.sub(
        rf"{mark}({mark}|[0-9A-Fa-f]{{4}})",
        lambda found: escape if found[1] == escape else chr(int(found[1], 16)),
        text,
    )
    return units.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def escaped_text(text: str) -> str:
    r"""What stands between the quotes of E'…': C's escapes mean their characters, any other stays as it is.

    >>> escaped_text(r"a\tb\\n \x41\102\u00e9 \q it''s \'so\'")
    "a\tb\\n ABé \\q it's 'so'"

    Raises `ValueError` for a \u without four hexadecimal digits, a \U without eight, and for no character's number.
    """
    units = _ESCAPE.sub(_unescaped, text)
    return units.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


_ESCAPE = re.compile(
    r"""''|\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|x([0-9A-Fa-f]{0,2})|([0-3][0-7]{0,2})|(.))""", re.DOTALL
)
_CONTROLS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "\\": "\\", "'": "'"}


def _unescaped(found: re.Match[str]) -> str:
    four, eight, byte, octal, other = found.groups()
    if found[0] == "''":
        return "'"
    if byte is not None:
        return chr(int(byte, 16)) if byte else "x"
    if octal is not None:
        return chr(int(octal, 8))
    if other is None:
        code = int(four or eight, 16)
        if code > sys.maxunicode:
            raise ValueError(f"there is no character {found[0]}")
        return chr(code)
    if other in ("u", "U"):
        raise ValueError(f"{4 if other == 'u' else 8} hexadecimal digits must follow '\\{other}'")
    return _CONTROLS.get(other, found[0])


def number_literal(text: str, *, negative: bool = False) -> Literal:
    """A number: INT or BIGINT where it fits, DECIMAL with a point, DOUBLE with an exponent.

    >>> [str(number_literal(text).type) for text in ("7", "3000000000", "1.50", "1e3")]
    ['INT NOT NULL', 'BIGINT NOT NULL', 'DECIMAL(3, 2) NOT NULL', 'DOUBLE NOT NULL']

    Every digit counts, a zero before the point too: 0.5 is a DECIMAL(2, 1), and .5 a DECIMAL(1, 1).

    Raises `ValueError` for a whole number beyond BIGINT, for one beyond DOUBLE, and for more than 38 digits.
    """
    sign = -1 if negative else 1
    if "e" in text.lower():
        if isinf(float(text)):
            raise ValueError(f"{text} is beyond DOUBLE")
        return Literal(DOUBLE.with_nullable(False), sign * float(text))
    digits = text.removesuffix(".")
    if digits.isdigit():
        value = sign * int(digits)
        for kind in (INT, BIGINT):
            if -(1 << kind.bits - 1) <= value < 1 << kind.bits - 1:
                return Literal(kind.with_nullable(False), value)
        raise ValueError(f"{value} is no BIGINT: write {value}.0, or CAST('{value}' AS DECIMAL({len(digits)}, 0))")
    exact = Decimal(text)
    scale = max(-int(exact.as_tuple().exponent), 0)
    precision = len(text) - text.count(".")
    if precision > MAX_DECIMAL_PRECISION:
        raise ValueError(f"a number has at most {MAX_DECIMAL_PRECISION} digits")
    return Literal(DecimalType(precision, scale, nullable=False), sign * exact)


def temporal_literal(kind: str, text: str) -> Literal:
    """DATE, TIME or TIMESTAMP with the given text.

    >>> temporal_literal("DATE", "2013-02-08").value
    datetime.date(2013, 2, 8)

    Raises `ValueError` for a text that is no such moment.
    """
    if kind == "DATE":
        return Literal(DateType(nullable=False), _date(text))
    if kind == "TIME":
        moment, precision = _time(text)
        return Literal(TimeType(precision, nullable=False), moment)
    day, _, rest = text.strip().partition(" ")
    moment, precision = _time(rest) if rest else (time(), 0)
    return Literal(TimestampType(precision, nullable=False), datetime.combine(_date(day), moment))


def _date(text: str) -> date:
    match = _DATE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"'{text}' is no date: write yyyy-MM-dd")
    year, month, day = map(int, match.groups())
    try:
        return date(year, month, day)
    except ValueError:
        raise ValueError(f"there is no day {text}") from None


def _time(text: str) -> tuple[time, int]:
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"'{text}' is no time of day: write HH:mm:ss[.SSS]")
    hour, minute, second = (int(part) for part in match.groups()[:3])
    fraction = match.group(4) or ""
    if len(fraction) > 6:
        raise ValueError("times are kept in microseconds: write at most six digits after the point")
    try:
        return time(hour, minute, second, int(fraction.ljust(6, "0") or 0)), len(fraction)
    except ValueError:
        raise ValueError(f"there is no time of day {text}") from None


def java_length(text: str) -> int:
    """The length that a literal's type has: of UTF-16 code units, as Java counts.

    >>> java_length("né"), java_length("😀")
    (2, 2)
    """
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def interval_literal(text: str, unit: str) -> Literal:
    """INTERVAL 'text' unit: milliseconds, or months. A unit may say how many digits it has: 2, and 6 behind the point.

    >>> interval_literal("10", "MINUTE").value, interval_literal("1 02:30", "DAY TO MINUTE").value
    (600000, 95400000)
    >>> interval_literal("365", "DAY(3)").value
    31536000000
    >>> interval_literal("1:02.1239", "MINUTE TO SECOND(4)").value
    62123
    >>> interval_literal("1-6", "YEAR TO MONTH").value
    18

    Raises `ValueError` for a text that does not fit the unit.
    """
    amount = text.strip()
    sign = -1 if amount.startswith("-") else 1
    amount = amount.lstrip("+-")
    written = _UNIT.fullmatch(unit)
    assert written is not None
    first, digits, fraction, last, last_fraction = written.groups()
    _check_digits(text, amount, first, int(digits or DIGITS), last)
    if len(amount.partition(".")[2]) > int(fraction or last_fraction or _FRACTION_DIGITS):
        raise _wrong(text, unit)
    kind: DataType
    value: LiteralValue
    if first in MONTHS:
        kind, value = YearMonthIntervalType(nullable=False), _months(amount, first, last, text)
    else:
        kind, value = DayTimeIntervalType(nullable=False), _milliseconds(amount, first, last, text)
    return Literal(kind, sign * value)


def _check_digits(text: str, amount: str, first: str, digits: int, last: str | None) -> None:
    """Raise `ValueError` where the first field has more digits than it may, as in Flink."""
    written = re.match(r"0*(\d*)", amount)
    needed = 0 if written is None else len(written[1])
    if needed > digits:
        rest = f" TO {last}" if last else ""
        raise ValueError(f"{first} has at most {digits} digits: write INTERVAL '{text}' {first}({needed}){rest}")


def _wrong(text: str, unit: str) -> ValueError:
    return ValueError(f"'{text}' is no interval {unit}")


def _months(amount: str, first: str, last: str | None, text: str) -> int:
    if not last:
        if not amount.isdigit():
            raise _wrong(text, first)
        return int(amount) * MONTHS[first]
    match = re.fullmatch(r"(\d+)-(\d{1,2})", amount)
    if (first, last) != ("YEAR", "MONTH") or match is None or int(match.group(2)) > 11:
        raise _wrong(text, f"{first} TO {last}")
    return int(match.group(1)) * 12 + int(match.group(2))


def _milliseconds(amount: str, first: str, last: str | None, text: str) -> int:
    if first == "WEEK" and not last:
        units: tuple[str, ...] = ("WEEK",)
    elif first in _ORDER and (not last or last in _ORDER[_ORDER.index(first) + 1 :]):
        units = _ORDER[_ORDER.index(first) : _ORDER.index(last or first) + 1]
    else:
        raise _wrong(text, f"{first} TO {last}" if last else first)
    pattern = r"(\d+)" + "".join(rf"{_SEPARATORS[unit]}(\d{{1,2}})" for unit in units[1:])
    if units[-1] == "SECOND":
        pattern += r"(?:\.(\d{1,9}))?"
    match = re.fullmatch(pattern, amount)
    if match is None:
        raise _wrong(text, f"{first} TO {last}" if last else first)
    for unit, part in zip(units[1:], match.groups()[1:], strict=False):
        if int(part) > _GREATEST[unit]:
            raise _wrong(text, f"{first} TO {last}")
    total = sum(int(part) * MILLISECONDS[unit] for part, unit in zip(match.groups(), units, strict=False))
    fraction = match.groups()[len(units)] if units[-1] == "SECOND" else None
    if fraction:
        total += int(fraction.ljust(9, "0")) // 1_000_000
    return total
