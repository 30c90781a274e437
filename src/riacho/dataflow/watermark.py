"""Event time per row: one watermark of several, those of a source's splits or of an operator's inputs.

It is the least of those that count, and never falls. One that is idle does not count, for nothing has come from there
for so long that nobody is to wait for it; when it wakes, its rows behind the watermark are late. One that has ended
does not count either. Where none is left that counts, the watermark goes as far as the furthest of the idle ones has
come, whichever fell silent first, and is idle itself. The rule is in `riacho.kernels.watermarks`.

Source: Flink, "Generating Watermarks", with `'scan.watermark.emit.strategy' = 'on-event'`: the watermark moves with
each row, not with a timer, so results do not depend on when and in what batches rows arrive. "Dealing With Idle
Sources": CombinedWatermarkStatus.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt

from riacho.dataflow.batch import END_OF_TIME, NO_WATERMARK, Batch, Int64Array, WatermarkSteps
from riacho.dataflow.operator import StateArrays
from riacho.host.clock import Clock
from riacho.kernels.watermarks import advance_watermark, allowed_watermark, combine_watermarks

FIRST = np.empty(0, np.int32)
"""The numbers of splits, all of which are 0."""

BEFORE_ALL_ROWS = -1
"""The sequence number before the job's first."""


Bools = npt.NDArray[np.bool_]


class CombinedWatermark:
    """The watermark of an operator with several inputs, from pass to pass.

    `waits`: an input that has woken behind the watermark holds it where it is until it has caught up, as in Flink's
    joins (IndexedCombinedWatermarkStatus); else it counts from then on only, as in a union (StatusWatermarkValve).
    """

    def __init__(self, *, waits: bool) -> None:
        self._waits = waits
        self._level = NO_WATERMARK

    def over(self, inputs: tuple[Batch, ...], since: int) -> tuple[Batch, ...]:
        """The inputs of a pass, each with the watermark of them all in place of its own.

        Called once for each pass, or part of one, with the sequence number of the job's last row before it.
        """
        first = inputs[0].watermark
        if any(batch.watermark is not first for batch in inputs):  # else they are of one source
            watermark = self._steps([batch.watermark for batch in inputs], since)
            inputs = tuple([each if each.watermark is watermark else each.with_watermark(watermark) for each in inputs])
        self._level = inputs[0].watermark.after
        return inputs

    def _steps(self, inputs: list[WatermarkSteps], since: int) -> WatermarkSteps:
        silent = any(steps.idle for steps in inputs)
        sizes = [len(steps.sequence) for steps in inputs]
        if not silent and not any(sizes):
            return WatermarkSteps.still(self._level)
        ends = np.array(list(accumulate(sizes)))
        levels = np.array([steps.before for steps in inputs])
        idle = np.array([steps.idle for steps in inputs])
        moments, reached = np.empty(sum(sizes) + 1, np.int64), np.empty(sum(sizes) + 1, np.int64)
        count = combine_watermarks(
            np.concatenate([steps.sequence for steps in inputs]),
            np.concatenate([steps.value for steps in inputs]),
            ends,
            ends - np.array(sizes),
            levels,
            idle,
            self._waits,
            # The clock says who is idle, after all that has come before this pass.
            since if silent else BEFORE_ALL_ROWS - 1,
            self._level,
            moments,
            reached,
        )
        return WatermarkSteps(self._level, moments[:count], reached[:count], silent and _all_idle(levels, idle))

    def snapshot(self) -> npt.NDArray[np.int64]:
        return np.array([self._level])

    def restore(self, state: npt.NDArray[np.int64]) -> None:
        (self._level,) = state.tolist()


def _all_idle(levels: Int64Array, idle: Bools) -> bool:
    """Whether nobody is to wait for any of these: those that have not ended are idle."""
    going = levels < END_OF_TIME
    return bool(going.any() and idle[going].all())


