"""The contract of every physical operator: one call per pass, keyed state, and a snapshot of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from riacho.dataflow.batch import Batch

StateArrays = dict[str, npt.NDArray[np.generic]]
"""An operator's state as named flat arrays: what a snapshot stores, one after another."""

AFRESH = "start the job without its state: --fresh, of riacho run and of riacho job submit"
"""How to mend it that state cannot be gone on from."""

STATE_LAYOUT = 2
"""Which layout of all operators' state this code writes and reads. A snapshot of another one is refused.

To be raised whenever code that is to come would misread an array as it is stored today: another name, type or order,
other words in a row, another meaning of a number. One for the whole, because most operators lay out their state by
parts that they share (`riacho.dataflow.state`).
"""


class Operator(Protocol):
    """A step of a running dataflow.

    An operator is called once per pass with one batch per input (possibly empty) and returns its output's delta.
    Its accumulated output after any pass is the exact answer for the input so far. The output's watermark is never
    ahead of what its future rows may carry.
    """

    def process(self, inputs: tuple[Batch, ...]) -> Batch:
        """The change of the output that the changes of the inputs cause.

        The batches of several inputs all have one watermark, which is combined of theirs (`CombinedWatermark`).

        Raises `RowError` where an expression fails on a row.
        """
        ...

    def snapshot(self) -> StateArrays:
        """The state after the last pass; empty for a stateless operator. Later passes must not alter the arrays."""
        ...

    def restore(self, state: Mapping[str, npt.NDArray[np.generic]]) -> None:
        """Take over a snapshot of the same operator in the same plan, before the first pass."""
        ...

    @property
    def state_bytes(self) -> int:
        """Memory that the state holds, in bytes."""
        ...

    @property
    def late_rows(self) -> int:
        """Rows dropped so far because their window had closed (Flink's numLateRecordsDropped)."""
        ...


@runtime_checkable
class Divided(Protocol):
    """An operator whose output may be much larger than its input, and which gives it in parts."""

    def parts(self, inputs: tuple[Batch, ...]) -> Iterator[tuple[int, Batch]]:
        """As `process`: parts of the output in order, each with the last sequence number that it is for.

        The last part is for all numbers. Take all of them.
        """
        ...


@runtime_checkable
class Timed(Protocol):
    """An operator that has something to do as time goes by, also where no input comes: windows of processing time."""

    @property
    def wake_at_ms(self) -> int | None:
        """When it next has, in milliseconds of wall-clock time; None where it waits for input only."""
        ...
