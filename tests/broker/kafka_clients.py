"""The four clients under one face: the same records in, and out from the same places."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaError, Producer, TopicPartition

DEADLINE_SECONDS = 60.0

Headers = tuple[tuple[str, bytes | None], ...]


class Message(NamedTuple):
    """A record as it goes in and comes out. A timestamp of None is the client's to give."""

    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    timestamp_ms: int | None = None


class Start(NamedTuple):
    """Where a consumer begins: `at` is earliest, latest, offset or time; `value` the offset, or milliseconds."""

    at: str
    value: int = 0


EARLIEST = Start("earliest")
LATEST = Start("latest")


class ConfluentKafka:
    """confluent-kafka, which is librdkafka."""

    def produce(self, bootstrap: str, topic: str, messages: Sequence[Message], codec: str = "none") -> None:
        producer = Producer({"bootstrap.servers": bootstrap, "compression.type": codec, "linger.ms": 100})
        failures: list[KafkaError] = []
        for message in messages:
            producer.produce(
                topic,
                message.value,
                message.key,
                partition=0,
                headers=list(message.headers),
                timestamp=message.timestamp_ms or 0,
                on_delivery=lambda error, _: failures.append(error) if error else None,
            )
        assert producer.flush(DEADLINE_SECONDS) == 0
        assert not failures

    def consume(
        self, bootstrap: str, topic: str, start: Start, count: int, at_its_start: Callable[[], None]
    ) -> list[Message]:
        consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "reader",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
            }
        )
        offset = {"earliest": OFFSET_BEGINNING, "latest": OFFSET_END, "offset": start.value}.get(start.at)
        if offset is None:
            asked = [TopicPartition(topic, 0, start.value)]
            offset = consumer.offsets_for_times(asked, timeout=DEADLINE_SECONDS)[0].offset
        consumer.assign([TopicPartition(topic, 0, offset)])
        messages: list[Message] = []
        told = False
        while len(messages) < count:
            message = consumer.poll(DEADLINE_SECONDS)
            assert message is not None, f"{len(messages)} of {count} records came"
            error = message.error()
            if error is None:
                headers = tuple(message.headers() or ())
                messages.append(Message(message.key(), message.value(), headers, message.timestamp()[1]))
                continue
            assert error.code() == KafkaError._PARTITION_EOF, error
            if start.at == "latest" and not told:
                told = True
                at_its_start()
        consumer.close()
        return messages


class KafkaPython:
    """kafka-python."""

    def produce(self, bootstrap: str, topic: str, messages: Sequence[Message], codec: str = "none") -> None:
        from kafka import KafkaProducer

        producer = KafkaProducer(
            bootstrap_servers=bootstrap, compression_type=None if codec == "none" else codec, linger_ms=100
        )
        sent = [
            producer.send(
                topic,
                message.value,
                message.key,
                headers=list(message.headers),
                partition=0,
                timestamp_ms=message.timestamp_ms,
            )
            for message in messages
        ]
        for future in sent:
            future.get(DEADLINE_SECONDS)
        producer.close()

    def consume(
        self, bootstrap: str, topic: str, start: Start, count: int, at_its_start: Callable[[], None]
    ) -> list[Message]:
        from kafka import KafkaConsumer
        from kafka import TopicPartition as Partition

        consumer = KafkaConsumer(bootstrap_servers=bootstrap, consumer_timeout_ms=int(DEADLINE_SECONDS * 1000))
        partition = Partition(topic, 0)
        consumer.assign([partition])
        if start.at == "earliest":
            consumer.seek_to_beginning(partition)
        elif start.at == "latest":
            consumer.seek_to_end(partition)
            consumer.position(partition)
            at_its_start()
        elif start.at == "offset":
            consumer.seek(partition, start.value)
        else:
            consumer.seek(partition, consumer.offsets_for_times({partition: start.value})[partition].offset)
        messages = [
            Message(record.key, record.value, tuple(record.headers), record.timestamp)
            for record in (next(consumer) for _ in range(count))
        ]
        consumer.close()
        return messages


