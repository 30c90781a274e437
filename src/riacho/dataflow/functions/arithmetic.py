"""Arithmetic: integers wrap and truncate toward zero, decimals are exact, floats follow IEEE 754."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal

import numpy as np
import polars as pl

from riacho.dataflow.columns import polars_type
from riacho.dataflow.evaluation import decimals
from riacho.dataflow.evaluation.decimals import DIVISION_BY_ZERO, INT128, power_of_ten
from riacho.dataflow.evaluation.guard import guard
from riacho.dataflow.evaluation.invocation import Evaluate, Invocation
from riacho.dataflow.functions.intervals import shifted
from riacho.dataflow.functions.rounding import ceil_to_unit, floor_to_unit
from riacho.plan.types import (
    DataType,
    DecimalType,
    FloatType,
    IntegerType,
    is_interval,
    is_numeric,
    is_temporal,
)

_EXACT = Context(prec=400)


def _types(call: Invocation) -> tuple[DataType, DataType]:
    return call.type(0), call.type(1)


def _plus(call: Invocation) -> pl.Expr:
    if len(call) == 1:
        return call[0]
    left, right = _types(call)
    if isinstance(call.call.type, DecimalType):
        return decimals.added(call[0], call[1], (left, right), call.call.type, call.failing, 1)
    if is_temporal(left):
        return shifted(call[0], left, call[1], right, call.call.type)
    if is_temporal(right):
        return shifted(call[1], right, call[0], left, call.call.type)
    return _in_result_type(call, call[0] + call[1])


def _in_result_type(call: Invocation, value: pl.Expr) -> pl.Expr:
    """FLOAT + DOUBLE is computed in DOUBLE and is a FLOAT, as the first operand is (see `least_restrictive_type`)."""
    if isinstance(call.call.type, FloatType) and not call.type(0).same_as(call.call.type):
        return value.cast(call.result)
    return value


def _minus(call: Invocation) -> pl.Expr:
    if len(call) == 1:
        return -call[0]
    left, right = _types(call)
    if isinstance(call.call.type, DecimalType):
        return decimals.added(call[0], call[1], (left, right), call.call.type, call.failing, -1)
    if is_temporal(left):
        return shifted(call[0], left, -call[1], right, call.call.type)
    return _in_result_type(call, call[0] - call[1])


def _times(call: Invocation) -> pl.Expr:
    left, right = _types(call)
    if isinstance(call.call.type, DecimalType):
        return decimals.multiplied(call[0], call[1], (left, right), call.call.type, call.failing)
    if is_interval(call.call.type):
        interval, number, kind = (call[0], call[1], right) if is_interval(left) else (call[1], call[0], left)
        if isinstance(kind, IntegerType):
            return interval * number.cast(pl.Int64)
        return (interval.cast(pl.Float64) * number.cast(pl.Float64)).cast(pl.Int64, wrap_numerical=True)
    return _in_result_type(call, call[0] * call[1])


def _divisor_is_safe(call: Invocation) -> bool:
    return call.is_literal(1) and bool(call.literal(1))


def _divide(call: Invocation) -> pl.Expr:
    left, right = _types(call)
    if isinstance(call.call.type, DecimalType):
        return decimals.divided(call[0], call[1], (left, right), call.call.type, call.failing)
    if isinstance(call.call.type, FloatType):
        return _in_result_type(call, call[0] / call[1])
    quotient = call[0].truncdiv(call[1])
    if _divisor_is_safe(call):
        return quotient
    return guard(quotient, (call[1] == 0) & call[0].is_not_null(), DIVISION_BY_ZERO, call)


def _remainder(call: Invocation) -> pl.Expr:
    left, right = _types(call)
    if isinstance(call.call.type, DecimalType):
        return decimals.remainder(call[0], call[1], (left, right), call.call.type, call.failing)
    rest = (call[0] - call[0].truncdiv(call[1]) * call[1]).cast(call.result, wrap_numerical=True)
    if _divisor_is_safe(call):
        return rest
    return guard(rest, (call[1] == 0) & call[0].is_not_null(), DIVISION_BY_ZERO, call)


def _sign(call: Invocation) -> pl.Expr:
    kind = call.type(0)
    if isinstance(kind, DecimalType):
        return decimals.scaled(decimals.unscaled(call[0], kind).sign() * power_of_ten(kind.scale), kind)
    return call[0].sign()


def _to_whole(call: Invocation, *, floor: bool) -> pl.Expr:
    kind = call.type(0)
    if isinstance(kind, IntegerType):
        return call[0]
    if isinstance(kind, FloatType):
        return call[0].floor() if floor else call[0].ceil()
    assert isinstance(kind, DecimalType)
    digits = decimals.unscaled(call[0], kind)
    step = power_of_ten(kind.scale)
    zero = pl.lit(0, INT128)
    # Polars cannot negate 128-bit integers, but subtracts them.
    whole = digits // step if floor else zero - (zero - digits) // step
    return decimals.scaled(whole, DecimalType(kind.precision, 0))


def _floor(call: Invocation) -> pl.Expr:
    if is_numeric(call.type(0)):
        return _to_whole(call, floor=True)
    return floor_to_unit(call[0], call.type(0), call.keyword(1, ""), call.settings.zone)


def _ceil(call: Invocation) -> pl.Expr:
    if is_numeric(call.type(0)):
        return _to_whole(call, floor=False)
    return ceil_to_unit(call[0], call.type(0), call.keyword(1, ""), call.settings.zone)


def _round(call: Invocation) -> pl.Expr:
    return _at_digits(call, ROUND_HALF_UP)


def _truncate(call: Invocation) -> pl.Expr:
    return _at_digits(call, ROUND_DOWN)


def _at_digits(call: Invocation, mode: str) -> pl.Expr:
    """ROUND and TRUNCATE. The number of digits is nearly always a literal; a computed one goes row by row."""
    kind = call.type(0)
    digits = 0 if len(call) == 1 else call.literal(1)
    if digits is None:
        return call.per_row(lambda value, count: _at_digits_of_value(value, count, mode, kind))
    if isinstance(kind, FloatType):
        return _float_at_digits(call, digits, mode)
    dropped = decimals.scale_of(kind) - digits
    if dropped <= 0:
        return call[0]
    number = decimals.unscaled(call[0], kind)
    if dropped > decimals.precision_of(kind):
        kept = number * 0
    elif mode == ROUND_HALF_UP:
        kept = decimals.rounded(number, dropped)
    else:
        kept = number.truncdiv(power_of_ten(dropped))
    if isinstance(kind, IntegerType):
        return (kept * power_of_ten(min(dropped, 20))).cast(call.result, wrap_numerical=True)
    assert isinstance(call.call.type, DecimalType)
    restored = kept * power_of_ten(min(-digits, 38)) if digits < 0 else kept
    return decimals.scaled(restored, call.call.type)


def _at_digits_of_value(value: float | int | Decimal, digits: int, mode: str, kind: DataType) -> object:
    if isinstance(value, float):
        return _exact_float(value, digits, mode) if math.isfinite(value) else value
    if digits >= decimals.scale_of(kind):
        return value
    whole = Decimal(value).quantize(_unit(digits), mode, _EXACT)
    return int(whole) if isinstance(value, int) else whole.quantize(Decimal(1).scaleb(-decimals.scale_of(kind)))


NO_SIGN = 0.0
"""Added to a rounded number, so that -0.4 becomes 0.0 and not -0.0: `BigDecimal` knows no negative zero."""


def _exact_float(value: float, digits: int, mode: str) -> float:
    """By the number's shortest decimal text, as Java's `BigDecimal.valueOf(x).setScale(digits, mode)`."""
    number = Decimal(repr(value))
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and -exponent <= digits:
        return value + NO_SIGN
    return float(number.quantize(_unit(digits), mode, _EXACT)) + NO_SIGN


def _unit(digits: int) -> Decimal:
    """Of which a number is a multiple that is rounded so; nothing is left of any beyond the greatest power of ten."""
    return Decimal(1).scaleb(min(-digits, _MOST_DIGITS + 2))


_AMBIGUOUS = 1e-6
"""A fraction this near to the decision is decided on the number's decimal text; others by floating point."""


