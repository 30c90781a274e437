"""Writes rows to a Kafka topic: the `kafka` sink, which appends, and `upsert-kafka`, which replaces by key."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from riacho.client import BinaryColumn, HeaderColumn, ProduceColumns, Producer
from riacho.dataflow.batch import Batch, Int64Array
from riacho.dataflow.connectors import kafka as tables
from riacho.dataflow.connectors.environment import ConnectorEnvironment
from riacho.dataflow.connectors.kafka import KafkaTable
from riacho.dataflow.sinks import SinkCounts
from riacho.dataflow.sinks.put_back import put_back, stand
from riacho.dataflow.sinks.upserts import Upserts
from riacho.dataflow.sources import Json, Positions
from riacho.formats.buffered import Columnar, column_named, frame_of, gathered, series_of, sliced
from riacho.formats.decoding import ChangeEncoder, Spans
from riacho.plan.tables import ColumnKind, TableColumn
from riacho.plan.types import TimestampType

log = logging.getLogger(__name__)

ENCODED_ROWS = 8192
"""Rows that are encoded at once: their texts are then still in the cache when the producer copies them."""


class KafkaSink:
    """Produces the rows of a table; the producer's threads send them."""

    def __init__(self, table: KafkaTable, environment: ConnectorEnvironment, upserts: Upserts | None) -> None:
        """`upserts` says what a pass makes of each key; None for a table that only appends."""
        self._table = table
        self._upserts = upserts
        self._topic = table.topics[0]
        self._time_zone = environment.time_zone
        self._cluster = table.cluster(environment)
        self._producer = Producer(self._cluster, table.producing())
        self._value = table.value.encoder()
        self._changes = None if table.value.change_encoder is None else table.value.change_encoder()
        self._key = None if table.key is None else table.key.encoder()
        self._renames_keys = any(name != inner for name, inner in table.key_columns.items())
        self._metadata = {
            column.metadata_key or column.name: column
            for column in table.table.persisted_columns
            if column.kind is ColumnKind.METADATA
        }
        self._rows = 0
        self._bytes = 0

    def write(self, batch: Batch) -> None:
        if not len(batch):
            return
        if self._upserts is not None:
            kept, gone = self._upserts(batch)
            self._produce(batch.rows, kept, gone)
        elif self._changes is not None:
            self._produce_changes(batch, self._changes)
        else:
            assert batch.diff is None or (batch.diff > 0).all(), "the planner keeps retractions away"
            self._produce(batch.rows, np.arange(len(batch)), np.empty(0, np.int64))

    def flush(self) -> None:
        if self._table.waits_for_acknowledgement:
            self._producer.flush()

    def positions(self) -> Positions:
        """Of an upserted topic: the end of each partition, and whose records follow. A topic that only grows has none:
        what a kill left there is repeated, never wrong. Nor has one whose producer cannot be told from others.
        """
        return stand(self._cluster, self._producer, self._topic) if self._knows_its_records else {}

    def restore(self, positions: Mapping[str, Json]) -> None:
        if not positions or not self._knows_its_records:
            return
        keys = put_back(self._cluster, self._producer, self._table.fetching(), self._topic, positions)
        if keys:
            log.info("table %s: %d keys are what they were at the snapshot", self._table.table.name, keys)

    @property
    def _knows_its_records(self) -> bool:
        return self._upserts is not None and self._table.producing().idempotent

    @property
    def counts(self) -> SinkCounts:
        return SinkCounts(self._rows, self._bytes)

    def close(self) -> None:
        self._producer.close()
        self._cluster.close()

    def _produce(self, rows: Columnar, kept: Int64Array, gone: Int64Array) -> None:
        """Send the kept rows and tombstones for those that are gone, in the order of the pass."""
        places = np.sort(np.concatenate((kept, gone))) if len(gone) else kept
        if len(places) != rows.height:
            rows = gathered(rows, places)
        for first in range(0, len(places), ENCODED_ROWS):
            stop = min(first + ENCODED_ROWS, len(places))
            part = rows if stop - first == len(places) else sliced(rows, first, stop)
            self._produce_rows(part, places[first:stop], gone)

    def _produce_changes(self, batch: Batch, encoder: ChangeEncoder) -> None:
        """Send a record per change, in the order of the pass."""
        signs = batch.signs()
        for first in range(0, len(batch), ENCODED_ROWS):
            frame = batch.frame.slice(first, ENCODED_ROWS)
            self._send(frame, encoder.encode_changes(frame, signs[first : first + ENCODED_ROWS]))

    def _produce_rows(self, rows: Columnar, places: Int64Array, gone: Int64Array) -> None:
        value = self._value.encode(rows)
        if len(gone):
            value = Spans(value.data, value.start, np.where(np.isin(places, gone), np.int32(-1), value.length))
        self._send(rows, value)

    def _send(self, rows: Columnar, value: Spans) -> None:
        key = self._keys(rows)
        columns = ProduceColumns(
            _binary(value),
            key=None if key is None else _binary(key),
            timestamp=self._timestamps(rows),
            partition=self._partitions(rows.height),
            headers=self._headers(rows),
        )
        self._producer.produce(self._topic, columns)
        self._rows += rows.height
        self._bytes += value.size + (0 if key is None else key.size)

    def _keys(self, rows: Columnar) -> Spans | None:
        if self._key is None:
            return None
        names = self._table.key_columns
        if self._renames_keys:
            frame = frame_of(rows)
            rows = pl.DataFrame([frame[name].alias(inner) for name, inner in names.items()])
        return self._key.encode(rows)

    def _timestamps(self, rows: Columnar) -> Int64Array | None:
        column = self._metadata.get("timestamp")
        if column is None:
            return None
        series = self._instants(series_of(column_named(rows, column.name)), column)
        now = self._cluster.config.clock.now_ms()
        return series.dt.epoch("ms").fill_null(now).to_numpy().astype(np.int64)

    def _instants(self, series: pl.Series, column: TableColumn) -> pl.Series:
        """A TIMESTAMP is the session's local time."""
        if isinstance(column.type, TimestampType):
            return series.dt.replace_time_zone(self._time_zone, ambiguous="earliest", non_existent="null")
        return series

    def _partitions(self, count: int) -> np.ndarray[tuple[int], np.dtype[np.int32]] | int | None:
        if self._table.partitioner == tables.DEFAULT:
            return None
        partitions = sorted(self._cluster.partitions(self._topic, create=True))
        if self._table.partitioner == tables.FIXED:
            return partitions[0]  # one worker is Flink's subtask 0
        turns = (self._rows + np.arange(count)) % len(partitions)
        return np.array(partitions, np.int32)[turns]

    def _headers(self, rows: Columnar) -> HeaderColumn | None:
        column = self._metadata.get("headers")
        if column is None:
            return None
        return HeaderColumn.from_values([_header_list(value) for value in frame_of(rows)[column.name].to_list()])


def _binary(spans: Spans) -> BinaryColumn:
    return BinaryColumn(
        spans.data, np.ascontiguousarray(spans.start), np.ascontiguousarray(spans.length, dtype=np.int32)
    )


def _header_list(entries: Sequence[dict[str, bytes | str | None]] | None) -> list[tuple[str, bytes | None]]:
    """A MAP<STRING, BYTES> as headers; an entry without a name cannot be one."""
    headers: list[tuple[str, bytes | None]] = []
    for entry in entries or ():
        name, value = entry["key"], entry["value"]
        if isinstance(name, str):
            headers.append((name, value.encode() if isinstance(value, str) else value))
    return headers
