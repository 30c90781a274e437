"""Consumer groups of real clients, against a running broker."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any

import aiokafka
import confluent_kafka
import kafka as kafka_python
import pytest
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from kafka.admin import KafkaAdminClient

from riacho.broker.groups.records import GroupRecord, OffsetRecord, decode
from running_broker import RunningBroker

DEADLINE_SECONDS = 60.0
PARTITIONS = 4
ALL = list(range(PARTITIONS))
QUICK = (
    "--set", "group.initial.rebalance.delay.ms=0",
    "--set", "group.min.session.timeout.ms=500",
)  # fmt: skip


def until(condition: Callable[[], Any], what: str = "the condition") -> Any:
    """Ask again until the answer is true; it is given back."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"{what} did not come about"
    return answer


def make_topic(bootstrap: str, name: str, messages: int = 0) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(name, PARTITIONS, 1)])[name].result(10)
    producer = Producer({"bootstrap.servers": bootstrap})
    for number in range(messages):
        producer.produce(name, str(number).encode(), partition=number % PARTITIONS)
    assert producer.flush(10) == 0


def confluent(bootstrap: str, group: str, **settings: Any) -> Consumer:
    defaults = {
        "bootstrap.servers": bootstrap,
        "group.id": group,
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "session.timeout.ms": 6_000,
        "heartbeat.interval.ms": 200,
    }
    return Consumer(defaults | {name.replace("_", "."): value for name, value in settings.items()})


def kafka_python_member(bootstrap: str, topic: str, **settings: Any) -> kafka_python.KafkaConsumer:
    """A consumer of the group named as the topic, that knows the topic's partitions before it joins.

    kafka-python 3.0.12 joins a second time when it learns of them later. If a poll's time ends amid that second join
    and the member leads the group, no later poll takes the answer up: it stays in the group without a heartbeat.
    """
    consumer = kafka_python.KafkaConsumer(
        topic, bootstrap_servers=bootstrap, group_id=topic, heartbeat_interval_ms=200, **settings
    )
    until(lambda: consumer.partitions_for_topic(topic) == set(ALL), "the topic's partitions")
    return consumer


def shares(consumers: Iterable[Consumer]) -> list[list[int]]:
    """Each consumer's partitions, after each has had a turn."""
    for consumer in consumers:
        consumer.poll(0.02)
    return [sorted(partition.partition for partition in consumer.assignment()) for consumer in consumers]


def described(bootstrap: str, group: str) -> Any:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    return admin.describe_consumer_groups([group])[group].result(10)


# -- groups that grow, shrink and lose a member ------------------------------------------------------------------


@pytest.mark.parametrize("strategy", ["range", "roundrobin", "cooperative-sticky"])
def test_a_group_of_confluent_kafka_grows_and_shrinks(kafka: RunningBroker, topic: str, strategy: str) -> None:
    make_topic(kafka.bootstrap, topic)
    with ExitStack() as open_consumers:
        consumers = []
        for _ in range(3):
            consumer = confluent(kafka.bootstrap, topic, partition_assignment_strategy=strategy)
            consumer.subscribe([topic])
            open_consumers.callback(consumer.close)
            consumers.append(consumer)
            until(lambda: _is_fair(shares(consumers)), f"a fair share for {len(consumers)}")
        consumers.pop().close()
        until(lambda: _is_fair(shares(consumers)), "a fair share for two")


def _is_fair(parts: list[list[int]]) -> bool:
    sizes = [len(part) for part in parts]
    return sorted(itertools.chain.from_iterable(parts)) == ALL and max(sizes) - min(sizes) <= 1


def test_a_group_of_kafka_python_grows_and_shrinks(kafka: RunningBroker, topic: str) -> None:
    make_topic(kafka.bootstrap, topic)
    with ExitStack() as open_consumers:
        consumers = []
        for _ in range(2):
            consumer = kafka_python_member(kafka.bootstrap, topic)
            open_consumers.callback(consumer.close)
            consumers.append(consumer)

            def parts() -> list[list[int]]:
                for each in consumers:
                    each.poll(100)
                return [sorted(tp.partition for tp in each.assignment()) for each in consumers]

            until(lambda: _is_fair(parts()), f"a fair share for {len(consumers)}")
        consumers.pop().close()
        until(lambda: _is_fair(parts()), "all for one")


