"""Produce and Fetch, at every version, and what they answer when something is wrong."""

from __future__ import annotations

import struct
from typing import Any
from uuid import UUID

import pytest
from raw_client import RawClient, batch_of, create_topic, fetch_values, produce_values, request_frame

from riacho.broker.errors import ErrorCode
from riacho.broker.record_batch import encode_batch
from riacho.log.header import ATTRIBUTES_AT, CHECKSUM_AT, BatchHeader, checksum
from running_broker import RunningBroker

PRODUCE_VERSIONS = range(3, 14)
FETCH_VERSIONS = range(4, 19)


def _topic_id(client: RawClient, topic: str) -> UUID:
    answer = client.ask(
        "metadata",
        12,
        {
            "topics": [{"topic_id": None, "name": topic}],
            "allow_auto_topic_creation": False,
            "include_topic_authorized_operations": False,
        },
    )
    topic_id = answer.topics[0].topic_id
    assert isinstance(topic_id, UUID)
    return topic_id


def _produce(client: RawClient, topic: str, batch: bytes, *, version: int = 7, acks: int = 1) -> Any:
    values = produce_values(topic, batch, acks=acks)
    if version >= 13:
        values["topic_data"][0]["topic_id"] = _topic_id(client, topic)
    return client.ask("produce", version, values).responses[0].partition_responses[0]


def _fetch(client: RawClient, topic: str, offset: int, *, version: int = 11, **limits: int) -> Any:
    values = fetch_values(topic, offset, **limits)
    if version >= 13:
        values["topics"][0]["topic_id"] = _topic_id(client, topic)
    return client.ask("fetch", version, values).responses[0].partitions[0]


def _resealed(batch: bytes, change: tuple[int, bytes]) -> bytes:
    """A batch with some bytes changed, and its checksum made right again."""
    position, new = change
    altered = bytearray(batch)
    altered[position : position + len(new)] = new
    struct.pack_into(">I", altered, CHECKSUM_AT, checksum(altered))
    return bytes(altered)


@pytest.mark.parametrize("version", PRODUCE_VERSIONS)
@pytest.mark.parametrize("acks", [1, -1])
def test_a_batch_is_appended_at_every_version(kafka: RunningBroker, topic: str, version: int, acks: int) -> None:
    with RawClient(kafka.bootstrap) as client:
        create_topic(client, topic)
        for expected in (0, 2, 4):
            outcome = _produce(client, topic, batch_of(b"a", b"b"), version=version, acks=acks)
            assert (outcome.error_code, outcome.base_offset) == (ErrorCode.none, expected)


@pytest.mark.parametrize("version", FETCH_VERSIONS)
def test_batches_come_back_at_every_version_but_for_offset_and_epoch_as_they_were_sent(
    kafka: RunningBroker, topic: str, version: int
) -> None:
    sent = batch_of(b"one", b"two")
    with RawClient(kafka.bootstrap) as client:
        create_topic(client, topic)
        for _ in range(2):
            _produce(client, topic, sent)
        answer = _fetch(client, topic, 0, version=version)
        assert (answer.error_code, answer.high_watermark) == (ErrorCode.none, 4)
        assert len(answer.records) == 2 * len(sent)
        second = answer.records[len(sent) :]
        assert struct.unpack_from(">q", second) == (2,)
        assert second[16:] == sent[16:]
        assert _fetch(client, topic, 4, version=version).records in (b"", None)


def test_acks_0_has_no_answer(kafka: RunningBroker, topic: str) -> None:
    with RawClient(kafka.bootstrap) as client:
        create_topic(client, topic)
        client.send("produce", 7, produce_values(topic, batch_of(b"x"), acks=0), 1)
        assert _fetch_high_watermark(client, topic, correlation_id=2) == 1


def _fetch_high_watermark(client: RawClient, topic: str, correlation_id: int) -> int:
    answer = client.ask("fetch", 11, fetch_values(topic, 0), correlation_id)
    high_watermark: int = answer.responses[0].partitions[0].high_watermark
    return high_watermark


