"""A topic of upserts after a kill: what was written after the snapshot is put back, and nothing else is touched."""

from __future__ import annotations

import json
import time
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from connecting import DEADLINE_SECONDS, create, sink, upsert_options, write

from job_process import until
from riacho.dataflow.sinks import Sink
from riacho.dataflow.sources import Positions
from running_broker import RunningBroker, StartBroker

COLUMNS = "id INT, total BIGINT, PRIMARY KEY (id) NOT ENFORCED"


def delete(kafka: RunningBroker, topic: str) -> None:
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    for gone in admin.delete_topics([topic]).values():
        gone.result(DEADLINE_SECONDS)


def upserts(kafka: RunningBroker, topic: str, **more: str) -> tuple[Sink, Any]:
    return sink(COLUMNS, upsert_options(kafka, topic) | more)


def records(kafka: RunningBroker, topic: str) -> list[Any]:
    """All records of the topic, each partition's in order."""
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": "look", "enable.partition.eof": False})
    numbers = consumer.list_topics(topic, DEADLINE_SECONDS).topics[topic].partitions
    ends = {number: consumer.get_watermark_offsets(TopicPartition(topic, number))[1] for number in numbers}
    consumer.assign([TopicPartition(topic, number, 0) for number in numbers])
    found: list[Any] = []
    deadline = time.monotonic() + DEADLINE_SECONDS
    while len(found) < sum(ends.values()):
        assert time.monotonic() < deadline, f"only {len(found)} of {ends} came"
        found += consumer.consume(1000, 0.2)
    consumer.close()
    return found


def table(kafka: RunningBroker, topic: str) -> dict[int, int]:
    """What the upserts amount to."""
    rows: dict[int, int] = {}
    for record in records(kafka, topic):
        key = json.loads(record.key())["id"]
        if record.value() is None:
            rows.pop(key, None)
        else:
            rows[key] = json.loads(record.value())["total"]
    return rows


def killed(into: tuple[Sink, Any]) -> None:
    """The records arrive, and the job is told nothing more."""
    into[0].flush()
    into[0].close()


def go_on(kafka: RunningBroker, topic: str, stood: Positions) -> None:
    """Another life of the job puts back what it finds."""
    second = upserts(kafka, topic)
    second[0].restore(stood)
    killed(second)


def test_what_came_after_the_snapshot_is_put_back(kafka: RunningBroker, topic: str) -> None:
    create(kafka, topic, 3)
    first = upserts(kafka, topic)
    write(first, [(number, 10 * number) for number in range(20)])
    write(first, [(3, 30)], [-1])
    first[0].flush()
    stood = first[0].positions()
    before = table(kafka, topic)
    write(first, [(1, 10), (1, 11), (2, 20), (3, 33), (99, 9)], [-1, 1, -1, 1, 1])
    killed(first)
    assert table(kafka, topic) == {key: value for key, value in before.items() if key != 2} | {1: 11, 3: 33, 99: 9}

    second = upserts(kafka, topic)
    second[0].restore(stood)
    assert table(kafka, topic) == before
    assert len(records(kafka, topic)) == 21 + 4 + 4, "each key that was written is put back once, and no other"
    killed(second)


def test_a_life_that_is_killed_while_it_puts_back_leaves_the_next_one_all_there_is_to_do(
    kafka: RunningBroker, topic: str
) -> None:
    create(kafka, topic, 3)
    first = upserts(kafka, topic)
    write(first, [(number, 10 * number) for number in range(20)])
    first[0].flush()
    stood = first[0].positions()
    before = table(kafka, topic)
    for _ in range(3):
        write(first, [(number, number) for number in range(10, 30)])
    killed(first)
    second = upserts(kafka, topic)
    write(second, [(10, 100), (11, 110)])  # some of the values that were there, and no more
    killed(second)

    go_on(kafka, topic, stood)
    assert table(kafka, topic) == before
    go_on(kafka, topic, stood)  # and one that has taken no snapshot after all was put back
    assert table(kafka, topic) == before


