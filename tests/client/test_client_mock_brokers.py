"""The client against librdkafka's mock brokers: an independent implementation with three leaders."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from reading import DEADLINE_MS, partitions_of, read_all

from riacho.client import (
    EARLIEST,
    LATEST,
    BinaryColumn,
    Cluster,
    DeliveryError,
    FetchConfig,
    Fetcher,
    KafkaError,
    OffsetOutOfRangeError,
    OffsetReset,
    ProduceColumns,
    Producer,
    ProducerConfig,
    TopicPartition,
    UnreachableError,
)
from riacho.client.config import ClientConfig
from riacho.errors import UsageError


def test_each_partition_keeps_its_order_over_many_batches(mock_cluster: Cluster, topic: str) -> None:
    partitions = len(partitions_of(mock_cluster, topic))
    with Producer(mock_cluster, ProducerConfig(batch_size=500)) as producer:
        for start in range(0, 4000, 250):
            numbers = range(start, start + 250)
            producer.produce(
                topic,
                ProduceColumns(
                    BinaryColumn.from_values([b"%d" % number for number in numbers]),
                    partition=np.array([number % partitions for number in numbers], np.int32),
                ),
            )

    found: dict[int, list[int]] = {}
    for block in read_all(mock_cluster, topic, FetchConfig(max_partition_bytes=700)):
        found.setdefault(block.partition, []).extend(int(value or b"") for value in block.value)
    assert found == {index: list(range(index, 4000, partitions)) for index in range(partitions)}


def test_a_fetch_takes_no_more_than_it_was_allowed(mock_cluster: Cluster, topic: str) -> None:
    with Producer(mock_cluster) as producer:
        producer.produce(topic, ProduceColumns.from_values([b"%d" % number for number in range(100)], partition=0))
    with Fetcher(mock_cluster) as fetcher:
        fetcher.assign({TopicPartition(topic, 0): EARLIEST})
        (first,) = fetcher.fetch(max_rows=30, max_wait_ms=DEADLINE_MS)
        position = fetcher.positions()[TopicPartition(topic, 0)]
        waiting = fetcher.waiting
        (rest,) = fetcher.fetch(max_wait_ms=DEADLINE_MS)
        left = fetcher.waiting

    assert (len(first), position, first.next_offset) == (30, 30, 30)
    assert (waiting, left) == (70, 0)
    assert rest.offset.tolist() == list(range(30, 100))


def test_a_fetch_takes_a_multiple_of_what_is_asked_for_while_there_are_as_many(
    mock_cluster: Cluster, topic: str
) -> None:
    with Producer(mock_cluster) as producer:
        producer.produce(topic, ProduceColumns.from_values([b"%d" % number for number in range(100)], partition=0))
    with Fetcher(mock_cluster) as fetcher:
        fetcher.assign({TopicPartition(topic, 0): EARLIEST})
        taken = [fetcher.fetch(multiple_of=30, max_wait_ms=DEADLINE_MS) for _ in range(2)]

    assert [len(block) for blocks in taken for block in blocks] == [90, 10]


def test_a_paused_partition_waits_and_the_others_do_not(mock_cluster: Cluster, topic: str) -> None:
    first, second = partitions_of(mock_cluster, topic)[:2]
    with Producer(mock_cluster) as producer, Fetcher(mock_cluster) as fetcher:
        fetcher.assign({first: EARLIEST, second: EARLIEST})
        fetcher.pause([first])
        for partition in (first, second):
            producer.produce(topic, ProduceColumns.from_values([b"x"], partition=partition.partition))
        producer.flush()

        (block,) = fetcher.fetch(max_wait_ms=DEADLINE_MS)
        assert block.partition == second.partition
        assert fetcher.fetch(max_wait_ms=0) == []

        fetcher.resume([first])
        (block,) = fetcher.fetch(max_wait_ms=DEADLINE_MS)
        assert block.partition == first.partition


def test_seeking_goes_on_at_another_offset(mock_cluster: Cluster, topic: str) -> None:
    partition = TopicPartition(topic, 0)
    with Producer(mock_cluster) as producer:
        producer.produce(topic, ProduceColumns.from_values([b"%d" % number for number in range(10)], partition=0))
    with Fetcher(mock_cluster) as fetcher:
        fetcher.assign({partition: EARLIEST})
        fetcher.fetch(max_wait_ms=DEADLINE_MS)

        fetcher.seek(partition, 4)

        (block,) = fetcher.fetch(max_wait_ms=DEADLINE_MS)
        assert block.offset.tolist() == list(range(4, 10))


def test_lag_is_what_is_left_to_the_high_watermark(mock_cluster: Cluster, topic: str) -> None:
    partition = TopicPartition(topic, 0)
    with Producer(mock_cluster) as producer:
        producer.produce(topic, ProduceColumns.from_values([b"x"] * 10, partition=0))
    with Fetcher(mock_cluster) as fetcher:
        fetcher.assign({partition: EARLIEST})
        fetcher.fetch(max_rows=3, max_wait_ms=DEADLINE_MS)

        assert fetcher.lag() == {partition: 7}
        assert fetcher.high_watermarks() == {partition: 10}


def test_waking_ends_a_fetch_that_waits(mock_cluster: Cluster, topic: str) -> None:
    with Fetcher(mock_cluster) as fetcher:
        fetcher.assign(dict.fromkeys(partitions_of(mock_cluster, topic), LATEST))
        threading.Timer(0.05, fetcher.wakeup).start()

        assert fetcher.fetch(max_wait_ms=DEADLINE_MS * 10) == []


@pytest.mark.parametrize(
    ("policy", "expected"),
    [(OffsetReset.EARLIEST, [0, 1, 2]), (OffsetReset.LATEST, [3])],
)
def test_an_offset_that_is_not_in_the_log_is_reset_as_asked(
    mock_cluster: Cluster, topic: str, policy: OffsetReset, expected: list[int]
) -> None:
    partition = TopicPartition(topic, 0)
    with Producer(mock_cluster) as producer, Fetcher(mock_cluster, FetchConfig(offset_reset=policy)) as fetcher:
        producer.produce(topic, ProduceColumns.from_values([b"x"] * 3, partition=0))
        producer.flush()
        fetcher.assign({partition: 99})
        while fetcher.high_watermarks()[partition] < 0 and policy is OffsetReset.LATEST:
            assert fetcher.fetch(max_wait_ms=20) == []
        if policy is OffsetReset.LATEST:
            producer.produce(topic, ProduceColumns.from_values([b"y"], partition=0))

        (block,) = fetcher.fetch(max_wait_ms=DEADLINE_MS)

        assert block.offset.tolist() == expected


def test_an_offset_that_is_not_in_the_log_fails_where_no_reset_is_asked_for(mock_cluster: Cluster, topic: str) -> None:
    partition = TopicPartition(topic, 0)
    partitions_of(mock_cluster, topic)
    with Fetcher(mock_cluster) as fetcher:
        fetcher.assign({partition: 99})

        with pytest.raises(OffsetOutOfRangeError, match="offset 99") as caught:
            fetcher.fetch(max_wait_ms=DEADLINE_MS)

    assert caught.value.where == f"{topic}-0"


def test_a_partition_that_does_not_exist_is_refused_by_name(mock_cluster: Cluster, topic: str) -> None:
    partitions_of(mock_cluster, topic)
    with Fetcher(mock_cluster) as fetcher, pytest.raises(KafkaError, match="4 partitions"):
        fetcher.assign({TopicPartition(topic, 77): EARLIEST})
    with Producer(mock_cluster) as producer, pytest.raises(Exception, match="no partition 77"):
        producer.produce(topic, ProduceColumns.from_values([b"x"], partition=77))


@pytest.mark.parametrize("acks", [0, 1, -1])
def test_records_arrive_whatever_acknowledgement_is_asked_for(mock_cluster: Cluster, topic: str, acks: int) -> None:
    with Producer(mock_cluster, ProducerConfig(acks=acks)) as producer:
        producer.produce(topic, ProduceColumns.from_values([b"x"] * 5, partition=0))
    with Fetcher(mock_cluster) as fetcher:
        fetcher.assign({TopicPartition(topic, 0): EARLIEST})

        assert sum(len(block) for block in fetcher.fetch(max_wait_ms=DEADLINE_MS)) == 5


def test_a_record_larger_than_a_batch_goes_alone(mock_cluster: Cluster, topic: str) -> None:
    values = [b"small", b"x" * 5000, b"small"]
    with Producer(mock_cluster, ProducerConfig(batch_size=1000)) as producer:
        producer.produce(topic, ProduceColumns.from_values(values, partition=0))

    assert [value for block in read_all(mock_cluster, topic) for value in block.value] == values


def test_a_closed_producer_takes_nothing(mock_cluster: Cluster, topic: str) -> None:
    producer = Producer(mock_cluster)
    producer.close()

    with pytest.raises(DeliveryError, match="closed"):
        producer.produce(topic, ProduceColumns.from_values([b"x"]))


def test_columns_may_change_after_they_were_produced(mock_cluster: Cluster, topic: str) -> None:
    data = np.frombuffer(bytearray(b"before"), np.uint8).copy()
    column = BinaryColumn(data, np.array([0], np.int64), np.array([6], np.int32))
    with Producer(mock_cluster, ProducerConfig(linger_ms=60_000)) as producer:
        producer.produce(topic, ProduceColumns(column, partition=0))
        data[:] = 0

    assert [value for block in read_all(mock_cluster, topic) for value in block.value] == [b"before"]


def test_an_address_where_nobody_listens_is_named_with_how_long_it_was_tried() -> None:
    cluster = Cluster(ClientConfig("127.0.0.1:1", api_timeout_ms=100))

    with pytest.raises(UnreachableError, match=r"cannot connect.*; tried for 0\.1 s") as caught:
        cluster.refresh(None)

    assert caught.value.where == "127.0.0.1:1"


def test_an_address_that_is_none_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="'host:port:x' is not"):
        Cluster(ClientConfig("host:port:x")).refresh(None)
