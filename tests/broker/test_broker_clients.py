"""Records in and out through the clients that people use, unmodified."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from kafka_clients import CLIENTS, EARLIEST, LATEST, Message, Start
from raw_client import RawClient, create_topic

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


HEADERS = (("origin", b"test"),)
RECORDS = [
    Message(b"key %d" % number, b"value %d " % number * 20, HEADERS, NEWEST + number * 1000) for number in range(20)
]
RECORDS.append(Message(b"a tombstone", None, HEADERS, NEWEST + 20_000))


def _nothing_to_do() -> None:
    return


def _without_times(messages: list[Message]) -> list[Message]:
    return [message._replace(timestamp_ms=None) for message in messages]


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("client", CLIENTS)
def test_what_one_client_produces_with_any_codec_every_client_consumes(
    kafka: RunningBroker, topic: str, client: str, codec: str
) -> None:
    with RawClient(kafka.bootstrap) as raw:
        create_topic(raw, topic)
    CLIENTS[client].produce(kafka.bootstrap, topic, RECORDS, codec)
    assert {header.codec for header in stored_batches(kafka, topic)} == {CODECS[codec]}
    for name, reader in CLIENTS.items():
        messages = reader.consume(kafka.bootstrap, topic, EARLIEST, len(RECORDS), _nothing_to_do)
        if client == "kcat":  # it stamps them itself
            assert _without_times(messages) == _without_times(RECORDS), name
        else:
            assert messages == RECORDS, name


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(
    ("start", "first"),
    [(EARLIEST, 0), (Start("offset", 7), 7), (Start("time", NEWEST + 4001), 5)],
    ids=["earliest", "offset", "time"],
)
def test_every_client_begins_where_it_is_told_to(
    kafka: RunningBroker, topic: str, client: str, start: Start, first: int
) -> None:
    with RawClient(kafka.bootstrap) as raw:
        create_topic(raw, topic)
    for at in range(0, len(RECORDS), 4):  # several batches
        CLIENTS["confluent-kafka"].produce(kafka.bootstrap, topic, RECORDS[at : at + 4])
    rest = RECORDS[first:]
    assert CLIENTS[client].consume(kafka.bootstrap, topic, start, len(rest), _nothing_to_do) == rest


@pytest.mark.parametrize("client", CLIENTS)
def test_every_client_begins_at_the_end_with_what_comes_then(kafka: RunningBroker, topic: str, client: str) -> None:
    with RawClient(kafka.bootstrap) as raw:
        create_topic(raw, topic)
    writer = CLIENTS["confluent-kafka"]
    writer.produce(kafka.bootstrap, topic, RECORDS[:10])

    def produce_more() -> None:
        writer.produce(kafka.bootstrap, topic, RECORDS[10:])

    messages = CLIENTS[client].consume(kafka.bootstrap, topic, LATEST, len(RECORDS) - 10, produce_more)
    assert messages == RECORDS[10:]


@pytest.mark.parametrize("client", ["confluent-kafka", "kafka-python", "aiokafka"])
def test_nulls_empty_values_and_repeated_headers_come_back_as_they_went(
    kafka: RunningBroker, topic: str, client: str
) -> None:
    odd = [
        Message(b"key", None, (("a", b"1"), ("b", b""), ("a", b"2")), NEWEST),
        Message(None, b"", (), NEWEST + 1),
        Message(b"", b"value", (("\N{WATER WAVE}", bytes(range(256))),), NEWEST + 2),
    ]
    with RawClient(kafka.bootstrap) as raw:
        create_topic(raw, topic)
    CLIENTS[client].produce(kafka.bootstrap, topic, odd)
    for name in ("confluent-kafka", "kafka-python", "aiokafka"):
        assert CLIENTS[name].consume(kafka.bootstrap, topic, EARLIEST, len(odd), _nothing_to_do) == odd, name


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
