"""The client through the front door: against a running broker, beside librdkafka."""

from __future__ import annotations

import threading

import confluent_kafka
import numpy as np
import pytest
from reading import DEADLINE_MS, StartBroker, partitions_of, read_all, values_of

from riacho.client import (
    EARLIEST,
    LATEST,
    Admin,
    BinaryColumn,
    ClientConfig,
    Cluster,
    CommittedOffset,
    DeliveryError,
    FetchConfig,
    Fetcher,
    HeaderColumn,
    KafkaError,
    NewTopic,
    OffsetOutOfRangeError,
    ProduceColumns,
    Producer,
    ProducerConfig,
    TopicPartition,
    fetch_loop,
    waiting,
)
from riacho.host.kio import ErrorCode
from running_broker import RunningBroker

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]


@pytest.mark.parametrize("codec", CODECS)
def test_librdkafkas_records_are_read_with_every_codec(
    cluster: Cluster, kafka: RunningBroker, topic: str, codec: str
) -> None:
    sender = confluent_kafka.Producer({"bootstrap.servers": kafka.bootstrap, "compression.type": codec})
    for number in range(300):
        sender.produce(
            topic,
            value=None if number % 7 == 0 else b"value %d" % number,
            key=b"key %d" % number,
            headers=[("number", b"%d" % number), ("none", None)],
            timestamp=1_700_000_000_000 + number,
        )
    assert sender.flush(20) == 0

    blocks = read_all(cluster, topic)

    found = {}
    for block in blocks:
        for row in range(len(block)):
            number = int((block.key[row] or b"").split()[1])
            found[number] = (block.value[row], int(block.timestamp[row]), block.headers[row])
    assert found == {
        number: (
            None if number % 7 == 0 else b"value %d" % number,
            1_700_000_000_000 + number,
            [("number", b"%d" % number), ("none", None)],
        )
        for number in range(300)
    }


@pytest.mark.parametrize("codec", CODECS)
def test_librdkafka_reads_the_produced_records_with_every_codec(
    cluster: Cluster, kafka: RunningBroker, topic: str, codec: str
) -> None:
    values = [None if number % 7 == 0 else b"value %d" % number for number in range(300)]
    with Producer(cluster, ProducerConfig(compression=codec, batch_size=2000)) as producer:
        producer.produce(
            topic,
            ProduceColumns(
                BinaryColumn.from_values(values),
                BinaryColumn.constant(b"one key", 300),
                np.arange(300, dtype=np.int64) + 1_700_000_000_000,
                headers=HeaderColumn.from_columns([("reason", BinaryColumn.constant(b"late", 300))]),
            ),
        )

    consumer = confluent_kafka.Consumer(
        {"bootstrap.servers": kafka.bootstrap, "group.id": topic, "auto.offset.reset": "earliest"}
    )
    consumer.subscribe([topic])
    messages = []
    while len(messages) < 300:
        message = consumer.poll(20)
        assert message is not None
        assert message.error() is None
        messages.append(message)
    consumer.close()
    assert [message.value() for message in messages] == values
    assert [message.timestamp()[1] for message in messages] == list(range(1_700_000_000_000, 1_700_000_000_300))
    assert {message.key() for message in messages} == {b"one key"}
    assert messages[5].headers() == [("reason", b"late")]


def test_keys_go_where_librdkafkas_murmur2_partitioner_sends_them(
    cluster: Cluster, kafka: RunningBroker, topic: str
) -> None:
    keys = [b"key-%d" % number for number in range(200)]
    sender = confluent_kafka.Producer({"bootstrap.servers": kafka.bootstrap, "partitioner": "murmur2_random"})
    theirs: dict[bytes, int] = {}
    for key in keys:
        sender.produce(
            topic, key=key, on_delivery=lambda _, message: theirs.__setitem__(message.key(), message.partition())
        )
    assert sender.flush(20) == 0
    ours_topic = f"{topic}-ours"
    with Producer(cluster) as producer:
        producer.produce(ours_topic, ProduceColumns.from_values([b""] * 200, keys=list(keys)))

    ours = {key: block.partition for block in read_all(cluster, ours_topic) for key in block.key}

    assert ours == theirs


