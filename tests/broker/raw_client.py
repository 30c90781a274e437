"""A client of one socket that says exactly what a test wants it to say."""

from __future__ import annotations

import io
import socket
import struct
from collections.abc import Mapping
from typing import Any

from riacho.broker import wire
from riacho.broker.record_batch import encode_batch
from riacho.broker.registry import load_apis

DEADLINE_SECONDS = 60.0
API_KEYS = {api.name: api.key for api in load_apis().values()}


class RawClient:
    """Sends requests and reads answers, one frame at a time."""

    def __init__(self, bootstrap: str, *, receive_buffer: int | None = None) -> None:
        host, _, port = bootstrap.rpartition(":")
        self.socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(DEADLINE_SECONDS)
        self.socket.connect((host, int(port)))

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, api: str, version: int, values: Mapping[str, Any], correlation_id: int = 1) -> None:
        """Send a request, from the field names of its version."""
        self.socket.sendall(request_frame(api, version, values, correlation_id))

    def ask(self, api: str, version: int, values: Mapping[str, Any], correlation_id: int = 1) -> Any:
        """Send a request and return its answer as kio's entity."""
        self.send(api, version, values, correlation_id)
        return self.answer(api, version, correlation_id)

    def answer(self, api: str, version: int, correlation_id: int = 1) -> Any:
        """The next answer, which must be to that request."""
        from kio.serial import entity_reader

        frame = self.frame()
        assert struct.unpack_from(">i", frame)[0] == correlation_id, "the answers are out of order"
        kind = wire.response_type(api, version)
        entity, end = entity_reader(kind.entity)(frame, 5 if kind.flexible_header else 4)
        assert (5 if kind.flexible_header else 4) + end == len(frame), "the answer has bytes to spare"
        return entity

    def frame(self) -> bytes:
        """The next frame, without its length."""
        (size,) = struct.unpack(">i", self._exactly(4))
        return self._exactly(size)

    def is_closed_by_broker(self) -> bool:
        """Wait until the broker closes the connection; false where it answers instead."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True

    def _exactly(self, size: int) -> bytes:
        chunks = bytearray()
        while len(chunks) < size:
            chunk = self.socket.recv(min(size - len(chunks), 1 << 20))
            assert chunk, f"the broker closed the connection after {len(chunks)} of {size} bytes"
            chunks += chunk
        return bytes(chunks)


def request_frame(api: str, version: int, values: Mapping[str, Any], correlation_id: int = 1) -> bytes:
    """A whole frame, length first."""
    from kio.serial import entity_writer

    kind = wire._entity_class(api, version, "request")
    header = header_bytes(API_KEYS[api], version, correlation_id, flexible=kind.__flexible__)
    out = io.BytesIO()
    entity_writer(kind)(out, wire.build(kind, values))
    body = header + out.getvalue()
    return struct.pack(">i", len(body)) + body


def header_bytes(api_key: int, version: int, correlation_id: int = 1, *, flexible: bool = False) -> bytes:
    """A request header, version 1 or 2."""
    return struct.pack(">hhih", api_key, version, correlation_id, 4) + b"test" + (b"\0" if flexible else b"")


def produce_values(topic: str, batch: bytes, *, acks: int = 1, partition: int = 0) -> dict[str, Any]:
    """The fields of a Produce request of versions 3 to 12."""
    return {
        "transactional_id": None,
        "acks": acks,
        "timeout": 10_000,
        "topic_data": [{"name": topic, "partition_data": [{"index": partition, "records": batch}]}],
    }


def batch_of(*values: bytes, timestamp_ms: int = 1_700_000_000_000) -> bytes:
    """An uncompressed batch of records without keys."""
    return bytes(encode_batch([(None, value) for value in values], timestamp_ms))


def fetch_values(
    topic: str, offset: int, *, max_wait_ms: int = 0, min_bytes: int = 1, max_bytes: int = 1 << 20
) -> dict[str, Any]:
    """The fields of a Fetch request of versions 4 to 12."""
    return {
        "replica_id": -1,
        "max_wait": max_wait_ms,
        "min_bytes": min_bytes,
        "max_bytes": max_bytes,
        "isolation_level": 0,
        "session_id": 0,
        "session_epoch": -1,
        "topics": [
            {
                "topic": topic,
                "partitions": [{"partition": 0, "fetch_offset": offset, "partition_max_bytes": max_bytes}],
            }
        ],
        "forgotten_topics_data": [],
        "rack_id": "",
    }


def create_topic(client: RawClient, name: str, partitions: int = 1, **configs: str) -> None:
    """Make a topic; `retention_ms="1"` stands for retention.ms."""
    answer = client.ask(
        "create_topics",
        5,
        {
            "topics": [
                {
                    "name": name,
                    "num_partitions": partitions,
                    "replication_factor": 1,
                    "assignments": [],
                    "configs": [{"name": key.replace("_", "."), "value": value} for key, value in configs.items()],
                }
            ],
            "timeout": 10_000,
            "validate_only": False,
        },
    )
    assert answer.topics[0].error_code == 0, answer.topics[0].error_message
