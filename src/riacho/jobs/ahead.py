"""Reading ahead: while a pass runs, another thread polls and decodes what the next one takes.

Kernels and Polars leave the interpreter's lock to others, so the two share a job's two cores. Small batches are polled
when they are asked for: handing them from thread to thread would cost more than decoding them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from riacho.dataflow.batch import Int64Array
from riacho.dataflow.sources import Json, Positions, ReadingAhead, Source, SourceBatch, SourceCounts

AHEAD_ROWS = 16_384
"""After a batch of so many rows, some 2 ms of work, the next is read ahead."""


def read_ahead(source: Source) -> Source:
    """The source, read ahead where a processor is left for that and it does not read ahead by itself."""
    alone = len(os.sched_getaffinity(0)) == 1
    return source if alone or isinstance(source, ReadingAhead) else ReadAhead(source)


@dataclass(frozen=True, slots=True)
class _Standing:
    """Where a source stood after a poll, as the worker may ask of it while the next poll runs."""

    splits: tuple[str, ...]
    finished_splits: frozenset[int]
    finished: bool
    positions: Positions
    lag: int | None
    counts: SourceCounts


class ReadAhead:
    """A source one of whose polls may run ahead in a thread of its own. Itself used by one thread, but for `wake`."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="read-ahead")
        self._ahead: Future[SourceBatch | None] | None = None
        self._standing: _Standing | None = None
        """That of the last batch given out, while a later one is being read or waits."""

    def poll(self, max_rows: int, max_bytes: int, max_wait_ms: int) -> SourceBatch | None:
        """As `Source.poll`; a batch that was read ahead keeps the limits of the poll before."""
        if self._ahead is None:
            batch = self._source.poll(max_rows, max_bytes, max_wait_ms)
        else:
            ahead, self._ahead, self._standing = self._ahead, None, None
            batch = ahead.result()
        if batch is not None and len(batch) >= AHEAD_ROWS and not self._source.finished:
            self._standing = self._stand()
            self._ahead = self._thread.submit(self._source.poll, max_rows, max_bytes, 0)
        return batch

    def _stand(self) -> _Standing:
        source = self._source
        return _Standing(
            tuple(source.splits),
            source.finished_splits,
            source.finished,
            source.positions(),
            source.lag(),
            source.counts,
        )

    def _settled(self) -> Source:
        """The source while no poll runs: what was read ahead waits to be taken."""
        if self._ahead is not None:
            self._ahead.exception()
        return self._source

    @property
    def splits(self) -> Sequence[str]:
        return self._source.splits if self._standing is None else self._standing.splits

    @property
    def finished_splits(self) -> frozenset[int]:
        return self._source.finished_splits if self._standing is None else self._standing.finished_splits

    @property
    def finished(self) -> bool:
        return self._source.finished if self._standing is None else self._standing.finished

    @property
    def counts(self) -> SourceCounts:
        return self._source.counts if self._standing is None else self._standing.counts

    def positions(self) -> Positions:
        return self._source.positions() if self._standing is None else self._standing.positions

    def mark(self) -> Callable[[], Positions]:
        return self._source.mark() if self._standing is None else self._standing.positions.copy

    def lag(self) -> int | None:
        return self._source.lag() if self._standing is None else self._standing.lag

    def reject(self, batch: SourceBatch, rows: Int64Array, reasons: Sequence[str]) -> None:
        self._settled().reject(batch, rows, reasons)

    def seek(self, positions: Mapping[str, Json]) -> None:
        self._source.seek(positions)

    def flush(self) -> None:
        self._settled().flush()

    def commit(self, positions: Mapping[str, Json]) -> None:
        self._settled().commit(positions)

    def wake(self) -> None:
        self._source.wake()

    def close(self) -> None:
        self._thread.shutdown(wait=True)
        self._source.close()
