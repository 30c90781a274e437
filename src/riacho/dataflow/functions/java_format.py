"""Text by a Java format (`%05.2f|%-10s|%x`): what PRINTF writes.

Source: Java, `java.util.Formatter`. What does not fit raises `FormatMismatch`, for which PRINTF gives NULL.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache

from riacho.dataflow.evaluation.failures import MOST_CHARACTERS, ValueFailure, too_long
from riacho.formats.java_numbers import double_text


class FormatMismatch(Exception):  # noqa: N818 - an outcome of PRINTF, not a fault
    """A malformed conversion, a value that it cannot write, or one that is missing."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """One `%…`: which value (from 0; None: the next one), flags, width, precision, letter."""

    index: int | None
    flags: str
    width: int
    precision: int | None
    letter: str


_CONVERSION = re.compile(r"%(?:(\d+)\$)?([-#+ 0,(]*)(\d+)?(?:\.(\d+))?([a-zA-Z%])")
_KNOWN = frozenset("sSdoxXfeEbBc")
_DEFAULT_PRECISION = 6
_MOST_DIGITS = 18
_DIGITS_OF_A_DOUBLE = 400


def _number(digits: str | None) -> int:
    """Of a width or a precision. Java has no number above an INT's there."""
    if digits is None or digits == "":
        return 0
    if len(digits) > _MOST_DIGITS or int(digits) >= 1 << 31:
        raise FormatMismatch(digits)
    return int(digits)


@lru_cache(maxsize=256)
def parts_of(pattern: str) -> tuple[str | Conversion, ...]:
    """Plain text and conversions in turn. Raises `FormatMismatch`, and `ValueFailure` for widths that are too large.

    >>> parts_of("a %5d%%")
    ('a ', Conversion(index=None, flags='', width=5, precision=None, letter='d'), '%')
    """
    made: list[str | Conversion] = []
    characters = position = 0
    while position < len(pattern):
        percent = pattern.find("%", position)
        if percent < 0:
            percent = len(pattern)
        if percent > position:
            made.append(pattern[position:percent])
        if percent == len(pattern):
            break
        found = _CONVERSION.match(pattern, percent)
        if found is None:
            raise FormatMismatch(pattern)
        index, flags, width, precision, letter = found.groups()
        characters += max(_number(width), _number(precision))
        if characters > MOST_CHARACTERS:
            raise ValueFailure(too_long("PRINTF", characters))
        if letter in "n%":
            made.append("\n" if letter == "n" else "%".rjust(int(width or 0)))
        elif letter not in _KNOWN or (precision is not None and letter in "doxXc"):
            raise FormatMismatch(found.group())
        else:
            place = None if index is None else _number(index) - 1
            made.append(
                Conversion(place, flags, int(width or 0), None if precision is None else int(precision), letter)
            )
        position = found.end()
    return tuple(made)


def java_format(pattern: str, values: Sequence[object], bits: Sequence[int]) -> str:
    """The pattern with its conversions replaced; `bits` is the size of each value that is an integer, else 0.

    >>> java_format("%s is %05.1f, %x", ["a", 2.25, -1], [0, 0, 32])
    'a is 002.3, ffffffff'
    """
    written = []
    following = 0
    for part in parts_of(pattern):
        if isinstance(part, str):
            written.append(part)
            continue
        place = part.index
        if place is None:
            place = following
            following += 1
        if place >= len(values):
            raise FormatMismatch(pattern)
        written.append(_written(part, values[place], bits[place]))
    return "".join(written)


def _written(part: Conversion, value: object, bits: int) -> str:
    letter = part.letter.lower()
    text = _text(part, value) if value is None or letter in "sb" else _NUMERIC[letter](part, value, bits)
    text = text.upper() if part.letter.isupper() else text
    return text.ljust(part.width) if "-" in part.flags else text.rjust(part.width)


def _text(part: Conversion, value: object) -> str:
    match value:
        case _ if part.letter in "bB":
            text = ("true" if value else "false") if isinstance(value, bool) or value is None else "true"
        case None:
            text = "null"
        case bool():
            text = "true" if value else "false"
        case float():
            text = double_text(value)
        case _:
            text = str(value)
    return text if part.precision is None else text[: part.precision]


def _signed(part: Conversion, digits: str, *, negative: bool) -> str:
    """With sign, grouping and leading zeros as the flags say."""
    whole, point, fraction = digits.partition(".")
    if "," in part.flags:
        whole = f"{int(whole):,}"
    body = whole + point + fraction
    before, after = ("(", ")") if negative and "(" in part.flags else ("-" if negative else "", "")
    if not negative:
        before = "+" if "+" in part.flags else " " if " " in part.flags else ""
    if "0" in part.flags:
        body = body.rjust(part.width - len(before) - len(after), "0")
    return before + body + after


def _decimal_integer(part: Conversion, value: object, bits: int) -> str:
    if not bits or not isinstance(value, int):
        raise FormatMismatch(value)
    return _signed(part, str(abs(value)), negative=value < 0)


def _other_base(letter: str) -> Callable[[Conversion, object, int], str]:
    def write(part: Conversion, value: object, bits: int) -> str:
        """Negative integers as the two's complement of their type."""
        if not bits or not isinstance(value, int):
            raise FormatMismatch(value)
        digits = format(value & ((1 << bits) - 1), letter)
        prefix = ("0x" if letter == "x" else "0") if "#" in part.flags else ""
        return prefix + digits.rjust(part.width - len(prefix), "0") if "0" in part.flags else prefix + digits

    return write


def _rounded(value: object, precision: int | None, *, scientific: bool) -> Decimal:
    """By the shortest decimal text of the number, half up, as Java does."""
    assert isinstance(value, float)
    places = _DEFAULT_PRECISION if precision is None else precision
    number = Decimal(repr(abs(value)))
    step = (number.adjusted() if scientific and number else 0) - places
    return number.quantize(Decimal(1).scaleb(step), ROUND_HALF_UP, Context(prec=_DIGITS_OF_A_DOUBLE + places))


def _floating(part: Conversion, value: object, bits: int) -> str:
    if not isinstance(value, float) or bits:
        raise FormatMismatch(value)
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    scientific = part.letter in "eE"
    negative = math.copysign(1, value) < 0
    number = _rounded(value, part.precision, scientific=scientific)
    if not scientific:
        return _signed(part, format(number, "f"), negative=negative)
    mantissa, _, exponent = format(number, "e").partition("e")
    sign, digits = ("-", exponent[1:]) if exponent.startswith("-") else ("+", exponent.lstrip("+"))
    return _signed(part, f"{mantissa}e{sign}{digits.rjust(2, '0')}", negative=negative)


def _character(_: Conversion, value: object, bits: int) -> str:
    if not bits or not isinstance(value, int) or not 0 <= value <= 0x10FFFF:
        raise FormatMismatch(value)
    return chr(value)


_NUMERIC: dict[str, Callable[[Conversion, object, int], str]] = {
    "d": _decimal_integer,
    "o": _other_base("o"),
    "x": _other_base("x"),
    "f": _floating,
    "e": _floating,
    "c": _character,
}
