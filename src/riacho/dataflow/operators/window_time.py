"""The time in which windows are laid out: the time column's own, or the session zone's wall clock for TIMESTAMP_LTZ.

Source: Flink, TimeWindowUtil: windows over TIMESTAMP_LTZ are aligned with local time; one whose end occurs twice
closes the second time. Windows over processing time are windows over the clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from riacho.dataflow.batch import END_OF_TIME, NO_WATERMARK, Batch, Int64Array, WatermarkSteps
from riacho.dataflow.columns import integers
from riacho.dataflow.expressions import RowError, RowFailure, Settings, Zone
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.watermark import BEFORE_ALL_ROWS
from riacho.formats.arrow import Column
from riacho.host.clock import Clock
from riacho.plan.relations import Schema, TimeAttribute, WindowAggregate
from riacho.plan.types import TimestampLtzType

MICROSECONDS = 1000

_FAR = 253_402_300_799_000
"""9999-12-31 in milliseconds: watermarks beyond it are not times of day."""


class WindowTime(Protocol):
    """Event time or processing time, as windows see it."""

    def steps(self, batch: Batch) -> WatermarkSteps:
        """How far window time has come during a pass: every window that ends a millisecond after is over."""
        ...

    def of_rows(self, batch: Batch) -> Int64Array:
        """Each row's window time in microseconds. Raises `RowError` for rows whose time is null."""
        ...

    def column(self, local_ms: Int64Array) -> Column:
        """Window times as window_time has them."""
        ...

    def wake_at_ms(self, next_end: int) -> int | None:
        """When, by the clock, a window that ends at `next_end` is over; None where only input can say so."""
        ...

    def snapshot(self) -> StateArrays: ...

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None: ...


def window_time(schema: Schema, column: int, settings: Settings) -> WindowTime:
    """The window time of a time attribute."""
    if schema[column].time is TimeAttribute.PROCTIME:
        return ProcessingTime(settings.clock, settings.zone)
    zoned = isinstance(schema[column].type, TimestampLtzType)
    return EventTime(schema, column, settings.zone, zoned=zoned, local=not zoned)


def attached_time(relation: WindowAggregate, settings: Settings) -> WindowTime:
    """The window time of rows that have their window: their time column is its end, by the wall clock."""
    schema, column = relation.input.schema, relation.time_column
    if not relation.event_time:
        return AttachedProcessingTime(schema, column, settings.clock, settings.zone)
    return EventTime(schema, column, settings.zone, zoned=relation.zoned, local=True)


def closing_limit(progress: int) -> int:
    """The greatest end of a window that is over when window time has come to `progress`."""
    return min(progress, END_OF_TIME - 1) + 1


class _LocalTime:
    """Instants as the wall clock of a zone shows them; without a zone, as they are."""

    def __init__(self, zone: Zone | None, *, zoned: bool) -> None:
        self.zone = zone
        self.zoned = zoned
        """Whether times are instants (TIMESTAMP_LTZ)."""

    def fired(self, watermarks: Int64Array) -> Int64Array:
        """Watermarks in window time: the last millisecond whose timer, in Flink, has fired."""
        return watermarks if self.zone is None else _fired(self.zone, watermarks)

    def instants(self, local_ms: Int64Array) -> Int64Array:
        """Window times as the time column's type has them, in microseconds."""
        if self.zone is None:
            return local_ms * MICROSECONDS
        series = pl.Series("local", local_ms * MICROSECONDS).cast(pl.Datetime("us"))
        instants = series.to_frame().select(self.zone.instant(pl.col("local"))).to_series()
        return integers(instants).to_numpy()

    def column(self, local_ms: Int64Array) -> Column:
        """Window times as window_time has them."""
        return Column("tsu:UTC" if self.zoned else "tsu:", len(local_ms), (self.instants(local_ms),))


