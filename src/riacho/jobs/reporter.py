"""Tells the platform how a worker does, by the topic `__riacho_metrics`."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterable
from typing import Any

from riacho.client.admin import Admin
from riacho.client.cluster import Cluster, TopicPartition
from riacho.client.columns import ProduceColumns
from riacho.client.offsets import LATEST
from riacho.client.producer import Producer, ProducerConfig
from riacho.errors import RiachoError
from riacho.host import Clock
from riacho.jobs.life_signs import LifeSigns
from riacho.jobs.registry import METRICS_TOPIC
from riacho.jobs.worker import Worker

CUT_INTERVAL_MS = 4_000
"""How often a report says which prefix of the sources the sinks hold: each time everything written is awaited."""

log = logging.getLogger(__name__)


NOTHING_MOVES = {"rows_in_per_s": 0.0, "rows_out_per_s": 0.0}
"""What is known of a worker that has not come out of its pass yet."""


class Reporter:
    """Publishes a worker's measurements. What it cannot publish it drops, with a warning: a job goes on without.

    While a pass takes long, as the user's Python functions may make it, the last report is told again, with its time.
    """

    def __init__(self, job: str, plan: str, cluster: Cluster, sink_topics: Iterable[str], clock: Clock) -> None:
        self._job = job
        self._plan = plan
        self._cluster = cluster
        self._admin = Admin(cluster)
        self._sink_topics = sorted(sink_topics)
        self._clock = clock
        self._producer = Producer(cluster, ProducerConfig(acks=1, idempotent=False, create_topics=False))
        self._cut: dict[str, Any] | None = None
        self._cut_due = clock.monotonic_ms() + CUT_INTERVAL_MS
        self._silent = False
        self._report: dict[str, Any] | None = None
        self._publishing = threading.Lock()
        self._life = LifeSigns(self._repeat)

    def begin(self, worker: Worker) -> None:
        """The worker is connected, and may take long over its first pass."""
        self._report = self._told(worker)

    def __call__(self, worker: Worker) -> None:
        """Publish the worker's newest measurements, and now and then a cut."""
        if self._silent:
            return
        now = self._clock.monotonic_ms()
        if now >= self._cut_due:
            self._cut_due = now + CUT_INTERVAL_MS
            self._cut = self._take_cut(worker)
        self._report = self._told(worker)
        self._publish(self._report)
        self._life.alive()

    def _told(self, worker: Worker) -> dict[str, Any]:
        return {**worker.measurements.current, "plan": self._plan, "cut": self._cut}

    def close(self) -> None:
        self._life.close()
        self._producer.close(0)

    def _repeat(self) -> None:
        """Say that the process lives although the worker says nothing."""
        report = self._report
        if report is not None and not self._silent:
            self._publish({**report, **NOTHING_MOVES, "at_ms": self._clock.now_ms()})

    def _publish(self, report: dict[str, Any]) -> None:
        with self._publishing:
            try:
                columns = ProduceColumns.from_values([json.dumps(report).encode()], keys=[self._job.encode()])
                self._producer.produce(METRICS_TOPIC, columns)
            except RiachoError as error:
                self._silent = True
                log.warning("measurements are no longer published: %s", error)

    def _take_cut(self, worker: Worker) -> dict[str, Any] | None:
        """Which prefix of the sources the sinks hold, and where they end; None where the cluster does not say."""
        sources = worker.cut()
        try:
            return {"sources": sources, "sinks": self._ends()}
        except RiachoError as error:
            log.warning("the ends of the sinks' topics are not known now: %s", error)
            return None

    def _ends(self) -> dict[str, dict[str, int]]:
        """Where the sinks' topics end. This job being their only writer, that is what it has written so far."""
        ends: dict[str, dict[str, int]] = {}
        known = {topic.name for topic in self._admin.list_topics(internal=True)}
        for topic in self._sink_topics:
            if topic not in known:
                ends[topic] = {}  # it is made when the first row is written
                continue
            partitions = [TopicPartition(topic, index) for index in self._cluster.partitions(topic)]
            listed = self._admin.list_offsets(dict.fromkeys(partitions, LATEST))
            ends[topic] = {str(item.partition): listed[item].offset for item in partitions}
        return ends
