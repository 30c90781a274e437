"""Files that were damaged while no broker ran: what clients are told, and what the log says."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from raw_client import RawClient, batch_of, create_topic, fetch_values, produce_values

from riacho.broker.errors import ErrorCode
from riacho.log import BatchHeader
from riacho.log.checkpoint import RECOVERY_POINT_FILE
from running_broker import RunningBroker, StartBroker

DEADLINE_SECONDS = 60.0
RECORDS = 2000
LENGTH_AT = 8
"""Where a batch's length lies, of whose four bytes the first is the highest."""


@pytest.fixture
def filled(broker: StartBroker, topic: str) -> RunningBroker:
    """A broker with several segments of records, each of which begins with its offset; none was synced."""
    own = broker("--fsync", "kafka")
    with RawClient(own.bootstrap) as client:
        create_topic(client, topic, segment_bytes="1048576")
    producer = Producer({"bootstrap.servers": own.bootstrap, "acks": 1, "batch.num.messages": 10})
    for number in range(RECORDS):
        producer.produce(topic, b"%06d" % number + bytes(1000))
        producer.poll(0)
    assert producer.flush(DEADLINE_SECONDS) == 0
    return own


def _segments(own: RunningBroker, topic: str) -> list[Path]:
    return sorted((own.directory / f"{topic}-0").glob("*.log"))


def _flip(path: Path, position: int) -> None:
    with path.open("r+b") as file:
        file.seek(position)
        byte = file.read(1)[0]
        file.seek(position)
        file.write(bytes([byte ^ 1]))


def _offsets_read(own: RunningBroker, topic: str, value_begins: bytes = b"%06d") -> list[int]:
    """What a consumer reads from the beginning to the end; each record must be the one that was written there."""
    consumer = Consumer({"bootstrap.servers": own.bootstrap, "group.id": "all", "enable.partition.eof": True})
    consumer.assign([TopicPartition(topic, 0, 0)])
    offsets: list[int] = []
    while True:
        message = consumer.poll(DEADLINE_SECONDS)
        assert message is not None, "the records stopped coming"
        error = message.error()
        if error is not None:
            assert error.code() == KafkaError._PARTITION_EOF, error
            break
        value, offset = message.value(), message.offset()
        assert value is not None
        assert offset is not None
        assert value.startswith(value_begins.replace(b"%06d", b"%06d" % offset))
        offsets.append(offset)
    consumer.close()
    return offsets


def test_missing_indexes_are_built_anew(filled: RunningBroker, topic: str) -> None:
    filled.terminate()
    for segment in _segments(filled, topic):
        for suffix in (".index", ".timeindex"):
            segment.with_suffix(suffix).unlink(missing_ok=True)
    filled.start()
    assert _offsets_read(filled, topic) == list(range(RECORDS))
    filled.wait_for_log(f"building the indexes of {_segments(filled, topic)[0]} anew")


@pytest.mark.parametrize("damage", ["truncated", "flipped", "header"])
def test_a_log_ends_before_the_first_unsynced_batch_that_is_not_whole(
    filled: RunningBroker, topic: str, damage: str
) -> None:
    filled.kill()
    last = _segments(filled, topic)[-1]
    if damage == "truncated":
        os.truncate(last, last.stat().st_size - 500)
    elif damage == "flipped":
        _flip(last, last.stat().st_size - 500)
    else:
        _flip(last, _last_batch(last) + LENGTH_AT)
    filled.start()
    offsets = _offsets_read(filled, topic)
    assert offsets == list(range(len(offsets)))
    assert RECORDS - 10 <= len(offsets) < RECORDS, "one batch holds at most ten records"
    filled.wait_for_log(f"from offset {len(offsets)} on")


