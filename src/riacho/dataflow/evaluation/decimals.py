"""Exact decimal arithmetic on unscaled 128-bit integers: rounding HALF_UP, NULL where the precision is exceeded.

Where 128 bits do not suffice for an intermediate result, which the batch's values decide, Python's integers compute it.
Source: Flink, `DecimalDataUtils`.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from riacho.dataflow.evaluation.kernels import Failing, Report, apply
from riacho.plan.types import DataType, DecimalType, IntegerType

INT128 = pl.Int128()
_INT128_LIMIT = 2**127 - 1
_MAX_POWER = 38
"""The greatest power of ten that 128 bits hold."""


def power_of_ten(exponent: int) -> pl.Expr:
    """A literal 10^`exponent` of 128 bits; `exponent` is at most 38."""
    return pl.lit(10**exponent, INT128)


def unscaled(value: pl.Expr, data_type: DataType) -> pl.Expr:
    """A decimal's digits as an integer: 1.20 is 120. An integer is itself."""
    return value.cast(INT128) if isinstance(data_type, IntegerType) else value.to_physical()


def scale_of(data_type: DataType) -> int:
    """Digits after the point; an integer has none."""
    return data_type.scale if isinstance(data_type, DecimalType) else 0


def precision_of(data_type: DataType) -> int:
    """Digits in all; for an integer, of the greatest value of its type."""
    if isinstance(data_type, DecimalType):
        return data_type.precision
    assert isinstance(data_type, IntegerType)
    return {8: 3, 16: 5, 32: 10, 64: 19}[data_type.bits]


def scaled(digits: pl.Expr, result: DecimalType, *, may_exceed: bool = True) -> pl.Expr:
    """The decimal of these unscaled digits; NULL where they are more than its precision allows."""
    if may_exceed:
        digits = pl.when(digits.abs() < power_of_ten(result.precision)).then(digits)
    return digits.reinterpret(dtype=pl.Decimal(result.precision, result.scale))


