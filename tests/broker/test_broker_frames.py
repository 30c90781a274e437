"""What the broker does with bytes: frames, their order, and what is not Kafka's protocol at all."""

from __future__ import annotations

import select
import socket
import struct

import pytest
from raw_client import (
    RawClient,
    batch_of,
    create_topic,
    fetch_values,
    header_bytes,
    produce_values,
    request_frame,
)

from running_broker import RunningBroker, StartBroker


def _metadata_of(topic: str) -> dict[str, object]:
    return {"topics": [{"name": topic}], "allow_auto_topic_creation": False}


def test_a_tls_client_is_told_apart_in_the_log(kafka: RunningBroker) -> None:
    with RawClient(kafka.bootstrap) as client:
        client.socket.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 100)
        assert client.is_closed_by_broker()
    kafka.wait_for_log("it speaks TLS")


def test_an_http_client_is_told_apart_in_the_log(kafka: RunningBroker) -> None:
    with RawClient(kafka.bootstrap) as client:
        client.socket.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.is_closed_by_broker()
    kafka.wait_for_log("it speaks HTTP")


def test_a_frame_larger_than_the_limit_closes_the_connection(kafka: RunningBroker) -> None:
    with RawClient(kafka.bootstrap) as client:
        client.socket.sendall(struct.pack(">i", 100 * 1024 * 1024 + 1) + b"\0" * 8)
        assert client.is_closed_by_broker()
    kafka.wait_for_log("is larger than socket.request.max.bytes=104857600")


@pytest.mark.parametrize("size", [0, -1, -(2**31)])
def test_a_frame_without_a_size_closes_the_connection(kafka: RunningBroker, size: int) -> None:
    with RawClient(kafka.bootstrap) as client:
        client.socket.sendall(struct.pack(">i", size))
        assert client.is_closed_by_broker()
    kafka.wait_for_log(f"its frame says {size} bytes")


@pytest.mark.parametrize(
    "body",
    [
        b"\0",
        struct.pack(">hhi", 3, 5, 1),
        struct.pack(">hhih", 3, 5, 1, 500) + b"x",
        header_bytes(3, 12, flexible=True) + b"\xff\xff\xff\xff\x7f",
        header_bytes(3, 5) + struct.pack(">i", 7),
        header_bytes(0, 7) + b"\xff\xff\0\1\0\0\0\0\xff\xff\xff\xff",
        header_bytes(1, 4) + b"\xff" * 4 + b"\0" * 13 + b"\xff" * 4,
        header_bytes(2, 1) + b"\xff" * 8,
        header_bytes(0, 7) + b"\xff\xff\0\1",
        header_bytes(0, 9, flexible=True) + b"\0\0\1\0\0\0\0\xff\xff\xff\xff\x0f",
        header_bytes(1, 11) + b"\0" * 20,
        header_bytes(1, 13, flexible=True) + b"\xff" * 40,
    ],
    ids=lambda body: body.hex()[:24],
)
def test_a_request_that_cannot_be_parsed_closes_its_connection_and_no_other(kafka: RunningBroker, body: bytes) -> None:
    with RawClient(kafka.bootstrap) as good, RawClient(kafka.bootstrap) as bad:
        bad.socket.sendall(struct.pack(">i", len(body)) + body)
        assert bad.is_closed_by_broker()
        assert good.ask("metadata", 5, {"topics": [], "allow_auto_topic_creation": False}).controller_id == 1


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"\0", "a frame of 1 bytes is too short for a request header"),
        (header_bytes(3, 5) + struct.pack(">i", 7), "its Metadata request of version 5 cannot be read: 7 items"),
        (header_bytes(0, 7) + b"\xff\xff\0\1", "Produce version 7: "),
        (header_bytes(1, 11) + b"\0" * 20, "Fetch version 11: "),
        (header_bytes(19, 8), "CreateTopics version 8 is not supported"),
        (header_bytes(1, 3), "Fetch version 3 is not supported"),
        (header_bytes(0, 2), "Produce version 2 is not supported: its message format has been retired"),
    ],
)
def test_why_a_request_closes_its_connection_is_in_the_log(kafka: RunningBroker, body: bytes, reason: str) -> None:
    with RawClient(kafka.bootstrap) as client:
        client.socket.sendall(struct.pack(">i", len(body)) + body)
        assert client.is_closed_by_broker()
    kafka.wait_for_log(reason)


