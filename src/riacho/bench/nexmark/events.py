"""Where the queries read their events: the generator, a Kafka topic of JSON, or Parquet files for DuckDB too."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import polars as pl

from riacho.bench.nexmark.queries import Options, events_table
from riacho.bench.sql import run_job
from riacho.client.admin import Admin, NewTopic
from riacho.client.cluster import Cluster
from riacho.client.config import ClientConfig
from riacho.dataflow.sources.nexmark_events import EVENT_TYPE, FIELDS, Nexmark, Rates

TOPIC = "nexmark"
PARTITIONS = 2
PART_EVENTS = 1_000_000
"""In one Parquet file."""


def generated(events: int, rate: int) -> Options:
    """The options of a table that generates its events."""
    return {
        "connector": "nexmark",
        "first-event.rate": str(rate),
        "next-event.rate": str(rate),
        "events.num": str(events),
    }


def in_topic(address: str, events: int | None = None) -> Options:
    """The options of a table of the topic's events, to its present end, or of so many of the first."""
    options = {
        "connector": "kafka",
        "topic": TOPIC,
        "properties.bootstrap.servers": address,
        "format": "json",
        "scan.startup.mode": "earliest-offset",
        "scan.bounded.mode": "latest-offset",
    }
    if events is not None:
        ends = ";".join(f"partition:{number},offset:{events // PARTITIONS}" for number in range(PARTITIONS))
        options |= {"scan.bounded.mode": "specific-offsets", "scan.bounded.specific-offsets": ends}
    return options


def in_files(directory: Path) -> Options:
    """The options of a table of the directory's Parquet files."""
    return {"connector": "filesystem", "path": str(directory), "format": "parquet"}


def fill_topic(address: str, events: int, rate: int) -> None:
    """Make the topic and write the events into it, as the suite's own statement does."""
    cluster = Cluster(ClientConfig(address, client_id="riacho-bench"))
    try:
        Admin(cluster).create_topics([NewTopic(TOPIC, PARTITIONS, 1, {"retention.ms": "-1"})])
    finally:
        cluster.close()
    sink = {
        "connector": "kafka",
        "topic": TOPIC,
        "properties.bootstrap.servers": address,
        "format": "json",
        "sink.partitioner": "round-robin",
    }
    script = events_table("events", generated(events, rate)) + events_table("topic", sink)
    run_job(f"{script}INSERT INTO topic SELECT event_type, person, auction, bid FROM events;", {"KAFKA": address})


def write_files(directory: Path, events: int, rate: int, progress: Callable[[int], None]) -> None:
    """Write the events as Parquet files, each with its number `n`; `progress` is told how many are written."""
    directory.mkdir(parents=True, exist_ok=True)
    nexmark = Nexmark(rates=Rates(rate, rate))
    columns: Mapping[str, tuple[str, ...]] = {
        EVENT_TYPE: (),
        **{row: tuple(fields) for row, fields in FIELDS.items()},
    }
    for part, first in enumerate(range(0, events, PART_EVENTS)):
        count = min(PART_EVENTS, events - first)
        numbers = pl.Series("n", range(first, first + count), dtype=pl.Int64)
        frame = nexmark.frame(columns, first, count).with_columns(numbers)
        frame.write_parquet(directory / f"part-{part:04}.parquet")
        progress(first + count)