_MOST_DIGITS = 308
"""The greatest power of ten that is a DOUBLE."""


def _float_at_digits(call: Invocation, digits: int, mode: str) -> pl.Expr:
    factor = 10.0 ** min(abs(digits), _MOST_DIGITS)  # a power below one is not exact
    edge = 0.5 if mode == ROUND_HALF_UP else 1.0

    def run(series: list[pl.Series], _: object) -> pl.Series:
        numbers = series[0].cast(pl.Float64)
        values = numbers.fill_null(0.0).to_numpy()
        with np.errstate(all="ignore"):
            size = np.abs(values) * factor if digits >= 0 else np.abs(values) / factor
            whole = np.floor(size)
            rest = size - whole
            close = (np.abs(rest - edge) < _AMBIGUOUS) | (mode == ROUND_DOWN) & (rest < _AMBIGUOUS) & (rest > 0)
            large = np.maximum(size, np.abs(values)) > 2.0**50
            hard = np.isfinite(values) & (close | large | (size < 1e-300) & (values != 0))
            rounded = whole + (rest >= edge)
            made = np.copysign(rounded / factor if digits >= 0 else rounded * factor, values)
        made = np.where(np.isfinite(values), made, values)
        for row in np.flatnonzero(hard):
            made[row] = _exact_float(float(values[row]), digits, mode)
        return pl.Series(made + NO_SIGN).set(numbers.is_null(), None).cast(polars_type(call.type(0)))

    return call.columnwise(run, (call[0],))