def test_nothing_is_lost_or_repeated_over_a_crash_of_the_broker(broker: StartBroker, topic: str) -> None:
    running = broker()
    cluster = Cluster(ClientConfig(running.bootstrap))
    Admin(cluster).create_topics([NewTopic(topic, 3)])
    total = 0
    with Producer(cluster, ProducerConfig(batch_size=2_000)) as producer, Fetcher(cluster) as fetcher:
        fetcher.assign(dict.fromkeys(partitions_of(cluster, topic), EARLIEST))
        found: dict[int, list[int]] = {0: [], 1: [], 2: []}
        for crash in range(3):
            for _ in range(40):
                numbers = range(total, total + 100)
                producer.produce(
                    topic,
                    ProduceColumns(
                        BinaryColumn.from_values([b"%d" % number for number in numbers]),
                        partition=np.array([number % 3 for number in numbers], np.int32),
                    ),
                )
                total += 100
                if crash < 2 and total % 4000 == 2000:
                    running.kill()
                    threading.Timer(0.2, running.start).start()
            producer.flush()
        while sum(map(len, found.values())) < total:
            blocks = fetcher.fetch(max_wait_ms=DEADLINE_MS)
            assert blocks, "the records did not come in time"
            for block in blocks:
                found[block.partition] += [int(value or b"") for value in block.value]
    cluster.close()

    assert found == {index: list(range(index, total, 3)) for index in range(3)}


def test_records_that_no_broker_takes_fail_after_the_delivery_time_out(broker: StartBroker, topic: str) -> None:
    running = broker()
    cluster = Cluster(ClientConfig(running.bootstrap, api_timeout_ms=100))
    cluster.partitions(topic, create=True)
    producer = Producer(cluster, ProducerConfig(delivery_timeout_ms=300))
    running.kill()

    producer.produce(topic, ProduceColumns.from_values([b"x"], partition=0))

    with pytest.raises(DeliveryError, match="within 300 ms") as caught:
        producer.flush(DEADLINE_MS)
    assert caught.value.where == f"{topic}-0"
    with pytest.raises(DeliveryError):
        producer.produce(topic, ProduceColumns.from_values([b"y"], partition=0))
    producer.close(0)
    cluster.close()


@pytest.mark.parametrize(("delivery_ms", "flush_ms"), [(300, DEADLINE_MS), (DEADLINE_MS, 300)])
def test_records_that_a_broker_refuses_for_too_long_fail_with_its_reason(
    cluster: Cluster, topic: str, delivery_ms: int, flush_ms: int
) -> None:
    Admin(cluster).create_topics([NewTopic(topic, 1, configs={"min.insync.replicas": "2"})])
    producer = Producer(cluster, ProducerConfig(delivery_timeout_ms=delivery_ms))
    producer.produce(topic, ProduceColumns.from_values([b"x"]))

    with pytest.raises(DeliveryError, match="300 ms: NOT_ENOUGH_REPLICAS") as caught:
        producer.flush(flush_ms)

    assert caught.value.where == f"{topic}-0"
    producer.close(0)


def test_a_record_that_is_too_large_fails_with_the_brokers_reason(cluster: Cluster, topic: str) -> None:
    Admin(cluster).create_topics([NewTopic(topic, 1, configs={"max.message.bytes": "1000"})])
    producer = Producer(cluster)
    producer.produce(topic, ProduceColumns.from_values([b"x" * 5000]))

    with pytest.raises(DeliveryError, match="MESSAGE_TOO_LARGE") as caught:
        producer.flush()

    assert caught.value.where == f"{topic}-0"
    producer.close(0)


def test_produce_waits_for_room_and_then_gives_up(broker: StartBroker, topic: str) -> None:
    running = broker()
    cluster = Cluster(ClientConfig(running.bootstrap))
    cluster.partitions(topic, create=True)
    producer = Producer(cluster, ProducerConfig(buffer_memory=5_000, batch_size=1_000, max_block_ms=50))
    running.kill()

    record = ProduceColumns.from_values([b"x" * 900], partition=0)
    for _ in range(6):
        producer.produce(topic, record)

    with pytest.raises(DeliveryError, match="wait for acknowledgement"):
        producer.produce(topic, record)

    producer.close(0)
    cluster.close()