def test_a_failure_at_acks_0_closes_the_connection(kafka: RunningBroker, topic: str) -> None:
    with RawClient(kafka.bootstrap) as client:
        client.send("produce", 7, produce_values(topic, batch_of(b"x"), acks=0))
        assert client.is_closed_by_broker()


def test_acks_2_is_refused(kafka: RunningBroker, topic: str) -> None:
    with RawClient(kafka.bootstrap) as client:
        create_topic(client, topic)
        outcome = _produce(client, topic, batch_of(b"x"), acks=2)
    assert outcome.error_code == ErrorCode.invalid_required_acks


@pytest.mark.parametrize("version", [3, 8, 9, 12])
def test_an_unknown_topic_is_told(kafka: RunningBroker, topic: str, version: int) -> None:
    with RawClient(kafka.bootstrap) as client:
        outcome = _produce(client, topic, batch_of(b"x"), version=version)
    assert (outcome.error_code, outcome.base_offset) == (ErrorCode.unknown_topic_or_partition, -1)


def test_an_unknown_topic_id_is_told(kafka: RunningBroker) -> None:
    nobody = UUID(int=77)
    produced = produce_values("", batch_of(b"x"))
    produced["topic_data"][0]["topic_id"] = nobody
    fetched = fetch_values("", 0)
    fetched["topics"][0]["topic_id"] = nobody
    with RawClient(kafka.bootstrap) as client:
        outcome = client.ask("produce", 13, produced).responses[0].partition_responses[0]
        answer = client.ask("fetch", 13, fetched).responses[0].partitions[0]
    assert outcome.error_code == answer.error_code == ErrorCode.unknown_topic_id


def test_a_wrong_checksum_is_a_corrupt_message_and_nothing_is_appended(kafka: RunningBroker, topic: str) -> None:
    batch = bytearray(batch_of(b"x"))
    batch[-2] ^= 1
    with RawClient(kafka.bootstrap) as client:
        create_topic(client, topic)
        outcome = _produce(client, topic, bytes(batch), version=8)
        assert outcome.error_code == ErrorCode.corrupt_message
        assert outcome.error_message
        assert _fetch_high_watermark(client, topic, correlation_id=2) == 0


def test_a_batch_larger_than_its_topic_allows_is_told(kafka: RunningBroker, topic: str) -> None:
    with RawClient(kafka.bootstrap) as client:
        create_topic(client, topic, max_message_bytes="1000")
        assert _produce(client, topic, batch_of(b"x" * 2000)).error_code == ErrorCode.message_too_large
        assert _produce(client, topic, batch_of(b"x" * 500)).error_code == ErrorCode.none


@pytest.mark.parametrize(
    ("batch", "code"),
    [
        (b"", ErrorCode.invalid_record),
        (batch_of(b"x") * 2, ErrorCode.invalid_record),
        (_resealed(batch_of(b"x"), (ATTRIBUTES_AT, b"\x00\x20")), ErrorCode.invalid_record),
        (_resealed(batch_of(b"x"), (ATTRIBUTES_AT, b"\x00\x07")), ErrorCode.unsupported_compression_type),
        (_resealed(batch_of(b"x"), (23, b"\x00\x00\x00\x05")), ErrorCode.invalid_record),
        (batch_of(b"x", timestamp_ms=4_102_444_800_000), ErrorCode.invalid_timestamp),
    ],
    ids=["none", "two", "control", "codec", "count", "future"],
)
def test_a_batch_that_must_not_be_stored_is_refused(
    kafka: RunningBroker, topic: str, batch: bytes, code: ErrorCode
) -> None:
    with RawClient(kafka.bootstrap) as client:
        create_topic(client, topic)
        assert _produce(client, topic, batch, version=8).error_code == code


@pytest.mark.parametrize(("version", "code"), [(6, ErrorCode.unsupported_compression_type), (7, ErrorCode.none)])
def test_zstd_is_taken_only_from_clients_that_know_it(
    kafka: RunningBroker, topic: str, version: int, code: ErrorCode
) -> None:
    batch = _resealed(batch_of(b"x"), (ATTRIBUTES_AT, b"\x00\x04"))
    with RawClient(kafka.bootstrap) as client:
        create_topic(client, topic)
        assert _produce(client, topic, batch, version=version).error_code == code


