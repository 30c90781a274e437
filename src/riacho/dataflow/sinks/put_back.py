"""Puts an upserted topic back to where it stood at a snapshot, after a job was killed.

A pass writes what it changes. The passes of a killed job that came after its snapshot are run again, but cut otherwise:
a row that came in one of them and went in another may now come and go in one, which changes nothing and so writes
nothing, and what was written of it would stay for good. So the keys of what the job wrote after the snapshot first get
back the values that they had then.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

import polars as pl

from riacho.client import (
    EARLIEST,
    LATEST,
    Cluster,
    FetchConfig,
    Fetcher,
    KafkaError,
    OffsetReset,
    ProduceColumns,
    Producer,
    RecordColumns,
    TopicPartition,
)
from riacho.client.columns import Header
from riacho.client.errors import UNKNOWN_TOPIC
from riacho.client.offsets import ListedOffset, list_offsets
from riacho.dataflow.sources import Json, Positions
from riacho.dataflow.sources.kafka_positions import ids_of, offsets_of, to_positions
from riacho.formats.buffered import series_of
from riacho.formats.decoding import Spans

WAIT_MS = 500

_PRODUCER, _TOPIC = "producer", "topic"


class Record(NamedTuple):
    """What a key had."""

    value: bytes | None
    timestamp: int
    headers: list[Header]


def stand(cluster: Cluster, producer: Producer, topic: str) -> Positions:
    """Where a topic ends, for `put_back`, and who writes on: the id in the producer's batches (KIP-98)."""
    partitions = _partitions(cluster, topic)
    ends = {partition: found.offset for partition, found in _listed(cluster, partitions, LATEST).items()}
    return {_PRODUCER: producer.producer_id, _TOPIC: dict(to_positions(ends, cluster.topic_ids))}


def put_back(cluster: Cluster, producer: Producer, fetching: FetchConfig, topic: str, stood: Mapping[str, Json]) -> int:
    """Give the keys that an earlier producer has written since `stand` the values back that they had; how many keys.

    What others wrote stays, and so does a topic that was made anew. Reads the topic from its start, unless nothing was
    written since. Blocks until the values are acknowledged. Raises `RiachoError`.
    """
    producer_id, described = stood.get(_PRODUCER), stood.get(_TOPIC)
    assert isinstance(producer_id, int), "a producer has a number"
    assert isinstance(described, dict), "the positions of a topic are an object"
    partitions = _partitions(cluster, topic)
    if ids_of(described).get(topic, cluster.topic_ids.get(topic)) != cluster.topic_ids.get(topic):
        return 0
    known = offsets_of(described)
    ends = {partition: known.get(partition, 0) for partition in partitions}
    latest = {partition: found.offset for partition, found in _listed(cluster, partitions, LATEST).items()}
    tails = {partition: end for partition, end in ends.items() if latest[partition] > end}
    fetching = replace(fetching, offset_reset=OffsetReset.EARLIEST)  # retention may be ahead of the snapshot
    own = replace(fetching, producer_id=producer_id)
    dirty: dict[TopicPartition, set[bytes]] = {}
    for partition, columns in _read(cluster, own, tails, latest):
        dirty.setdefault(partition, set()).update(_keys(columns).drop_nulls().unique())
    starts = {partition: found.offset for partition, found in _listed(cluster, list(dirty), EARLIEST).items()}
    before = {partition: start for partition, start in starts.items() if start < ends[partition]}
    sought = {partition: pl.Series([list(keys)], dtype=pl.List(pl.Binary)) for partition, keys in dirty.items()}
    values: dict[TopicPartition, dict[bytes, Record]] = {partition: {} for partition in dirty}
    for partition, columns in _read(cluster, fetching, before, ends):
        found = pl.DataFrame({"key": _keys(columns)}).with_row_index("row")
        found = found.filter(pl.col("key").is_in(sought[partition])).unique("key", keep="last")
        values[partition] |= {key: _record(columns, row) for row, key in found.iter_rows()}
    for partition, keys_there in dirty.items():
        _write(producer, partition, keys_there, values[partition])
    producer.flush()
    return sum(len(keys) for keys in dirty.values())


def _partitions(cluster: Cluster, topic: str) -> list[TopicPartition]:
    """None where the topic is not there yet: it is made by the first record."""
    try:
        return [TopicPartition(topic, index) for index in sorted(cluster.partitions(topic))]
    except KafkaError as error:
        if error.name != UNKNOWN_TOPIC:
            raise
        return []


def _listed(cluster: Cluster, partitions: list[TopicPartition], what: int) -> Mapping[TopicPartition, ListedOffset]:
    return list_offsets(cluster, dict.fromkeys(partitions, what)) if partitions else {}


def _read(
    cluster: Cluster,
    config: FetchConfig,
    starts: Mapping[TopicPartition, int],
    ends: Mapping[TopicPartition, int],
) -> Iterator[tuple[TopicPartition, RecordColumns]]:
    """All records of these partitions between these offsets, each partition's in order."""
    if not starts:
        return
    with Fetcher(cluster, config) as fetcher:
        fetcher.assign(starts, until={partition: ends[partition] for partition in starts})
        while not fetcher.finished:
            for columns in fetcher.fetch(max_wait_ms=WAIT_MS):
                yield TopicPartition(columns.topic, columns.partition), columns


def _keys(columns: RecordColumns) -> pl.Series:
    """The records' keys as Binary, null where there is none; their bytes are not copied."""
    key = columns.key
    return series_of(Spans(key.data, key.start, key.length).column(text=False), "key")


def _record(columns: RecordColumns, row: int) -> Record:
    headers = columns.headers[row] if columns.header_count[row] else []
    return Record(columns.value[row], int(columns.timestamp[row]), headers)


def _write(
    producer: Producer,
    partition: TopicPartition,
    keys: Collection[bytes],
    values: Mapping[bytes, Record],
) -> None:
    """The records that these keys had, whole; tombstones for those that had none."""
    there = [key for key in keys if key in values]
    gone = [key for key in keys if key not in values]
    if there:
        records = [values[key] for key in there]
        columns = ProduceColumns.from_values(
            [record.value for record in records],
            keys=there,
            timestamps=[record.timestamp for record in records],
            headers=[record.headers for record in records],
            partition=partition.partition,
        )
        producer.produce(partition.topic, columns)
    if gone:
        columns = ProduceColumns.from_values([None] * len(gone), keys=gone, partition=partition.partition)
        producer.produce(partition.topic, columns)
