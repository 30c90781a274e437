"""The time in which windows are laid out: the time column's own, or the session zone's wall clock for TIMESTAMP_LTZ.

Source: Flink, TimeWindowUtil: windows over TIMESTAMP_LTZ are aligned with local time; one whose end occurs twice
closes the second time.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import polars as pl

from riacho.dataflow.batch import END_OF_TIME, NO_WATERMARK, Batch, Int64Array, WatermarkSteps
from riacho.dataflow.columns import integers
from riacho.dataflow.expressions import RowError, RowFailure, Zone
from riacho.plan.relations import Schema
from riacho.plan.types import TimestampLtzType

MICROSECONDS = 1000

_FAR = 253_402_300_799_000
"""9999-12-31 in milliseconds: watermarks beyond it are not times of day."""


class WindowTime:
    """Translates between a time column and window time."""

    def __init__(self, schema: Schema, column: int, zone: Zone) -> None:
        self._name = schema[column].name
        self._column = schema.column(column)
        zoned = isinstance(schema[column].type, TimestampLtzType)
        self.zone = zone if zoned and zone.offset != 0 else None
        self.zoned = zoned

    def of_rows(self, batch: Batch) -> Int64Array:
        """Each row's window time in microseconds. Raises `RowError` for rows whose time is null."""
        times = batch.frame.get_column(self._name)
        if times.null_count():
            message = "the row time is null"
            rows = np.flatnonzero(times.is_null().to_numpy()).tolist()
            raise RowError(tuple(RowFailure(row, message, self._column) for row in rows))
        if self.zone is not None:
            times = pl.select(self.zone.local(pl.lit(times))).to_series()
        return integers(times).to_numpy()

    def of_watermark(self, steps: WatermarkSteps) -> WatermarkSteps:
        """The watermark in window time: the last millisecond whose timer, in Flink, has fired."""
        if self.zone is None:
            return steps
        values = self._fired(np.concatenate((np.array([steps.before]), steps.value)))
        values = np.maximum.accumulate(values)
        rises = values[1:] > values[:-1]  # a difference could overflow
        return WatermarkSteps(int(values[0]), steps.sequence[rises], values[1:][rises])

    def _fired(self, watermarks: Int64Array) -> Int64Array:
        assert self.zone is not None
        ordinary = (watermarks > -_FAR) & (watermarks < _FAR)
        instants = np.where(ordinary, watermarks, 0)
        offset = _offset_at(self.zone, instants)
        values = instants + offset
        # Local times of an hour that will come again have not passed yet.
        later = _offset_at(self.zone, instants + _REPEAT_MS)
        for place in np.flatnonzero((later < offset) & ordinary):
            repeated_from = _next_change(self.zone, int(instants[place]) // _MINUTE_MS * _MINUTE_MS) + int(later[place])
            values[place] = min(int(values[place]), repeated_from - 1)
        values[watermarks <= -_FAR] = NO_WATERMARK
        values[watermarks >= _FAR] = END_OF_TIME
        return values

    def instants(self, local_ms: Int64Array) -> Int64Array:
        """Window times as the time column's type has them, in microseconds: what window_time is made of."""
        if self.zone is None:
            return local_ms * MICROSECONDS
        series = pl.Series("local", local_ms * MICROSECONDS).cast(pl.Datetime("us"))
        instants = series.to_frame().select(self.zone.instant(pl.col("local"))).to_series()
        return integers(instants).to_numpy()


_REPEAT_MS = 3 * 3_600_000
"""No zone has ever set its clock back by more than this."""

_MINUTE_MS = 60_000
"""Zones change their offset on whole minutes of UTC."""


def _offset_at(zone: Zone, instants: Int64Array) -> Int64Array:
    """Local time less UTC, in milliseconds."""
    series = pl.Series("instant", instants * MICROSECONDS).cast(pl.Datetime("us", "UTC"))
    local = series.to_frame().select(zone.local(pl.col("instant"))).to_series()
    offset: Int64Array = integers(local).to_numpy() // MICROSECONDS - instants
    return offset


@lru_cache(maxsize=4096)
def _next_change(zone: Zone, instant: int) -> int:
    """The first instant from this one on at which the zone's offset falls, within `_REPEAT_MS`."""
    moments = instant + np.arange(0, _REPEAT_MS + _MINUTE_MS + 1, _MINUTE_MS, dtype=np.int64)
    offsets = _offset_at(zone, moments)
    return int(moments[np.flatnonzero(offsets < offsets[0])[0]])