def test_a_group_of_aiokafka_grows_and_shrinks(kafka: RunningBroker, topic: str) -> None:
    make_topic(kafka.bootstrap, topic)

    async def scene() -> None:
        def member() -> aiokafka.AIOKafkaConsumer:
            return aiokafka.AIOKafkaConsumer(
                topic, bootstrap_servers=kafka.bootstrap, group_id=topic, heartbeat_interval_ms=200
            )

        async def fair(consumers: list[aiokafka.AIOKafkaConsumer]) -> None:
            while True:
                for each in consumers:
                    await each.getmany(timeout_ms=20)
                if _is_fair([sorted(tp.partition for tp in each.assignment()) for each in consumers]):
                    return

        first, second = member(), member()
        await first.start()
        try:
            await fair([first])
            await second.start()
            try:
                await fair([first, second])
            finally:
                await second.stop()
            await fair([first])
        finally:
            await first.stop()

    asyncio.run(asyncio.wait_for(scene(), DEADLINE_SECONDS))


@contextmanager
def member_process(bootstrap: str, group: str, topic: str) -> Iterator[subprocess.Popen[str]]:
    script = Path(__file__).with_name("member_process.py")
    process = subprocess.Popen(
        [sys.executable, str(script), bootstrap, group, topic], stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def test_the_partitions_of_a_killed_member_go_to_the_others(broker: Callable[..., RunningBroker], topic: str) -> None:
    own = broker(*QUICK)
    make_topic(own.bootstrap, topic)
    survivor = confluent(own.bootstrap, topic, session_timeout_ms=1_000)
    with closing(survivor), member_process(own.bootstrap, topic, topic) as victim:
        survivor.subscribe([topic])
        until(lambda: len(shares([survivor])[0]) == PARTITIONS // 2, "a share for each")
        os.kill(victim.pid, signal.SIGKILL)
        until(lambda: shares([survivor]) == [ALL], "all for the survivor")


def test_a_static_member_that_returns_takes_its_partitions_back_unnoticed(kafka: RunningBroker, topic: str) -> None:
    make_topic(kafka.bootstrap, topic)
    events: list[str] = []
    other = confluent(kafka.bootstrap, topic, group_instance_id="other")
    other.subscribe([topic], on_revoke=lambda *_: events.append("revoked"))
    with closing(other):
        first = confluent(kafka.bootstrap, topic, group_instance_id="one")
        first.subscribe([topic])
        parts = until(lambda: _is_fair(both := shares([other, first])) and both, "a share for each")
        until(lambda: described(kafka.bootstrap, topic).state.name == "STABLE", "a stable group")
        first.close()  # a static member does not leave
        events.clear()
        again = confluent(kafka.bootstrap, topic, group_instance_id="one")
        again.subscribe([topic])
        with closing(again):
            until(lambda: shares([other, again]) == parts, "the same shares as before")
            assert events == []
        group = described(kafka.bootstrap, topic)
        assert sorted(member.group_instance_id for member in group.members) == ["one", "other"]


def test_a_static_member_of_kafka_python_takes_its_partitions_back(kafka: RunningBroker, topic: str) -> None:
    make_topic(kafka.bootstrap, topic)

    def member(instance: str) -> kafka_python.KafkaConsumer:
        return kafka_python_member(kafka.bootstrap, topic, group_instance_id=instance)

    def parts(*consumers: kafka_python.KafkaConsumer) -> list[list[int]]:
        for each in consumers:
            each.poll(100)
        return [sorted(tp.partition for tp in each.assignment()) for each in consumers]

    with closing(member("other")) as other:
        with closing(member("one")) as first:
            before = until(lambda: _is_fair(both := parts(other, first)) and both, "a share for each")
        with closing(member("one")) as again:
            until(lambda: parts(other, again) == before, "the same shares as before")
        group = described(kafka.bootstrap, topic)
    assert sorted(each.group_instance_id for each in group.members) == ["one", "other"]


def test_a_static_member_of_aiokafka_takes_its_partitions_back(kafka: RunningBroker, topic: str) -> None:
    make_topic(kafka.bootstrap, topic)

    @asynccontextmanager
    async def member(instance: str) -> AsyncIterator[aiokafka.AIOKafkaConsumer]:
        consumer = aiokafka.AIOKafkaConsumer(
            topic,
            bootstrap_servers=kafka.bootstrap,
            group_id=topic,
            group_instance_id=instance,
            heartbeat_interval_ms=200,
        )
        await consumer.start()
        try:
            yield consumer
        finally:
            await consumer.stop()

    async def parts(*consumers: aiokafka.AIOKafkaConsumer) -> list[list[int]]:
        for each in consumers:
            await each.getmany(timeout_ms=20)
        return [sorted(tp.partition for tp in each.assignment()) for each in consumers]

    async def scene() -> None:
        async with member("other") as other:
            async with member("one") as first:
                while not _is_fair(before := await parts(other, first)):
                    pass
            async with member("one") as again:
                while await parts(other, again) != before:
                    pass
            group = await asyncio.to_thread(described, kafka.bootstrap, topic)
        assert sorted(each.group_instance_id for each in group.members) == ["one", "other"]

    asyncio.run(asyncio.wait_for(scene(), DEADLINE_SECONDS))


def test_a_second_consumer_of_the_same_instance_fences_the_first(kafka: RunningBroker, topic: str) -> None:
    make_topic(kafka.bootstrap, topic)
    first = confluent(kafka.bootstrap, topic, group_instance_id="one")
    first.subscribe([topic])
    with closing(first):
        until(lambda: shares([first]) == [ALL])
        second = confluent(kafka.bootstrap, topic, group_instance_id="one")
        second.subscribe([topic])
        with closing(second):
            until(lambda: shares([second]) == [ALL])

            def is_fenced() -> bool:
                message = first.poll(0.05)
                return message is not None and "fenced" in message.error().str()

            until(is_fenced, "the fencing of the first")


# -- offsets over crashes ----------------------------------------------------------------------------------------


def test_offsets_of_confluent_kafka_survive_a_killed_broker(broker: Callable[..., RunningBroker], topic: str) -> None:
    own = broker(*QUICK)
    make_topic(own.bootstrap, topic, messages=8)
    offsets = [TopicPartition(topic, index, index + 1, f"at {index}") for index in range(2)]
    with closing(confluent(own.bootstrap, topic)) as consumer:
        consumer.commit(offsets=offsets, asynchronous=False)
        own.kill()
        own.start()
        found = consumer.committed([TopicPartition(topic, index) for index in range(3)], timeout=20)
    assert [each.offset for each in found] == [1, 2, confluent_kafka.OFFSET_INVALID]
    assert [each.metadata for each in found[:2]] == ["at 0", "at 1"]


def test_offsets_of_kafka_python_survive_a_killed_broker(broker: Callable[..., RunningBroker], topic: str) -> None:
    own = broker(*QUICK)
    make_topic(own.bootstrap, topic, messages=8)
    place = kafka_python.TopicPartition(topic, 0)

    def member() -> Any:
        return kafka_python.KafkaConsumer(
            bootstrap_servers=own.bootstrap, group_id=topic, auto_offset_reset="earliest", enable_auto_commit=False
        )

    with closing(member()) as consumer:
        consumer.assign([place])
        until(lambda: consumer.poll(100))
        position = consumer.position(place)
        consumer.commit()
    own.kill()
    own.start()
    with closing(member()) as consumer:
        assert consumer.committed(place) == position == 2


def test_offsets_of_aiokafka_survive_a_killed_broker(broker: Callable[..., RunningBroker], topic: str) -> None:
    own = broker(*QUICK)
    make_topic(own.bootstrap, topic, messages=8)
    place = aiokafka.TopicPartition(topic, 0)

    async def with_member(work: Callable[[Any], Any]) -> Any:
        consumer = aiokafka.AIOKafkaConsumer(bootstrap_servers=own.bootstrap, group_id=topic, enable_auto_commit=False)
        await consumer.start()
        try:
            consumer.assign([place])
            return await work(consumer)
        finally:
            await consumer.stop()

    asyncio.run(with_member(lambda consumer: consumer.commit({place: 2})))
    own.kill()
    own.start()
    assert asyncio.run(with_member(lambda consumer: consumer.committed(place))) == 2


def test_a_group_goes_on_after_its_broker_was_killed(broker: Callable[..., RunningBroker], topic: str) -> None:
    own = broker(*QUICK)
    make_topic(own.bootstrap, topic, messages=40)
    seen: list[bytes] = []
    consumer = confluent(own.bootstrap, topic)
    consumer.subscribe([topic])
    with closing(consumer):

        def read(count: int) -> bool:
            message = consumer.poll(0.1)
            if message is not None and message.error() is None:
                seen.append(message.value())
            return len(seen) >= count

        until(lambda: read(40), "the first messages")
        generation = described(own.bootstrap, topic)
        assert [member.client_id for member in generation.members] == ["rdkafka"]
        own.kill()
        own.start()
        producer = Producer({"bootstrap.servers": own.bootstrap})
        for number in range(40, 50):
            producer.produce(topic, str(number).encode())
        assert producer.flush(20) == 0
        until(lambda: read(50), "the messages after the crash")
        until(lambda: _commits(consumer), "a commit after the crash")
    assert sorted(seen, key=int) == [str(number).encode() for number in range(50)]


def _commits(consumer: Consumer) -> bool:
    """Whether a commit goes through, as it does once the member has found its coordinator again."""
    consumer.poll(0.05)
    try:
        consumer.commit(asynchronous=False)
    except confluent_kafka.KafkaException:
        return False
    return True


# -- other front doors -------------------------------------------------------------------------------------------


def test_kcat_reads_as_a_group_and_goes_on_where_it_stopped(kafka: RunningBroker, topic: str) -> None:
    make_topic(kafka.bootstrap, topic, messages=6)

    def read(count: int) -> list[str]:
        command = ["kcat", "-b", kafka.bootstrap, "-G", topic, "-c", str(count), "-q", topic]
        command[1:1] = ["-X", "auto.offset.reset=earliest", "-X", "heartbeat.interval.ms=200"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=True)
        return done.stdout.split()

    assert sorted(read(4) + read(2)) == ["0", "1", "2", "3", "4", "5"]


def test_an_administrator_lists_describes_and_deletes_groups(kafka: RunningBroker, topic: str) -> None:
    make_topic(kafka.bootstrap, topic)
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    consumer = confluent(kafka.bootstrap, topic, client_id="the-client")
    consumer.subscribe([topic])
    with closing(consumer):
        until(lambda: shares([consumer]) == [ALL])
        until(lambda: described(kafka.bootstrap, topic).state.name == "STABLE")
        (member,) = described(kafka.bootstrap, topic).members
        assert (member.client_id, member.host) == ("the-client", "/127.0.0.1")
        assert sorted(tp.partition for tp in member.assignment.topic_partitions) == ALL
        assert topic in [group.group_id for group in admin.list_consumer_groups().result(10).valid]
        with pytest.raises(confluent_kafka.KafkaException, match="NON_EMPTY_GROUP"):
            admin.delete_consumer_groups([topic])[topic].result(10)
    admin.delete_consumer_groups([topic])[topic].result(10)
    assert topic not in [group.group_id for group in admin.list_consumer_groups().result(10).valid]


def test_an_administrator_alters_and_reads_the_offsets_of_a_group(kafka: RunningBroker, topic: str) -> None:
    make_topic(kafka.bootstrap, topic, messages=8)
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    wanted = ConsumerGroupTopicPartitions(topic, [TopicPartition(topic, 1, 2)])
    altered = admin.alter_consumer_group_offsets([wanted])[topic].result(10)
    assert altered.topic_partitions[0].error is None
    listed = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(topic)])[topic].result(10)
    assert [(each.partition, each.offset) for each in listed.topic_partitions] == [(1, 2)]


