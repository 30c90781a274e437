"""The time of an interval join: the rows' own, with their watermarks, or the clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from riacho.dataflow.batch import END_OF_TIME, NO_WATERMARK, Batch, Int64Array, WatermarkSteps
from riacho.dataflow.columns import integers
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.operators.watermark import MICROSECONDS
from riacho.dataflow.state.timed_rows import NO_TIME
from riacho.dataflow.watermark import BEFORE_ALL_ROWS
from riacho.host.clock import Clock


class IntervalTime(Protocol):
    """What tells an interval join the times of its rows and how far time has come, in milliseconds."""

    def steps(self, inputs: Sequence[Batch], watermark: WatermarkSteps) -> WatermarkSteps:
        """How time goes on in a pass. Called once for each."""
        ...

    def of_rows(self, number: int, batch: Batch) -> Int64Array:
        """The times of the rows of a side; `NO_TIME` where there is none."""
        ...

    def held_back(self, watermark: WatermarkSteps) -> WatermarkSteps:
        """The watermark of what comes out."""
        ...

    def wake_at_ms(self, end: int) -> int | None:
        """When a row whose time is over after `end` is to be forgotten though no input comes."""
        ...

    def snapshot(self) -> StateArrays: ...

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None: ...


class RowTimes:
    """The sides' row times, and the watermark. Rows come out behind it by up to `delay`, so it is held back by that."""

    def __init__(self, columns: tuple[int, int], delay: int) -> None:
        self._columns = columns
        self._delay = delay

    def steps(self, inputs: Sequence[Batch], watermark: WatermarkSteps) -> WatermarkSteps:
        del inputs
        return watermark

    def of_rows(self, number: int, batch: Batch) -> Int64Array:
        time = batch.frame.to_series(self._columns[number])
        times: Int64Array = integers(time).fill_null(0).to_numpy() // MICROSECONDS
        return np.where(time.is_null().to_numpy(), NO_TIME, times) if time.null_count() else times

    def held_back(self, watermark: WatermarkSteps) -> WatermarkSteps:
        value = np.where(watermark.value == END_OF_TIME, END_OF_TIME, watermark.value - self._delay)
        before = watermark.before
        return WatermarkSteps(
            before if before in (END_OF_TIME, NO_WATERMARK) else before - self._delay,
            watermark.sequence,
            value,
            watermark.idle,
        )

    def wake_at_ms(self, end: int) -> int | None:
        del end
        return None

    def snapshot(self) -> StateArrays:
        return {}

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        assert not state, "event time is in the rows"


class Moments:
    """The clock: all rows of a pass come at its moment, and event time goes by as if there were no join."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._now = NO_WATERMARK
        self._last_sequence = BEFORE_ALL_ROWS

    def steps(self, inputs: Sequence[Batch], watermark: WatermarkSteps) -> WatermarkSteps:
        del watermark
        before, moment = self._now, self._last_sequence
        self._now = max(before, self._clock.now_ms())
        self._last_sequence = max([moment, *(int(batch.sequence[-1]) for batch in inputs if len(batch))])
        if self._now == before:
            return WatermarkSteps.still(before)
        return WatermarkSteps(before, np.array([moment]), np.array([self._now]))

    def of_rows(self, number: int, batch: Batch) -> Int64Array:
        del number
        return np.full(len(batch), self._now)

    def held_back(self, watermark: WatermarkSteps) -> WatermarkSteps:
        return watermark

    def wake_at_ms(self, end: int) -> int | None:
        return end + 1

    def snapshot(self) -> StateArrays:
        return {"progress": np.array([self._now, self._last_sequence], np.int64)}

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._now, self._last_sequence = state["progress"].tolist()
