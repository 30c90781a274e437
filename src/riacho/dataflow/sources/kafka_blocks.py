"""Records that were decoded together and are delivered a few rows at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from riacho.client import TopicPartition
from riacho.dataflow.batch import Int64Array
from riacho.dataflow.sources import Origins, RecordOrigin, SourceBatch
from riacho.dataflow.sources.kafka_rows import Records, Rows
from riacho.formats.buffered import sliced

BLOCK_ROWS = 8192
"""Where fewer records are asked for, so many are decoded if they are there: a call costs as much as some hundred."""


@dataclass(frozen=True, slots=True)
class _Origins:
    """Those of a part of a block's rows."""

    block: Origins
    first: int

    def of(self, row: int) -> RecordOrigin:
        return self.block.of(self.first + row)


@dataclass(slots=True)
class Block:
    """The rows of a fetch, of which the first have been delivered."""

    rows: SourceBatch
    made: Sequence[tuple[Records, Rows]]
    delivered: int = field(default=0, init=False)
    _record: Int64Array = field(init=False)
    """The number of each row's record, among those of the block."""

    def __post_init__(self) -> None:
        firsts = np.concatenate((np.zeros(1, np.int64), np.cumsum([len(records) for records, _ in self.made])))
        parts = [rows.record + first for (_, rows), first in zip(self.made, firsts[:-1], strict=True)]
        self._record = np.concatenate(parts)

    @property
    def left(self) -> int:
        """How many rows are still to be delivered."""
        return len(self.rows) - self.delivered

    def take(self, most: int) -> SourceBatch:
        """The next rows, not more than so many but for the rows of one record."""
        first, stop = self.delivered, min(self.delivered + most, len(self.rows))
        while stop < len(self.rows) and self._record[stop] == self._record[stop - 1]:
            stop += 1
        self.delivered = stop
        whole = self.rows
        return replace(
            whole,
            rows=sliced(whole.rows, first, stop),
            split=None if whole.split is None else whole.split[first:stop],
            bytes=whole.bytes * stop // len(whole) - whole.bytes * first // len(whole),
            origins=_Origins(whole.origins, first),
            diff=None if whole.diff is None else whole.diff[first:stop],
        )

    def positions(self) -> dict[TopicPartition, int]:
        """Where the block's partitions stand after the rows that were delivered."""
        found: dict[TopicPartition, int] = {}
        for records, _ in self.made:
            for part in records.parts:
                if len(part):
                    found.setdefault(TopicPartition(part.topic, part.partition), int(part.offset[0]))
        start = 0
        for records, rows in self.made:
            taken = min(self.delivered - start, len(rows.record))
            start += len(rows.record)
            if taken <= 0:
                continue
            last = int(rows.record[taken - 1])
            for first, part in zip(records.first.tolist(), records.parts, strict=False):
                seen = min(last + 1 - first, len(part))
                if seen > 0:
                    found[TopicPartition(part.topic, part.partition)] = int(part.offset[seen - 1]) + 1
        return found