class ProcessingTime(_LocalTime):
    """The clock: all rows of a pass come at one moment, and no row is late."""

    def __init__(self, clock: Clock, zone: Zone) -> None:
        super().__init__(zone if zone.offset != 0 else None, zoned=True)
        self._clock = clock
        self._now = 0
        self._progress = NO_WATERMARK
        self._last_sequence = BEFORE_ALL_ROWS

    def steps(self, batch: Batch) -> WatermarkSteps:
        self._now = self._clock.now_ms()
        before = self._progress
        # Flink's timer of a window that ends at 10:00 is due at 10:00, not a millisecond before.
        self._progress = max(before, int(self.fired(np.array([self._now - 1]))[0]))
        moment = self._last_sequence
        if len(batch):
            self._last_sequence = int(batch.sequence[-1])
        if self._progress == before:
            return WatermarkSteps.still(before)
        return WatermarkSteps(before, np.array([moment]), np.array([self._progress]))

    def of_rows(self, batch: Batch) -> Int64Array:
        local = self._now if self.zone is None else self._now + int(_offset_at(self.zone, np.array([self._now]))[0])
        return np.full(len(batch), max(local, self._progress + 1) * MICROSECONDS)

    def wake_at_ms(self, next_end: int) -> int | None:
        if next_end >= _FAR:
            return None
        return int(self.instants(np.array([next_end]))[0]) // MICROSECONDS

    def snapshot(self) -> StateArrays:
        return {"progress": np.array([self._progress, self._last_sequence], np.int64)}

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._progress, self._last_sequence = state["progress"].tolist()


class AttachedProcessingTime(ProcessingTime):
    """The clock, for rows whose windows the clock has closed: what comes in a pass is over with it."""

    def __init__(self, schema: Schema, column: int, clock: Clock, zone: Zone) -> None:
        super().__init__(clock, zone)
        self._name = schema[column].name

    def steps(self, batch: Batch) -> WatermarkSteps:
        super().steps(batch)
        return WatermarkSteps(NO_WATERMARK, np.array([self._last_sequence]), np.array([self._progress]))

    def of_rows(self, batch: Batch) -> Int64Array:
        return integers(batch.frame.get_column(self._name)).to_numpy()


class EventTime(_LocalTime):
    """Translates between a time column and window time.

    A `local` column holds window time itself; watermarks are instants where times are `zoned`.
    """

    def __init__(self, schema: Schema, column: int, zone: Zone, *, zoned: bool, local: bool) -> None:
        super().__init__(zone if zoned and zone.offset != 0 else None, zoned=zoned)
        self._name = schema[column].name
        self._column = schema.column(column)
        self._rows_are_local = local or self.zone is None

    def of_rows(self, batch: Batch) -> Int64Array:
        column = batch.column(self._column.index)
        if isinstance(column, Column) and column.valid is None and self._rows_are_local:
            times_us: Int64Array = column.buffers[0]
            return times_us
        times = batch.frame.get_column(self._name)
        if times.null_count():
            message = "the row time is null"
            rows = np.flatnonzero(times.is_null().to_numpy()).tolist()
            raise RowError(tuple(RowFailure(row, message, self._column) for row in rows))
        if not self._rows_are_local:
            assert self.zone is not None
            times = pl.select(self.zone.local(pl.lit(times))).to_series()
        return integers(times).to_numpy()

    def steps(self, batch: Batch) -> WatermarkSteps:
        return self.steps_of(batch.watermark)

    def steps_of(self, steps: WatermarkSteps) -> WatermarkSteps:
        """How far window time has come where the watermark goes these steps."""
        if self.zone is None:
            return steps
        values = self.fired(np.concatenate((np.array([steps.before]), steps.value)))
        values = np.maximum.accumulate(values)
        rises = values[1:] > values[:-1]  # a difference could overflow
        return WatermarkSteps(int(values[0]), steps.sequence[rises], values[1:][rises])

    def wake_at_ms(self, next_end: int) -> int | None:
        del next_end
        return None

    def snapshot(self) -> StateArrays:
        return {}

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        assert not state, "event time is in the rows"


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


def _fired(zone: Zone, watermarks: Int64Array) -> Int64Array:
    ordinary = (watermarks > -_FAR) & (watermarks < _FAR)
    instants = np.where(ordinary, watermarks, 0)
    offset = _offset_at(zone, instants)
    values = instants + offset
    # Local times of an hour that will come again have not passed yet.
    later = _offset_at(zone, instants + _REPEAT_MS)
    for place in np.flatnonzero((later < offset) & ordinary):
        repeated_from = _next_change(zone, int(instants[place]) // _MINUTE_MS * _MINUTE_MS) + int(later[place])
        values[place] = min(int(values[place]), repeated_from - 1)
    values[watermarks <= -_FAR] = NO_WATERMARK
    values[watermarks >= _FAR] = END_OF_TIME
    return values


@lru_cache(maxsize=4096)
def _next_change(zone: Zone, instant: int) -> int:
    """The first instant from this one on at which the zone's offset falls, within `_REPEAT_MS`."""
    moments = instant + np.arange(0, _REPEAT_MS + _MINUTE_MS + 1, _MINUTE_MS, dtype=np.int64)
    offsets = _offset_at(zone, moments)
    return int(moments[np.flatnonzero(offsets < offsets[0])[0]])
