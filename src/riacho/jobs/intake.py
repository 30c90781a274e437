"""What a pass takes: rows of all sources, in the order in which they were polled, numbered for the whole job."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
import polars as pl

from riacho.dataflow.batch import END_OF_TIME, Batch, Int64Array, WatermarkSteps
from riacho.dataflow.columns import polars_schema
from riacho.dataflow.expressions import RowFailure
from riacho.dataflow.operators.rejects import RejectedRow
from riacho.dataflow.sources import Source, SourceBatch
from riacho.formats.buffered import concatenated
from riacho.plan.relations import Scan

NUMBERED = 1 << 16
"""So many numbers are made at once: making those of a small pass takes longer than its rows do in some operators."""

STILL = WatermarkSteps.still()


@dataclass(slots=True)  # not frozen, as batches are not
class Taken:
    """One poll's rows, numbered from `first`."""

    scan: str
    rows: SourceBatch
    first: int


@dataclass(slots=True)
class Segment:
    """A part of a pass in which no split ends but with its last row: one run through the graph.

    `finished` are the splits, by scan, that have ended with it.
    """

    batches: dict[str, Batch]
    finished: tuple[tuple[str, frozenset[int]], ...] = ()


@dataclass(slots=True)
class Intake:
    """The rows gathered for the next pass. `next_sequence` goes on from pass to pass, and through snapshots."""

    scans: Mapping[str, Scan]
    next_sequence: int = 0
    taken: list[Taken] = field(default_factory=list)
    rows: int = 0
    bytes: int = 0
    _numbers: Int64Array = field(default_factory=lambda: np.empty(0, np.int64))
    """Numbers that follow each other: small passes take theirs from them, one after the other."""
    _first_number: int = 0

    @property
    def first_sequence(self) -> int:
        """The number of the pass's first row, which need not have come yet."""
        return self.taken[0].first if self.taken else self.next_sequence

    def add(self, scan: str, rows: SourceBatch) -> None:
        """Number what a poll delivered."""
        self.taken.append(Taken(scan, rows, self.next_sequence))
        self.next_sequence += len(rows)
        self.rows += len(rows)
        self.bytes += rows.bytes

    def segments(self, finished: Mapping[str, Iterable[int]], ended: Collection[str]) -> list[Segment]:
        """What was gathered, cut after the last row of each of the `finished` splits, by scan.

        A split that has ended holds no watermark back from there on, and no sooner: results do not depend on where
        passes begin and end. A scan that has `ended` says so with its last row.
        """
        batches = self._batches()
        if not finished and not ended:
            return [Segment(batches)]
        first = self.first_sequence
        last: dict[int, dict[str, set[int]]] = {}
        for scan, splits in finished.items():
            for split in splits:
                moment = _last_row(batches.get(scan), split, default=first - 1)
                last.setdefault(moment, {}).setdefault(scan, set()).add(split)
        for scan in ended:
            batch = batches.get(scan)
            if batch is None:
                batch = batches[scan] = _no_rows(self.scans[scan])
            moment = int(batch.sequence[-1]) if len(batch) else first - 1
            batches[scan] = replace(batch, watermark=batch.watermark.then(moment, END_OF_TIME))
            last.setdefault(moment, {})
        bounds = sorted({first - 2, *last, self.next_sequence - 1})
        return [
            Segment(
                {scan: part for scan, batch in batches.items() if (part := _between(batch, low, high)) is not None},
                tuple((scan, frozenset(splits)) for scan, splits in last.get(high, {}).items()),
            )
            for low, high in pairwise(bounds)
        ]

    def _batches(self) -> dict[str, Batch]:
        """One batch per scan that has rows."""
        if len(self.taken) == 1:
            (alone,) = self.taken
            return {alone.scan: self._batch(alone)}
        parts: dict[str, list[Batch]] = {}
        for part in self.taken:
            parts.setdefault(part.scan, []).append(self._batch(part))
        return {scan: _joined(mine) for scan, mine in parts.items()}

    def _batch(self, part: Taken) -> Batch:
        rows = part.rows
        return Batch(rows.rows, self._numbered(part.first, len(rows)), STILL, rows.diff, rows.split)

    def _numbered(self, first: int, rows: int) -> Int64Array:
        start = first - self._first_number
        if start < 0 or start + rows > len(self._numbers):
            self._numbers = np.arange(first, first + max(rows, NUMBERED), dtype=np.int64)
            self._first_number = first
            start = 0
        return self._numbers[start : start + rows]

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
            reasons = [_reason(rejected[index].failure) for index in mine.tolist()]
            sources[part.scan].reject(part.rows, sequences[mine] - part.first, reasons)

    def clear(self) -> None:
        """Begin the next pass."""
        self.taken.clear()
        self.rows = self.bytes = 0


def _reason(failure: RowFailure) -> str:
    """Why an expression refused a row, and where the script says so."""
    if failure.position is None:
        return failure.message
    return f"{failure.message} (line {failure.position.line}, column {failure.position.column})"


def _last_row(batch: Batch | None, split: int, *, default: int) -> int:
    """The sequence number of a split's last row."""
    if batch is None:
        return default
    if batch.split is None:  # the only split there is
        return int(batch.sequence[-1]) if len(batch) else default
    rows = np.flatnonzero(batch.split == split)
    return int(batch.sequence[rows[-1]]) if len(rows) else default


def _no_rows(scan: Scan) -> Batch:
    frame = pl.DataFrame(schema=polars_schema(scan.schema))
    return Batch(frame, np.empty(0, np.int64), STILL, split=np.empty(0, np.int32))


def _between(batch: Batch, low: int, high: int) -> Batch | None:
    """The rows with sequence numbers above `low` up to `high`, and the input's end if it lies there."""
    part = batch.between(low, high)
    return part if len(part) or len(part.watermark.sequence) else None


def _joined(parts: Sequence[Batch]) -> Batch:
    if len(parts) == 1:
        return parts[0]
    signed = any(part.diff is not None for part in parts)
    known = [part.split for part in parts if part.split is not None]
    assert not known or len(known) == len(parts), "a source has one split or numbers them"
    return Batch(
        concatenated([part.rows for part in parts]),
        np.concatenate([part.sequence for part in parts]),
        STILL,
        np.concatenate([part.signs() for part in parts]) if signed else None,
        np.concatenate(known) if known else None,
    )
