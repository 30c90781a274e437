"""Dates, times of day, timestamps and instants as each other."""

from __future__ import annotations

import polars as pl

from riacho.dataflow.evaluation.settings import Settings
from riacho.plan.types import DataType, DateType, TimestampLtzType, TimestampType, TimeType

MAX_KEPT_PRECISION = 6
"""Timestamps are kept in microseconds."""


def to_temporal(value: pl.Expr, source: DataType, target: DataType, settings: Settings) -> pl.Expr:
    """A temporal value as another temporal type; digits of the second beyond its precision are cut off."""
    match target:
        case DateType():
            return local_timestamp(value, source, settings).dt.date()
        case TimeType(precision=precision):
            clock = value if isinstance(source, TimeType) else local_timestamp(value, source, settings).dt.time()
            return cut_time(clock, precision) if _precision(source) > precision else clock
        case TimestampType(precision=precision):
            return _cut_from(local_timestamp(value, source, settings), source, precision)
        case TimestampLtzType(precision=precision):
            if isinstance(source, TimestampLtzType):
                return _cut_from(value, source, precision)
            local = _cut_from(local_timestamp(value, source, settings), source, precision)
            return settings.zone.instant(local)
    raise AssertionError(f"no cast from {source} to {target}")


def local_timestamp(value: pl.Expr, source: DataType, settings: Settings) -> pl.Expr:
    """A column of any temporal type as date and time without a zone; a time of day is on 1 January 1970."""
    match source:
        case TimestampLtzType():
            return settings.zone.local(value)
        case TimeType():
            # A TIME column is nanoseconds since midnight.
            return (value.to_physical() // 1000).cast(pl.Datetime("us"))
        case DateType():
            return value.cast(pl.Datetime("us"))
    return value


def _precision(source: DataType) -> int:
    return source.precision if isinstance(source, TimeType | TimestampType | TimestampLtzType) else 0


def _cut_from(value: pl.Expr, source: DataType, precision: int) -> pl.Expr:
    return cut(value, precision) if _precision(source) > precision else value


def cut(timestamp: pl.Expr, precision: int) -> pl.Expr:
    """Without the digits of the second beyond `precision`."""
    if precision >= MAX_KEPT_PRECISION:
        return timestamp
    return timestamp.dt.truncate(f"{10 ** (MAX_KEPT_PRECISION - precision)}us")


def cut_time(clock: pl.Expr, precision: int) -> pl.Expr:
    """A time of day without the digits of the second beyond `precision`."""
    step = 10 ** (9 - precision)
    whole: pl.Expr = clock.to_physical() // pl.lit(step) * step
    return whole.cast(pl.Time)