class AioKafka:
    """aiokafka."""

    def produce(self, bootstrap: str, topic: str, messages: Sequence[Message], codec: str = "none") -> None:
        asyncio.run(self._produce(bootstrap, topic, messages, codec))

    async def _produce(self, bootstrap: str, topic: str, messages: Sequence[Message], codec: str) -> None:
        from aiokafka import AIOKafkaProducer

        producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap, compression_type=None if codec == "none" else codec, linger_ms=100
        )
        await producer.start()
        sent = [
            await producer.send(
                topic,
                message.value,
                message.key,
                partition=0,
                timestamp_ms=message.timestamp_ms,
                headers=list(message.headers),
            )
            for message in messages
        ]
        await asyncio.wait_for(asyncio.gather(*sent), DEADLINE_SECONDS)
        await producer.stop()

    def consume(
        self, bootstrap: str, topic: str, start: Start, count: int, at_its_start: Callable[[], None]
    ) -> list[Message]:
        return asyncio.run(self._consume(bootstrap, topic, start, count, at_its_start))

    async def _consume(
        self, bootstrap: str, topic: str, start: Start, count: int, at_its_start: Callable[[], None]
    ) -> list[Message]:
        from aiokafka import AIOKafkaConsumer
        from aiokafka import TopicPartition as Partition

        consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
        partition = Partition(topic, 0)
        consumer.assign([partition])
        await consumer.start()
        try:
            if start.at == "earliest":
                await consumer.seek_to_beginning(partition)
            elif start.at == "latest":
                await consumer.seek_to_end(partition)
                await consumer.position(partition)
                await asyncio.to_thread(at_its_start)
            elif start.at == "offset":
                consumer.seek(partition, start.value)
            else:
                found = await consumer.offsets_for_times({partition: start.value})
                consumer.seek(partition, found[partition].offset)
            records = [await asyncio.wait_for(consumer.getone(), DEADLINE_SECONDS) for _ in range(count)]
        finally:
            await consumer.stop()
        return [Message(record.key, record.value, tuple(record.headers), record.timestamp) for record in records]


class Kcat:
    """kcat. It gives all records of a run the same headers, and their timestamps itself."""

    def produce(self, bootstrap: str, topic: str, messages: Sequence[Message], codec: str = "none") -> None:
        headers = messages[0].headers
        assert all(message.headers == headers for message in messages)
        # All in one batch, as of the others: librdkafka leaves one that does not shrink as it is.
        options = ["-Xlinger.ms=1000", *(f"-H{name}={(value or b'').decode()}" for name, value in headers)]
        lines = b"\n".join(b"%s:%s" % (message.key, message.value or b"") for message in messages)
        subprocess.run(
            ["kcat", "-b", bootstrap, "-P", "-t", topic, "-p0", "-K:", "-Z", "-z", codec, *options],
            input=lines + b"\n",
            timeout=DEADLINE_SECONDS,
            check=True,
        )

    def consume(
        self, bootstrap: str, topic: str, start: Start, count: int, at_its_start: Callable[[], None]
    ) -> list[Message]:
        offset = {"earliest": "beginning", "latest": "end", "time": f"s@{start.value}"}.get(start.at, str(start.value))
        process = subprocess.Popen(
            ["kcat", "-b", bootstrap, "-C", "-t", topic, "-p0", "-o", offset, "-c", str(count), "-J", "-u"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stderr is not None
        if start.at == "latest":
            while b"Reached end of topic" not in (line := process.stderr.readline()):
                assert line, "kcat ended before it had reached the end of the topic"
            at_its_start()
        out, errors = process.communicate(timeout=DEADLINE_SECONDS)
        assert process.returncode == 0, errors
        return [_from_json(json.loads(line)) for line in out.splitlines()]


def _from_json(record: dict[str, Any]) -> Message:
    listed = record.get("headers", [])
    headers = tuple((name, _bytes(value)) for name, value in zip(listed[::2], listed[1::2], strict=True))
    return Message(_bytes(record["key"]), _bytes(record["payload"]), headers, record["ts"])


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode()


CLIENTS = {"confluent-kafka": ConfluentKafka(), "kafka-python": KafkaPython(), "aiokafka": AioKafka(), "kcat": Kcat()}
