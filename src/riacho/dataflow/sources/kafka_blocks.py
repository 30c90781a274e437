"""Records that are decoded together and are delivered a few rows at a time."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from riacho.client import Fetcher, RecordColumns, TopicPartition
from riacho.dataflow.batch import Int64Array
from riacho.dataflow.sources import Origins, RecordOrigin, SourceBatch
from riacho.dataflow.sources.kafka_rows import Records, RowMaker, Rows, join_parts
from riacho.formats.buffered import concatenated, sliced
from riacho.formats.decoding import Number

BLOCK_ROWS = 8192
"""Where fewer records are asked for, so many are decoded if they are there: a call costs as much as some hundred."""

AHEAD_ROWS = 4096
"""Where so many records wait when a block is given out, the next ones are read ahead."""

AHEAD_BLOCKS = 2
"""So many: of one alone a large one is not ready when the passes have taken a small one before it."""

AHEAD_BLOCK_ROWS = 131_072
"""As `BLOCK_ROWS`, of what is read ahead: all of a response, as each block takes the interpreter's lock from the job
some times, and holds it for half a millisecond in all."""

TOGETHER_ROWS = 16_384
"""Records of several responses become one block up to so many: copying their rows together costs half of decoding
them, and passes over fewer rows than that cost more."""

Offsets = dict[TopicPartition, int]


class _Origins:
    """The records behind a block's rows, of which `first` is each part's first."""

    def __init__(self, made: Sequence[tuple[Records, Rows]]) -> None:
        self._parts = [(records, rows.record) for records, rows in made]
        self._first = np.cumsum([0, *(len(rows.record) for _, rows in made)])

    def of(self, row: int) -> RecordOrigin:
        part = int(np.searchsorted(self._first, row, side="right")) - 1
        records, record = self._parts[part]
        return records.origin(int(record[row - int(self._first[part])]))


class _LaterOrigins:
    """Those of a part of a block's rows."""

    __slots__ = ("_block", "_first")

    def __init__(self, block: Origins, first: int) -> None:
        self._block = block
        self._first = first

    def of(self, row: int) -> RecordOrigin:
        return self._block.of(self._first + row)


class Block:
    """The rows of some records, of which the first have been delivered."""

    def __init__(self, made: Sequence[tuple[Records, Rows]], size: int, end: Offsets) -> None:
        """The rows of these records, one after another, of `size` bytes of keys and values.

        `end` is where all partitions stand after them.
        """
        self.size = size
        self.end = end
        self.bad = [(records.origin(record), reason) for records, rows in made for record, reason in rows.bad]
        self.ignored = sum(rows.ignored for _, rows in made)
        self.rows = _batch(made, size)
        self.delivered = 0
        numbers: list[Int64Array] = []
        self._parts: list[tuple[TopicPartition, RecordColumns, int]] = []
        """Each partition's parts in the order of their records, and the number of each one's first."""
        first = 0
        for records, made_rows in made:
            for part, place in zip(records.parts, records.first.tolist(), strict=False):
                if len(part):
                    self._parts.append((TopicPartition(part.topic, part.partition), part, first + place))
            numbers.append(made_rows.record + first if first else made_rows.record)
            first += len(records)
        self._record = _one_array(numbers)
        """The number of each row's record, among those of the block."""

    @property
    def left(self) -> int:
        """How many rows are still to be delivered."""
        return len(self.rows) - self.delivered

    def take(self, most: int) -> SourceBatch:
        """The next rows, not more than so many but for the rows of one record."""
        whole = self.rows
        rows, record = len(whole), self._record
        first, stop = self.delivered, min(self.delivered + most, rows)
        while stop < rows and record[stop] == record[stop - 1]:
            stop += 1
        self.delivered = stop
        if not first and stop == rows:
            return whole
        return SourceBatch(
            sliced(whole.rows, first, stop),
            None if whole.split is None else whole.split[first:stop],
            whole.bytes * stop // rows - whole.bytes * first // rows,
            _LaterOrigins(whole.origins, first),
            None if whole.diff is None else whole.diff[first:stop],
        )

    def standing(self, delivered: int) -> Offsets:
        """Where all partitions stand after so many of the rows."""
        if delivered == len(self.rows):
            return self.end
        standing = dict(self.end)
        last = int(self._record[delivered - 1]) if delivered else -1
        for partition, part, first in reversed(self._parts):
            seen = last + 1 - first
            if seen < len(part):
                standing[partition] = int(part.offset[0]) if seen <= 0 else int(part.offset[seen - 1]) + 1
        return standing


