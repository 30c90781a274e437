"""Choices between values."""

from __future__ import annotations

import math

import polars as pl

from riacho.dataflow.evaluation.invocation import Evaluate, Invocation
from riacho.dataflow.functions.comparison import equal
from riacho.plan.types import FloatType


def _null_if(call: Invocation) -> pl.Expr:
    same = equal(call[0], call[1], call.type(0)).fill_null(value=False)
    return pl.when(~same).then(call[0])


def _if(call: Invocation) -> pl.Expr:
    holds = call[0].fill_null(value=False)
    return pl.when(holds).then(call.lazily(1, holds)).otherwise(call.lazily(2, ~holds))


def _if_any_null(call: Invocation, value: pl.Expr) -> pl.Expr:
    nullable = [argument.is_null() for index, argument in enumerate(call.arguments) if call.type(index).nullable]
    return pl.when(~pl.any_horizontal(nullable)).then(value) if nullable else value


def _greatest(call: Invocation) -> pl.Expr:
    """NaN is the greatest number; Polars passes over it."""
    highest = pl.max_horizontal(call.arguments)
    if isinstance(call.type(0), FloatType):
        any_nan = pl.any_horizontal([argument.is_nan() for argument in call.arguments])
        highest = pl.when(any_nan).then(pl.lit(math.nan, call.result)).otherwise(highest)
    return _if_any_null(call, highest)


FUNCTIONS: dict[str, Evaluate] = {
    "COALESCE": lambda call: pl.coalesce(call.arguments),
    "IFNULL": lambda call: pl.coalesce(call.arguments),
    "NULLIF": _null_if,
    "IF": _if,
    "GREATEST": _greatest,
    "LEAST": lambda call: _if_any_null(call, pl.min_horizontal(call.arguments)),
}