def test_nothing_is_written_where_nothing_came_after_the_snapshot(kafka: RunningBroker, topic: str) -> None:
    create(kafka, topic, 3)
    first = upserts(kafka, topic)
    write(first, [(1, 10), (2, 20)])
    first[0].flush()
    stood = first[0].positions()
    killed(first)
    go_on(kafka, topic, stood)
    assert len(records(kafka, topic)) == 2


def test_what_others_wrote_stays(kafka: RunningBroker, topic: str) -> None:
    create(kafka, topic, 3)
    first = upserts(kafka, topic)
    stood = first[0].positions()
    write(first, [(1, 10), (2, 20)])
    killed(first)
    other = Producer({"bootstrap.servers": kafka.bootstrap, "enable.idempotence": True})
    other.produce(topic, b'{"id":7,"total":70}', key=b'{"id":7}')
    assert other.flush(DEADLINE_SECONDS) == 0
    go_on(kafka, topic, stood)
    assert table(kafka, topic) == {7: 70}


def test_a_topic_that_the_first_record_made_is_put_back_to_nothing(kafka: RunningBroker, topic: str) -> None:
    first = upserts(kafka, topic)
    stood = first[0].positions()
    write(first, [(1, 10)])
    killed(first)
    go_on(kafka, topic, stood)
    assert table(kafka, topic) == {}


def test_a_topic_that_was_made_anew_is_left_alone(kafka: RunningBroker, topic: str) -> None:
    create(kafka, topic, 1)
    first = upserts(kafka, topic)
    stood = first[0].positions()
    killed(first)
    delete(kafka, topic)
    create(kafka, topic, 1)
    anew = upserts(kafka, topic)
    stood["producer"] = anew[0].positions()["producer"]
    write(anew, [(1, 10)])
    killed(anew)
    go_on(kafka, topic, stood)
    assert table(kafka, topic) == {1: 10}


def test_headers_and_times_come_back_too(kafka: RunningBroker, topic: str) -> None:
    create(kafka, topic, 1)
    outside = Producer({"bootstrap.servers": kafka.bootstrap})
    headers: list[Any] = [("from", b"x"), ("n", None)]
    outside.produce(topic, b'{"id":1,"total":1}', key=b'{"id":1}', headers=headers, timestamp=5000)
    assert outside.flush(DEADLINE_SECONDS) == 0
    first = upserts(kafka, topic)
    stood = first[0].positions()
    write(first, [(1, 10)])
    killed(first)
    go_on(kafka, topic, stood)
    *_, last = records(kafka, topic)
    assert (last.value(), last.headers(), last.timestamp()[1]) == (b'{"id":1,"total":1}', headers, 5000)


def test_what_retention_has_deleted_need_not_be_put_back(broker: StartBroker) -> None:
    kafka = broker("--set", "log.retention.check.interval.ms=50")
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    admin.create_topics([NewTopic("t", 1, config={"retention.ms": "1000"})])["t"].result(DEADLINE_SECONDS)
    first = upserts(kafka, "t")
    stood = first[0].positions()
    write(first, [(1, 10), (2, 20)])
    killed(first)
    look = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": "look"})
    until(lambda: look.get_watermark_offsets(TopicPartition("t", 0), 5) == (2, 2), "the records are deleted")
    second = upserts(kafka, "t")
    write(second, [(3, 30)])
    second[0].flush()
    second[0].restore(stood)
    killed(second)
    assert look.get_watermark_offsets(TopicPartition("t", 0), 5)[1] == 3, "only what was written since is there"
    look.close()


def test_a_producer_that_cannot_be_told_from_others_puts_nothing_back(kafka: RunningBroker, topic: str) -> None:
    create(kafka, topic, 3)
    opened = upserts(kafka, topic, **{"properties.enable.idempotence": "false"})
    assert opened[0].positions() == {}
    killed(opened)
