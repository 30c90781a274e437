"""Choices between values."""

from __future__ import annotations

import polars as pl

from riacho.dataflow.evaluation.invocation import Evaluate, Invocation
from riacho.dataflow.functions.comparison import equal


def _null_if(call: Invocation) -> pl.Expr:
    same = equal(call[0], call[1], call.type(0)).fill_null(value=False)
    return pl.when(~same).then(call[0])


def _if(call: Invocation) -> pl.Expr:
    holds = call[0].fill_null(value=False)
    return pl.when(holds).then(call.lazily(1, holds)).otherwise(call.lazily(2, ~holds))


def _if_any_null(call: Invocation, value: pl.Expr) -> pl.Expr:
    nullable = [argument.is_null() for index, argument in enumerate(call.arguments) if call.type(index).nullable]
    return pl.when(~pl.any_horizontal(nullable)).then(value) if nullable else value


FUNCTIONS: dict[str, Evaluate] = {
    "COALESCE": lambda call: pl.coalesce(call.arguments),
    "IFNULL": lambda call: pl.coalesce(call.arguments),
    "NULLIF": _null_if,
    "IF": _if,
    "GREATEST": lambda call: _if_any_null(call, pl.max_horizontal(call.arguments)),
    "LEAST": lambda call: _if_any_null(call, pl.min_horizontal(call.arguments)),
}