def _log(call: Invocation) -> pl.Expr:
    if len(call) == 1:
        return call[0].log()
    return call[1].log() / call[0].log()


def _of_double(function: Callable[[pl.Expr], pl.Expr]) -> Evaluate:
    return lambda call: function(call[0])


FUNCTIONS: dict[str, Evaluate] = {
    "+": _plus,
    "-": _minus,
    "*": _times,
    "/": _divide,
    "%": _remainder,
    "ABS": lambda call: call[0].abs(),
    "CEIL": _ceil,
    "FLOOR": _floor,
    "ROUND": _round,
    "TRUNCATE": _truncate,
    "SIGN": _sign,
    "POWER": lambda call: call[0].pow(call[1]),
    "SQRT": _of_double(pl.Expr.sqrt),
    "EXP": _of_double(pl.Expr.exp),
    "LN": _of_double(lambda number: number.log()),
    "LOG10": _of_double(lambda number: number.log10()),
    "LOG2": _of_double(lambda number: number.log() / math.log(2.0)),
    "LOG": _log,
    "SIN": _of_double(pl.Expr.sin),
    "COS": _of_double(pl.Expr.cos),
    "TAN": _of_double(pl.Expr.tan),
    "COT": _of_double(lambda number: 1.0 / number.tan()),
    "ASIN": _of_double(pl.Expr.arcsin),
    "ACOS": _of_double(pl.Expr.arccos),
    "ATAN": _of_double(pl.Expr.arctan),
    "ATAN2": lambda call: pl.arctan2(call[0], call[1]),
    "SINH": _of_double(pl.Expr.sinh),
    "COSH": _of_double(pl.Expr.cosh),
    "TANH": _of_double(pl.Expr.tanh),
    "DEGREES": _of_double(lambda number: number * (180.0 / math.pi)),
    "RADIANS": _of_double(lambda number: number / 180.0 * math.pi),
    "PI": lambda _: pl.lit(math.pi),
    "E": lambda _: pl.lit(math.e),
}
