"""Marks rows as failed beside a value that Polars computes anyway."""

from __future__ import annotations

import polars as pl

from riacho.dataflow.evaluation.invocation import Invocation
from riacho.dataflow.evaluation.kernels import Report, apply


def guard(value: pl.Expr, failed: pl.Expr, message: str, call: Invocation, kind: pl.DataType | None = None) -> pl.Expr:
    """`value`, with the rows reported in which `failed` is true. `kind`: its type, if not that of the call's result."""

    def run(series: list[pl.Series], report: Report) -> pl.Series:
        report.rows(series[1], message)
        return series[0]

    return apply(run, call.result if kind is None else kind, (value, failed), call.failing)
