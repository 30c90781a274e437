"""Records that were decoded together and are delivered a few rows at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from riacho.client import RecordColumns, TopicPartition
from riacho.dataflow.batch import Int64Array
from riacho.dataflow.sources import Origins, RecordOrigin, SourceBatch
from riacho.dataflow.sources.kafka_rows import Records, Rows
from riacho.formats.buffered import sliced

BLOCK_ROWS = 8192
"""Where fewer records are asked for, so many are decoded if they are there: a call costs as much as some hundred."""


@dataclass(slots=True)  # not frozen, as batches are not
class _Origins:
    """Those of a part of a block's rows."""

    block: Origins
    first: int

    def of(self, row: int) -> RecordOrigin:
        return self.block.of(self.first + row)


class Block:
    """The rows of a fetch, of which the first have been delivered."""

    def __init__(self, rows: SourceBatch, made: Sequence[tuple[Records, Rows]]) -> None:
        """The rows of these records, one after another."""
        self.rows = rows
        self._delivered = 0
        numbers: list[Int64Array] = []
        self._parts: list[tuple[TopicPartition, RecordColumns, int]] = []
        """Each partition's parts in the order of their records, and the number of each one's first."""
        self._standing: dict[TopicPartition, int] = {}
        first = count = 0
        numbered: Records | None = None
        for records, made_rows in made:
            if records is not numbered:  # of halves that two threads made the records are the same
                numbered, first = records, count
                count += len(records)
                for part, place in zip(records.parts, records.first.tolist(), strict=False):
                    if len(part):
                        partition = TopicPartition(part.topic, part.partition)
                        self._parts.append((partition, part, first + place))
                        self._standing.setdefault(partition, int(part.offset[0]))
            numbers.append(made_rows.record + first)
        self._record = np.concatenate(numbers)
        """The number of each row's record, among those of the block."""
        self._passed = 0
        """How many of the parts have been delivered whole, as `_standing` tells."""

    @property
    def left(self) -> int:
        """How many rows are still to be delivered."""
        return len(self.rows) - self._delivered

    def take(self, most: int) -> SourceBatch:
        """The next rows, not more than so many but for the rows of one record."""
        whole = self.rows
        rows, record = len(whole), self._record
        first, stop = self._delivered, min(self._delivered + most, len(whole))
        while stop < rows and record[stop] == record[stop - 1]:
            stop += 1
        self._delivered = stop
        return SourceBatch(
            sliced(whole.rows, first, stop),
            None if whole.split is None else whole.split[first:stop],
            whole.bytes * stop // rows - whole.bytes * first // rows,
            _Origins(whole.origins, first),
            None if whole.diff is None else whole.diff[first:stop],
        )

    def positions(self) -> dict[TopicPartition, int]:
        """Where the block's partitions stand after the rows that were delivered."""
        if not self._delivered:
            return self._standing
        standing, last = self._standing, int(self._record[self._delivered - 1])
        while self._passed < len(self._parts):
            partition, part, first = self._parts[self._passed]
            if last < first:
                break
            seen = min(last + 1 - first, len(part))
            standing[partition] = int(part.offset[seen - 1]) + 1
            if seen < len(part):
                break
            self._passed += 1
        return standing
