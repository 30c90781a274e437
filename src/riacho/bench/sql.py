"""`riacho bench sql`: events per second of the two simplest jobs, from a Kafka topic of JSON and from datagen."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from riacho.bench.measurements import Meter
from riacho.bench.process import serve_broker
from riacho.client.admin import Admin, NewTopic
from riacho.client.cluster import Cluster
from riacho.client.columns import BinaryColumn, ProduceColumns
from riacho.client.config import ClientConfig
from riacho.client.producer import Producer
from riacho.errors import RiachoError
from riacho.host import SystemClock, SystemDisk
from riacho.jobs.script import JobContext, compile_job_script, open_worker

PARTITIONS = 8
KEYS = 10_000
SEED = 42
CHUNK = 250_000
TOPIC = "bids"

COLUMNS = """
  auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, extra STRING,
  quantity INT, date_time TIMESTAMP(3), WATERMARK FOR date_time AS date_time - INTERVAL '4' SECOND
"""

FROM_TOPIC = (
    "CREATE TABLE bids (" + COLUMNS + ") WITH ('connector' = 'kafka', 'topic' = '${TOPIC}', "
    "'properties.bootstrap.servers' = '${KAFKA}', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset', "
    "'scan.bounded.mode' = 'latest-offset');"
)

FROM_DATAGEN = """
CREATE TABLE bids (
  auction BIGINT, bidder BIGINT, price BIGINT, quantity INT, date_time TIMESTAMP(3),
  WATERMARK FOR date_time AS date_time - INTERVAL '4' SECOND
) WITH (
  'connector' = 'datagen', 'number-of-rows' = '${EVENTS}', 'rows-per-second' = '1000000000',
  'fields.auction.min' = '0', 'fields.auction.max' = '9999', 'fields.price.min' = '1', 'fields.price.max' = '100000'
);
"""

PROJECT = """
CREATE TABLE projected (auction BIGINT, bidder BIGINT, euro BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO projected SELECT auction, bidder, price * 9 / 10 FROM bids WHERE MOD(auction, 2) = 0;
"""

WINDOW = """
CREATE TABLE windowed (
  auction BIGINT, window_start TIMESTAMP(3), bids BIGINT, total BIGINT, highest BIGINT
) WITH ('connector' = 'blackhole');
INSERT INTO windowed
SELECT auction, window_start, COUNT(*), SUM(price), MAX(price)
FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(date_time), INTERVAL '10' SECOND))
GROUP BY auction, window_start, window_end;
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """One job: events per second of wall time, and CPU seconds of the job's process per million events."""

    source: str
    query: str
    events: int
    events_per_s: float
    cpu_s_per_million: float


def run(directory: Path, *, events: int, progress: Callable[[str], None]) -> list[Measured]:
    """Measure all four. Raises `RiachoError` where a job fails."""
    measured = []
    with serve_broker(directory) as broker:
        progress(f"writing {events:,} bids")
        write_bids(broker.address, events)
        for source, table in (("topic", FROM_TOPIC), ("datagen", FROM_DATAGEN)):
            for query, sql in (("filter and project", PROJECT), ("tumbling count, sum, max", WINDOW)):
                progress(f"{source}: {query}")
                variables = {"KAFKA": broker.address, "TOPIC": TOPIC, "EVENTS": str(events)}
                # Once for what a process does only once (imports, connections, first touch of memory), then for real.
                run_job(table + sql, {**variables, "EVENTS": str(min(events, CHUNK))})
                measured.append(measure(source, query, table + sql, variables))
    return measured


def measure(source: str, query: str, sql: str, variables: dict[str, str]) -> Measured:
    """Run a job once and time it, from its first poll to its end."""
    meter = Meter(time.process_time)
    rows = run_job(sql, variables)
    spent = meter.spent()
    return Measured(source, query, rows, rows / spent.elapsed_s, spent.cpu_s * 1e6 / rows)


def run_job(sql: str, variables: dict[str, str]) -> int:
    """Run a script's one job to the end of its sources; the number of rows read."""
    (job,) = compile_job_script(sql, "bench", variables).jobs
    worker, wiring = open_worker(job, JobContext("bench", SystemClock(), SystemDisk(), None, variables["KAFKA"]))
    try:
        if not worker.run():
            raise RiachoError("the job was stopped before its sources ended")
        return sum(source.counts.rows for source in wiring.sources.values())
    finally:
        wiring.close()


def write_bids(address: str, events: int) -> None:
    """Seeded bids of about 220 bytes and 8 fields, 100 µs of event time apart, one partition after another."""
    cluster = Cluster(ClientConfig(address, client_id="riacho-bench"))
    try:
        Admin(cluster).create_topics([NewTopic(TOPIC, PARTITIONS, 1, {"retention.ms": "-1"})])
        generator = np.random.default_rng(SEED)
        with Producer(cluster) as producer:
            for first in range(0, events, CHUNK):
                frame = bids(generator, first, min(CHUNK, events - first))
                values = frame.select(pl.struct(pl.all()).struct.json_encode()).to_series()
                partition = (np.arange(first, first + len(values)) // 1_000 % PARTITIONS).astype(np.int32)
                producer.produce(TOPIC, ProduceColumns(value=BinaryColumn.from_texts(values), partition=partition))
    finally:
        cluster.close()


def bids(generator: np.random.Generator, first: int, count: int) -> pl.DataFrame:
    """Bids number `first` and following."""
    micros = 1_700_000_000_000_000 + np.arange(first, first + count) * 100
    channel = generator.integers(0, 4, count)
    return pl.DataFrame(
        {
            "auction": generator.integers(0, KEYS, count),
            "bidder": generator.integers(0, 100_000, count),
            "price": generator.integers(1, 100_000, count),
            "channel": pl.Series(np.array(["Google", "Facebook", "Baidu", "Apple"])[channel]),
            "url": pl.Series(generator.integers(0, 1 << 40, count)).cast(pl.String),
            "extra": pl.Series([os.urandom(8).hex()] * count),
            "quantity": generator.integers(1, 100, count),
            "date_time": pl.Series(micros).cast(pl.Datetime("us")).dt.strftime("%Y-%m-%d %H:%M:%S%.3f"),
        }
    ).with_columns(
        url=pl.lit("https://www.example.com/category/") + pl.col("url") + pl.lit("/item.htm?query=1"),
    )
