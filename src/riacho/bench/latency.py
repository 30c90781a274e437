"""Produce → SQL → consume: how soon a result is there, and what the job costs meanwhile.

One clock for both ends: from the produce call of an event to the moment at which the consumer holds a result that it
is part of. Broker and job are processes of their own; producer and consumer are threads of this one. The consumer is
librdkafka's. The producer is Riacho's: it sends what a millisecond brings as one batch, where librdkafka's, which is
given a message at a time, makes three requests of it, or holds it for two milliseconds: with them the broker and this
process took a core together, of the two that all share.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from riacho.bench import clients
from riacho.bench.background import background
from riacho.bench.measurements import Meter, Quantiles
from riacho.bench.process import ServedProcess, serve_broker
from riacho.client.admin import Admin, NewTopic
from riacho.client.cluster import Cluster
from riacho.client.columns import ProduceColumns
from riacho.client.config import ClientConfig
from riacho.client.producer import Producer, ProducerConfig
from riacho.errors import RiachoError

RATE = 20_000
KEYS = 1_000
"""Events per second, unless another rate is asked for."""
LINGER_MS = 5
"""librdkafka's default, and Kafka's."""
TICK_S = 0.001
"""Events are produced in groups, as a service that is called at random would not: the rate in Python's reach."""
EVENTS, RESULTS = "latency-events", "latency-results"
DRAIN_S = 15.0
DRAINED = 1_000
"""Messages that are taken at once when one was waited for: a call each would take more time than all else here."""

Floats = npt.NDArray[np.float64]

TABLES = """
CREATE TABLE events (k BIGINT, v BIGINT, ts TIMESTAMP_LTZ(3) METADATA FROM 'timestamp', WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 'latency-events', 'properties.bootstrap.servers' = '${KAFKA}',
      'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
"""

RUNNING = """
CREATE TABLE results (k BIGINT, n BIGINT, total BIGINT, PRIMARY KEY (k) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'latency-results', 'properties.bootstrap.servers' = '${KAFKA}',
      'key.format' = 'json', 'value.format' = 'json');
INSERT INTO results SELECT k, COUNT(*), SUM(v) FROM events GROUP BY k;
"""

WIDE = """
CREATE TABLE results (
  k BIGINT, n BIGINT, cheap BIGINT, middling BIGINT, dear BIGINT,
  lowest BIGINT, highest BIGINT, mean BIGINT, total BIGINT,
  PRIMARY KEY (k) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'latency-results', 'properties.bootstrap.servers' = '${KAFKA}',
        'key.format' = 'json', 'value.format' = 'json');
INSERT INTO results
SELECT k, COUNT(*), COUNT(*) FILTER (WHERE v < 10000), COUNT(*) FILTER (WHERE v >= 10000 AND v < 1000000),
  COUNT(*) FILTER (WHERE v >= 1000000), MIN(v), MAX(v), AVG(v), SUM(v)
FROM events GROUP BY k;
"""

TUMBLING = """
CREATE TABLE results (k BIGINT, ends BIGINT, n BIGINT)
WITH ('connector' = 'kafka', 'topic' = 'latency-results', 'properties.bootstrap.servers' = '${KAFKA}',
      'format' = 'json');
INSERT INTO results
SELECT k, 1000 * UNIX_TIMESTAMP(CAST(window_end AS STRING)), COUNT(*)
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '1' SECOND)) GROUP BY k, window_start, window_end;
"""


@dataclass(frozen=True, slots=True)
class Latency:
    """Of one job at a steady rate, in milliseconds; and the CPU seconds of its process per million events."""

    query: str
    rate: int
    p50_ms: float
    p99_ms: float
    cpu_s_per_million: float
    cpu_share: float


class Results(Protocol):
    """What a query's results say about the events in them."""

    def arrived(self, row: dict[str, int], now: float) -> None: ...

    def delays(self, after: float) -> Floats:
        """The delays, in seconds, of what was produced after a moment."""
        ...


class Sent:
    """When each event was produced: on the clock that measures, and as the timestamp of its record."""

    def __init__(self, count: int) -> None:
        self.at: Floats = np.full(count, np.nan)
        self.timestamp_ms = np.zeros(count, np.int64)
        self.count = 0


class RunningResults:
    """The running count of each key says which of its events are in it: event i is number i // KEYS of key i % KEYS."""

    def __init__(self, sent: Sent) -> None:
        self._sent = sent
        self._seen: Floats = np.full(len(sent.at), np.nan)
        self._known = [0] * KEYS

    def arrived(self, row: dict[str, int], now: float) -> None:
        key, count = row["k"], row["n"]
        self._seen[self._known[key] * KEYS + key : count * KEYS : KEYS] = now
        self._known[key] = max(count, self._known[key])

    def delays(self, after: float) -> Floats:
        measured = self._sent.at > after
        return (self._seen - self._sent.at)[measured & ~np.isnan(self._seen)]