def test_an_unknown_api_closes_the_connection(kafka: RunningBroker) -> None:
    body = header_bytes(999, 0)
    with RawClient(kafka.bootstrap) as client:
        client.socket.sendall(struct.pack(">i", len(body)) + body)
        assert client.is_closed_by_broker()
    kafka.wait_for_log("there is no API with key 999")


@pytest.mark.parametrize(("api_key", "version"), [(3, 14), (0, 2), (0, 14), (1, 3), (2, 0), (19, 8)])
def test_an_unsupported_version_closes_the_connection(kafka: RunningBroker, api_key: int, version: int) -> None:
    body = header_bytes(api_key, version)
    with RawClient(kafka.bootstrap) as client:
        client.socket.sendall(struct.pack(">i", len(body)) + body)
        assert client.is_closed_by_broker()


def test_an_unsupported_version_of_api_versions_is_answered_in_version_0(kafka: RunningBroker) -> None:
    body = header_bytes(18, 9, flexible=True) + b"\x02x\x02y\0"
    with RawClient(kafka.bootstrap) as client:
        client.socket.sendall(struct.pack(">i", len(body)) + body)
        answer = client.answer("api_versions", 0)
    assert answer.error_code == 35
    assert [(api.api_key, api.min_version, api.max_version) for api in answer.api_keys] == [(18, 0, 4)]


def test_a_request_that_arrives_byte_by_byte_is_answered(kafka: RunningBroker) -> None:
    with RawClient(kafka.bootstrap) as client:
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in request_frame("api_versions", 0, {}):
            client.socket.sendall(bytes([byte]))
        assert client.answer("api_versions", 0).error_code == 0


def test_pipelined_requests_are_answered_in_order(kafka: RunningBroker, topic: str) -> None:
    with RawClient(kafka.bootstrap) as client:
        create_topic(client, topic)
        frames = []
        for number in range(100):
            acks = -1 if number % 2 else 1
            frames.append(
                request_frame("produce", 7, produce_values(topic, batch_of(b"%d" % number), acks=acks), number)
            )
        client.socket.sendall(b"".join(frames))
        offsets = [
            client.answer("produce", 7, number).responses[0].partition_responses[0].base_offset for number in range(100)
        ]
    assert offsets == list(range(100))


def test_many_small_requests_in_one_packet_are_all_answered(kafka: RunningBroker) -> None:
    requests = 4000  # their answers are more than the broker holds for one connection before it sends
    with RawClient(kafka.bootstrap) as client:
        client.socket.sendall(b"".join(request_frame("api_versions", 0, {}, number) for number in range(requests)))
        assert all(client.answer("api_versions", 0, number).error_code == 0 for number in range(requests))


def test_requests_before_one_that_cannot_be_served_keep_their_answers(kafka: RunningBroker) -> None:
    with RawClient(kafka.bootstrap) as client:
        broken = header_bytes(3, 5) + struct.pack(">i", 7)
        client.socket.sendall(request_frame("api_versions", 0, {}, 7) + struct.pack(">i", len(broken)) + broken)
        assert client.answer("api_versions", 0, 7).error_code == 0
        assert client.is_closed_by_broker()


def test_a_waiting_fetch_holds_later_requests_of_its_connection(kafka: RunningBroker, topic: str) -> None:
    with RawClient(kafka.bootstrap) as client, RawClient(kafka.bootstrap) as other:
        create_topic(client, topic)
        client.send("fetch", 11, fetch_values(topic, 0, max_wait_ms=60_000), 1)
        client.send("produce", 7, produce_values(topic, batch_of(b"held")), 2)
        client.send("metadata", 5, _metadata_of(topic), 3)
        woken_by = other.ask("produce", 7, produce_values(topic, batch_of(b"wakes the fetch")))
        assert woken_by.responses[0].partition_responses[0].base_offset == 0, "the held one was not appended before it"
        records = client.answer("fetch", 11, 1).responses[0].partitions[0].records
        assert records is not None
        assert b"wakes the fetch" in records
        assert client.answer("produce", 7, 2).responses[0].partition_responses[0].base_offset == 1
        assert client.answer("metadata", 5, 3).topics[0].name == topic