def test_a_reader_of_the_newest_records_sees_only_those_produced_after_it_began(cluster: Cluster, topic: str) -> None:
    partition = TopicPartition(topic, 0)
    with Producer(cluster) as producer, Fetcher(cluster) as fetcher:
        producer.produce(topic, ProduceColumns.from_values([b"before"], partition=0))
        producer.flush()
        fetcher.assign({partition: LATEST})
        while fetcher.positions()[partition] < 0:
            assert fetcher.fetch(max_wait_ms=20) == []
        producer.produce(topic, ProduceColumns.from_values([b"after"], partition=0))

        assert values_of(fetcher.fetch(max_wait_ms=DEADLINE_MS)) == [b"after"]


def test_a_reader_that_finds_nothing_more_has_more_fetched_for_it(
    cluster: Cluster, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch_loop, "ASKED_WITHIN_S", 2 * DEADLINE_MS / 1000)
    (partition,) = partitions_of(cluster, topic)
    with Fetcher(cluster) as fetcher, Producer(cluster, ProducerConfig(linger_ms=0)) as producer:
        fetcher.assign({partition: EARLIEST})
        for number in range(5):
            producer.produce(topic, ProduceColumns.from_values([b"%d" % number]))
            assert values_of(fetcher.fetch(max_wait_ms=DEADLINE_MS)) == [b"%d" % number]


def test_a_topic_is_created_described_extended_altered_and_deleted(cluster: Cluster, topic: str) -> None:
    admin = Admin(cluster)
    admin.create_topics([NewTopic(topic, 2, configs={"cleanup.policy": "compact"})])
    admin.create_partitions(topic, 3)
    admin.alter_configs(topic, {"retention.ms": "1234"})

    (described,) = admin.describe_topics([topic])
    configs = admin.describe_configs(topic)
    assert [partition.index for partition in described.partitions] == [0, 1, 2]
    assert topic in [one.name for one in admin.list_topics()]
    assert (configs["cleanup.policy"].value, configs["retention.ms"].value) == ("compact", "1234")
    assert not configs["retention.ms"].is_default

    admin.alter_configs(topic, {"retention.ms": None})
    assert admin.describe_configs(topic, keys=["retention.ms"])["retention.ms"].is_default

    admin.delete_topics([topic])
    assert topic not in [one.name for one in admin.list_topics()]
    with pytest.raises(KafkaError, match="UNKNOWN_TOPIC_OR_PARTITION"):
        admin.describe_topics([topic])


def test_a_topic_that_exists_is_not_created_again(cluster: Cluster, topic: str) -> None:
    admin = Admin(cluster)
    admin.create_topics([NewTopic(topic)])

    with pytest.raises(KafkaError) as caught:
        admin.create_topics([NewTopic(topic)])

    assert (caught.value.name, caught.value.where) == ("TOPIC_ALREADY_EXISTS", topic)


def test_offsets_are_found_by_time(cluster: Cluster, topic: str) -> None:
    partition = TopicPartition(topic, 0)
    with Producer(cluster) as producer:
        for timestamp in (100, 200, 300):
            producer.produce(topic, ProduceColumns.from_values([b"x"], timestamps=[timestamp], partition=0))
            producer.flush()
    admin = Admin(cluster)

    assert admin.list_offsets({partition: 150})[partition].offset == 1
    assert admin.list_offsets({partition: 301})[partition].offset == -1
    assert admin.list_offsets({partition: EARLIEST})[partition].offset == 0
    assert admin.list_offsets({partition: LATEST})[partition].offset == 3


