"""CAST between SQL types. Source: Flink, "Data Types", casting; the rules of its `casting` package in the planner."""

from __future__ import annotations

import polars as pl

from riacho.dataflow.columns import polars_type
from riacho.dataflow.evaluation.casts.formatting import to_text
from riacho.dataflow.evaluation.casts.lengths import fitted_bytes
from riacho.dataflow.evaluation.casts.nested import to_nested
from riacho.dataflow.evaluation.casts.numbers import to_boolean, to_number
from riacho.dataflow.evaluation.casts.parsing import from_text
from riacho.dataflow.evaluation.casts.times import to_temporal
from riacho.dataflow.evaluation.kernels import Failing
from riacho.dataflow.evaluation.settings import Settings
from riacho.plan.types import (
    MAX_LENGTH,
    BinaryType,
    BooleanType,
    DataType,
    NullType,
    VarbinaryType,
    is_bytes,
    is_interval,
    is_numeric,
    is_temporal,
    is_text,
)


def cast(value: pl.Expr, source: DataType, target: DataType, settings: Settings, failing: Failing) -> pl.Expr:
    """A column of `source` as `target`. What does not fit is reported to `failing`, and NULL."""
    if source.same_as(target):
        return value
    if isinstance(source, NullType):
        return value.cast(polars_type(target))
    if is_text(target):
        return to_text(value, source, target, settings)
    if is_text(source) and not is_bytes(target):
        return from_text(value, target, settings, failing)
    if is_bytes(target):
        return _to_bytes(value, source, target)
    if isinstance(target, BooleanType):
        return to_boolean(value, source)
    if (is_numeric(target) or is_interval(target)) and not is_temporal(source):
        return to_number(value, source, target, failing)
    if is_temporal(target):
        return to_temporal(value, source, target, settings)
    return to_nested(
        value, source, target, lambda part, one, other, parts: cast(part, one, other, settings, parts), failing
    )


def _to_bytes(value: pl.Expr, source: DataType, target: DataType) -> pl.Expr:
    """Text as UTF-8."""
    assert isinstance(target, BinaryType | VarbinaryType)
    raw = value.cast(pl.Binary) if is_text(source) else value
    known = source.length if isinstance(source, BinaryType | VarbinaryType) else MAX_LENGTH
    fits = isinstance(target, VarbinaryType) and known <= target.length
    return raw if fits else fitted_bytes(raw, target)