class TumblingResults:
    """A window's result is due once the first event past its end was produced: that one moves the watermark."""

    def __init__(self, sent: Sent) -> None:
        self._sent = sent
        self._arrivals: list[tuple[int, float]] = []

    def arrived(self, row: dict[str, int], now: float) -> None:
        self._arrivals.append((row["ends"], now))

    def delays(self, after: float) -> Floats:
        produced = self._sent.timestamp_ms[: self._sent.count]
        delays = []
        for end, now in self._arrivals:
            closing = int(np.searchsorted(produced, end))
            if closing < len(produced) and self._sent.at[closing] > after:
                delays.append(now - self._sent.at[closing])
        return np.array(delays, np.float64)


QUERIES: dict[str, tuple[str, Callable[[Sent], Results]]] = {
    "running count, sum": (RUNNING, RunningResults),
    "nine running aggregates (as q17)": (WIDE, RunningResults),
    "tumbling count, 1 s": (TUMBLING, TumblingResults),
}


@dataclass(frozen=True, slots=True)
class Load:
    """How events are produced: how many a second, and how long the producer waits for more of them, in ms."""

    rate: int = RATE
    linger_ms: float = LINGER_MS


def run(directory: Path, *, seconds: float, load: Load, progress: Callable[[str], None]) -> list[Latency]:
    """Measure every query. Raises `RiachoError` where no result comes, or without confluent-kafka."""
    return [
        measure(directory / f"query-{index}", query, seconds, progress, load=load)
        for index, query in enumerate(QUERIES)
    ]


def measure(
    directory: Path,
    query: str,
    seconds: float,
    progress: Callable[[str], None],
    options: str = "",
    load: Load | None = None,
) -> Latency:
    """Measure one query on a broker of its own, for `seconds` after a warm-up of a quarter of them.

    `options` are SET statements that the script begins with.
    """
    load = load or Load()
    clients.require()
    directory.mkdir(parents=True, exist_ok=True)
    sql, results_of = QUERIES[query]
    script = directory / "job.sql"
    script.write_text(options + TABLES + sql)
    with serve_broker(directory) as broker:
        cluster = Cluster(ClientConfig(broker.address, client_id="riacho-bench"))
        try:
            Admin(cluster).create_topics([NewTopic(EVENTS, 1, 1, {}), NewTopic(RESULTS, 1, 1, {})])
        finally:
            cluster.close()
        job = ["run", str(script), "--kafka", broker.address, "--dir", str(directory)]
        with ServedProcess(*job, log=directory / "job.log") as process:
            progress(f"{query}: {seconds:.0f} s at {load.rate:,} events/s")
            return _measured(broker.address, process, query, seconds, results_of, load)


def _measured(
    address: str, job: ServedProcess, query: str, seconds: float, results_of: Callable[[Sent], Results], load: Load
) -> Latency:
    warm_s = max(2.0, seconds / 4)
    sent = Sent(int((seconds + warm_s) * load.rate))
    results = results_of(sent)
    with background("riacho-bench-consumer", partial(_consume, address, results)):
        cluster = Cluster(ClientConfig(address, client_id="riacho-bench"))
        try:
            with Producer(cluster, ProducerConfig(acks=1, idempotent=False, linger_ms=load.linger_ms)) as producer:
                warming = int(warm_s * load.rate)
                _produce(producer, sent, 0, warming, load.rate)
                warm, meter = time.perf_counter(), Meter(job.cpu_s)
                _produce(producer, sent, warming, len(sent.at), load.rate)
                spent = meter.spent()
        finally:
            cluster.close()
        time.sleep(min(DRAIN_S, 1 + seconds / 4))
    delays = results.delays(warm)
    if not len(delays):
        raise RiachoError(f"{query}: no result came back")
    found = Quantiles.of(delays)
    cpu_s_per_million = spent.cpu_s * 1e6 / (seconds * load.rate)
    return Latency(query, load.rate, found.p50_ms, found.p99_ms, cpu_s_per_million, spent.share_of_core)


def _produce(producer: Producer, sent: Sent, first: int, stop: int, rate: int) -> None:
    """Produce events `first` to `stop` at the rate, in groups as large as the time that has passed asks for."""
    began = time.perf_counter()
    number = first
    while number < stop:
        due = min(first + int((time.perf_counter() - began) * rate), stop)
        if due > number:
            now_ms = time.time_ns() // 1_000_000
            sent.timestamp_ms[number:due] = now_ms
            sent.at[number:due] = time.perf_counter()
            sent.count = due
            values = [b'{"k":%d,"v":%d}' % (each % KEYS, each) for each in range(number, due)]
            producer.produce(EVENTS, ProduceColumns.from_values(values, timestamps=[now_ms] * len(values)))
            number = due
        time.sleep(TICK_S)


def _consume(address: str, results: Results, stopped: threading.Event) -> None:
    """Note when each message was there. They are read once all is measured: here that would delay those behind them,
    and take the GIL from the thread that produces.
    """
    consumer = clients.consumer(address, RESULTS, offset=0)
    taken: list[tuple[float, list[bytes]]] = []
    try:
        while not stopped.is_set():
            first = consumer.poll(0.1)
            if first is not None:
                messages = [first, *consumer.consume(DRAINED, timeout=0)]
                now = time.perf_counter()
                taken.append((now, [message.value() or b"{}" for message in messages if message.error() is None]))
    finally:
        consumer.close()
    for now, values in taken:
        for value in values:
            results.arrived(json.loads(value), now)
