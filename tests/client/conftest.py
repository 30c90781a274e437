"""Clusters for the client to speak with: the broker, and librdkafka's own mock brokers, three of them."""

from __future__ import annotations

from collections.abc import Iterator

import confluent_kafka
import pytest

from riacho.client import ClientConfig, Cluster
from running_broker import RunningBroker


@pytest.fixture(scope="session")
def mock_brokers() -> Iterator[str]:
    """The address of three mock brokers; they make topics of four partitions as they are asked for."""
    keeper = confluent_kafka.Producer(
        {"test.mock.num.brokers": 3, "bootstrap.servers": "mock", "log_level": 0, "linger.ms": 0}
    )
    brokers = keeper.list_topics(timeout=10).brokers.values()
    yield ",".join(f"{broker.host}:{broker.port}" for broker in brokers)
    keeper.flush(10)


@pytest.fixture
def mock_cluster(mock_brokers: str) -> Iterator[Cluster]:
    cluster = Cluster(ClientConfig(mock_brokers))
    yield cluster
    cluster.close()


@pytest.fixture
def cluster(kafka: RunningBroker) -> Iterator[Cluster]:
    """The broker that tests share."""
    cluster = Cluster(ClientConfig(kafka.bootstrap))
    yield cluster
    cluster.close()
