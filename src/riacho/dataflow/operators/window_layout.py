"""Where windows of one size lie in time, and which of them rows are in. All ends and begins are in milliseconds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from riacho.dataflow.batch import END_OF_TIME, NO_WATERMARK, Int64Array, WatermarkSteps
from riacho.kernels.windows import assign_slices, expand_windows, slice_ends
from riacho.plan.relations import WindowAggregate, WindowKind, WindowTable

ALL_CLOSED = NO_WATERMARK
"""The end that a late row has in place of that of its first open window."""


@dataclass(frozen=True, slots=True)
class WindowLayout:
    """Windows `size` long, one every `slide`, shifted by `offset`; those that `grow` begin every `size`.

    A window is a run of whole slices, each as long as `slide`, and a slice is known by its end: that of the first
    window that holds it.
    """

    size: int
    slide: int
    offset: int
    grow: bool

    @staticmethod
    def of(relation: WindowAggregate | WindowTable) -> WindowLayout:
        """The windows of a relation, other than sessions."""
        assert relation.size % relation.slide == 0, "the planner refuses windows that are not a multiple of the slide"
        return WindowLayout(relation.size, relation.slide, relation.offset, relation.kind is WindowKind.CUMULATE)

    @property
    def overlapping(self) -> bool:
        return self.slide < self.size

    def slices(self, times: Int64Array) -> Int64Array:
        """The slices of these times, in microseconds."""
        ends = np.empty(len(times), np.int64)
        slice_ends(times, self.slide, self.offset, ends)
        return ends

    def open(self, times: Int64Array, sequence: Int64Array, steps: WatermarkSteps, places: Int64Array) -> int:
        """Write (slice, end of the first window that was open when the row came) per row; returns how many were late.

        They become the first two columns of `places`. `times` are in microseconds. A row that was late has `ALL_CLOSED`
        for an end.
        """
        late: int = assign_slices(
            times,
            sequence,
            steps.sequence,
            steps.value,
            steps.before,
            self.size,
            self.slide,
            self.offset,
            self.grow,
            places,
        )
        return late

    def begins(self, slices: Int64Array) -> Int64Array:
        """Where the windows that grow begin that hold these slices; they end at any slice's end."""
        before = slices - 1
        begins: Int64Array = before - (before - self.offset) % self.size
        return begins

    def starts(self, ends: Int64Array) -> Int64Array:
        """Where the windows begin that end there."""
        return self.begins(ends) if self.grow else ends - self.size

    def last_ends(self, slices: Int64Array) -> Int64Array:
        """The ends of the last windows that hold these slices."""
        return (self.begins(slices) if self.grow else slices - self.slide) + self.size

    def expand(self, first: Int64Array, last: Int64Array) -> tuple[Int64Array, Int64Array]:
        """Each place once per window end between its first and its last: the places, and the ends."""
        count = int(np.maximum((last - first) // self.slide + 1, 0).sum())
        places, ends = np.empty((2, count), np.int64)
        expand_windows(np.ascontiguousarray(first), np.ascontiguousarray(last), self.slide, places, ends)
        return places, ends

    def first_end_after(self, watermark: int) -> int:
        """The first window end that a watermark has not passed."""
        if watermark == NO_WATERMARK:
            return NO_WATERMARK
        closed = min(watermark, END_OF_TIME - self.slide - 1) + 1
        return closed - (closed - self.offset) % self.slide + self.slide