@pytest.mark.parametrize(("version", "code"), [(9, ErrorCode.unsupported_compression_type), (10, ErrorCode.none)])
def test_a_zstd_topic_is_read_only_by_clients_that_know_it(
    kafka: RunningBroker, topic: str, version: int, code: ErrorCode
) -> None:
    with RawClient(kafka.bootstrap) as client:
        create_topic(client, topic, compression_type="zstd")
        assert _fetch(client, topic, 0, version=version).error_code == code


def test_a_compacted_topic_takes_no_record_without_a_key(kafka: RunningBroker, topic: str) -> None:
    mixed = bytes(encode_batch([(b"k", b"1"), (None, b"2")], 1_700_000_000_000))
    keyed = bytes(encode_batch([(b"k", b"1"), (b"k", None)], 1_700_000_000_000))
    with RawClient(kafka.bootstrap) as client:
        create_topic(client, topic, cleanup_policy="compact")
        refused = _produce(client, topic, mixed, version=8)
        assert refused.error_code == ErrorCode.invalid_record
        assert [error.batch_index for error in refused.record_errors] == [1]
        assert _produce(client, topic, keyed, version=8).error_code == ErrorCode.none


def test_a_client_may_not_write_to_an_internal_topic(kafka: RunningBroker) -> None:
    with RawClient(kafka.bootstrap) as client:
        outcome = _produce(client, "__consumer_offsets", batch_of(b"x"))
    assert outcome.error_code == ErrorCode.invalid_topic_exception


def test_transactional_writes_are_not_authorized(kafka: RunningBroker, topic: str) -> None:
    with RawClient(kafka.bootstrap) as client:
        create_topic(client, topic)
        values = produce_values(topic, batch_of(b"x")) | {"transactional_id": "t"}
        outcome = client.ask("produce", 7, values).responses[0].partition_responses[0]
    assert outcome.error_code == ErrorCode.transactional_id_authorization_failed


def _idempotent(producer_id: int, sequence: int, *values: bytes, epoch: int = 0) -> bytes:
    batch = bytearray(batch_of(*values))
    struct.pack_into(">qhi", batch, 43, producer_id, epoch, sequence)
    struct.pack_into(">I", batch, CHECKSUM_AT, checksum(batch))
    assert BatchHeader.parse(batch).base_sequence == sequence
    return bytes(batch)


def test_a_repeated_batch_is_answered_with_its_first_offset_and_a_gap_is_refused(
    kafka: RunningBroker, topic: str
) -> None:
    with RawClient(kafka.bootstrap) as client:
        create_topic(client, topic)
        producer_id = client.ask(
            "init_producer_id", 1, {"transactional_id": None, "transaction_timeout": 1000}
        ).producer_id
        assert _produce(client, topic, _idempotent(producer_id, 0, b"a", b"b")).base_offset == 0
        assert _produce(client, topic, _idempotent(producer_id, 2, b"c")).base_offset == 2
        repeated = _produce(client, topic, _idempotent(producer_id, 0, b"a", b"b"))
        assert (repeated.error_code, repeated.base_offset) == (ErrorCode.none, 0)
        gap = _produce(client, topic, _idempotent(producer_id, 9, b"z"))
        assert gap.error_code == ErrorCode.out_of_order_sequence_number
        assert _fetch_high_watermark(client, topic, correlation_id=2) == 3


def test_log_append_time_is_the_brokers(kafka: RunningBroker, topic: str) -> None:
    with RawClient(kafka.bootstrap) as client:
        create_topic(client, topic, message_timestamp_type="LogAppendTime")
        outcome = _produce(client, topic, batch_of(b"x"))
        stored = BatchHeader.parse(_fetch(client, topic, 0).records)
    assert outcome.log_append_time is not None
    assert stored.is_log_append_time
    assert stored.max_timestamp > 1_700_000_000_000


