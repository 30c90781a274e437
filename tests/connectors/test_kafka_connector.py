"""The kafka and upsert-kafka connectors against a running broker."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from connecting import DEADLINE_SECONDS, create, read_all, read_rows, rows_of, sink, source, upsert_options, write

from job_process import until
from riacho.dataflow.sources import kafka_blocks
from riacho.dataflow.sources.bad_records import BadRecordError
from riacho.dataflow.sources.kafka import default_group
from riacho.errors import RiachoError
from riacho.formats.options import OptionError
from running_broker import RunningBroker, StartBroker

Record = tuple[bytes | None, bytes | None, int]


def produce(kafka: RunningBroker, topic: str, *values: bytes | None, **more: Any) -> None:
    producer = Producer({"bootstrap.servers": kafka.bootstrap})
    for value in values:
        producer.produce(topic, value, **more)
    assert producer.flush(DEADLINE_SECONDS) == 0


def consume(kafka: RunningBroker, topic: str, count: int) -> list[Any]:
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": f"look-{topic}"})
    partitions = consumer.list_topics(topic, DEADLINE_SECONDS).topics[topic].partitions
    consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
    found: list[Any] = []
    deadline = time.monotonic() + DEADLINE_SECONDS
    while len(found) < count and time.monotonic() < deadline:
        found += consumer.consume(count - len(found), 0.2)
    consumer.close()
    return found


def options(kafka: RunningBroker, topic: str, **more: str) -> dict[str, str]:
    given = {
        "connector": "kafka",
        "topic": topic,
        "properties.bootstrap.servers": kafka.bootstrap,
        "scan.startup.mode": "earliest-offset",
        "scan.bounded.mode": "latest-offset",
        "format": "json",
    }
    given.update({key.replace("__", "-").replace("_", "."): value for key, value in more.items()})
    return {key: value for key, value in given.items() if value}


def test_json_records_are_read_with_their_metadata(kafka: RunningBroker, topic: str) -> None:
    create(kafka, topic)
    produce(kafka, topic, b'{"id": 1}', timestamp=1_700_000_000_123, headers=[("trace", b"x")])
    columns = (
        "id INT, `topic` STRING METADATA VIRTUAL, `partition` BIGINT METADATA VIRTUAL, `offset` BIGINT METADATA "
        "VIRTUAL, ts TIMESTAMP_LTZ(3) METADATA FROM 'timestamp', headers MAP<STRING, BYTES> METADATA"
    )
    opened = source(columns, options(kafka, topic))
    (row,) = rows_of(read_all(opened))
    opened.close()
    assert row == (
        1,
        topic,
        0,
        0,
        datetime(2023, 11, 14, 22, 13, 20, 123_000, UTC),
        [{"key": "trace", "value": b"x"}],
    )


@pytest.mark.parametrize("values", [[b'{"id": 1}', b'{"id": 2}'], [b'{"id": 1}', None, b"no JSON", b'{"id": 2}']])
def test_each_row_has_the_time_of_its_own_record(kafka: RunningBroker, topic: str, values: list[bytes | None]) -> None:
    create(kafka, topic)
    for number, value in enumerate(values):
        produce(kafka, topic, value, timestamp=1000 + 1000 * number)
    columns = "ts TIMESTAMP_LTZ(3) METADATA FROM 'timestamp', id INT, `timestamp` TIMESTAMP_LTZ(3) METADATA"
    opened = source(columns, options(kafka, topic, json_ignore__parse__errors="true"))
    first, last = datetime.fromtimestamp(1, UTC), datetime.fromtimestamp(len(values), UTC)
    assert rows_of(read_all(opened)) == [(first, 1, first), (last, 2, last)]
    opened.close()


def test_a_metadata_column_of_a_narrower_integer_wraps_around(kafka: RunningBroker, topic: str) -> None:
    create(kafka, topic)
    produce(kafka, topic, *[b'{"id": 1}'] * 130)
    opened = source("o TINYINT METADATA FROM 'offset', id INT", options(kafka, topic))
    assert [row[0] for row in rows_of(read_all(opened))] == [*range(128), -128, -127]
    opened.close()


def test_a_bounded_source_ends_with_the_records_that_were_there_when_it_began(kafka: RunningBroker, topic: str) -> None:
    create(kafka, topic, 3)
    produce(kafka, topic, *(b'{"id": %d}' % number for number in range(100)))
    opened = source("id INT", options(kafka, topic))
    assert len(opened.splits) == 3
    produce(kafka, topic, b'{"id": 1000}')
    rows = rows_of(read_all(opened))
    assert sorted(rows) == [(number,) for number in range(100)]
    assert opened.finished_splits == {0, 1, 2}
    assert opened.counts.rows == 100
    opened.close()


def test_a_source_goes_on_where_its_positions_say(kafka: RunningBroker, topic: str) -> None:
    create(kafka, topic)
    produce(kafka, topic, b'{"id": 1}', b'{"id": 2}', b'{"id": 3}')
    unbounded = options(kafka, topic, scan_bounded_mode="")
    first = source("id INT", unbounded)
    batch = None
    while batch is None:
        batch = first.poll(2, 1 << 20, 100)
    positions = first.positions()
    first.close()
    assert batch.frame.rows() == [(1,), (2,)]
    described = positions[topic]
    assert isinstance(described, dict)
    assert described["offsets"] == {"0": 2}
    assert described["id"]
    for stored in (positions, {topic: {"0": 2}}):  # the second as snapshots had it before topics had ids
        second = source("id INT", unbounded)
        second.seek(stored)
        assert read_rows(second, 1) == [(3,)]
        second.close()


def test_a_source_lags_by_what_it_has_not_delivered_whatever_is_read_ahead(
    kafka: RunningBroker, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_blocks, "BLOCK_ROWS", 4)
    monkeypatch.setattr(kafka_blocks, "AHEAD_ROWS", 2)
    create(kafka, topic)
    produce(kafka, topic, *(b'{"id": %d}' % number for number in range(9)))
    opened = source("id INT", options(kafka, topic))
    lags = []
    while not opened.finished:
        if opened.poll(2, 1 << 20, 100) is not None:
            lags.append(opened.lag())
    opened.close()
    assert lags == [7, 5, 3, 1, 0]


@pytest.mark.parametrize(("block", "ahead"), [(6, 8192), (8192, 8192), (6, 2), (2, 1)])
def test_rows_decoded_together_and_delivered_apart_are_each_delivered_once(
    kafka: RunningBroker, topic: str, block: int, ahead: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_blocks, "BLOCK_ROWS", block)
    monkeypatch.setattr(kafka_blocks, "AHEAD_BLOCK_ROWS", 2 * block)
    monkeypatch.setattr(kafka_blocks, "AHEAD_ROWS", ahead)
    create(kafka, topic, partitions=2)
    records = [
        b"[%s]" % b",".join(b'{"id": %d, "s": "text number %d"}' % (10 * number + place, number) for place in range(3))
        if number % 4 == 3
        else (b"" if number % 7 == 2 else b'{"id": %d, "s": null}' % (10 * number))
        for number in range(24)
    ]
    for number, record in enumerate(records):
        produce(kafka, topic, record, partition=number % 2)
    columns = "id INT, s STRING"
    everything = sorted(rows_of(read_all(opened := source(columns, options(kafka, topic)))))
    opened.close()
    first = source(columns, options(kafka, topic))
    delivered: list[tuple[Any, ...]] = []
    marks = []
    while not first.finished:
        marks.append((first.mark(), first.positions()))
        batch = first.poll(2, 1 << 20, 100)
        if batch is None:
            continue
        delivered += batch.frame.rows()
        assert len(batch) <= 4, "two rows, and what is left of the last one's record"
        assert batch.origins.of(len(batch) - 1).value is not None
        rest = source(columns, options(kafka, topic))
        rest.seek(first.positions())
        assert sorted(delivered + rows_of(read_all(rest))) == everything
        rest.close()
    assert [mark() for mark, _ in marks] == [positions for _, positions in marks]
    first.close()
    assert sorted(delivered) == everything


def test_positions_after_a_topics_end_are_refused_unless_the_table_says_where_to_go_on(
    kafka: RunningBroker, topic: str
) -> None:
    create(kafka, topic)
    produce(kafka, topic, b'{"id": 1}', b'{"id": 2}')
    for mode, expected in (("none", None), ("earliest", [(1,), (2,)]), ("latest", [])):
        opened = source("id INT", options(kafka, topic, properties_auto_offset_reset=mode))
        opened.seek({topic: {"0": 5}})
        if expected is None:
            with pytest.raises(RiachoError, match=f"{topic}-0 cannot be read on from offset 5, since it ends at 2"):
                read_all(opened)
        else:
            assert rows_of(read_all(opened)) == expected
        opened.close()


def test_records_deleted_before_they_were_read_are_told(broker: StartBroker) -> None:
    kafka = broker("--set", "log.retention.check.interval.ms=50")
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    admin.create_topics([NewTopic("t", 1, config={"retention.ms": "1000"})])["t"].result(DEADLINE_SECONDS)
    produce(kafka, "t", b'{"id": 1}', b'{"id": 2}', timestamp=1)
    first = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": "first"})
    until(lambda: first.get_watermark_offsets(TopicPartition("t", 0), 5) == (2, 2), "the records are deleted")
    first.close()
    opened = source("id INT", options(kafka, "t"))
    opened.seek({"t": {"0": 1}})
    with pytest.raises(RiachoError) as caught:
        read_all(opened)
    opened.close()
    assert "t-0 cannot be read on from offset 1, since it begins at 2: 1 that the job has not" in str(caught.value)
    assert "--fresh" in str(caught.value)


def test_key_columns_come_from_the_key_without_their_prefix(kafka: RunningBroker, topic: str) -> None:
    create(kafka, topic)
    produce(kafka, topic, b'{"id": 7, "name": "x"}', key=b'{"id": 1}')
    table = options(
        kafka,
        topic,
        format="",
        value_format="json",
        key_format="json",
        key_fields="k_id",
        value_fields__include="EXCEPT_KEY",
    )
    table["key.fields-prefix"] = "k_"
    opened = source("k_id INT, id INT, name STRING", table)
    assert rows_of(read_all(opened)) == [(1, 7, "x")]
    opened.close()


def test_a_bad_record_ends_the_job_and_is_told_by_its_place(kafka: RunningBroker, topic: str) -> None:
    create(kafka, topic)
    produce(kafka, topic, b'{"id": 1}', b'{"id": "one"}')
    opened = source("id INT", options(kafka, topic))
    with pytest.raises(BadRecordError) as caught:
        read_all(opened)
    opened.close()
    assert str(caught.value).splitlines()[:3] == [
        "table t: a record cannot be read: field 'id': 'one' is not a INT",
        '  the record: {"id": "one"}',
        f"  at topic {topic}, partition 0, offset 1",
    ]


def test_skipped_records_are_counted(kafka: RunningBroker, topic: str) -> None:
    create(kafka, topic)
    produce(kafka, topic, b'{"id": 1}', b"{", b'{"id": 3}')
    table = options(kafka, topic)
    table["riacho.bad-records"] = "skip"
    opened = source("id INT", table)
    assert rows_of(read_all(opened)) == [(1,), (3,)]
    assert (opened.counts.bad, opened.counts.skipped) == (1, 1)
    opened.close()


def test_dead_letters_keep_the_record_and_say_where_it_was_and_why(kafka: RunningBroker, topic: str) -> None:
    create(kafka, topic)
    produce(kafka, topic, b'{"id": 1}', b'{"id": 99999999999}', key=b"k")
    table = options(kafka, topic)
    table["riacho.bad-records"] = "dead-letter"
    opened = source("id INT", table)
    batches = read_all(opened)
    opened.reject(batches[0], np.array([0]), ["division by zero"])
    opened.flush()
    assert opened.counts.dead_letters == 2
    opened.close()
    letters = consume(kafka, f"{topic}.dead-letter", 2)
    found = {(letter.key(), letter.value(), *(value for _, value in letter.headers())) for letter in letters}
    assert found == {
        (b"k", b'{"id": 99999999999}', b"field 'id': 99999999999 is not a INT", topic.encode(), b"0", b"1"),
        (b"k", b'{"id": 1}', b"division by zero", topic.encode(), b"0", b"0"),
    }
    assert [name for name, _ in letters[0].headers()] == ["reason", "topic", "partition", "offset"]


def test_group_offsets_are_committed_and_taken_up(kafka: RunningBroker, topic: str) -> None:
    create(kafka, topic)
    produce(kafka, topic, b'{"id": 1}', b'{"id": 2}')
    table = options(kafka, topic, properties_group_id=f"group-{topic}")
    first = source("id INT", table)
    read_all(first)
    first.commit(first.positions())
    first.close()
    produce(kafka, topic, b'{"id": 3}')
    table["scan.startup.mode"] = "group-offsets"
    second = source("id INT", table)
    assert rows_of(read_all(second)) == [(3,)]
    second.close()


def test_no_two_jobs_commit_under_one_group() -> None:
    pairs = [("a-b", "c"), ("a", "b-c"), ("a-b-c", "d"), ("a-b", "c-d"), ("a", "b-c-d"), ("a", "b:c-d"), ("a", "b:c")]
    assert len({default_group(job, table) for job, table in pairs}) == len(pairs)
    assert default_group("orders-of-today", "bids") == "riacho-orders-of-today-bids"


def test_without_a_committed_offset_group_offsets_are_an_error(kafka: RunningBroker, topic: str) -> None:
    create(kafka, topic)
    opened = source("id INT", options(kafka, topic, scan_startup_mode="group-offsets"))
    with pytest.raises(RiachoError, match="has no committed offset"):
        opened.poll(1, 1, 0)
    opened.close()


def test_reading_begins_at_a_time(kafka: RunningBroker, topic: str) -> None:
    create(kafka, topic)
    for number in range(3):
        produce(kafka, topic, b'{"id": %d}' % number, timestamp=1000 + number)
    table = options(kafka, topic, scan_startup_mode="timestamp")
    table["scan.startup.timestamp-millis"] = "1001"
    opened = source("id INT", table)
    assert rows_of(read_all(opened)) == [(1,), (2,)]
    opened.close()


def test_reading_between_specific_offsets(kafka: RunningBroker, topic: str) -> None:
    create(kafka, topic)
    produce(kafka, topic, *(b'{"id": %d}' % number for number in range(5)))
    table = options(kafka, topic, scan_startup_mode="specific-offsets", scan_bounded_mode="specific-offsets")
    table["scan.startup.specific-offsets"] = "partition:0,offset:1"
    table["scan.bounded.specific-offsets"] = "partition:0,offset:3"
    opened = source("id INT", table)
    assert rows_of(read_all(opened)) == [(1,), (2,)]
    opened.close()


def test_topics_by_pattern_and_by_list(kafka: RunningBroker, topic: str) -> None:
    for name in ("a", "b"):
        create(kafka, f"{topic}-{name}")
        produce(kafka, f"{topic}-{name}", b'{"id": 1}')
    table = options(kafka, topic)
    del table["topic"]
    table["topic-pattern"] = f"{topic}-[ab]"
    listed = options(kafka, f"{topic}-a;{topic}-b")
    for given in (table, listed):
        opened = source("id INT, `topic` STRING METADATA", given)
        assert sorted(rows_of(read_all(opened))) == [(1, f"{topic}-a"), (1, f"{topic}-b")]
        opened.close()


def test_written_rows_are_what_flink_writes(kafka: RunningBroker, topic: str) -> None:
    create(kafka, topic)
    into = sink("id INT, name STRING, ts TIMESTAMP(3)", options(kafka, topic))
    write(into, [(1, 'a"b', datetime.fromisoformat("2024-01-01T12:00:00.500")), (2, None, None)])
    into[0].flush()
    into[0].close()
    values = [record.value() for record in consume(kafka, topic, 2)]
    assert values == [
        b'{"id":1,"name":"a\\"b","ts":"2024-01-01 12:00:00.5"}',
        b'{"id":2,"name":null,"ts":null}',
    ]


def test_upserts_of_a_pass_are_one_record_per_key_and_tombstones(kafka: RunningBroker, topic: str) -> None:
    create(kafka, topic)
    into = sink("id INT, total BIGINT, PRIMARY KEY (id) NOT ENFORCED", upsert_options(kafka, topic))
    write(into, [(1, 10), (2, 20), (3, 30)], [1, 1, 1])
    write(into, [(1, 10), (1, 11), (2, 20), (4, 5), (4, 5)], [-1, 1, -1, 1, -1])
    into[0].flush()
    into[0].close()
    records = [(record.key(), record.value()) for record in consume(kafka, topic, 5)]
    assert records == [
        (b'{"id":1}', b'{"id":1,"total":10}'),
        (b'{"id":2}', b'{"id":2,"total":20}'),
        (b'{"id":3}', b'{"id":3,"total":30}'),
        (b'{"id":1}', b'{"id":1,"total":11}'),
        (b'{"id":2}', None),
    ]


def test_an_upsert_source_tells_tombstones_from_rows(kafka: RunningBroker, topic: str) -> None:
    create(kafka, topic)
    produce(kafka, topic, b'{"id": 1, "total": 10}', None, key=b'{"id": 1}')
    opened = source("id INT, total BIGINT, PRIMARY KEY (id) NOT ENFORCED", upsert_options(kafka, topic))
    batch = None
    while batch is None or len(batch) < 2:
        batch = opened.poll(100, 1 << 20, 200)
        assert batch is None or len(batch) == 2
    opened.close()
    assert batch.frame.rows() == [(1, 10), (1, None)]
    assert batch.diff is not None
    assert batch.diff.tolist() == [1, -1]


def test_a_wrong_option_names_the_table_and_the_nearest_option(kafka: RunningBroker, topic: str) -> None:
    table = options(kafka, topic)
    table["scan.startup.mod"] = "earliest-offset"
    with pytest.raises(RiachoError) as caught:
        source("id INT", table)
    assert "table t has an unknown option 'scan.startup.mod'" in str(caught.value)
    assert "did you mean 'scan.startup.mode'?" in str(caught.value)


def test_exactly_once_is_refused_clearly(kafka: RunningBroker, topic: str) -> None:
    table = options(kafka, topic)
    table["sink.delivery-guarantee"] = "exactly-once"
    with pytest.raises(RiachoError, match="transactions are not there yet"):
        source("id INT", table)
    assert issubclass(OptionError, RiachoError)


def test_changes_are_written_as_events_and_read_as_changes(kafka: RunningBroker, topic: str) -> None:
    create(kafka, topic)
    table = options(kafka, topic, format="debezium-json")
    into = sink("id INT, name STRING", table)

    write(into, [(1, "a"), (1, "a"), (1, "b")], [1, -1, 1])
    into[0].close()

    assert [message.value() for message in consume(kafka, topic, 3)] == [
        b'{"before":null,"after":{"id":1,"name":"a"},"op":"c"}',
        b'{"before":{"id":1,"name":"a"},"after":null,"op":"d"}',
        b'{"before":null,"after":{"id":1,"name":"b"},"op":"c"}',
    ]
    batches = read_all(source("id INT, name STRING", table))
    assert rows_of(batches) == [(1, "a"), (1, "a"), (1, "b")]
    assert [sign for batch in batches if batch.diff is not None for sign in batch.diff.tolist()] == [1, -1, 1]


@pytest.mark.parametrize(
    ("columns", "more", "message"),
    [
        ("id INT", {"key_format": "maxwell-json", "key_fields": "id"}, "a key cannot be 'maxwell-json'"),
        ("id INT, PRIMARY KEY (id) NOT ENFORCED", {"connector": "upsert-kafka", "key_format": "json"}, "has some"),
    ],
)
def test_changes_of_a_format_stand_in_the_value_of_an_appended_topic(
    kafka: RunningBroker, topic: str, columns: str, more: dict[str, str], message: str
) -> None:
    with pytest.raises(RiachoError, match=message):
        source(columns, options(kafka, topic, **{"format": "debezium-json", **more}))
