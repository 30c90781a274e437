"""Three-valued logic. AND and OR look at their operands from left to right: a decided row cannot fail any more."""

from __future__ import annotations

import polars as pl

from riacho.dataflow.evaluation.invocation import Evaluate, Invocation


def _and(call: Invocation) -> pl.Expr:
    made = call[0]
    for index in range(1, len(call)):
        made = made & call.lazily(index, made.fill_null(value=True))
    return made


def _or(call: Invocation) -> pl.Expr:
    made = call[0]
    for index in range(1, len(call)):
        made = made | call.lazily(index, ~made.fill_null(value=False))
    return made


FUNCTIONS: dict[str, Evaluate] = {
    "AND": _and,
    "OR": _or,
    "NOT": lambda call: ~call[0],
    "IS TRUE": lambda call: call[0].fill_null(value=False),
    "IS NOT TRUE": lambda call: ~call[0].fill_null(value=False),
    "IS FALSE": lambda call: ~call[0].fill_null(value=True),
    "IS NOT FALSE": lambda call: call[0].fill_null(value=True),
    "IS UNKNOWN": lambda call: call[0].is_null(),
    "IS NOT UNKNOWN": lambda call: call[0].is_not_null(),
}
