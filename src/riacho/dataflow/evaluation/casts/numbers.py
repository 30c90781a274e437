"""Numbers, booleans and intervals as each other: Java's conversions, which wrap integers and saturate floats."""

from __future__ import annotations

import polars as pl

from riacho.dataflow.columns import polars_type
from riacho.dataflow.evaluation.casts.parsing import decimals_of_text
from riacho.dataflow.evaluation.decimals import INT128, power_of_ten, rescaled
from riacho.dataflow.evaluation.kernels import Failing, Report, apply
from riacho.formats.java_numbers import java_digits
from riacho.plan.types import (
    BooleanType,
    DataType,
    DecimalType,
    FloatType,
    IntegerType,
    is_interval,
)


def to_boolean(value: pl.Expr, source: DataType) -> pl.Expr:
    """Zero is false."""
    if isinstance(source, DecimalType):
        return value.to_physical() != pl.lit(0, INT128)
    if isinstance(source, FloatType):
        return (value != 0) | value.is_nan()
    return value != 0


def to_number(value: pl.Expr, source: DataType, target: DataType, failing: Failing) -> pl.Expr:
    """A number, boolean or interval as a number or an interval."""
    if is_interval(target):
        return value.cast(pl.Int64)
    if is_interval(source):
        return value.cast(polars_type(target), wrap_numerical=True)
    if isinstance(source, BooleanType):
        number = value.cast(pl.Int32)
        return (
            rescaled(number, IntegerType(32), target)
            if isinstance(target, DecimalType)
            else number.cast(polars_type(target))
        )
    match target:
        case IntegerType():
            return _to_integer(value, source, target)
        case FloatType():
            return value.cast(polars_type(target))
        case DecimalType():
            return (
                _of_float(value, target, failing) if isinstance(source, FloatType) else rescaled(value, source, target)
            )
    raise AssertionError(f"no cast from {source} to {target}")


def _to_integer(value: pl.Expr, source: DataType, target: IntegerType) -> pl.Expr:
    kind = polars_type(target)
    match source:
        case IntegerType(bits=bits):
            return value.cast(kind) if bits <= target.bits else value.cast(kind, wrap_numerical=True)
        case FloatType():
            # Java first saturates to int or long (NaN is 0), then cuts to the narrower type's bits.
            wide = value.cast(pl.Int64 if target.bits == 64 else pl.Int32, wrap_numerical=True)
            return wide if target.bits >= 32 else wide.cast(kind, wrap_numerical=True)
        case DecimalType(scale=scale):
            digits = value.to_physical()
            whole = digits if scale == 0 else digits.truncdiv(power_of_ten(scale))
            return whole.cast(pl.Int64, wrap_numerical=True).cast(kind, wrap_numerical=True)
    raise AssertionError(f"no cast from {source} to {target}")


def _of_float(value: pl.Expr, target: DecimalType, failing: Failing) -> pl.Expr:
    """The decimal of the number's shortest text, as Java's `BigDecimal.valueOf`: 1.255 is exactly 1.255."""

    def run(series: list[pl.Series], report: Report) -> pl.Series:
        numbers = series[0].cast(pl.Float64)
        report.rows(~numbers.is_finite(), "NaN and infinity are no DECIMAL")
        finite = numbers.set(~numbers.is_finite(), None)
        return decimals_of_text(java_digits(finite), target, lambda _: None)

    return apply(run, polars_type(target), (value,), failing)