class SplitWatermarks:
    """The running maximum of each split's watermark values, and their minimum over the splits that count.

    Parameters
    ----------
    clock
        Measures silence.
    idle_timeout_ms
        A split silent for this long no longer holds the watermark back until its next row; 0: never.
    """

    def __init__(self, clock: Clock, *, idle_timeout_ms: int = 0) -> None:
        self._clock = clock
        self._timeout = idle_timeout_ms
        self._numbers: dict[int, int] = {}
        self._levels = np.empty(0, np.int64)
        self._heard_ms = np.empty(0, np.float64)
        self._lookup = np.empty(0, np.int32)
        self._in_order = False
        """Whether each split's number is the split, as where a source began with all of them."""
        self._never_idle = np.empty(0, np.bool_)
        self._known: npt.NDArray[np.int32] | None = None
        """The splits of many rows, each of which is its own number."""
        self.watermark = NO_WATERMARK
        self._last_sequence = BEFORE_ALL_ROWS

    @property
    def bytes(self) -> int:
        return self._levels.nbytes + self._heard_ms.nbytes + self._lookup.nbytes

    def assign(self, splits: Iterable[int]) -> None:
        """These splits hold the watermark back until they have rows; one first seen in a row is added by itself."""
        new = sorted(set(splits) - self._numbers.keys())
        if not new:
            return
        assert new[0] >= 0, "splits are numbered from 0"
        for split in new:
            self._numbers[split] = len(self._numbers)
        self._levels = np.concatenate((self._levels, np.full(len(new), NO_WATERMARK)))
        self._heard_ms = np.concatenate((self._heard_ms, np.full(len(new), self._clock.monotonic_ms())))
        self._never_idle = np.zeros(len(self._levels), np.bool_)
        self._lookup = np.full(max(self._numbers) + 1, -1, np.int32)
        for split, number in self._numbers.items():
            self._lookup[split] = number
        self._in_order = self._lookup.tolist() == list(range(len(self._numbers)))
        self._known = None

    def finish(self, splits: Iterable[int]) -> None:
        """These splits have no further rows."""
        splits = list(splits)
        self.assign(splits)
        for split in splits:
            self._levels[self._numbers[split]] = END_OF_TIME

    def not_asked(self) -> None:
        """That no split has rows says nothing of them: nobody has asked for any."""
        self._heard_ms[:] = self._clock.monotonic_ms()

    def advance(
        self,
        sequence: Int64Array,
        splits: npt.NDArray[np.int32] | None,
        values: Int64Array,
        valid: Bools,
        unit: int = 1,
        *,
        since: int = BEFORE_ALL_ROWS,
    ) -> WatermarkSteps:
        """The watermark during a pass over these rows, of whose watermark values so many `unit`s are a millisecond.

        `valid` is empty where every value is; a null one moves nothing. `splits` None: all rows are of split 0. `since`
        is the last row of the job before the pass.
        """
        before = self.watermark
        numbers = self._split_numbers(splits, len(sequence))
        if self._timeout and len(sequence):  # before any is called idle: rows may have waited for a long pass
            self._heard_ms[numbers if len(numbers) else 0] = self._clock.monotonic_ms()
        idle = self._idle()
        if len(sequence) and min(self._levels.tolist()) <= before and not (self._timeout and idle.any()):
            return WatermarkSteps(before, *self._advance(sequence, numbers, values, unit, valid, idle))
        start = self._start(idle, since)
        if not len(sequence):
            return start
        moments, levels = self._advance(sequence, numbers, values, unit, valid, idle)
        return WatermarkSteps(
            before, np.concatenate((start.sequence, moments)), np.concatenate((start.value, levels)), start.idle
        )

    def _advance(
        self,
        sequence: Int64Array,
        numbers: npt.NDArray[np.int32],
        values: Int64Array,
        unit: int,
        valid: Bools,
        idle: Bools,
    ) -> tuple[Int64Array, Int64Array]:
        """The steps that the rows, of which there are some, make."""
        moments, levels = np.empty(len(sequence), np.int64), np.empty(len(sequence), np.int64)
        count = advance_watermark(
            values, unit, valid, numbers, sequence, self._levels, idle, self.watermark, moments, levels
        )
        if count:
            self.watermark = int(levels[count - 1])
        self._last_sequence = int(sequence[-1])
        return moments[:count], levels[:count]

    def end(self, sequence: int) -> None:
        """No split has further rows: the watermark is the end of time."""
        self.watermark = END_OF_TIME
        self._last_sequence = max(self._last_sequence, sequence)

    def _start(self, idle: Bools, since: int) -> WatermarkSteps:
        """The step before the first row, where splits that ended or fell silent have held the watermark back.

        One ends with its last row, whenever that is noticed; silence is noticed after all that has come.
        """
        if not len(idle):
            return WatermarkSteps.still(self.watermark)
        start = WatermarkSteps.still(self.watermark, idle=_all_idle(self._levels, idle))
        allowed = allowed_watermark(self._levels, idle)
        if allowed <= self.watermark:
            return start
        self.watermark = allowed
        silent = bool((idle & (self._levels < allowed)).any())
        return start.then(max(self._last_sequence, since if silent else BEFORE_ALL_ROWS), self.watermark)

    def _split_numbers(self, splits: npt.NDArray[np.int32] | None, rows: int) -> npt.NDArray[np.int32]:
        """The number of each row's split; empty where every one is of the first."""
        if splits is None:
            if 0 not in self._numbers:
                self.assign([0])
            return FIRST if self._numbers[0] == 0 else np.full(rows, self._numbers[0], np.int32)
        if not rows:
            return splits
        if splits.base is not None and splits.base is self._known:
            return splits
        if int(splits.max()) < len(self._lookup):
            if self._in_order:
                self._know(splits)
                return splits
            numbers = self._lookup[splits]
            if int(numbers.min()) >= 0:
                return numbers
        self.assign(np.unique(splits).tolist())
        return self._lookup[splits]

    def _know(self, splits: npt.NDArray[np.int32]) -> None:
        """Look at all rows of which these are a part: the next passes' mostly are, too."""
        whole = splits.base
        if isinstance(whole, np.ndarray) and whole.dtype == splits.dtype and int(whole.max()) < len(self._lookup):
            self._known = whole

    def _idle(self) -> Bools:
        """Which splits have been silent for longer than the time-out."""
        if not self._timeout:
            return self._never_idle
        idle: Bools = self._heard_ms <= self._clock.monotonic_ms() - self._timeout
        return idle

    def slowest(self) -> tuple[int, int] | None:
        """(split, level) of the split that holds the watermark back; None where none does, because all have ended."""
        counting = np.flatnonzero(~self._idle() & (self._levels < END_OF_TIME))
        if not len(counting):
            return None
        number = int(counting[np.argmin(self._levels[counting])])
        return list(self._numbers)[number], int(self._levels[number])

    @property
    def idle(self) -> bool:
        """Whether all that have not ended have been silent for so long that nobody waits for them."""
        return _all_idle(self._levels, self._idle())

    def snapshot(self) -> StateArrays:
        return {
            "splits": np.array(list(self._numbers), np.int64),
            "levels": self._levels.copy(),
            "watermark": np.array([self.watermark, self._last_sequence], np.int64),
        }

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        for split in state["splits"].tolist():
            self.assign([split])
        self._levels = state["levels"].copy()
        self.watermark, self._last_sequence = state["watermark"].tolist()