@pytest.mark.parametrize(("offset", "error"), [(2, ErrorCode.offset_out_of_range), (-1, ErrorCode.offset_out_of_range)])
def test_an_offset_outside_of_the_log_is_told(kafka: RunningBroker, topic: str, offset: int, error: ErrorCode) -> None:
    with RawClient(kafka.bootstrap) as client:
        create_topic(client, topic)
        _produce(client, topic, batch_of(b"x"))
        assert _fetch(client, topic, offset).error_code == error


def test_a_batch_larger_than_the_fetch_comes_whole(kafka: RunningBroker, topic: str) -> None:
    with RawClient(kafka.bootstrap) as client:
        create_topic(client, topic)
        sizes = [_produce(client, topic, batch_of(b"x" * 5000)).base_offset for _ in range(3)]
        assert sizes == [0, 1, 2]
        records = _fetch(client, topic, 0, max_bytes=100).records
    assert len(records) == BatchHeader.parse(records).size


def test_a_fetch_waits_for_as_many_bytes_as_it_asked_for(kafka: RunningBroker, topic: str) -> None:
    with RawClient(kafka.bootstrap) as reader, RawClient(kafka.bootstrap) as writer:
        create_topic(writer, topic)
        one = len(batch_of(b"x"))
        reader.send("fetch", 11, fetch_values(topic, 0, max_wait_ms=60_000, min_bytes=3 * one))
        for _ in range(3):
            _produce(writer, topic, batch_of(b"x"))
        assert len(reader.answer("fetch", 11).responses[0].partitions[0].records) == 3 * one


def test_a_fetch_does_not_wait_for_more_than_it_would_take(kafka: RunningBroker, topic: str) -> None:
    with RawClient(kafka.bootstrap) as client:
        create_topic(client, topic)
        _produce(client, topic, batch_of(b"x" * 2000))
        waiting = fetch_values(topic, 0, max_wait_ms=60_000, min_bytes=1 << 30, max_bytes=1000)
        assert client.ask("fetch", 11, waiting).responses[0].partitions[0].records


def test_a_fetch_that_waits_in_vain_is_answered_empty(kafka: RunningBroker, topic: str) -> None:
    with RawClient(kafka.bootstrap) as client:
        create_topic(client, topic)
        assert not _fetch(client, topic, 0, max_wait_ms=50).records


def test_a_fetch_that_waits_for_a_topic_is_answered_when_that_is_deleted(kafka: RunningBroker, topic: str) -> None:
    with RawClient(kafka.bootstrap) as reader, RawClient(kafka.bootstrap) as admin:
        create_topic(admin, topic)
        reader.send("fetch", 11, fetch_values(topic, 0, max_wait_ms=60_000))
        admin.ask("delete_topics", 1, {"topic_names": [topic], "timeout": 10_000})
        partition = reader.answer("fetch", 11).responses[0].partitions[0]
    assert partition.error_code == ErrorCode.unknown_topic_or_partition


@pytest.mark.parametrize(
    ("epoch", "code"), [(-1, ErrorCode.none), (0, ErrorCode.none), (99, ErrorCode.unknown_leader_epoch)]
)
def test_a_fetch_in_another_leader_epoch_is_told(kafka: RunningBroker, topic: str, epoch: int, code: ErrorCode) -> None:
    with RawClient(kafka.bootstrap) as client:
        create_topic(client, topic)
        values = fetch_values(topic, 0)
        values["topics"][0]["partitions"][0]["current_leader_epoch"] = epoch
        assert client.ask("fetch", 11, values).responses[0].partitions[0].error_code == code


