"""Publishes the year's events when their time has come, and follows what people ask of the replay.

It may be killed at any moment: each partition's length says which of its events have been published, so it goes on
without a gap or a repeat.
"""

from __future__ import annotations

import json
import logging
import threading
from datetime import date, datetime
from typing import Any

import numpy as np
import polars as pl

from riacho.client.admin import Admin
from riacho.client.cluster import Cluster, TopicPartition
from riacho.client.columns import BinaryColumn, ProduceColumns
from riacho.client.fetcher import Fetcher
from riacho.client.offsets import LATEST
from riacho.client.producer import Producer
from riacho.demo.events import EVENT_TIME_FORMAT, Stream, stamped, streams
from riacho.demo.replay_clock import ReplayClock, ReplayCommandError
from riacho.demo.replay_options import ReplayOptions
from riacho.demo.tables import airports, read_table
from riacho.demo.topics import CLOCK, COMMANDS, EVENT_PARTITIONS
from riacho.host import Clock

TICK_MS = 50
"""How often the replay looks for events whose time has come: what a viewer cannot tell from at once.

A few events at a time cost every job one pass, and one event at a time as many passes as there are events.
"""

ENCODED_ROWS = 4_096
"""Events that become JSON together: in ones and twos that would be the replay's greatest cost."""

CLOCK_MS = 250
"""How often the replay says where it stands."""

log = logging.getLogger(__name__)


class OutgoingPartition:
    """The events of one partition in the order of their publication, and how many have been published."""

    def __init__(self, stream: Stream, events: pl.DataFrame, partition: int, published: int) -> None:
        self.published = published
        self._stream = stream
        self._events = events
        self._partition = partition
        self._due_us = events["publish_at"].dt.epoch("us").to_numpy()
        self._timestamps = events["event_time"].dt.epoch("ms").to_numpy()
        self._keys = events["id"].cast(pl.String)
        self._encoded_from = 0
        self._encoded = pl.Series(dtype=pl.String)

    @property
    def reached(self) -> datetime | None:
        """The moment of the newest event that has been published."""
        reached: datetime | None = self._events["publish_at"][self.published - 1] if self.published else None
        return reached

    def publish(self, producer: Producer, until_us: int, now_ms: int) -> int:
        """Queue the events that are due, and say how many they were."""
        first = self.published
        last = int(np.searchsorted(self._due_us, until_us, side="right"))
        if last <= first:
            return 0
        values = stamped(self._open_values(first, last), self._events["malformed"][first:last], now_ms)
        producer.produce(
            self._stream.topic,
            ProduceColumns(
                value=BinaryColumn.from_texts(values),
                key=BinaryColumn.from_texts(self._keys[first:last]),
                timestamp=self._timestamps[first:last],
                partition=self._partition,
            ),
        )
        self.published = last
        return last - first

    def _open_values(self, first: int, last: int) -> pl.Series:
        """JSON made ahead for the events that come next."""
        if not self._encoded_from <= first <= last <= self._encoded_from + len(self._encoded):
            ahead = max(last, first + ENCODED_ROWS)
            self._encoded_from, self._encoded = first, self._stream.open_values(self._events[first:ahead])
        return self._encoded[first - self._encoded_from : last - self._encoded_from]


class Outgoing:
    """One stream's events, by partition."""

    def __init__(self, stream: Stream, published: dict[int, int]) -> None:
        partitions = EVENT_PARTITIONS[stream.topic]
        self._parts = [
            OutgoingPartition(
                stream, stream.events.filter(pl.col("id") % partitions == partition), partition, published[partition]
            )
            for partition in range(partitions)
        ]

    @property
    def sent(self) -> int:
        return sum(part.published for part in self._parts)

    @property
    def reached(self) -> datetime | None:
        """The latest moment of which an event has been published."""
        return max((part.reached for part in self._parts if part.reached is not None), default=None)

    def publish(self, producer: Producer, until: datetime, now_ms: int) -> int:
        """Queue the events that are due, and say how many they were."""
        until_us = int(until.timestamp() * 1e6)
        return sum(part.publish(producer, until_us, now_ms) for part in self._parts)


