"""The admin clients of confluent-kafka, kafka-python and aiokafka, unmodified: topics, configurations, offsets."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import Any

import pytest
from confluent_kafka import IsolationLevel, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec
from kafka_clients import CLIENTS, Message

from running_broker import RunningBroker

DEADLINE_SECONDS = 60.0
NEWEST = 1_700_000_000_000


def _results(futures: dict[Any, Future[Any]]) -> dict[Any, Any]:
    return {key: future.result(DEADLINE_SECONDS) for key, future in futures.items()}


def test_confluent_kafka_describes_topics_and_the_cluster(kafka: RunningBroker, topic: str) -> None:
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    _results(admin.create_topics([NewTopic(topic, 3, 1)]))
    described = _results(admin.describe_topics(TopicCollection([topic]), include_authorized_operations=True))[topic]
    assert (described.name, described.is_internal, len(described.partitions)) == (topic, False, 3)
    assert [[node.id for node in partition.isr] for partition in described.partitions] == [[1]] * 3
    assert "WRITE" in {operation.name for operation in described.authorized_operations}
    cluster = admin.describe_cluster(include_authorized_operations=True).result(DEADLINE_SECONDS)
    assert (cluster.controller.id, [node.id for node in cluster.nodes]) == (1, [1])
    assert "IDEMPOTENT_WRITE" in {operation.name for operation in cluster.authorized_operations}
    with pytest.raises(KafkaException, match="Unknown topic"):
        _results(admin.describe_topics(TopicCollection([f"{topic}_absent"])))


@pytest.mark.parametrize("isolation", IsolationLevel)
def test_confluent_kafka_lists_offsets(kafka: RunningBroker, topic: str, isolation: IsolationLevel) -> None:
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    _results(admin.create_topics([NewTopic(topic, 1, 1)]))
    times = [NEWEST, NEWEST + 2000, NEWEST + 1000]
    CLIENTS["confluent-kafka"].produce(kafka.bootstrap, topic, [Message(None, b"x", (), time) for time in times])

    def offset(spec: OffsetSpec) -> tuple[int, int]:
        asked = {TopicPartition(topic, 0): spec}
        (found,) = _results(admin.list_offsets(asked, isolation_level=isolation)).values()
        return found.offset, found.timestamp

    assert offset(OffsetSpec.earliest()) == (0, -1)
    assert offset(OffsetSpec.latest()) == (3, -1)
    assert offset(OffsetSpec.max_timestamp()) == (1, NEWEST + 2000)
    assert offset(OffsetSpec.for_timestamp(NEWEST + 500)) == (1, NEWEST + 2000)
    assert offset(OffsetSpec.for_timestamp(NEWEST + 2001)) == (-1, -1)


def test_kafka_python_makes_shows_changes_and_deletes_a_topic(kafka: RunningBroker, topic: str) -> None:
    from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewPartitions
    from kafka.admin import NewTopic as Topic

    def retention() -> tuple[str, str]:
        resource = ConfigResource(ConfigResourceType.TOPIC, topic, {"retention.ms": None})
        described = admin.describe_configs([resource], config_filter="all")
        shown = described["topic"][topic]["retention.ms"]
        return shown["value"], shown["config_source"]

    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    try:
        admin.create_topics([Topic(topic, num_partitions=2, replication_factor=1)])
        assert topic in admin.list_topics()
        admin.create_partitions({topic: NewPartitions(total_count=4)})
        (described,) = admin.describe_topics([topic])
        assert [partition["leader_id"] for partition in described["partitions"]] == [1] * 4
        assert retention() == ("604800000", "DEFAULT_CONFIG")
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {"retention.ms": "7000"})])
        assert retention() == ("7000", "DYNAMIC_TOPIC_CONFIG")
        assert [node["broker_id"] for node in admin.describe_cluster()["brokers"]] == [1]
        assert admin.describe_features()["metadata.version"]["finalized"] == (30, 30)
        admin.delete_topics([topic])
        assert topic not in admin.list_topics()
    finally:
        admin.close()


def test_aiokafka_makes_shows_and_deletes_a_topic(kafka: RunningBroker, topic: str) -> None:
    from aiokafka.admin import AIOKafkaAdminClient, NewPartitions
    from aiokafka.admin import NewTopic as Topic
    from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

    async def life_of_a_topic() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
        await admin.start()
        try:
            await admin.create_topics([Topic(topic, num_partitions=2, replication_factor=1)])
            assert topic in await admin.list_topics()
            await admin.create_partitions({topic: NewPartitions(total_count=3)})
            (described,) = await admin.describe_topics([topic])
            assert [partition["leader"] for partition in described["partitions"]] == [1] * 3
            (configs,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
            values = {entry[0]: entry[1] for resource in configs.resources for entry in resource[4]}
            assert values["retention.ms"] == "604800000"
            cluster = await admin.describe_cluster()
            assert [node["node_id"] for node in cluster["brokers"]] == [1]
            await admin.delete_topics([topic])
            assert topic not in await admin.list_topics()
        finally:
            await admin.close()

    asyncio.run(life_of_a_topic())
