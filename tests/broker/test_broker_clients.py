"""Records in and out through the clients that people use, unmodified."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition

from riacho.log.header import BatchHeader
from running_broker import RunningBroker

CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
DEADLINE_SECONDS = 60.0
NEWEST = 1_700_000_000_000


def produce(bootstrap: str, topic: str, values: list[bytes], **settings: object) -> None:
    """Produce to partition 0 and wait until everything is acknowledged."""
    producer = Producer({"bootstrap.servers": bootstrap, **settings})
    failures: list[KafkaError] = []
    for value in values:
        producer.produce(
            topic, value, partition=0, on_delivery=lambda error, _: failures.append(error) if error else None
        )
    assert producer.flush(DEADLINE_SECONDS) == 0
    assert not failures


def consume(bootstrap: str, topic: str, count: int, offset: int = 0) -> list:
    """`count` messages of partition 0 from an offset on."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "reader", "enable.auto.commit": False})
    try:
        consumer.assign([TopicPartition(topic, 0, offset)])
        messages: list = []
        deadline = time.monotonic() + DEADLINE_SECONDS
        while len(messages) < count:
            assert time.monotonic() < deadline, f"{len(messages)} of {count} messages came"
            for message in consumer.consume(count - len(messages), 0.2):
                assert message.error() is None, message.error()
                messages.append(message)
        return messages
    finally:
        consumer.close()


def stored_batches(broker: RunningBroker, topic: str) -> Iterator[BatchHeader]:
    """The headers of the batches in partition 0's segment files."""
    for segment in sorted(Path(broker.directory, f"{topic}-0").glob("*.log")):
        data = segment.read_bytes()
        position = 0
        while position < len(data):
            header = BatchHeader.parse(data, position)
            yield header
            position += header.size


@pytest.mark.parametrize("codec", CODECS)
def test_confluent_kafka_produces_and_consumes_with_every_codec(kafka: RunningBroker, topic: str, codec: str) -> None:
    values = [b"value %d " % number * 20 for number in range(100)]
    produce(kafka.bootstrap, topic, values, **{"compression.type": codec, "linger.ms": 50})
    assert [message.value() for message in consume(kafka.bootstrap, topic, 100)] == values
    assert {header.codec for header in stored_batches(kafka, topic)} == {CODECS[codec]}


@pytest.mark.parametrize("codec", CODECS)
def test_kafka_python_produces_and_consumes_with_every_codec(kafka: RunningBroker, topic: str, codec: str) -> None:
    from kafka import KafkaConsumer, KafkaProducer

    if codec in ("snappy", "lz4", "zstd") and not _kafka_python_has(codec):
        producer_codec, expected = "gzip", CODECS["gzip"]  # kafka-python needs a further package for this codec
    else:
        producer_codec, expected = codec, CODECS[codec]
    producer = KafkaProducer(
        bootstrap_servers=kafka.bootstrap, compression_type=None if producer_codec == "none" else producer_codec
    )
    for number in range(20):
        producer.send(topic, b"value %d " % number * 20)
    producer.flush(DEADLINE_SECONDS)
    producer.close()
    consumer = KafkaConsumer(
        topic, bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest", consumer_timeout_ms=10_000
    )
    values = [next(consumer).value for _ in range(20)]
    consumer.close()
    assert values == [b"value %d " % number * 20 for number in range(20)]
    assert {header.codec for header in stored_batches(kafka, topic)} == {expected}


def _kafka_python_has(codec: str) -> bool:
    from kafka import codec as codecs

    has: Callable[[], bool] = getattr(codecs, f"has_{codec}")
    return has()


