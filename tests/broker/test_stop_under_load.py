"""A broker that is stopped in order while producers write as fast as they can."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition
from raw_client import RawClient, batch_of, create_topic

from riacho.log.header import BatchHeader
from riacho.log.partition import Appended
from running_broker import RunningBroker, StartBroker
from simulated_broker import broker_on
from simulated_disk import SimulatedDisk

DEADLINE_SECONDS = 60.0
PRODUCERS = 4
PARTITIONS = 2
STOPS = 3
RECORDS_BETWEEN_STOPS = 2000


class _Writer:
    """An idempotent producer on a thread of its own, which numbers its records."""

    def __init__(self, bootstrap: str, topic: str, number: int) -> None:
        self.acknowledged: list[bytes] = []
        self.failed: list[str] = []
        self.left = -1
        """How many were neither acknowledged nor refused in the end."""
        self._topic = topic
        self._number = number
        self._stop = threading.Event()
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "acks": "all",
                "enable.idempotence": True,
                "linger.ms": 0,
                "reconnect.backoff.ms": 10,
                "reconnect.backoff.max.ms": 100,
                "message.timeout.ms": int(DEADLINE_SECONDS * 1000),
            }
        )
        self._thread = threading.Thread(target=self._write)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _write(self) -> None:
        sent = 0
        while not self._stop.is_set():
            if len(self._producer) > 5000:
                self._producer.poll(0.01)
                continue
            value = b"%d %d" % (self._number, sent)
            self._producer.produce(self._topic, value, partition=self._number % PARTITIONS, on_delivery=self._note)
            sent += 1
            self._producer.poll(0)
        self.left = self._producer.flush(DEADLINE_SECONDS)

    def _note(self, error: KafkaError | None, message: Message) -> None:
        value = message.value()
        assert value is not None
        if error is None:
            self.acknowledged.append(value)
        else:
            self.failed.append(str(error))


def test_a_broker_stopped_under_load_ends_in_order_and_keeps_all_that_it_acknowledged(
    broker: StartBroker, topic: str
) -> None:
    own = broker()
    with RawClient(own.bootstrap) as client:
        create_topic(client, topic, partitions=PARTITIONS)
    writers = [_Writer(own.bootstrap, topic, number) for number in range(PRODUCERS)]
    codes = []
    try:
        for _ in range(STOPS):
            goals = [(writer, len(writer.acknowledged) + RECORDS_BETWEEN_STOPS) for writer in writers]
            deadline = time.monotonic() + DEADLINE_SECONDS
            while any(len(writer.acknowledged) < goal for writer, goal in goals):
                assert time.monotonic() < deadline, "the producers do not get on"
                time.sleep(0.001)  # their threads are at it
                assert [writer.failed for writer in writers] == [[]] * PRODUCERS
            codes.append(own.terminate())
            own.start()
    finally:
        for writer in writers:
            writer.stop()
    assert codes == [0] * STOPS
    assert [(writer.failed, writer.left) for writer in writers] == [([], 0)] * PRODUCERS
    found = _everything(own, topic)
    for number, writer in enumerate(writers):
        assert [value for value in found if value.startswith(b"%d " % number)] == writer.acknowledged
        assert writer.acknowledged == [b"%d %d" % (number, at) for at in range(len(writer.acknowledged))]
    told = own.log_text()
    assert "Traceback" not in told, told
    assert "ERROR" not in told, told


def _everything(own: RunningBroker, topic: str) -> list[bytes]:
    """All values, each partition's in its order."""
    consumer = Consumer({"bootstrap.servers": own.bootstrap, "group.id": "all", "enable.partition.eof": True})
    consumer.assign([TopicPartition(topic, index, 0) for index in range(PARTITIONS)])
    values: list[bytes] = []
    ended = 0
    while ended < PARTITIONS:
        message = consumer.poll(DEADLINE_SECONDS)
        assert message is not None, "the records stopped coming"
        error = message.error()
        if error is None:
            value = message.value()
            assert value is not None
            values.append(value)
        else:
            assert error.code() == KafkaError._PARTITION_EOF, error
            ended += 1
    consumer.close()
    return values


def test_what_is_under_way_when_a_broker_closes_is_done_before_its_disk_threads_end() -> None:
    disk = SimulatedDisk(0)
    done: list[Appended | Exception | None] = []
    failures: list[dict[str, Any]] = []
    batch = batch_of(b"x")

    def note(appended: Appended | None, error: Exception | None) -> None:
        done.append(appended or error)

    async def close_amid_writes() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
        async with broker_on(disk) as broker:
            for topic in "tu":
                await broker.create_topic(topic)
            opening = broker.opening([("t", 0)])
            assert opening is not None
            await opening
            hosted = broker.partition("t", 0)
            assert hosted is not None
            for _ in range(3):
                hosted.append(batch, BatchHeader.parse(batch), durable=True, done=note)
            assert broker.opening([("u", 0)]) is not None
            await broker.close()

    asyncio.run(close_amid_writes())
    assert failures == []
    assert [each.base_offset for each in done if isinstance(each, Appended)] == [0, 1, 2]

    async def look_again() -> None:
        async with broker_on(disk) as broker:
            assert broker.directory.clean
            assert sorted(broker.directory.partitions_on_disk()) == [("t", 0), ("u", 0)]
            hosted = broker.partition("t", 0)
            assert hosted is not None
            assert hosted.log.end_offset == 3

    asyncio.run(look_again())
