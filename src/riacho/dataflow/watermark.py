"""Event time per row: the watermark of a source with several splits.

Source: Flink, "Generating Watermarks", with `'scan.watermark.emit.strategy' = 'on-event'`: the watermark moves with
each row, not with a timer, so results do not depend on when and in what batches rows arrive.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from riacho.dataflow.batch import END_OF_TIME, NO_WATERMARK, Int64Array, WatermarkSteps
from riacho.dataflow.operator import StateArrays
from riacho.host.clock import Clock
from riacho.kernels.windows import advance_watermark

FIRST = np.empty(0, np.int32)
"""The numbers of splits, all of which are 0."""

BEFORE_ALL_ROWS = -1
"""The sequence number before the job's first."""


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

    def advance(
        self,
        sequence: Int64Array,
        splits: npt.NDArray[np.int32] | None,
        values: Int64Array,
        valid: npt.NDArray[np.bool_],
        unit: int = 1,
    ) -> WatermarkSteps:
        """The watermark during a pass over these rows, of whose watermark values so many `unit`s are a millisecond.

        `valid` is empty where every value is; a null one moves nothing. `splits` None: all rows are of split 0.
        """
        before = self.watermark
        numbers = self._split_numbers(splits, len(sequence))
        if not self._timeout and len(sequence) and min(self._levels.tolist()) <= before:
            return WatermarkSteps(before, *self._advance(sequence, numbers, values, unit, valid, self._never_idle))
        idle = self._idle()
        steps: list[tuple[Int64Array, Int64Array]] = [self._start(idle)]
        if len(sequence):
            if self._timeout:
                active = np.unique(numbers) if len(numbers) else 0
                self._heard_ms[active] = self._clock.monotonic_ms()
                idle[active] = False
            steps.append(self._advance(sequence, numbers, values, unit, valid, idle))
        return WatermarkSteps(before, *(np.concatenate(part) for part in zip(*steps, strict=True)))

    def _advance(
        self,
        sequence: Int64Array,
        numbers: npt.NDArray[np.int32],
        values: Int64Array,
        unit: int,
        valid: npt.NDArray[np.bool_],
        idle: npt.NDArray[np.bool_],
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

    def _start(self, idle: npt.NDArray[np.bool_]) -> tuple[Int64Array, Int64Array]:
        """A step before the first row, where splits that fell silent or ended have held the watermark back."""
        active = self._levels[~idle]
        if len(active) and (least := int(active.min())) > self.watermark:
            self.watermark = least
            return np.array([self._last_sequence]), np.array([least])
        return np.empty(0, np.int64), np.empty(0, np.int64)

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

    def _idle(self) -> npt.NDArray[np.bool_]:
        """Which splits have been silent for longer than the time-out."""
        if not self._timeout:
            return np.zeros(len(self._levels), np.bool_)
        idle: npt.NDArray[np.bool_] = self._heard_ms <= self._clock.monotonic_ms() - self._timeout
        return idle

    def slowest(self) -> tuple[int, int] | None:
        """(split, level) of the split that holds the watermark back; None where none does, because all have ended."""
        counting = np.flatnonzero(~self._idle() & (self._levels < END_OF_TIME))
        if not len(counting):
            return None
        number = int(counting[np.argmin(self._levels[counting])])
        return list(self._numbers)[number], int(self._levels[number])

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
