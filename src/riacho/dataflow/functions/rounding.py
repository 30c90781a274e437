"""FLOOR and CEIL of points in time. Source: Flink and Calcite, `DateTimeUtils`: a week begins on Sunday here."""

from __future__ import annotations

import polars as pl

from riacho.dataflow.evaluation.zones import Zone
from riacho.plan.types import DataType, DateType, TimestampLtzType, TimeType

_STEPS = {
    "YEAR": "1y",
    "QUARTER": "1q",
    "MONTH": "1mo",
    "WEEK": "1w",
    "DAY": "1d",
    "HOUR": "1h",
    "MINUTE": "1m",
    "SECOND": "1s",
    "MILLISECOND": "1ms",
}
_YEARS = {"DECADE": 10, "CENTURY": 100, "MILLENNIUM": 1000}
_BELOW_A_DAY = {"HOUR": 3_600_000_000_000, "MINUTE": 60_000_000_000, "SECOND": 1_000_000_000, "MILLISECOND": 1_000_000}
_NANOSECONDS_PER_DAY = 86_400_000_000_000


def floor_to_unit(point: pl.Expr, kind: DataType, unit: str, zone: Zone) -> pl.Expr:
    return _to_unit(point, kind, unit, zone, up=False)


def ceil_to_unit(point: pl.Expr, kind: DataType, unit: str, zone: Zone) -> pl.Expr:
    return _to_unit(point, kind, unit, zone, up=True)


def _to_unit(point: pl.Expr, kind: DataType, unit: str, zone: Zone, *, up: bool) -> pl.Expr:
    if isinstance(kind, TimeType):
        return _time_to_unit(point, unit, up=up)
    if isinstance(kind, TimestampLtzType):
        return zone.instant(_local_to_unit(zone.local(point), unit, up=up))
    if isinstance(kind, DateType):
        if unit in _BELOW_A_DAY:
            return point
        return _local_to_unit(point.cast(pl.Datetime("us")), unit, up=up).dt.date()
    return _local_to_unit(point, unit, up=up)


def _time_to_unit(point: pl.Expr, unit: str, *, up: bool) -> pl.Expr:
    step = _BELOW_A_DAY.get(unit)
    if step is None:
        return point
    since_midnight = point.to_physical()
    whole = since_midnight // step * step
    if up:
        whole = pl.when(whole < since_midnight).then(whole + step).otherwise(whole) % _NANOSECONDS_PER_DAY
    return whole.cast(pl.Time)


def _local_to_unit(local: pl.Expr, unit: str, *, up: bool) -> pl.Expr:
    if unit in _YEARS:
        span = _YEARS[unit]
        # Decades begin with years ending in 0, centuries and millennia in 1.
        first = 0 if unit == "DECADE" else 1
        year = (local.dt.year() - first) // span * span + first
        floor = pl.datetime(year, 1, 1, time_unit="us")
        step = f"{span}y"
    elif unit == "WEEK":
        floor, step = local.dt.offset_by("1d").dt.truncate("1w").dt.offset_by("-1d"), "1w"
    else:
        step = _STEPS[unit]
        floor = local.dt.truncate(step)
    if not up:
        return floor
    return pl.when(floor < local).then(floor.dt.offset_by(step)).otherwise(floor)
