"""Floating-point numbers as Java 17 prints them, on which Flink runs: in texts, JSON and CSV.

These are the shortest digits that read back as the same number, but where `Double.toString` stops elsewhere: for
whole numbers of more digits than are kept, for powers of two, on the border to the next number, and for those that
have hardly a digit. Java 19 and later print the shortest there, too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import polars as pl


@dataclass(frozen=True, slots=True)
class _Kind:
    """What tells FLOAT and DOUBLE apart: the bits that are kept, and the smallest number that has all of them."""

    bits: int
    smallest: float


_DOUBLE = _Kind(53, 2.0**-1022)
_FLOAT = _Kind(24, 2.0**-126)

_PLAIN_FROM, _PLAIN_BELOW = 1e-3, 1e7
"""Between these Java writes a number without an exponent."""

_WHOLE_BELOW = 2.0**63
"""Below it Java takes whole numbers for a `long`."""

_TANGENT = 1.5
"""Where Java lays the tangent by which it estimates a logarithm."""


def double_text(value: float) -> str:
    """`Double.toString`.

    >>> double_text(100.0), double_text(1e7), double_text(0.00012), double_text(float("-inf"))
    ('100.0', '1.0E7', '1.2E-4', '-Infinity')
    >>> double_text(5e-324), double_text(2e23), double_text(1234567890123456789.0)
    ('4.9E-324', '1.9999999999999998E23', '1.23456789012345677E18')
    """
    number = float(value)
    return _exact(number, _DOUBLE) if _is_odd(abs(number), _DOUBLE) else _java(repr(number))


def float_text(value: float) -> str:
    """`Float.toString`.

    >>> float_text(0.1), float_text(16777216.0), float_text(123456789.0), float_text(1e-45), float_text(3.4028235e38)
    ('0.1', '1.6777216E7', '1.23456792E8', '1.4E-45', '3.4028235E38')
    """
    number = float(np.float32(value))
    return _exact(number, _FLOAT) if _is_odd(abs(number), _FLOAT) else _java(str(np.float32(value)))


def java_digits(series: pl.Series) -> pl.Series:
    """The digits of FLOATs and DOUBLEs that Java prints, in Python's notation.

    >>> java_digits(pl.Series([0.5, None, 5e-324, float("nan"), 2.0**70])).to_list()
    ['0.5', None, '4.9e-324', 'NaN', '1.1805916207174113e21']
    """
    texts = series.cast(pl.String)
    single = series.dtype == pl.Float32
    kind = _FLOAT if single else _DOUBLE
    numbers = series.fill_null(0).to_numpy()
    size = np.abs(numbers)
    words = numbers.view(np.int32 if single else np.int64)
    is_power = np.bitwise_and(words, (1 << (kind.bits - 1)) - 1) == 0
    plain = (size == 0) | ((size >= _PLAIN_FROM) & (size < _PLAIN_BELOW))
    odd = (size >= 2.0**kind.bits) | ((size < kind.smallest) & (size > 0)) | (is_power & ~plain)
    rows = np.flatnonzero(odd & np.isfinite(size))
    if not len(rows):
        return texts
    written = float_text if single else double_text
    return texts.scatter(rows, [written(number).replace("E", "e") for number in numbers[rows].tolist()])


def _is_odd(size: float, kind: _Kind) -> bool:
    if not math.isfinite(size) or size == 0:
        return False
    return (
        size >= 2.0**kind.bits or size < kind.smallest or (_is_power(size) and not _PLAIN_FROM <= size < _PLAIN_BELOW)
    )


def _is_power(size: float) -> bool:
    return math.frexp(size)[0] == 0.5


def _exact(number: float, kind: _Kind) -> str:
    """An odd number, digit by digit as Java does."""
    size = abs(number)
    whole = 2.0**kind.bits <= size < _WHOLE_BELOW
    digits, exponent = _of_whole(int(size), kind) if whole else _of_any(size, kind)
    sign = "-" if number < 0 else ""
    return f"{sign}{digits[0]}.{digits[1:].rstrip('0') or '0'}E{exponent}"


def _of_whole(number: int, kind: _Kind) -> tuple[str, int]:
    """Digits and power of ten of a whole number: rounded by as many digits as the bits that are not kept have."""
    beyond = number.bit_length() - 1 - kind.bits - 1
    rounded = math.floor(beyond * math.log10(2)) if beyond > 1 else 0
    digits = str((number + 10**rounded // 2) // 10**rounded)
    return digits, len(digits) - 1 + rounded


def _of_any(size: float, kind: _Kind) -> tuple[str, int]:
    """Digits are told, two at least, until what is left is less than half of what two neighbours are apart.

    Of a power of two that is halved, since the lower neighbour is only half as far away. The first digit may be a zero
    where the power of ten is estimated too high, and then counts as one.
    """
    value = Fraction(size)
    fraction, exponent = math.frexp(size)
    slope = 1 / (_TANGENT * math.log(10))
    estimate = (2 * fraction - _TANGENT) * slope + math.log10(_TANGENT) + (exponent - 1) * math.log10(2)
    power = math.floor(estimate)
    reach = Fraction(_distance(size, kind)) / (4 if _is_power(size) else 2)
    unit = Fraction(10) ** power
    first, rest = divmod(value, unit)
    if first == 0 and rest + reach <= unit:
        power, unit = power - 1, unit / 10
        first, rest = divmod(value, unit)
    told, count, near_below, near_above = first, 1, False, False
    while not (near_below or near_above):
        unit /= 10
        digit, rest = divmod(rest, unit)
        told, count = told * 10 + digit, count + 1
        near_below, near_above = rest < reach, rest + reach > unit
    half = rest * 2 - unit
    if near_above and (not near_below or half > 0 or (half == 0 and told % 2)):
        told += 1
    digits = str(told)
    return digits, power + len(digits) - count


def _distance(size: float, kind: _Kind) -> float:
    """How far the next number is away, or would be if there were greater ones."""
    return max(math.ldexp(1, math.frexp(size)[1] - kind.bits), kind.smallest * 2.0 ** (1 - kind.bits))


def _java(text: str) -> str:
    """From Python's notation of the shortest digits to Java's."""
    negative = text.startswith("-")
    sign, text = ("-", text[1:]) if negative else ("", text)
    if text == "inf":
        return f"{sign}Infinity"
    if text == "nan":
        return "NaN"
    mantissa, _, exponent_text = text.partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = whole + fraction
    exponent = int(exponent_text or 0) + len(whole) - 1
    leading = len(digits) - len(digits.lstrip("0"))
    digits = digits.strip("0")
    if not digits:
        return f"{sign}0.0"
    exponent -= leading
    if -3 <= exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
    if 0 <= exponent < 7:
        padded = digits.ljust(exponent + 2, "0")
        return f"{sign}{padded[: exponent + 1]}.{padded[exponent + 1 :]}"
    return f"{sign}{digits[0]}.{digits[1:] or '0'}E{exponent}"
