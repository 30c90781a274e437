"""What `riacho bench nexmark` is asked to measure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from riacho.errors import UsageError

GENERATED_RATE = 10_000_000
"""Events per second of event time from the generator: the published workload's."""
STORED_RATE = 10_000
"""The same from a topic or a file: 100 µs apart, so that windows close."""


class Peer(Enum):
    """Whom to compare with: DuckDB one-shot, or Apache Flink."""

    DUCKDB = "duckdb"
    FLINK = "flink"


class Source(Enum):
    """Where the events come from: the generator, a topic of JSON, or Parquet files."""

    NEXMARK = "nexmark"
    KAFKA = "kafka"
    FILES = "files"


@dataclass(frozen=True, slots=True)
class Workload:
    """What is measured. Without a `source` it is the generator, and files with DuckDB, which reads the same.

    `jars` hold the suite's own connector and function for Flink.
    """

    names: Sequence[str]
    events: int
    peer: Peer | None = None
    source: Source | None = None
    batch: int | None = None
    jars: Sequence[Path] = ()

    @property
    def events_from(self) -> Source:
        if self.source is not None:
            return self.source
        return Source.FILES if self.peer is Peer.DUCKDB else Source.NEXMARK

    @property
    def rate(self) -> int:
        """Events per second of event time."""
        return GENERATED_RATE if self.events_from is Source.NEXMARK else STORED_RATE

    def check(self) -> None:
        """Raises `UsageError` for what cannot be compared."""
        if self.peer is not Peer.FLINK:
            return
        if self.events_from is Source.FILES:
            raise UsageError(
                "Flink reads no Parquet here", mend="compare with it from --source nexmark or --source kafka"
            )
        if self.events_from is Source.NEXMARK and not self.jars:
            raise UsageError(
                "Flink has no generator of its own",
                mend="build github.com/nexmark/nexmark with Maven, and name its jar: --nexmark-jar FILE",
            )