def rounded(digits: pl.Expr, dropped: int) -> pl.Expr:
    """Digits without the last `dropped` ones, half rounded away from zero."""
    if dropped <= 0:
        return digits if dropped == 0 else digits * power_of_ten(-dropped)
    half = pl.lit(10**dropped // 2, INT128)
    return pl.when(digits < 0).then(digits - half).otherwise(digits + half).truncdiv(power_of_ten(dropped))


def rescaled(value: pl.Expr, source: DataType, result: DecimalType) -> pl.Expr:
    """An integer or decimal as another decimal: HALF_UP, NULL if it does not fit."""
    dropped = scale_of(source) - result.scale
    digits = unscaled(value, source)
    grows = precision_of(source) - scale_of(source) + (1 if dropped > 0 else 0)
    exceeds = grows > result.precision - result.scale
    if precision_of(source) - min(dropped, 0) > 38:
        # Widening could pass 128 bits: what has too many digits for the result is dropped first.
        limit = power_of_ten(max(0, result.precision + dropped))
        digits = pl.when(digits.abs() < limit).then(digits)
    return scaled(rounded(digits, dropped), result, may_exceed=exceeds)


def _half_up(numerator: int, divisor: int) -> int:
    quotient, rest = divmod(abs(numerator), abs(divisor))
    if 2 * rest >= abs(divisor):
        quotient += 1
    return quotient if (numerator < 0) == (divisor < 0) else -quotient


def _rounded_int(digits: int, dropped: int) -> int:
    return digits * 10**-dropped if dropped <= 0 else _half_up(digits, 10**dropped)


def _largest(series: pl.Series) -> int:
    value = series.abs().max()
    return int(value) if isinstance(value, int) else 0


def _big(
    left: pl.Series, right: pl.Series, result: DecimalType, function: Callable[[int, int], int | None]
) -> pl.Series:
    """Row by row with Python's integers, for a batch whose intermediate digits pass 128 bits."""
    limit = 10**result.precision
    made: list[int | None] = []
    for one, other in zip(left.to_list(), right.to_list(), strict=True):
        value = None if one is None or other is None else function(one, other)
        made.append(value if value is not None and abs(value) < limit else None)
    return pl.Series(made, dtype=INT128)


def _binary(
    left: pl.Expr,
    right: pl.Expr,
    result: DecimalType,
    failing: Failing,
    kernel: Callable[[pl.Series, pl.Series, Report], pl.Series],
) -> pl.Expr:
    digits = apply(lambda series, report: kernel(series[0], series[1], report), INT128, (left, right), failing)
    return digits.reinterpret(dtype=pl.Decimal(result.precision, result.scale))


def _evaluated(expression: pl.Expr) -> pl.Series:
    return pl.select(expression).to_series()


def added(
    left: pl.Expr, right: pl.Expr, types: tuple[DataType, DataType], result: DecimalType, failing: Failing, sign: int
) -> pl.Expr:
    """left + right, or left - right for `sign` -1."""
    scale = max(scale_of(types[0]), scale_of(types[1]))
    ups = [scale - scale_of(item) for item in types]
    one, other = unscaled(left, types[0]), unscaled(right, types[1])
    dropped = scale - result.scale
    digits_before = max(precision_of(item) - scale_of(item) for item in types)
    if digits_before + scale + 1 <= 38:
        total = rounded(one, -ups[0]) + sign * rounded(other, -ups[1])
        return scaled(rounded(total, dropped), result, may_exceed=False)

    def kernel(first: pl.Series, second: pl.Series, _: Report) -> pl.Series:
        bound = _largest(first) * 10 ** ups[0] + _largest(second) * 10 ** ups[1]
        if bound + 10**dropped < _INT128_LIMIT:
            total = rounded(pl.lit(first), -ups[0]) + sign * rounded(pl.lit(second), -ups[1])
            digits = rounded(total, dropped)
            return _evaluated(pl.when(digits.abs() < 10**result.precision).then(digits))
        return _big(
            first,
            second,
            result,
            lambda a, b: _rounded_int(a * 10 ** ups[0] + sign * b * 10 ** ups[1], dropped),
        )

    return _binary(one, other, result, failing, kernel)


def multiplied(
    left: pl.Expr, right: pl.Expr, types: tuple[DataType, DataType], result: DecimalType, failing: Failing
) -> pl.Expr:
    """The product rounded half up to the scale of `result`; null where it needs more digits than that has."""
    one, other = unscaled(left, types[0]), unscaled(right, types[1])
    dropped = scale_of(types[0]) + scale_of(types[1]) - result.scale
    if precision_of(types[0]) + precision_of(types[1]) <= 38:
        return scaled(rounded(one * other, dropped), result, may_exceed=False)

    def kernel(first: pl.Series, second: pl.Series, _: Report) -> pl.Series:
        if _largest(first) * _largest(second) + 10**dropped < _INT128_LIMIT:
            digits = rounded(pl.lit(first) * pl.lit(second), dropped)
            return _evaluated(pl.when(digits.abs() < 10**result.precision).then(digits))
        return _big(first, second, result, lambda a, b: _rounded_int(a * b, dropped))

    return _binary(one, other, result, failing, kernel)


DIVISION_BY_ZERO = "division by zero"


def divided(
    left: pl.Expr, right: pl.Expr, types: tuple[DataType, DataType], result: DecimalType, failing: Failing
) -> pl.Expr:
    """The quotient rounded half up to the scale of `result`; null where it needs more digits than that has.

    A division by zero fails the row.
    """
    one, other = unscaled(left, types[0]), unscaled(right, types[1])
    shift = result.scale + scale_of(types[1]) - scale_of(types[0])

    def kernel(first: pl.Series, second: pl.Series, report: Report) -> pl.Series:
        report.rows((second == 0) & first.is_not_null(), DIVISION_BY_ZERO)
        wide = _largest(first) * 10 ** max(shift, 0)
        if 0 <= shift <= _MAX_POWER and max(wide, _largest(second)) < _INT128_LIMIT // 2:
            numerator, divisor = pl.lit(first) * power_of_ten(shift), pl.lit(second)
            quotient = numerator.truncdiv(divisor)
            rest = (numerator - quotient * divisor).abs()
            up = pl.when((numerator < 0) == (divisor < 0)).then(1).otherwise(-1).cast(INT128)
            digits = pl.when(rest * 2 >= divisor.abs()).then(quotient + up).otherwise(quotient)
            return _evaluated(pl.when(digits.abs() < 10**result.precision).then(digits))

        def exact(numerator: int, divisor: int) -> int | None:
            if divisor == 0:
                return None
            return _half_up(numerator * 10 ** max(shift, 0), divisor * 10 ** max(-shift, 0))

        return _big(first, second, result, exact)

    return _binary(one, other, result, failing, kernel)


def remainder(
    left: pl.Expr, right: pl.Expr, types: tuple[DataType, DataType], result: DecimalType, failing: Failing
) -> pl.Expr:
    """What is left of `left` after whole `right`s, with the sign of `left`."""
    scale = max(scale_of(types[0]), scale_of(types[1]))
    ups = [scale - scale_of(item) for item in types]
    one, other = unscaled(left, types[0]), unscaled(right, types[1])
    dropped = scale - result.scale

    def kernel(first: pl.Series, second: pl.Series, report: Report) -> pl.Series:
        report.rows((second == 0) & first.is_not_null(), DIVISION_BY_ZERO)
        if max(_largest(first) * 10 ** ups[0], _largest(second) * 10 ** ups[1]) < _INT128_LIMIT:
            dividend, divisor = rounded(pl.lit(first), -ups[0]), rounded(pl.lit(second), -ups[1])
            digits = rounded(dividend - dividend.truncdiv(divisor) * divisor, dropped)
            return _evaluated(pl.when(digits.abs() < 10**result.precision).then(digits))

        def exact(dividend: int, divisor: int) -> int | None:
            if divisor == 0:
                return None
            rest = abs(dividend * 10 ** ups[0]) % abs(divisor * 10 ** ups[1])
            return _rounded_int(rest if dividend >= 0 else -rest, dropped)

        return _big(first, second, result, exact)

    return _binary(one, other, result, failing, kernel)
