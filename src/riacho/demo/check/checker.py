"""Follows the demo's topics and says, every few seconds, whether the stream's answer equals the batch's."""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from riacho.client.cluster import Cluster, TopicPartition
from riacho.client.columns import ProduceColumns, RecordColumns
from riacho.client.fetcher import Fetcher
from riacho.client.offsets import EARLIEST
from riacho.client.producer import Producer
from riacho.dataflow.sources.kafka_positions import offsets_of
from riacho.demo.check.compare import Compared, Cut, Oracle, topic_logs
from riacho.demo.check.results import RESULTS
from riacho.demo.topics import CHECK
from riacho.host import Clock
from riacho.jobs.registry import METRICS_TOPIC

INTERVAL_MS = 5_000
POLL_MS = 250
CUTS_KEPT = 8
"""Reports of a job that wait until the topics have been read as far as they say."""

log = logging.getLogger(__name__)

Offsets = dict[str, dict[int, int]]


@dataclass(slots=True)
class JobCuts:
    """The cuts of one job, newest last, and how far its sources had ever been read."""

    waiting: deque[Cut] = field(default_factory=lambda: deque(maxlen=CUTS_KEPT))
    furthest: Offsets = field(default_factory=dict)

    def add(self, cut: Cut) -> None:
        """Note a cut, unless the job is repeating what it had done before it was killed.

        Until it has caught up with itself, its topics hold more than the prefix that it reports.
        """
        if not _reached(self.furthest, cut.sources):
            return
        self.furthest = cut.sources
        if not self.waiting or self.waiting[-1] != cut:
            self.waiting.append(cut)

    def usable(self, read: Offsets) -> Cut | None:
        """The newest cut that the records read so far cover."""
        for cut in reversed(self.waiting):
            if _reached(cut.sources, read) and _reached(cut.sinks, read):
                return cut
        return None


class Checker:
    """The demo's check over a Kafka cluster."""

    def __init__(self, cluster: Cluster, clock: Clock) -> None:
        self._cluster = cluster
        self._clock = clock
        self._logs = topic_logs()
        self._cuts: dict[str, JobCuts] = {}
        self._read: Offsets = {}
        self._oracle = Oracle(self._logs)
        self._fetcher = Fetcher(cluster)

    def follow(self) -> NoReturn:
        """Compare every few seconds and publish the outcome, until the process ends. Raises `RiachoError`."""
        self._assign()
        due = self._clock.monotonic_ms() + INTERVAL_MS
        with Producer(self._cluster) as producer:
            while True:
                self.read(POLL_MS)
                if self._clock.monotonic_ms() < due:
                    continue
                due = self._clock.monotonic_ms() + INTERVAL_MS
                cuts = self._usable_cuts()
                if not cuts:
                    continue
                outcome = self._oracle.compare(cuts)
                row = json.dumps(summary(outcome, prefix_of(cuts), self._clock.now_ms())).encode()
                producer.produce(CHECK, ProduceColumns.from_values([row], keys=[b'"check"']))
                for each in outcome:
                    for example in each.examples:
                        log.warning("%s differs: %s", each.topic, example)

    def read(self, wait_ms: int) -> None:
        """Take what has arrived."""
        for columns in self._fetcher.fetch(max_wait_ms=wait_ms):
            if columns.topic == METRICS_TOPIC:
                self._take_reports(columns)
            else:
                self._logs[columns.topic].append(columns)
            self._read.setdefault(columns.topic, {})[columns.partition] = columns.next_offset

    def _usable_cuts(self) -> dict[str, Cut]:
        """The newest cut of each job that the records read so far cover."""
        return {job: cut for job, known in self._cuts.items() if (cut := known.usable(self._read)) is not None}

    def _assign(self) -> None:
        partitions = {}
        for topic in (*self._logs, METRICS_TOPIC):
            for index in self._cluster.partitions(topic):
                partitions[TopicPartition(topic, index)] = EARLIEST
        self._fetcher.assign(partitions)

    def _take_reports(self, columns: RecordColumns) -> None:
        for key, value in zip(columns.key, columns.value, strict=True):
            if key is None or value is None:
                continue
            cut = cut_of(json.loads(value))
            if cut is not None:
                self._cuts.setdefault(key.decode(), JobCuts()).add(cut)


def cut_of(report: Mapping[str, Any]) -> Cut | None:
    """The cut in a worker's report, or None."""
    described = report.get("cut")
    if described is None:
        return None
    sources: Offsets = {}
    for positions in described["sources"].values():
        for partition, offset in offsets_of(positions).items():
            sources.setdefault(partition.topic, {})[partition.partition] = max(0, offset)
    sinks = {
        topic: {int(partition): offset for partition, offset in partitions.items()}
        for topic, partitions in described["sinks"].items()
    }
    return Cut(sources, sinks)


def prefix_of(cuts: Mapping[str, Cut]) -> int:
    """How many departures every one of the jobs had read."""
    return min(sum(cut.sources.get("flights.departures", {}).values()) for cut in cuts.values())


def summary(outcome: list[Compared], prefix: int, now_ms: int) -> dict[str, Any]:
    """What the badge shows, and each result beneath it."""
    return {
        "at_ms": now_ms,
        "cells": sum(each.cells for each in outcome),
        "differ": sum(each.differ for each in outcome),
        "prefix": prefix,
        "awaited": len(RESULTS) - len(outcome),
        "results": [
            {"topic": each.topic, "rows": each.rows, "cells": each.cells, "differ": each.differ} for each in outcome
        ],
    }


def _reached(wanted: Offsets, actual: Offsets) -> bool:
    """Whether `actual` is at least `wanted` everywhere."""
    return all(
        actual.get(topic, {}).get(partition, 0) >= offset
        for topic, partitions in wanted.items()
        for partition, offset in partitions.items()
    )