@pytest.mark.parametrize("damage", ["truncated", "first header", "last header"])
def test_a_partition_that_has_lost_durable_records_is_refused_and_says_once_how_to_mend_it(
    filled: RunningBroker, topic: str, damage: str
) -> None:
    filled.terminate()
    last = _segments(filled, topic)[-1]
    size = last.stat().st_size
    if damage == "truncated":
        os.truncate(last, size - 500)
    else:
        _flip(last, LENGTH_AT if damage == "first header" else _last_batch(last) + LENGTH_AT)
    filled.start()
    with RawClient(filled.bootstrap) as client:
        for _ in range(2):
            fetched = client.ask("fetch", 11, fetch_values(topic, 0)).responses[0].partitions[0]
            assert fetched.error_code == ErrorCode.kafka_storage_error
            produced = client.ask("produce", 7, produce_values(topic, batch_of(b"x"))).responses[0]
            assert produced.partition_responses[0].error_code == ErrorCode.kafka_storage_error
    filled.wait_for_log(f"{topic}-0 cannot be opened: at byte ")
    told = filled.log_text()
    assert told.count("cannot be opened") == 1
    assert str(last) in told
    assert "restore the file from a backup" in told
    assert last.stat().st_size == (size - 500 if damage == "truncated" else size), "what was durable was cut"
    (last.parent / RECOVERY_POINT_FILE).unlink()
    offsets = _offsets_read(filled, topic)
    assert offsets == list(range(len(offsets)))
    assert len(offsets) in (int(last.stem), *range(RECORDS - 10, RECORDS))


def _last_batch(segment: Path) -> int:
    """Where the last batch begins."""
    data = segment.read_bytes()
    position = 0
    while True:
        after = position + BatchHeader.parse(data, position).size
        if after == len(data):
            return position
        position = after


def test_a_damaged_batch_of_an_old_segment_is_an_error_and_told_once(filled: RunningBroker, topic: str) -> None:
    filled.terminate()
    _flip(_segments(filled, topic)[0], LENGTH_AT)
    filled.start()
    with RawClient(filled.bootstrap) as client:
        for _ in range(2):
            answer = client.ask("fetch", 11, fetch_values(topic, 0)).responses[0].partitions[0]
            assert answer.error_code == ErrorCode.corrupt_message
        outcome = client.ask("produce", 7, produce_values(topic, batch_of(b"x")))
        assert outcome.responses[0].partition_responses[0].error_code == ErrorCode.none
    filled.wait_for_log(f"{topic}-0 cannot be read: ")
    assert filled.log_text().count("cannot be read") == 1


@pytest.mark.parametrize("when", ["at once", "after a restart"])
def test_a_topic_made_again_never_shows_what_is_left_of_the_one_before(
    broker: StartBroker, topic: str, tmp_path: Path, when: str
) -> None:
    own = broker()
    files = own.directory / f"{topic}-0"
    with RawClient(own.bootstrap) as client:
        create_topic(client, topic)
        client.ask("produce", 7, produce_values(topic, batch_of(b"old", b"records"), acks=-1))
        shutil.copytree(files, tmp_path / "copy")
        client.ask("delete_topics", 1, {"topic_names": [topic], "timeout": 10_000})
        create_topic(client, topic)
    if when == "after a restart":
        own.terminate()
    shutil.copytree(tmp_path / "copy", files)  # as if their deletion had failed
    if when == "after a restart":
        own.start()
    with RawClient(own.bootstrap) as client:
        fetched = client.ask("fetch", 11, fetch_values(topic, 0)).responses[0].partitions[0]
        assert (fetched.error_code, fetched.high_watermark, bool(fetched.records)) == (ErrorCode.none, 0, False)
        produced = client.ask("produce", 7, produce_values(topic, batch_of(b"new"), acks=-1))
        assert produced.responses[0].partition_responses[0].base_offset == 0
    own.wait_for_log(f"{files} held records of a deleted topic of that name")
    (stray,) = own.directory.glob(f"{topic}-0.*-stray")
    assert stray.name in own.log_text()
    own.restart()
    assert _offsets_read(own, topic, b"new") == [0]