def test_a_partition_that_its_broker_cannot_read_is_named_while_it_is_waited_for(
    kafka: RunningBroker, topic: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(waiting, "AFTER_MS", 0)
    impatient = Cluster(ClientConfig(kafka.bootstrap, api_timeout_ms=100))
    Admin(impatient).create_topics([NewTopic(topic)])

    with pytest.raises(KafkaError) as caught:
        impatient.call_leaders(
            [TopicPartition(topic, 0)], lambda _node, asked: dict.fromkeys(asked, ErrorCode.kafka_storage_error)
        )
    impatient.close()

    said = f"the broker cannot read or write {topic}-0 (KAFKA_STORAGE_ERROR)"
    assert (caught.value.what, caught.value.mend) == (
        said,
        "see what its log says of the partition, and make room on its disk",
    )
    assert caplog.messages == [f"waiting for the broker at {kafka.bootstrap}: {said}"]


def test_offsets_committed_from_outside_are_where_a_consumer_of_the_group_goes_on(
    cluster: Cluster, kafka: RunningBroker, topic: str
) -> None:
    partition = TopicPartition(topic, 0)
    with Producer(cluster) as producer:
        producer.produce(topic, ProduceColumns.from_values([b"a", b"b", b"c"], partition=0))
    groups = Admin(cluster).groups

    groups.commit_offsets(topic, {partition: CommittedOffset(2, metadata="checkpoint 7")})

    assert groups.fetch_offsets(topic) == {partition: CommittedOffset(2, -1, "checkpoint 7")}
    assert groups.fetch_offsets(topic, [partition, TopicPartition(topic, 9)]).keys() == {partition}
    consumer = confluent_kafka.Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": topic})
    consumer.subscribe([topic])
    message = consumer.poll(20)
    assert message is not None
    assert message.value() == b"c"
    described = groups.describe(topic)
    assert (described.state, len(described.members)) == ("Stable", 1)
    consumer.close()


def test_a_group_is_listed_until_it_is_deleted(cluster: Cluster, topic: str) -> None:
    cluster.partitions(topic, create=True)
    groups = Admin(cluster).groups
    groups.commit_offsets(topic, {TopicPartition(topic, 0): CommittedOffset(0)})
    assert topic in [group.name for group in groups.list()]

    groups.delete(topic)

    assert topic not in [group.name for group in groups.list()]
    assert groups.describe(topic).state == "Dead"
    assert groups.fetch_offsets(topic) == {}


def test_a_truncated_log_is_told_to_who_has_read_past_it(broker: StartBroker, topic: str) -> None:
    """As after a crash of the machine: records that were read before they were on the disk are gone."""
    running = broker("--fsync", "kafka")
    cluster = Cluster(ClientConfig(running.bootstrap))
    Admin(cluster).create_topics([NewTopic(topic, 1)])
    partition = TopicPartition(topic, 0)
    with Producer(cluster) as producer:
        for value in (b"kept", b"lost"):
            producer.produce(topic, ProduceColumns.from_values([value]))
            producer.flush()
    with Fetcher(cluster) as fetcher:
        fetcher.assign({partition: EARLIEST})
        read: list[bytes | None] = []
        while len(read) < 2:
            read += values_of(fetcher.fetch(max_wait_ms=DEADLINE_MS))
        running.kill()
        (segment,) = (running.directory / f"{topic}-0").glob("*.log")
        with segment.open("r+b") as file:
            file.truncate(segment.stat().st_size - 1)
        running.start()
        with Producer(cluster) as producer:
            producer.produce(topic, ProduceColumns.from_values([b"other"] * 3))

        with pytest.raises(OffsetOutOfRangeError, match="truncated to offset 1"):
            fetcher.fetch(max_wait_ms=DEADLINE_MS)
    cluster.close()


def test_all_partitions_have_their_share_of_a_response_that_one_could_fill(cluster: Cluster, topic: str) -> None:
    Admin(cluster).create_topics([NewTopic(topic, 4)])
    values = BinaryColumn.constant(b"x" * 1000, 400)
    with Producer(cluster, ProducerConfig(batch_size=10_000)) as producer:
        for partition in range(4):
            producer.produce(topic, ProduceColumns(values, partition=partition))
        producer.flush()
    config = FetchConfig(max_bytes=400_000, max_partition_bytes=400_000)
    with Fetcher(cluster, config) as fetcher:
        fetcher.assign(dict.fromkeys(partitions_of(cluster, topic), EARLIEST))
        rows: dict[int, int] = {}
        while sum(rows.values()) < 380:
            for block in fetcher.fetch(max_wait_ms=DEADLINE_MS, max_rows=380 - sum(rows.values())):
                rows[block.partition] = rows.get(block.partition, 0) + len(block)
    assert sorted(rows) == [0, 1, 2, 3], "none waited for another to be read to its end"
