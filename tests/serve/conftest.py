"""A console over the broker that tests share, and topics for it to show."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from view_topics import Put, create_compacted, put_records

from running_broker import RunningBroker
from running_console import RunningConsole


@pytest.fixture(scope="session")
def console(kafka: RunningBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningConsole]:
    """One console for all tests that only look at topics of their own."""
    running = RunningConsole(kafka.bootstrap, tmp_path_factory.mktemp("console") / "log")
    yield running
    running.close()


@pytest.fixture
def compacted(kafka: RunningBroker, topic: str) -> str:
    """A compacted topic of the test's own."""
    create_compacted(kafka.bootstrap, topic)
    return topic


@pytest.fixture(scope="session")
def put(kafka: RunningBroker) -> Put:
    """Writes records to the shared broker, all acknowledged."""
    return lambda topic, records: put_records(kafka.bootstrap, topic, records)