def test_a_session_tells_only_what_is_new(kafka: RunningBroker, topic: str) -> None:
    with RawClient(kafka.bootstrap) as client:
        create_topic(client, topic)
        _produce(client, topic, batch_of(b"x"))
        first = client.ask("fetch", 11, fetch_values(topic, 0) | {"session_epoch": 0})
        assert first.session_id > 0
        assert len(first.responses) == 1
        go_on = fetch_values(topic, 1) | {"session_id": first.session_id}
        assert not client.ask("fetch", 11, go_on | {"session_epoch": 1}).responses
        _produce(client, topic, batch_of(b"y"))
        third = client.ask("fetch", 11, go_on | {"session_epoch": 2, "topics": []})
        assert b"y" in third.responses[0].partitions[0].records
        forgotten = [{"topic": topic, "partitions": (0,)}]
        fourth = go_on | {"session_epoch": 3, "topics": [], "forgotten_topics_data": forgotten}
        emptied = client.ask("fetch", 11, fourth)
        assert (emptied.session_id, emptied.responses) == (0, ()), "a session without partitions has ended"
        gone = client.ask("fetch", 11, go_on | {"session_epoch": 4})
        assert gone.error_code == ErrorCode.fetch_session_id_not_found


@pytest.mark.parametrize(
    ("last_epoch", "offset", "code", "diverges"),
    [
        (0, 1, ErrorCode.none, False),
        (0, 7, ErrorCode.none, True),
        (5, 1, ErrorCode.offset_out_of_range, False),
        (-1, 7, ErrorCode.offset_out_of_range, False),
    ],
    ids=["in step", "past the end of its epoch", "in an epoch that never was", "saying nothing of epochs"],
)
def test_a_reader_whose_epochs_part_from_ours_is_told_where(
    kafka: RunningBroker, topic: str, last_epoch: int, offset: int, code: ErrorCode, *, diverges: bool
) -> None:
    with RawClient(kafka.bootstrap) as client:
        create_topic(client, topic)
        _produce(client, topic, batch_of(b"x"))
        values = fetch_values(topic, offset)
        values["topics"][0]["partitions"][0]["last_fetched_epoch"] = last_epoch
        answer = client.ask("fetch", 12, values).responses[0].partitions[0]
    assert answer.error_code == code
    ours = (answer.diverging_epoch.epoch, answer.diverging_epoch.end_offset)
    assert ours == ((0, 1) if diverges else (-1, -1))


def test_a_session_that_is_unknown_or_out_of_step_is_told(kafka: RunningBroker, topic: str) -> None:
    with RawClient(kafka.bootstrap) as client:
        create_topic(client, topic)
        session = client.ask("fetch", 11, fetch_values(topic, 0) | {"session_epoch": 0}).session_id
        wrong_epoch = fetch_values(topic, 0) | {"session_id": session, "session_epoch": 7}
        assert client.ask("fetch", 11, wrong_epoch).error_code == ErrorCode.invalid_fetch_session_epoch
        unknown = fetch_values(topic, 0) | {"session_id": session ^ 1, "session_epoch": 1}
        assert client.ask("fetch", 11, unknown).error_code == ErrorCode.fetch_session_id_not_found


def test_many_partitions_are_produced_and_fetched_in_one_request(kafka: RunningBroker, topic: str) -> None:
    with RawClient(kafka.bootstrap) as client:
        create_topic(client, topic, partitions=5)
        values = produce_values(topic, b"")
        values["topic_data"][0]["partition_data"] = [
            {"index": index, "records": batch_of(b"%d" % index)} for index in range(5)
        ]
        outcomes = client.ask("produce", 9, values | {"acks": -1}).responses[0].partition_responses
        assert [(each.index, each.error_code) for each in outcomes] == [(index, 0) for index in range(5)]
        wanted = fetch_values(topic, 0)
        wanted["topics"][0]["partitions"] = [
            {"partition": index, "fetch_offset": 0, "partition_max_bytes": 1000} for index in range(5)
        ]
        partitions = client.ask("fetch", 12, wanted).responses[0].partitions
    assert [partition.records[-2:-1] for partition in partitions] == [b"%d" % index for index in range(5)]


def test_two_requests_in_one_packet_are_both_answered(kafka: RunningBroker, topic: str) -> None:
    with RawClient(kafka.bootstrap) as client:
        create_topic(client, topic)
        frames = [request_frame("produce", 7, produce_values(topic, batch_of(b"x")), number) for number in (1, 2)]
        client.socket.sendall(frames[0] + frames[1][:10])
        assert client.answer("produce", 7, 1).responses
        client.socket.sendall(frames[1][10:])
        assert client.answer("produce", 7, 2).responses