class BlockReader:
    """Reads blocks: while the passes of this job take the rows of one, another thread decodes the next.

    Decoding is up to half of what small passes cost, and runs without the interpreter's lock. Where few records arrive
    they are decoded when they are asked for: handing them from thread to thread would take longer. So it would, where
    the fetching thread and the job's are all that the processors have room for, with large passes, which leave the lock
    to others most of the time. Itself used by one thread. `number` tells which split records are of.
    """

    def __init__(self, fetcher: Fetcher, rows: RowMaker, number: Callable[[RecordColumns], int]) -> None:
        self._fetcher = fetcher
        self._rows = rows
        self._number = number
        self._processors = len(os.sched_getaffinity(0))
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="read-ahead")
        self._fetched: deque[Records] = deque()
        """What is not decoded yet, and comes next."""
        self._begin: Offsets = {}
        """Where the partitions stand before that."""
        self._ahead: deque[Future[Block | None]] = deque()
        """Blocks that the thread reads, and those that it has read, in their order."""
        self._end: Offsets = {}
        """Where the partitions stand before these."""

    def read(self, max_rows: int, max_bytes: int, max_wait_ms: float) -> Block | None:
        """What has arrived, decoded; where few rows are asked for more than that, as many whole batches of so many.

        None where nothing came within `max_wait_ms`. Raises what ended the fetching of a partition, once the records
        before are taken. What was read ahead keeps the limits of the call before.
        """
        block = None
        while self._ahead and block is None:
            block = self._ahead.popleft().result()
        if block is None:
            block = self._read(BLOCK_ROWS, max_rows, max_bytes, max_wait_ms)
        if block is not None and self._processors > (1 if max_rows < BLOCK_ROWS else 2):
            self._end = block.end
            while len(self._ahead) < AHEAD_BLOCKS and (self._fetched or self._fetcher.waiting >= AHEAD_ROWS):
                self._ahead.append(self._thread.submit(self._read, AHEAD_BLOCK_ROWS, max_rows, max_bytes, 0))
        return block

    def _read(self, block_rows: int, max_rows: int, max_bytes: int, max_wait_ms: float) -> Block | None:
        """Decode what lies in one response, or little in several: rows of more would be copied together."""
        if not self._fetched:
            self._fetch(max(max_rows, block_rows // max_rows * max_rows), max_rows, max_bytes, max_wait_ms)
            if not self._fetched:
                return None
        groups = [self._fetched.popleft()]
        rows = len(groups[0])
        while self._fetched and (rows := rows + len(self._fetched[0])) <= TOGETHER_ROWS:
            groups.append(self._fetched.popleft())
        self._begin = self._fetcher.positions() if not self._fetched else self._begin | _ends(groups)
        size = sum(records.bytes for records in groups)
        return Block([(records, self._rows.make(records)) for records in groups], size, self._begin)

    def _fetch(self, most: int, max_rows: int, max_bytes: int, max_wait_ms: float) -> None:
        self._begin = self._fetcher.positions()
        parts = self._fetcher.fetch(
            max_rows=most, max_bytes=max_bytes, max_wait_ms=max_wait_ms, multiple_of=max_rows if most > max_rows else 1
        )
        self._fetched.extend(join_parts(parts, self._number))

    def standing(self) -> Offsets:
        """Where the partitions stand after the blocks that were given out."""
        if self._ahead:
            return self._end
        return self._begin if self._fetched else self._fetcher.positions()

    @property
    def finished(self) -> bool:
        """Whether all blocks were given out."""
        return not self._ahead and not self._fetched and self._fetcher.finished

    def close(self) -> None:
        """Wait for what is being decoded, and drop it."""
        self._thread.shutdown(wait=True, cancel_futures=True)


def _ends(groups: Sequence[Records]) -> dict[TopicPartition, int]:
    """Where the partitions of these records stand after them."""
    parts = [part for records in groups for part in records.parts]
    return {TopicPartition(part.topic, part.partition): part.next_offset for part in parts}


def _batch(made: Sequence[tuple[Records, Rows]], size: int) -> SourceBatch:
    together = concatenated([rows.rows for _, rows in made])
    split = _one_array([records.split()[rows.record] for records, rows in made])
    diffs = [rows.diff for _, rows in made if rows.diff is not None]
    return SourceBatch(together, split, size, _Origins(made), _one_array(diffs) if diffs else None)


def _one_array(parts: Sequence[npt.NDArray[Number]]) -> npt.NDArray[Number]:
    """The parts one after another; the only one is not copied, for which NumPy would hand the lock over."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
