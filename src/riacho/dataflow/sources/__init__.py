"""Where rows come from: the contract between a job's loop and its sources."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import polars as pl

from riacho.dataflow.batch import Int32Array, Int64Array
from riacho.formats.buffered import Columnar, frame_of

Int8Array = npt.NDArray[np.int8]

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
"""What a snapshot's description may hold."""

Positions = dict[str, Json]
"""Where a source stands. Its form is the source's own; it survives `json.dumps` and `json.loads`."""


@dataclass(frozen=True, slots=True)
class RecordOrigin:
    """Where one row came from, for errors and dead letters.

    `name` is the topic or the file; `position` the offset, or the line from 1. `key` and `value` are the record's
    bytes, None where it has none.
    """

    name: str
    partition: int | None
    position: int
    key: bytes | None
    value: bytes | None

    def __str__(self) -> str:
        if self.partition is None:
            return f"{self.name}, record {self.position}"
        return f"topic {self.name}, partition {self.partition}, offset {self.position}"


class Origins(Protocol):
    """The origins of a batch's rows, worked out only when they are asked for."""

    def of(self, row: int) -> RecordOrigin:
        """The origin of row number `row` of the batch's frame."""
        ...


@dataclass(slots=True)  # not frozen, as batches are not
class SourceBatch:
    """What one poll delivers: rows in the order of arrival, one column per field of the scan, by name.

    `split` numbers the split of each row by its place in `Source.splits`; None where there is one only. `bytes` is the
    size of the input.
    A source of upserts (`upsert-kafka`) sets `diff`: +1 an upsert, −1 a tombstone, of which only the key columns
    count; `Normalize` turns them into a changelog.
    """

    rows: Columnar
    split: Int32Array | None
    bytes: int
    origins: Origins
    diff: Int8Array | None = None

    def __len__(self) -> int:
        return self.rows.height

    @property
    def frame(self) -> pl.DataFrame:
        """The rows' columns."""
        return frame_of(self.rows)


@dataclass(frozen=True, slots=True)
class SourceCounts:
    """What a source has delivered since the job started.

    `bad` rows could not be decoded or failed an expression; each was also counted as `dead_letters` or `skipped`.
    """

    rows: int = 0
    bytes: int = 0
    bad: int = 0
    dead_letters: int = 0
    skipped: int = 0


class Source(Protocol):
    """A table that is read. Used by one thread, except for `wake`.

    Records that cannot be decoded never reach the batch: the table's policy (`riacho.bad-records`) has dealt with them.
    """

    @property
    def splits(self) -> Sequence[str]:
        """The names of the parts with a watermark each (`bids-0`), in the order of their numbers; may grow."""
        ...

    @property
    def finished_splits(self) -> frozenset[int]:
        """Splits of a bounded source that have delivered their last row: they hold no watermark back."""
        ...

    @property
    def finished(self) -> bool:
        """Whether a bounded source has delivered its last row."""
        ...

    def poll(self, max_rows: int, max_bytes: int, max_wait_ms: int) -> SourceBatch | None:
        """What has arrived, at once; None when nothing did within `max_wait_ms`, after `wake`, or when finished.

        At least one record is delivered if one is there; a record's rows are never divided, so a batch may be a
        little larger than the limits. Raises `RiachoError`: a bad record under the policy `fail`, a broker's refusal.
        """
        ...

    def reject(self, batch: SourceBatch, rows: Int64Array, reasons: Sequence[str]) -> None:
        """Apply the policy for bad records to rows of `batch` whose expressions failed; the caller drops them.

        Raises `BadRecordError` under `fail`.
        """
        ...

    def positions(self) -> Positions:
        """Where to go on after the rows that `poll` has returned so far."""
        ...

    def mark(self) -> Callable[[], Positions]:
        """What tells these `positions` whenever it is asked: every pass marks where it begins, few are asked for."""
        ...

    def seek(self, positions: Mapping[str, Json]) -> None:
        """Go on from positions of the same table. Only before the first poll."""
        ...

    def flush(self) -> None:
        """Return once every dead letter is acknowledged: before positions past it are made durable."""
        ...

    def commit(self, positions: Mapping[str, Json]) -> None:
        """Tell the outside how far the job is, by `close` at the latest: a consumer group's offsets only show lag."""
        ...

    def lag(self) -> int | None:
        """Records that have arrived at the origin and were not polled yet, where that is known."""
        ...

    @property
    def counts(self) -> SourceCounts: ...

    def wake(self) -> None:
        """Make a waiting `poll` return. Safe from any thread and from a signal handler."""
        ...

    def close(self) -> None: ...


@runtime_checkable
class ReadingAhead(Protocol):
    """A source that fetches and decodes in threads of its own while others of its rows are processed."""

    reads_ahead: bool
