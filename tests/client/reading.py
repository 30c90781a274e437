"""What tests of the client share: reading a topic to its end."""

from __future__ import annotations

from collections.abc import Callable

from riacho.client import EARLIEST, LATEST, Cluster, FetchConfig, Fetcher, RecordColumns, TopicPartition
from riacho.client.offsets import list_offsets
from running_broker import RunningBroker

DEADLINE_MS = 90_000

StartBroker = Callable[..., RunningBroker]
"""Starts a broker of a test's own."""


def partitions_of(cluster: Cluster, topic: str) -> list[TopicPartition]:
    """A topic's partitions; the broker makes it where it is missing."""
    return [TopicPartition(topic, index) for index in sorted(cluster.partitions(topic, create=True))]


def read_all(cluster: Cluster, topic: str, config: FetchConfig | None = None) -> list[RecordColumns]:
    """Every record of a topic that is there now."""
    partitions = partitions_of(cluster, topic)
    ends = list_offsets(cluster, dict.fromkeys(partitions, LATEST))
    blocks: list[RecordColumns] = []
    with Fetcher(cluster, config) as fetcher:
        fetcher.assign(
            dict.fromkeys(partitions, EARLIEST),
            until={partition: end.offset for partition, end in ends.items()},
        )
        while not fetcher.finished:
            got = fetcher.fetch(max_wait_ms=DEADLINE_MS)
            assert got or fetcher.finished, "the records did not come in time"
            blocks += got
    return blocks


def values_of(blocks: list[RecordColumns]) -> list[bytes | None]:
    """All values, block by block."""
    return [value for block in blocks for value in block.value]
