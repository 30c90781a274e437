"""Topics as people look at them: how large, how fast they grow, and their newest messages."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from riacho.client.admin import Admin, Topic
from riacho.client.cluster import Cluster, TopicPartition
from riacho.client.columns import BinaryColumn, ProduceColumns, RecordColumns
from riacho.client.fetcher import Fetcher
from riacho.client.offsets import EARLIEST, LATEST
from riacho.client.producer import Producer, ProducerConfig
from riacho.errors import RiachoError
from riacho.host import Clock

MAX_MESSAGES = 500
READ_TIMEOUT_MS = 5_000

PRODUCER = ProducerConfig(max_block_ms=5_000, delivery_timeout_ms=5_000, create_topics=False)
"""A person waits for each record: they are told soon when it cannot be written."""

RATE_MS = 1_000
"""Over less time than this a rate says little."""

INTERNAL_PREFIX = "__"


@dataclass(frozen=True, slots=True)
class TopicSummary:
    """A topic in a list. `records` are offsets between start and end: compaction may have removed some."""

    name: str
    partitions: int
    records: int
    records_per_s: float
    compacted: bool
    internal: bool


@dataclass(frozen=True, slots=True)
class Measured:
    """Where a topic's logs ended at a moment."""

    end: int
    at_ms: float
    per_s: float
    """How fast it grew before."""


class Topics:
    """The topics of a cluster. Every method blocks, and raises `RiachoError` where the cluster refuses."""

    def __init__(self, cluster: Cluster, clock: Clock) -> None:
        self._cluster = cluster
        self._admin = Admin(cluster)
        self._clock = clock
        self._compacted: dict[str, bool] = {}
        self._measured: dict[str, Measured] = {}
        self._producer: Producer | None = None
        self._producing = threading.Lock()

    def summaries(self) -> list[TopicSummary]:
        """All topics by name; rates are since the previous call."""
        topics = self._admin.list_topics(internal=True)
        partitions = [TopicPartition(topic.name, item.index) for topic in topics for item in topic.partitions]
        first = self._admin.list_offsets(dict.fromkeys(partitions, EARLIEST))
        end = self._admin.list_offsets(dict.fromkeys(partitions, LATEST))
        now = self._clock.monotonic_ms()
        summaries = []
        for topic in topics:
            mine = [TopicPartition(topic.name, item.index) for item in topic.partitions]
            total = sum(end[item].offset for item in mine)
            summaries.append(
                TopicSummary(
                    topic.name,
                    len(mine),
                    total - sum(first[item].offset for item in mine),
                    self._rate(topic.name, total, now),
                    self._is_compacted(topic),
                    topic.internal or topic.name.startswith(INTERNAL_PREFIX),
                )
            )
        return summaries

    def messages(self, topic: str, limit: int) -> list[dict[str, Any]]:
        """The newest messages over all partitions, newest first."""
        limit = min(limit, MAX_MESSAGES)
        partitions = [TopicPartition(topic, index) for index in self._cluster.partitions(topic)]
        first = self._admin.list_offsets(dict.fromkeys(partitions, EARLIEST))
        end = self._admin.list_offsets(dict.fromkeys(partitions, LATEST))
        starts = {item: max(first[item].offset, end[item].offset - limit) for item in partitions}
        wanted = {item: start for item, start in starts.items() if start < end[item].offset}
        found: list[dict[str, Any]] = []
        with Fetcher(self._cluster) as fetcher:
            fetcher.assign(wanted, until={item: end[item].offset for item in wanted})
            deadline = self._clock.monotonic_ms() + READ_TIMEOUT_MS
            while not fetcher.finished and self._clock.monotonic_ms() < deadline:
                for columns in fetcher.fetch(max_wait_ms=READ_TIMEOUT_MS):
                    found += _described(columns)
        found.sort(key=lambda message: (message["timestamp_ms"], message["offset"]), reverse=True)
        return found[:limit]

    def produce(self, topic: str, key: bytes | None, value: bytes | None) -> None:
        """Write one record and wait until it is acknowledged. The topic must exist."""
        self._cluster.partitions(topic)
        with self._producing:
            if self._producer is None:
                self._producer = Producer(self._cluster, PRODUCER)
            try:
                self._producer.produce(topic, ProduceColumns.from_values([value], keys=[key]))
                self._producer.flush()
            except RiachoError:
                # A producer that failed sends nothing more: the next request gets a new one.
                failed, self._producer = self._producer, None
                failed.close(0)
                raise

    def close(self) -> None:
        if self._producer is not None:
            self._producer.close()

    def _rate(self, name: str, end: int, now: float) -> float:
        """Per second since the last call, unless that was just now."""
        before = self._measured.get(name)
        if before is not None and now - before.at_ms < RATE_MS:
            return before.per_s
        rate = 0.0 if before is None else max(0.0, (end - before.end) * 1000.0 / (now - before.at_ms))
        self._measured[name] = Measured(end, now, rate)
        return rate

    def _is_compacted(self, topic: Topic) -> bool:
        """Asked once per topic: people rarely change it, and a list of topics must be cheap."""
        known = self._compacted.get(topic.name)
        if known is None:
            configs = self._admin.describe_configs(topic.name, keys=["cleanup.policy"])
            known = "compact" in (configs["cleanup.policy"].value or "")
            self._compacted[topic.name] = known
        return known


def _described(columns: RecordColumns) -> list[dict[str, Any]]:
    headers = columns.headers
    return [
        {
            "partition": columns.partition,
            "offset": int(columns.offset[row]),
            "timestamp_ms": int(columns.timestamp[row]),
            "key": _text(columns.key, row),
            "value": _text(columns.value, row),
            "headers": [
                (name, None if value is None else value.decode(errors="replace")) for name, value in headers[row]
            ],
        }
        for row in range(len(columns))
    ]


def _text(column: BinaryColumn, row: int) -> str | None:
    content = column[row]
    return None if content is None else content.decode(errors="replace")


def summarize_lag(committed: dict[TopicPartition, int], ends: dict[TopicPartition, int]) -> Sequence[dict[str, Any]]:
    """How far behind a group is, per topic; a partition without a commit does not count.

    >>> summarize_lag({TopicPartition("bids", 0): 7}, {TopicPartition("bids", 0): 10, TopicPartition("bids", 1): 4})
    [{'topic': 'bids', 'lag': 3}]
    """
    lags: dict[str, int] = {}
    for partition, offset in committed.items():
        behind = max(0, ends.get(partition, offset) - offset)
        lags[partition.topic] = lags.get(partition.topic, 0) + behind
    return [{"topic": topic, "lag": lag} for topic, lag in sorted(lags.items())]