class Replayer:
    """The replay of the year into a Kafka cluster, whose topics exist."""

    def __init__(self, cluster: Cluster, clock: Clock, options: ReplayOptions) -> None:
        self._cluster = cluster
        self._clock = clock
        self._options = options
        self._admin = Admin(cluster)
        self._error: str | None = None

    def run(self, stopped: threading.Event) -> None:
        """Publish until the year ends and nobody steers it any more, or until `stopped`. Raises `RiachoError`."""
        options = self._options
        outgoing = [
            Outgoing(stream, self._lengths(stream.topic))
            for stream in streams(options.seed, options.first, options.last)
        ]
        with Producer(self._cluster) as producer, Fetcher(self._cluster) as commands:
            commands.assign({TopicPartition(COMMANDS, 0): LATEST})
            self._publish_dimensions(producer)
            replay = self._start(outgoing)
            meter = Meter(self._clock)
            spoke_ms = -float(CLOCK_MS)
            while not stopped.is_set():
                replay = self._follow(replay, commands).at(self._clock.monotonic_ms())
                now_ms = self._clock.now_ms()
                for each in outgoing:
                    meter.count(each.publish(producer, replay.position, now_ms))
                if self._clock.monotonic_ms() - spoke_ms >= CLOCK_MS:
                    spoke_ms = self._clock.monotonic_ms()
                    self._speak(producer, replay, sum(each.sent for each in outgoing), meter.rate())
                if not replay.hurrying or replay.paused or replay.ended:
                    stopped.wait(TICK_MS / 1000)

    def _lengths(self, topic: str) -> dict[int, int]:
        partitions = [TopicPartition(topic, index) for index in range(EVENT_PARTITIONS[topic])]
        ends = self._admin.list_offsets(dict.fromkeys(partitions, LATEST))
        return {partition.partition: ends[partition].offset for partition in partitions}

    def _start(self, outgoing: list[Outgoing]) -> ReplayClock:
        replay = ReplayClock.starting(
            seconds_per_day=self._options.seconds_per_day,
            live_from=self._options.live_from,
            machine_ms=self._clock.monotonic_ms(),
            first=self._options.first,
            last=self._options.last,
            paused=self._options.paused,
        )
        reached = max((each.reached for each in outgoing if each.reached is not None), default=None)
        return replay if reached is None else replay.resumed_at(reached)

    def _follow(self, replay: ReplayClock, commands: Fetcher) -> ReplayClock:
        for columns in commands.fetch(max_wait_ms=0):
            for value in columns.value:
                try:
                    replay = obey(replay, json.loads(value or b"null"), self._clock.monotonic_ms())
                    self._error = None
                except (ReplayCommandError, ValueError, TypeError) as error:
                    self._error = f"the replay cannot follow {value!r}: {error}"
                    log.warning("%s", self._error)
        return replay

    def _speak(self, producer: Producer, replay: ReplayClock, sent: int, events_per_s: float) -> None:
        row = {
            "event_time": replay.position.strftime(EVENT_TIME_FORMAT),
            "seconds_per_day": replay.seconds_per_day,
            "paused": replay.paused,
            "hurrying": replay.hurrying and not replay.ended,
            "ended": replay.ended,
            "sent": sent,
            "events_per_s": round(events_per_s, 1),
            "error": self._error,
        }
        producer.produce(CLOCK, ProduceColumns.from_values([json.dumps(row).encode()], keys=[b'"clock"']))

    def _publish_dimensions(self, producer: Producer) -> None:
        """The tables that describe the events, once."""
        tables = {
            "flights.airlines": (read_table("airlines"), "carrier"),
            "flights.airports": (airports().select("faa", "name", "lat", "lon"), "faa"),
            "flights.planes": (read_table("planes").drop("speed"), "tailnum"),
        }
        for topic, (table, key) in tables.items():
            if self._length(topic) == 0:
                producer.produce(
                    topic,
                    ProduceColumns(
                        value=BinaryColumn.from_texts(
                            table.select(pl.struct(pl.all()).struct.json_encode()).to_series()
                        ),
                        key=BinaryColumn.from_texts(table.select(pl.struct(key).struct.json_encode()).to_series()),
                    ),
                )
        producer.flush()

    def _length(self, topic: str) -> int:
        partition = TopicPartition(topic, 0)
        return self._admin.list_offsets({partition: LATEST})[partition].offset


class Meter:
    """Events per second, over the last second or so."""

    WINDOW_MS = 1_000.0

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since = clock.monotonic_ms()
        self._events = 0
        self._rate = 0.0

    def count(self, events: int) -> None:
        self._events += events

    def rate(self) -> float:
        """The rate of the last whole window."""
        now = self._clock.monotonic_ms()
        if now - self._since >= self.WINDOW_MS:
            self._rate = self._events * 1000.0 / (now - self._since)
            self._since, self._events = now, 0
        return self._rate


def obey(replay: ReplayClock, command: Any, machine_ms: float) -> ReplayClock:
    """The replay after a command. Raises `ReplayCommandError` for one that cannot be followed."""
    match command:
        case {"paused": True}:
            return replay.pause()
        case {"paused": False}:
            return replay.resume(machine_ms)
        case {"seconds_per_day": int() | float() as seconds}:
            return replay.at_speed(float(seconds))
        case {"jump_to": str() as day}:
            return replay.jump_to(date.fromisoformat(day))
    raise ReplayCommandError(
        "this is no command", mend='known are {"paused": true}, {"seconds_per_day": 20} and {"jump_to": "2013-02-10"}'
    )
