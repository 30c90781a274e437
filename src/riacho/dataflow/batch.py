"""What flows between operators: the rows of one pass as columns, their order, their signs and the watermark.

A pass takes whatever has arrived and runs it once through the graph. Every row that a source delivers gets the next
sequence number of the job, so operators with several inputs see one order, and a result is the same however the
input is cut into passes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from riacho.formats.arrow import Column
from riacho.formats.buffered import Columnar, column_of, frame_of, gathered, sliced

Int64Array = npt.NDArray[np.int64]
Int32Array = npt.NDArray[np.int32]

NO_WATERMARK = -(2**63)
"""Before any row: nothing is late (Flink's Long.MIN_VALUE)."""

ADDED = np.empty(0, np.int8)
"""No signs: every row is added."""

_NOTHING = np.empty(0, np.int64)

END_OF_SEQUENCE = 2**63 - 1
"""No row has a greater sequence number."""

END_OF_TIME = 2**63 - 1
"""The watermark after the last row of bounded input: every window closes (Flink's Long.MAX_VALUE)."""


@dataclass(slots=True)  # not frozen, as batches are not
class WatermarkSteps:
    """The watermark during one pass, in milliseconds: a step function of the sequence number.

    It stands at `before` until the row `sequence[0]` has been seen and at `value[i]` after the row `sequence[i]`.
    Both arrays ascend; `value` strictly.

    `idle`: nobody is to wait for it, since nothing has come for long (`riacho.dataflow.watermark`). Who holds a
    watermark back says the same of it.
    """

    before: int
    sequence: Int64Array
    value: Int64Array
    idle: bool = False

    @staticmethod
    def still(value: int = NO_WATERMARK, *, idle: bool = False) -> WatermarkSteps:
        """A watermark that does not move in this pass."""
        return WatermarkSteps(value, _NOTHING, _NOTHING, idle)

    def then(self, sequence: int, value: int) -> WatermarkSteps:
        """The same steps and one more: `value` after the row `sequence`.

        A source says that its input has ended after a row by a last step to `END_OF_TIME`.

        >>> WatermarkSteps.still(5).then(8, END_OF_TIME).after == END_OF_TIME
        True
        """
        return WatermarkSteps(self.before, np.append(self.sequence, sequence), np.append(self.value, value), self.idle)

    @property
    def after(self) -> int:
        """Where the watermark stands at the end of the pass."""
        return int(self.value[-1]) if len(self.value) else self.before

    def seen_by(self, sequence: Int64Array) -> Int64Array:
        """The watermark that stood before each of these rows: what decides whether a row is late.

        >>> steps = WatermarkSteps(0, np.array([3, 5]), np.array([100, 200]))
        >>> steps.seen_by(np.array([2, 3, 4, 5, 6])).tolist()
        [0, 0, 100, 100, 200]
        """
        levels = np.concatenate((np.array([self.before], np.int64), self.value))
        return levels[np.searchsorted(self.sequence, sequence, side="left")]

    def between(self, low: int, high: int) -> WatermarkSteps:
        """The steps after rows above `low` up to `high`; those up to `low` have been taken.

        >>> steps = WatermarkSteps(0, np.array([3, 5, 8]), np.array([100, 200, 300])).between(3, 7)
        >>> steps.before, steps.sequence.tolist(), steps.value.tolist()
        (100, [5], [200])
        """
        if not len(self.sequence) or (low < self.sequence[0] and self.sequence[-1] <= high):
            return self
        first, stop = np.searchsorted(self.sequence, [low, high], side="right").tolist()
        before = int(self.value[first - 1]) if first else self.before
        return WatermarkSteps(before, self.sequence[first:stop], self.value[first:stop], self.idle)


@dataclass(slots=True)  # freezing one takes longer than some operators take for its rows
class Batch:
    """The rows of one pass at one point of the graph, in order of arrival; never changed.

    `frame` has one column per field of the relation's schema, by name (see `polars_type` for the mapping); `rows` are
    the same as they were made, perhaps by a kernel that no frame was needed for.
    `sequence` ascends, with ties where one row became several. `diff` is +1 or −1 per row, or None where all are +1.
    `split` says which source split (Kafka partition) a row came from, up to the `Watermark` step only.

    A scan's batch has no watermark but for its end (`WatermarkSteps.then`). In the scan of an upsert table −1 marks a
    tombstone: only its key fields mean anything.
    """

    rows: Columnar
    sequence: Int64Array
    watermark: WatermarkSteps
    diff: npt.NDArray[np.int8] | None = None
    split: Int32Array | None = None

    def __post_init__(self) -> None:
        assert len(self.sequence) == self.rows.height
        assert self.diff is None or len(self.diff) == self.rows.height

    def __len__(self) -> int:
        return len(self.sequence)

    @property
    def frame(self) -> pl.DataFrame:
        """The rows' columns."""
        return frame_of(self.rows)

    def column(self, index: int) -> Column | pl.Series:
        """A column as it was made."""
        return column_of(self.rows, index)

    def with_rows(self, rows: Columnar) -> Batch:
        """The same rows with other columns, in either form."""
        return Batch(rows, self.sequence, self.watermark, self.diff, self.split)

    def with_watermark(self, watermark: WatermarkSteps) -> Batch:
        """The same rows under another watermark."""
        return Batch(self.rows, self.sequence, watermark, self.diff, self.split)

    def with_rows_of(self, rows: Columnar, places: Int64Array) -> Batch:
        """These rows, which are what was made of the rows at `places`."""
        return Batch(
            rows,
            self.sequence[places],
            self.watermark,
            None if self.diff is None else self.diff[places],
            None if self.split is None else self.split[places],
        )

    def take(self, rows: Int64Array) -> Batch:
        """The rows at these positions, which must ascend to keep the order."""
        return self.with_rows_of(gathered(self.rows, rows), rows)

    def between(self, low: int, high: int) -> Batch:
        """The part of the pass with the rows that have sequence numbers above `low` up to `high`."""
        first, stop = np.searchsorted(self.sequence, [low, high], side="right").tolist()
        return Batch(
            sliced(self.rows, first, stop),
            self.sequence[first:stop],
            self.watermark.between(low, high),
            None if self.diff is None else self.diff[first:stop],
            None if self.split is None else self.split[first:stop],
        )

    def signs(self) -> npt.NDArray[np.int8]:
        """`diff` as an array, also where all rows are added."""
        return np.ones(len(self), np.int8) if self.diff is None else self.diff
