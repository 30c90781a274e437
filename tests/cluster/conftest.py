"""Apache Flink beside ours. These tests run by `make test-cluster`: they need Java, and minutes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from answers import filled
from confluent_kafka import Producer

from job_process import DEADLINE_S, create_topic
from riacho.bench.peers.flink import Flink, fetch
from riacho.errors import RiachoError
from riacho.testing.records import read_records
from running_broker import RunningBroker

HERE = Path(__file__).parent
SLOTS = 4

HASTE = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
"""Java's options where it runs minutes: compiled once and quickly. Of the processor it takes half as much then."""


def say(text: str) -> None:
    print(text, file=sys.stderr)


@pytest.fixture(scope="session")
def flink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flink]:
    """One Flink for all tests; each takes a session of its own."""
    try:
        distribution = fetch(say)
    except RiachoError as error:
        pytest.exit(f"nothing was compared with Apache Flink: {error}", returncode=1)
    directory = tmp_path_factory.mktemp("flink")
    with Flink(directory, slots=SLOTS, java_options=HASTE, distribution=distribution, progress=say) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def tables(kafka: RunningBroker) -> str:
    """The DDL of the standard tables, whose records are in their topics."""
    records = read_records((HERE / "tables.input").read_text())
    ddl = filled((HERE / "tables.sql").read_text(), kafka.bootstrap)
    for name in sorted({record.table for record in records} | {"nothing"}):
        create_topic(kafka.bootstrap, name)
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "enable.idempotence": True})
    for record in records:
        producer.produce(record.table, record.value, record.key, partition=0)
    assert producer.flush(DEADLINE_S) == 0
    return ddl
