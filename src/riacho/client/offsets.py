"""Which offsets a partition has: the first, the last, that of a time, and where a leader epoch ends."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from riacho.client.cluster import Cluster, TopicPartition

EARLIEST: Final = -2
LATEST: Final = -1
"""Stand for an offset where one is asked for: ListOffsets' special timestamps, which no real offset is."""

_CONSUMER: Final = -1


class ListedOffset(NamedTuple):
    """An offset, the timestamp of its record (-1: none was asked for), and its leader epoch (-1: unknown)."""

    offset: int
    timestamp: int
    leader_epoch: int


def list_offsets(
    cluster: Cluster,
    timestamps: Mapping[TopicPartition, int],
    *,
    read_committed: bool = False,
    stop: threading.Event | None = None,
) -> dict[TopicPartition, ListedOffset]:
    """The first offset whose timestamp in milliseconds is at least the given one; -1 where there is none.

    `EARLIEST` and `LATEST` ask for the log's start and for its end; with `read_committed` that is the last stable
    offset. Raises `KafkaError`.
    """
    found: dict[TopicPartition, ListedOffset] = {}

    def ask(node: int, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        entries = {
            partition: {"partition_index": partition.partition, "timestamp": timestamps[partition]}
            for partition in partitions
        }
        response = cluster.call(
            "ListOffsets",
            node=node,
            stop=stop,
            replica_id=_CONSUMER,
            isolation_level=int(read_committed),
            topics=by_topic(entries, "name"),
        )
        errors: dict[TopicPartition, int] = {}
        for topic in response.topics:
            for answer in topic.partitions:
                partition = TopicPartition(topic.name, answer.partition_index)
                if answer.error_code:
                    errors[partition] = int(answer.error_code)
                else:
                    found[partition] = ListedOffset(answer.offset, answer.timestamp, answer.leader_epoch)
        return errors

    cluster.call_leaders(timestamps, ask, stop)
    return found


class EpochEnd(NamedTuple):
    """The largest leader epoch at or below the one asked for, and the offset after its last record; -1: unknown."""

    epoch: int
    offset: int


def epoch_ends(
    cluster: Cluster, epochs: Mapping[TopicPartition, int], *, stop: threading.Event | None = None
) -> dict[TopicPartition, EpochEnd]:
    """Where these leader epochs end (KIP-320): a consumer past that has read what was truncated since."""
    found: dict[TopicPartition, EpochEnd] = {}

    def ask(node: int, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        entries = {
            partition: {"partition": partition.partition, "leader_epoch": epochs[partition]} for partition in partitions
        }
        response = cluster.call(
            "OffsetForLeaderEpoch", node=node, stop=stop, replica_id=_CONSUMER, topics=by_topic(entries, "topic")
        )
        errors: dict[TopicPartition, int] = {}
        for topic in response.topics:
            for answer in topic.partitions:
                partition = TopicPartition(topic.topic, answer.partition)
                if answer.error_code:
                    errors[partition] = int(answer.error_code)
                else:
                    found[partition] = EpochEnd(answer.leader_epoch, answer.end_offset)
        return errors

    cluster.call_leaders(epochs, ask, stop)
    return found


def by_topic(entries: Mapping[TopicPartition, dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """Group per-partition entries the way requests nest them, the topic's name in the field `name`."""
    topics: dict[str, list[dict[str, Any]]] = {}
    for partition, entry in entries.items():
        topics.setdefault(partition.topic, []).append(entry)
    return [{name: topic, "partitions": partitions} for topic, partitions in topics.items()]