def test_aiokafka_produces_and_consumes(kafka: RunningBroker, topic: str) -> None:
    from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

    async def round_trip() -> list[tuple[bytes | None, bytes | None]]:
        producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, enable_idempotence=True)
        await producer.start()
        for number in range(20):
            await producer.send_and_wait(topic, b"value %d" % number, key=b"key")
        await producer.stop()
        consumer = AIOKafkaConsumer(topic, bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest")
        await consumer.start()
        try:
            records = [await asyncio.wait_for(consumer.getone(), DEADLINE_SECONDS) for _ in range(20)]
        finally:
            await consumer.stop()
        return [(record.key, record.value) for record in records]

    assert asyncio.run(round_trip()) == [(b"key", b"value %d" % number) for number in range(20)]


def test_kcat_lists_produces_and_consumes(kafka: RunningBroker, topic: str) -> None:
    def kcat(*arguments: str, stdin: str | None = None) -> str:
        return subprocess.run(
            ["kcat", "-b", kafka.bootstrap, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout

    kcat("-P", "-t", topic, "-K:", stdin="a:1\nb:2\n")
    assert f'topic "{topic}" with 1 partitions' in kcat("-L", "-t", topic)
    assert kcat("-C", "-t", topic, "-o", "beginning", "-e", "-K:") == "a:1\nb:2\n"


def test_keys_headers_nulls_and_timestamps_come_back_as_they_went(kafka: RunningBroker, topic: str) -> None:
    producer = Producer({"bootstrap.servers": kafka.bootstrap})
    producer.produce(topic, None, b"key", headers=[("a", b"1"), ("b", None), ("a", b"")], timestamp=NEWEST)
    producer.produce(topic, b"", None, timestamp=NEWEST + 1)
    assert producer.flush(DEADLINE_SECONDS) == 0
    tombstone, empty = consume(kafka.bootstrap, topic, 2)
    assert (tombstone.key(), tombstone.value(), tombstone.timestamp()[1]) == (b"key", None, NEWEST)
    assert tombstone.headers() == [("a", b"1"), ("b", None), ("a", b"")]
    assert (empty.key(), empty.value(), empty.timestamp()[1]) == (None, b"", NEWEST + 1)


def test_a_consumer_begins_at_an_offset_the_end_or_a_time(kafka: RunningBroker, topic: str) -> None:
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "linger.ms": 0})
    for number in range(10):
        producer.produce(topic, b"%d" % number, partition=0, timestamp=NEWEST + number * 1000)
        assert producer.flush(DEADLINE_SECONDS) == 0
    assert [message.value() for message in consume(kafka.bootstrap, topic, 3, offset=7)] == [b"7", b"8", b"9"]
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": "seeker"})
    at = consumer.offsets_for_times([TopicPartition(topic, 0, NEWEST + 4001)], timeout=DEADLINE_SECONDS)
    past_the_end = consumer.offsets_for_times([TopicPartition(topic, 0, NEWEST * 2)], timeout=DEADLINE_SECONDS)
    ends = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=DEADLINE_SECONDS)
    consumer.close()
    assert at[0].offset == 5
    assert past_the_end[0].offset == -1
    assert ends == (0, 10)


def test_an_idempotent_producer_keeps_its_order_through_many_batches(kafka: RunningBroker, topic: str) -> None:
    values = [b"%d" % number for number in range(5000)]
    produce(kafka.bootstrap, topic, values, **{"enable.idempotence": True, "batch.num.messages": 100})
    assert [message.value() for message in consume(kafka.bootstrap, topic, 5000)] == values
    assert all(header.producer_id >= 0 for header in stored_batches(kafka, topic))


def test_a_topic_is_made_at_its_first_use_unless_the_broker_is_told_otherwise(
    broker: Callable[..., RunningBroker], topic: str
) -> None:
    own = broker("--set", "auto.create.topics.enable=false")
    consumer = Consumer({"bootstrap.servers": own.bootstrap, "group.id": "g", "allow.auto.create.topics": True})
    metadata = consumer.list_topics(topic, timeout=DEADLINE_SECONDS)
    consumer.close()
    assert metadata.topics[topic].error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART
