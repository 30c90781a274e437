"""What a pass takes: rows of all sources, in the order in which they were polled, numbered for the whole job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from riacho.dataflow.batch import END_OF_TIME, Batch, Int64Array, WatermarkSteps
from riacho.dataflow.columns import polars_schema
from riacho.dataflow.operators.rejects import RejectedRow
from riacho.dataflow.sources import Source, SourceBatch
from riacho.plan.relations import Scan


@dataclass(frozen=True, slots=True)
class Taken:
    """One poll's rows, numbered from `first`."""

    scan: str
    rows: SourceBatch
    first: int


@dataclass(slots=True)
class Intake:
    """The rows gathered for the next pass. `next_sequence` goes on from pass to pass, and through snapshots."""

    scans: Mapping[str, Scan]
    next_sequence: int = 0
    taken: list[Taken] = field(default_factory=list)
    rows: int = 0
    bytes: int = 0

    def add(self, scan: str, rows: SourceBatch) -> None:
        """Number what a poll delivered."""
        self.taken.append(Taken(scan, rows, self.next_sequence))
        self.next_sequence += len(rows)
        self.rows += len(rows)
        self.bytes += rows.bytes

    def batches(self, ended: Sequence[str]) -> dict[str, Batch]:
        """One batch per scan that has rows or ends with this pass."""
        result = {}
        for scan, relation in self.scans.items():
            mine = [part for part in self.taken if part.scan == scan]
            watermark = WatermarkSteps.still()
            if scan in ended:
                watermark = watermark.then(self.next_sequence, END_OF_TIME)
            if mine:
                result[scan] = _joined(mine, watermark)
            elif scan in ended:
                frame = pl.DataFrame(schema=polars_schema(relation.schema))
                split = np.empty(0, np.int32)
                result[scan] = Batch(frame, np.empty(0, np.int64), watermark, split=split)
        if ended:
            self.next_sequence += 1  # the end of input is a moment of its own, after the last row
        return result

    def reject(self, rejected: Sequence[RejectedRow], sources: Mapping[str, Source]) -> None:
        """Give rows that an expression refused back to their sources. Raises `BadRecordError` under `fail`."""
        if not rejected:
            return
        firsts = np.array([part.first for part in self.taken], np.int64)
        sequences = np.array([row.sequence for row in rejected], np.int64)
        owners = np.searchsorted(firsts, sequences, side="right") - 1
        for owner in np.unique(owners).tolist():
            part = self.taken[owner]
            mine = np.flatnonzero(owners == owner)
            reasons = [str(rejected[index].failure) for index in mine.tolist()]
            sources[part.scan].reject(part.rows, sequences[mine] - part.first, reasons)

    def clear(self) -> None:
        """Begin the next pass."""
        self.taken.clear()
        self.rows = self.bytes = 0


def _joined(parts: Sequence[Taken], watermark: WatermarkSteps) -> Batch:
    if len(parts) == 1:
        (part,) = parts
        return Batch(part.rows.frame, _numbers(part), watermark, part.rows.diff, part.rows.split)
    diff = None
    if any(part.rows.diff is not None for part in parts):
        signs = [np.ones(len(part.rows), np.int8) if part.rows.diff is None else part.rows.diff for part in parts]
        diff = np.concatenate(signs)
    return Batch(
        pl.concat([part.rows.frame for part in parts], rechunk=True),
        np.concatenate([_numbers(part) for part in parts]),
        watermark,
        diff,
        np.concatenate([part.rows.split for part in parts]),
    )


def _numbers(part: Taken) -> Int64Array:
    return np.arange(part.first, part.first + len(part.rows), dtype=np.int64)
