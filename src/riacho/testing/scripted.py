"""Kafka tables in memory: records that arrive in the order of a file, and sinks that keep what they are given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from riacho.client.columns import RecordColumns
from riacho.dataflow.batch import Batch, Int64Array
from riacho.dataflow.connectors.environment import ConnectorEnvironment
from riacho.dataflow.connectors.fields import format_fields
from riacho.dataflow.connectors.kafka import read_table
from riacho.dataflow.sinks import SinkCounts
from riacho.dataflow.sources import Json, Positions, SourceBatch, SourceCounts
from riacho.dataflow.sources.bad_records import BadRecords, DeadLetter
from riacho.dataflow.sources.kafka_blocks import Block
from riacho.dataflow.sources.kafka_rows import RowMaker, join_parts
from riacho.formats.options import Options
from riacho.formats.registry import open_format
from riacho.plan.relations import Scan, Sink
from riacho.testing.records import Record


@dataclass(slots=True)
class Arrivals:
    """What has arrived so far, for all tables of a job: `place` records. They are polled in this order."""

    records: Sequence[Record]
    place: int = 0
    stop_at: int | None = None
    on_stop: Callable[[], None] = lambda: None

    def take(self, table: str, most: int) -> list[Record]:
        """The next records, as far as they are this table's, and not past the next stop."""
        end = len(self.records) if self.stop_at is None else self.stop_at
        taken: list[Record] = []
        while self.place < end and len(taken) < most and self.records[self.place].table == table:
            taken.append(self.records[self.place])
            self.place += 1
        if self.place == self.stop_at:
            self.on_stop()
        return taken

    def left(self, table: str, partition: int | None = None) -> bool:
        """Whether more will arrive for a table, or for one partition of it."""
        return any(
            record.table == table and partition in (None, record.partition) for record in self.records[self.place :]
        )


class Letters:
    """Dead letters as the lines of an expected file: `dead-letter <topic>/<partition>@<offset> <reason>`."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def send(self, letters: Sequence[DeadLetter]) -> None:
        for letter in letters:
            origin = letter.origin
            self.lines.append(f"dead-letter {origin.name}/{origin.partition}@{origin.position} {letter.reason}")

    def flush(self) -> None:
        """They are all there."""

    def close(self) -> None:
        """Nothing to let go of."""


class ScriptedSource:
    """A `kafka` or `upsert-kafka` table whose records come from a file; it ends with the file."""

    def __init__(self, scan: Scan, arrivals: Arrivals, letters: Letters, environment: ConnectorEnvironment) -> None:
        self._name = scan.table.name
        self._arrivals = arrivals
        self._notify = environment.on_arrival
        table = read_table(scan.table, environment)
        self._topic = table.topics[0]
        self._rows = RowMaker(table, scan.fields, environment.time_zone)
        self._bad = BadRecords(self._name, table.policy, lambda: letters)
        mine = [record.partition for record in arrivals.records if record.table == self._name]
        self.splits = [f"{self._topic}-{number}" for number in range(max(mine, default=0) + 1)]

    @property
    def finished(self) -> bool:
        return not self._arrivals.left(self._name)

    @property
    def finished_splits(self) -> frozenset[int]:
        return frozenset(split for split in range(len(self.splits)) if not self._arrivals.left(self._name, split))

    def poll(self, max_rows: int, max_bytes: int, max_wait_ms: int) -> SourceBatch | None:  # noqa: ARG002 - never waits
        taken = self._arrivals.take(self._name, max_rows)
        self._notify()
        if not taken:
            return None
        parts = [self._columns(list(run)) for _, run in groupby(taken, key=lambda record: record.partition)]
        groups = join_parts(parts, lambda part: part.partition)
        block = Block([(records, self._rows.make(records)) for records in groups], 0, {})
        self._bad.take(block.bad)
        self._bad.ignored(block.ignored)
        self._bad.delivered(len(block.rows), 0)
        return block.rows

    def _columns(self, run: list[Record]) -> RecordColumns:
        return RecordColumns.from_values(
            [record.value for record in run],
            keys=[record.key for record in run],
            timestamps=[record.timestamp for record in run],
            headers=[record.headers for record in run],
            topic=self._topic,
            partition=run[0].partition,
            first_offset=run[0].offset,
        )

    def reject(self, batch: SourceBatch, rows: Int64Array, reasons: Sequence[str]) -> None:
        self._bad.reject(batch.origins, rows, reasons)

    def positions(self) -> Positions:
        return {"place": self._arrivals.place}

    def mark(self) -> Callable[[], Positions]:
        return self.positions().copy

    def seek(self, positions: Mapping[str, Json]) -> None:
        assert positions["place"] == self._arrivals.place, "a restored job goes on where the last one stopped"

    def flush(self) -> None:
        """Dead letters are kept at once."""

    def commit(self, positions: Mapping[str, Json]) -> None:
        """Nobody outside is to be told."""

    def lag(self) -> int | None:
        return None

    @property
    def counts(self) -> SourceCounts:
        return self._bad.counts

    def wake(self) -> None:
        self._notify()

    def close(self) -> None:
        """Nothing to let go of."""


@dataclass(slots=True)
class KeptRows:
    """A sink that adds up its changelog, each row as the JSON format writes it: `<table> <row>`."""

    relation: Sink
    rows: Counter[str] = field(default_factory=Counter)
    written: int = 0

    def write(self, batch: Batch) -> None:
        columns = self.relation.table.persisted_columns
        shown = batch.frame[:, : len(columns)]  # those of a printed table may be followed by what tells its rows apart
        assert shown.columns == [column.name for column in columns]
        json_format = open_format("json", format_fields(columns), Options("test", {}))
        encoded = json_format.encoder().encode(shown)
        for place, sign in enumerate(batch.signs().tolist()):
            row = encoded[place]
            assert row is not None
            self.rows[f"{self.relation.table.name} {row.decode()}"] += sign
        self.written += len(batch)

    def lines(self) -> Iterator[str]:
        """The accumulated rows."""
        assert all(count >= 0 for count in self.rows.values()), f"retracted, but never there: {self.rows}"
        return self.rows.elements()

    def flush(self) -> None:
        """Nothing waits."""

    def positions(self) -> Positions:
        return {}

    def restore(self, positions: Mapping[str, Json]) -> None:
        """Nothing was written."""

    @property
    def counts(self) -> SinkCounts:
        return SinkCounts(self.written, 0)

    def close(self) -> None:
        """Nothing to let go of."""