def test_kafka_python_administers_groups(kafka: RunningBroker, topic: str) -> None:
    make_topic(kafka.bootstrap, topic, messages=8)
    with closing(confluent(kafka.bootstrap, topic)) as consumer:
        consumer.commit(offsets=[TopicPartition(topic, 0, 1)], asynchronous=False)
    with closing(KafkaAdminClient(bootstrap_servers=kafka.bootstrap)) as admin:
        place = kafka_python.TopicPartition(topic, 0)
        assert admin.list_group_offsets(topic)[topic][place].offset == 1
        admin.delete_groups([topic])
        assert not admin.list_group_offsets(topic).get(topic)


def test_a_deleted_topic_takes_the_offsets_of_its_groups_along(kafka: RunningBroker, topic: str) -> None:
    make_topic(kafka.bootstrap, topic)
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    with closing(confluent(kafka.bootstrap, topic)) as consumer:
        consumer.commit(offsets=[TopicPartition(topic, 0, 1)], asynchronous=False)
        admin.delete_topics([topic])[topic].result(10)
        request = [ConsumerGroupTopicPartitions(topic)]
        until(lambda: not admin.list_consumer_group_offsets(request)[topic].result(10).topic_partitions)


def test_whoever_reads_the_offsets_topic_sees_kafkas_records(kafka: RunningBroker, topic: str) -> None:
    make_topic(kafka.bootstrap, topic)
    with closing(confluent(kafka.bootstrap, topic)) as consumer:
        consumer.subscribe([topic])
        until(lambda: shares([consumer]) == [ALL])
        consumer.commit(offsets=[TopicPartition(topic, 3, 9)], asynchronous=False)
    seen: list[Any] = []
    with closing(confluent(kafka.bootstrap, f"{topic}-reader")) as reader:
        count = len(reader.list_topics("__consumer_offsets", 10).topics["__consumer_offsets"].partitions)
        assert count == 50
        reader.assign([TopicPartition("__consumer_offsets", index, 0) for index in range(count)])

        def both() -> bool:
            message = reader.poll(0.1)
            if message is not None and message.error() is None:
                seen.append(decode(message.key(), message.value()))
            mine = [record for record in seen if record is not None and record.group_id == topic]
            return any(isinstance(each, OffsetRecord) and each.value for each in mine) and any(
                isinstance(each, GroupRecord) and each.value and each.value.members for each in mine
            )

        until(both, "the group's records")
