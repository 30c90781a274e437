"""CAST between SQL types. Source: Flink, "Data Types", casting; the rules of its `casting` package in the planner."""

from __future__ import annotations

import polars as pl

from riacho.dataflow.columns import polars_type
from riacho.dataflow.evaluation.casts.formatting import to_text
from riacho.dataflow.evaluation.casts.lengths import fitted_bytes
from riacho.dataflow.evaluation.casts.numbers import to_boolean, to_number
from riacho.dataflow.evaluation.casts.parsing import from_text
from riacho.dataflow.evaluation.casts.times import to_temporal
from riacho.dataflow.evaluation.kernels import Failing
from riacho.dataflow.evaluation.settings import Settings
from riacho.plan.types import (
    MAX_LENGTH,
    ArrayType,
    BinaryType,
    BooleanType,
    DataType,
    MapType,
    NullType,
    RowType,
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
    return _nested(value, source, target, settings, failing)


def _to_bytes(value: pl.Expr, source: DataType, target: DataType) -> pl.Expr:
    """Text as UTF-8."""
    assert isinstance(target, BinaryType | VarbinaryType)
    raw = value.cast(pl.Binary) if is_text(source) else value
    known = source.length if isinstance(source, BinaryType | VarbinaryType) else MAX_LENGTH
    fits = isinstance(target, VarbinaryType) and known <= target.length
    return raw if fits else fitted_bytes(raw, target)


def _nested(value: pl.Expr, source: DataType, target: DataType, settings: Settings, failing: Failing) -> pl.Expr:
    """Elements, entries or fields one by one; a failing element is NULL, as rows inside are not told apart."""
    inner = Failing(None, failing.expression, None)
    match source, target:
        case (ArrayType(), ArrayType()):
            return value.list.eval(cast(pl.element(), source.element, target.element, settings, inner))
        case (MapType(), MapType()):
            key = cast(pl.element().struct.field("key"), source.key, target.key, settings, inner)
            item = cast(pl.element().struct.field("value"), source.value, target.value, settings, inner)
            return value.list.eval(pl.struct(key.alias("key"), item.alias("value")))
        case (RowType(), RowType()):
            fields = [
                cast(value.struct.field(one.name), one.type, other.type, settings, failing).alias(other.name)
                for one, other in zip(source, target, strict=True)
            ]
            return pl.when(value.is_not_null()).then(pl.struct(fields))
    raise AssertionError(f"no cast from {source} to {target}")
