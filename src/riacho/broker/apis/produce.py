"""Produce (key 0): append record batches.

Behaviour
    The request is parsed where it lies in the receive buffer; each partition's batch is checked by its header and
    CRC and appended from there. acks=0 has no answer (a failure closes the connection, so that the producer notices),
    acks=1 is answered after the write, acks=all after an fsync shared with all that wait (see `hosted_partition`).
    Batches of idempotent producers are checked for order; a repeated one is answered with its first offset (KIP-98).
    Records are looked into only for compacted topics, where each needs a key.
Versions
    Served: 3–13 (9+ flexible, 13+ topic ids, KIP-516). Advertised from 0, as Kafka does, because old librdkafka
    takes a higher minimum for a broker without compression (KAFKA-18659); 0–2 close the connection.
Errors
    UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID, INVALID_TOPIC_EXCEPTION (internal topics), INVALID_REQUIRED_ACKS,
    NOT_ENOUGH_REPLICAS, TRANSACTIONAL_ID_AUTHORIZATION_FAILED, KAFKA_STORAGE_ERROR, and what the log finds:
    CORRUPT_MESSAGE, INVALID_RECORD, MESSAGE_TOO_LARGE, RECORD_LIST_TOO_LARGE, INVALID_TIMESTAMP,
    UNSUPPORTED_COMPRESSION_TYPE, OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_PRODUCER_EPOCH.
KIPs
    98 (idempotence), 110 (zstd, from version 7 on), 467 (record errors), 516 (topic ids), 890 (transactional versions).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from riacho.broker.errors import CloseConnectionError, ErrorCode
from riacho.broker.metadata.state import INTERNAL_TOPICS
from riacho.broker.openings import NotYetError
from riacho.broker.produced import Outcome, append_batch, refuse
from riacho.broker.wire import (
    MalformedRequestError,
    RequestHeader,
    TopicRef,
    put_compact_string,
    put_string,
    put_topic,
    put_unsigned_varint,
    skip_tags,
    unsigned_varint,
)

if TYPE_CHECKING:
    from riacho.broker.broker import Broker
    from riacho.broker.connection import AnswerSlot

API_KEY = 0
VERSIONS = (0, 13)
FIRST_SERVED = 3
_FIRST_FLEXIBLE = 9
_FIRST_WITH_TOPIC_IDS = 13
_FIRST_WITH_LOG_START = 5
_FIRST_WITH_RECORD_ERRORS = 8

_SHORT = struct.Struct(">h")
_INT = struct.Struct(">i")
_ACKS_TIMEOUT = struct.Struct(">hi")
_OUTCOME = struct.Struct(">ihqq")
_OUTCOME_AND_START = struct.Struct(">ihqqq")
_NO_ERRORS = b"\x01\x00\x00"
"""No record errors, no message, no tags: what follows nearly every outcome."""
_FRAME = struct.Struct(">ii")


class _PartitionRequest(NamedTuple):
    topic: TopicRef
    partition: int
    start: int
    """Where its records begin in the buffer."""
    length: int
    """How long they are; −1 where there are none."""


class _Request(NamedTuple):
    transactional: bool
    acks: int
    partitions: list[_PartitionRequest]


def serve(broker: Broker, slot: AnswerSlot, header: RequestHeader, buffer: bytearray, end: int) -> None:
    """Serve one request from the buffer. Raises `MalformedRequestError`, `CloseConnectionError`, `NotYetError`."""
    version = header.version
    if not FIRST_SERVED <= version <= VERSIONS[1]:
        raise CloseConnectionError(f"Produce version {version} is not supported: its message format has been retired")
    request = _parse(buffer, header.position, end, version)
    waiting = _Waiting(slot, request, version, header.correlation_id)
    if request.acks not in (0, 1, -1):
        waiting.refuse_all(ErrorCode.invalid_required_acks)
    elif request.transactional:
        waiting.refuse_all(ErrorCode.transactional_id_authorization_failed)
    else:
        name_of = broker.metadata.name_of
        names = [(name_of(wanted.topic), wanted.partition) for wanted in request.partitions]
        # Internal topics are refused, and need not be opened for that.
        opening = broker.opening([name for name in names if name[0] not in INTERNAL_TOPICS])
        if opening is not None:
            raise NotYetError(opening)
        view = memoryview(buffer)
        for position, wanted in enumerate(request.partitions):
            topic = names[position][0]
            batch = view[wanted.start : wanted.start + wanted.length] if wanted.length >= 0 else view[:0]
            if topic is None:
                waiting.settle(position, refuse(ErrorCode.unknown_topic_id))
            else:
                append_batch(
                    broker,
                    topic,
                    wanted.partition,
                    batch,
                    version=version,
                    acks=request.acks,
                    settle=waiting.settler(position),
                )
        broker.due_fetches.answer()
    waiting.begun()


class _Waiting:
    """A request whose partitions settle one by one; the last one sends the answer."""

    __slots__ = ("_correlation_id", "_outcomes", "_request", "_slot", "_unsettled", "_version")

    def __init__(self, slot: AnswerSlot, request: _Request, version: int, correlation_id: int) -> None:
        self._slot = slot
        self._request = request
        self._version = version
        self._correlation_id = correlation_id
        self._outcomes: list[Outcome | None] = [None] * len(request.partitions)
        self._unsettled = len(request.partitions) + 1  # one for `begun`, so that nothing is answered half-way

    def settler(self, position: int) -> _Settler:
        return _Settler(self, position)

    def settle(self, position: int, outcome: Outcome) -> None:
        self._outcomes[position] = outcome
        self._count_down()

    def refuse_all(self, code: ErrorCode) -> None:
        for position in range(len(self._outcomes)):
            self.settle(position, refuse(code))

    def begun(self) -> None:
        """Every partition has been begun."""
        self._count_down()

    def _count_down(self) -> None:
        self._unsettled -= 1
        if self._unsettled == 0:
            self._answer()

    def _answer(self) -> None:
        outcomes = [outcome for outcome in self._outcomes if outcome is not None]
        assert len(outcomes) == len(self._outcomes), "every partition has settled"
        if self._request.acks == 0:
            failed = next((outcome for outcome in outcomes if outcome.code), None)
            if failed is not None:
                self._slot.close(f"a batch it sent with acks=0 was refused: {failed.message or failed.code.name}")
            else:
                self._slot.answer()
            return
        self._slot.answer(_encode(self._version, self._correlation_id, self._request.partitions, outcomes))


class _Settler:
    """Settles one partition of a waiting request."""

    __slots__ = ("_position", "_waiting")

    def __init__(self, waiting: _Waiting, position: int) -> None:
        self._waiting = waiting
        self._position = position

    def __call__(self, outcome: Outcome) -> None:
        self._waiting.settle(self._position, outcome)


def _parse(buffer: bytearray, position: int, end: int, version: int) -> _Request:
    try:
        if version >= _FIRST_FLEXIBLE:
            request, position = _parse_flexible(buffer, position, end, version)
        else:
            request, position = _parse_plain(buffer, position, end)
    except (struct.error, UnicodeDecodeError, IndexError) as error:
        raise MalformedRequestError(f"Produce version {version}: {error}") from error
    if position > end:
        raise MalformedRequestError(f"Produce version {version}: the request reaches past its frame")
    return request


def _parse_plain(buffer: bytearray, position: int, end: int) -> tuple[_Request, int]:
    (length,) = _SHORT.unpack_from(buffer, position)
    position += 2 + max(length, 0)
    acks, _timeout = _ACKS_TIMEOUT.unpack_from(buffer, position)
    (topics,) = _INT.unpack_from(buffer, position + 6)
    position += 10
    _check_count(topics)
    partitions: list[_PartitionRequest] = []
    for _ in range(topics):
        (name_length,) = _SHORT.unpack_from(buffer, position)
        if name_length < 0:
            raise MalformedRequestError("Produce: a topic's name is null")
        position += 2
        name = buffer[position : position + name_length].decode()
        (count,) = _INT.unpack_from(buffer, position + name_length)
        position += name_length + 4
        _check_count(count)
        for _ in range(count):
            index, size = _FRAME.unpack_from(buffer, position)
            position += 8
            if size > end - position:
                raise MalformedRequestError("Produce: records reach past their frame")
            partitions.append(_PartitionRequest(name, index, position, size))
            position += max(size, 0)
    return _Request(length >= 0, acks, partitions), position


def _parse_flexible(buffer: bytearray, position: int, end: int, version: int) -> tuple[_Request, int]:
    position = skip_tags(buffer, position, end)
    length, position = unsigned_varint(buffer, position, end)
    position += max(length - 1, 0)
    acks, _timeout = _ACKS_TIMEOUT.unpack_from(buffer, position)
    topics, position = unsigned_varint(buffer, position + 6, end)
    _check_count(topics - 1)
    partitions: list[_PartitionRequest] = []
    for _ in range(topics - 1):
        topic: TopicRef
        if version >= _FIRST_WITH_TOPIC_IDS:
            topic = bytes(buffer[position : position + 16])
            position += 16
        else:
            name_length, position = unsigned_varint(buffer, position, end)
            if name_length == 0:
                raise MalformedRequestError("Produce: a topic's name is null")
            topic = buffer[position : position + name_length - 1].decode()
            position += name_length - 1
        count, position = unsigned_varint(buffer, position, end)
        _check_count(count - 1)
        for _ in range(count - 1):
            (index,) = _INT.unpack_from(buffer, position)
            size, position = unsigned_varint(buffer, position + 4, end)
            if size - 1 > end - position:
                raise MalformedRequestError("Produce: records reach past their frame")
            partitions.append(_PartitionRequest(topic, index, position, size - 1))
            position = skip_tags(buffer, position + max(size - 1, 0), end)
        position = skip_tags(buffer, position, end)
    return _Request(length > 0, acks, partitions), skip_tags(buffer, position, end)


def _check_count(count: int) -> None:
    if count < 0:
        raise MalformedRequestError("Produce: an array is null")


def _encode(
    version: int, correlation_id: int, partitions: list[_PartitionRequest], outcomes: list[Outcome]
) -> bytearray:
    """The answer: partitions grouped by topic as they came."""
    flexible = version >= _FIRST_FLEXIBLE
    out = bytearray(_FRAME.pack(0, correlation_id))
    if flexible:
        out.append(0)
    groups = _by_topic(partitions)
    _put_count(out, len(groups), flexible=flexible)
    for topic, positions in groups:
        put_topic(out, topic, flexible=flexible)
        _put_count(out, len(positions), flexible=flexible)
        for position in positions:
            _put_outcome(out, version, partitions[position].partition, outcomes[position])
        if flexible:
            out.append(0)
    out += b"\0\0\0\0"  # no throttling
    if flexible:
        out.append(0)
    _INT.pack_into(out, 0, len(out) - 4)
    return out


def _by_topic(partitions: list[_PartitionRequest]) -> list[tuple[TopicRef, list[int]]]:
    groups: list[tuple[TopicRef, list[int]]] = []
    for position, wanted in enumerate(partitions):
        if groups and groups[-1][0] == wanted.topic:
            groups[-1][1].append(position)
        else:
            groups.append((wanted.topic, [position]))
    return groups


def _put_outcome(out: bytearray, version: int, index: int, outcome: Outcome) -> None:
    flexible = version >= _FIRST_FLEXIBLE
    code, base_offset, log_append_time_ms, log_start_offset, record_errors, message = outcome
    if version < _FIRST_WITH_LOG_START:
        out += _OUTCOME.pack(index, code, base_offset, log_append_time_ms)
        return
    out += _OUTCOME_AND_START.pack(index, code, base_offset, log_append_time_ms, log_start_offset)
    if version < _FIRST_WITH_RECORD_ERRORS:
        return
    if flexible and not record_errors and message is None:
        out += _NO_ERRORS
        return
    put = put_compact_string if flexible else put_string
    _put_count(out, len(record_errors), flexible=flexible)
    for at, fault in record_errors:
        out += _INT.pack(at)
        put(out, fault)
        if flexible:
            out.append(0)
    put(out, message)
    if flexible:
        out.append(0)


def _put_count(out: bytearray, count: int, *, flexible: bool) -> None:
    if flexible:
        put_unsigned_varint(out, count + 1)
    else:
        out += _INT.pack(count)
