"""Topics for views, made and filled with a real client."""

from __future__ import annotations

from collections.abc import Callable

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from running_broker import RunningBroker

Put = Callable[[str, dict[str, str | None]], None]
StartBroker = Callable[..., RunningBroker]


def create_compacted(bootstrap: str, topic: str, partitions: int = 1) -> None:
    """Make a compacted topic, whatever the cluster needs for it."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    new = NewTopic(topic, num_partitions=partitions, replication_factor=1, config={"cleanup.policy": "compact"})
    for made in admin.create_topics([new]).values():
        made.result(30)


def delete_topic(bootstrap: str, topic: str) -> None:
    """Delete a topic."""
    admin = AdminClient({"bootstrap.servers": bootstrap})  # it must live until the answer
    for deleted in admin.delete_topics([topic]).values():
        deleted.result(30)


def put_records(bootstrap: str, topic: str, records: dict[str, str | None]) -> None:
    """Write records and wait for their acknowledgement."""
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 0})
    for key, value in records.items():
        producer.produce(topic, key=key, value=value)
    assert producer.flush(30) == 0