def test_requests_of_a_client_that_has_gone_are_still_served(kafka: RunningBroker, topic: str) -> None:
    batches = [batch_of(b"%d" % number) for number in range(300)]  # more than are served in one turn of the loop
    with RawClient(kafka.bootstrap) as client:
        create_topic(client, topic)
    with RawClient(kafka.bootstrap) as client:
        client.socket.sendall(
            b"".join(request_frame("produce", 7, produce_values(topic, batch, acks=0)) for batch in batches)
        )
    with RawClient(kafka.bootstrap) as reader:
        values = fetch_values(topic, 0, max_wait_ms=60_000, min_bytes=sum(map(len, batches)))
        assert reader.ask("fetch", 11, values).responses[0].partitions[0].high_watermark == len(batches)


def test_a_request_that_waits_does_not_stop_other_connections(kafka: RunningBroker, topic: str) -> None:
    with RawClient(kafka.bootstrap) as waiting, RawClient(kafka.bootstrap) as other:
        create_topic(other, topic)
        waiting.send("fetch", 11, fetch_values(topic, 0, max_wait_ms=60_000))
        for _ in range(5):
            assert other.ask("metadata", 5, _metadata_of(topic)).topics[0].error_code == 0


def test_a_client_that_does_not_read_costs_bounded_memory_and_no_one_else(kafka: RunningBroker, topic: str) -> None:
    with RawClient(kafka.bootstrap, receive_buffer=4096) as slow, RawClient(kafka.bootstrap) as other:
        create_topic(other, topic, partitions=200)
        before = _resident_bytes(kafka.pid)
        slow.socket.settimeout(0.5)
        request = request_frame("metadata", 5, _metadata_of(topic))
        sent = _send_until_blocked(slow.socket, request * 1000)
        assert sent > len(request), "the broker took some of the requests"
        assert other.ask("metadata", 5, _metadata_of(topic)).topics[0].error_code == 0
        assert _resident_bytes(kafka.pid) - before < 32 << 20


def _send_until_blocked(sock: socket.socket, data: bytes) -> int:
    sent = 0
    try:
        while sent < 64 << 20:
            sent += sock.send(data)
    except TimeoutError:
        pass
    return sent


def _resident_bytes(pid: int) -> int:
    with open(f"/proc/{pid}/statm") as statm:
        return int(statm.read().split()[1]) * 4096


def test_a_request_split_over_a_growing_buffer_is_whole(kafka: RunningBroker, topic: str) -> None:
    big = b"x" * 900_000
    with RawClient(kafka.bootstrap) as client:
        create_topic(client, topic)
        frames = b"".join(
            request_frame("produce", 7, produce_values(topic, batch_of(b"%d" % number, big)), number)
            for number in range(4)
        )
        client.socket.sendall(frames)
        for number in range(4):
            outcome = client.answer("produce", 7, number).responses[0].partition_responses[0]
            assert (outcome.error_code, outcome.base_offset) == (0, 2 * number)


def test_a_client_that_does_not_read_is_closed_when_nothing_has_passed_for_long(broker: StartBroker) -> None:
    own = broker("--set", "connections.max.idle.ms=300")
    with RawClient(own.bootstrap, receive_buffer=4096) as slow:
        slow.socket.settimeout(0.1)
        assert _send_until_blocked(slow.socket, request_frame("api_versions", 0, {}) * 1000)
        poll = select.poll()
        poll.register(slow.socket, 0)  # a hang-up is told always
        assert poll.poll(60_000), "the connection is still open"
    with RawClient(own.bootstrap) as other:
        assert other.ask("api_versions", 0, {}).error_code == 0


def test_an_idle_connection_is_closed(broker: StartBroker) -> None:
    own = broker("--set", "connections.max.idle.ms=200")
    with RawClient(own.bootstrap) as client:
        assert client.ask("api_versions", 0, {}).error_code == 0
        assert client.is_closed_by_broker()
