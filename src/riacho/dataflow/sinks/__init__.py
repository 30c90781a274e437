"""Where rows go: the contract between a job's loop and its sinks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from riacho.dataflow.batch import Batch
from riacho.dataflow.sources import Json, Positions


@dataclass(frozen=True, slots=True)
class SinkCounts:
    """What a sink has written since the job started; a retraction is a row."""

    rows: int = 0
    bytes: int = 0


@runtime_checkable
class Finishing(Protocol):
    """A sink that has something to do when the input has ended, before its last flush."""

    def finish(self) -> None: ...


class Sink(Protocol):
    """A table that is written. Used by one thread.

    Flink's row kinds are derived from `diff` here: a pass's −1 and +1 of one key are an update. Every method raises
    `RiachoError` when the outside refuses.
    """

    def write(self, batch: Batch) -> None:
        """Take the delta of one pass; its columns are the table's persisted columns. May block while the outside
        is slower than the job."""
        ...

    def flush(self) -> None:
        """Return once everything written is acknowledged: before the job's positions are made durable."""
        ...

    def positions(self) -> Positions:
        """Where all that was flushed ends, or what else `restore` needs. Empty where a repeat mends whatever a kill
        left."""
        ...

    def restore(self, positions: Mapping[str, Json]) -> None:
        """Take back what an earlier life of the job left after these positions. Only before the first `write`."""
        ...

    @property
    def counts(self) -> SinkCounts: ...

    def close(self) -> None:
        """Flush and let go."""
        ...
