"""Floating-point numbers as Java prints them: what Flink writes into JSON and CSV."""

from __future__ import annotations

import numpy as np


def double_text(value: float) -> str:
    """`Double.toString` (JDK 19 and later: the shortest digits that read back as the same number).

    >>> double_text(100.0), double_text(1e7), double_text(0.00012), double_text(float("-inf"))
    ('100.0', '1.0E7', '1.2E-4', '-Infinity')
    """
    return _java(repr(float(value)))


def float_text(value: float) -> str:
    """`Float.toString`.

    >>> float_text(0.1), float_text(16777216.0)
    ('0.1', '1.6777216E7')
    """
    return _java(str(np.float32(value)))


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
