"""The thread that sends one broker what its partitions have, and what it shares with the producer."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, NamedTuple

from riacho.client.batches import NO_IDENTITY, Batch, BufferPool, Identity
from riacho.client.broker_thread import start_broker_thread
from riacho.client.cluster import Cluster, TopicPartition
from riacho.client.connection import Connection, Wake
from riacho.client.errors import DeliveryError, KafkaError, UnreachableError, check, kafka_error
from riacho.client.lane import Lane, Refusal
from riacho.client.produce_message import Produced, decode_produce, encode_produce
from riacho.client.waiting import AFTER_MS
from riacho.errors import RiachoError

log = logging.getLogger(__name__)

MAX_REQUESTS: Final = 5
"""Requests under way to one broker, as Kafka's `max.in.flight.requests.per.connection`."""
MAX_REQUEST_BATCHES: Final = 256
"""Two buffers a batch must stay below the kernel's limit of 1024 for one call."""
MAX_REQUEST_BYTES: Final = 16 << 20
"""Below Kafka's default `socket.request.max.bytes` of 100 MiB, and not so much that others wait long."""

_DUPLICATE_SEQUENCE: Final = "DUPLICATE_SEQUENCE_NUMBER"
_IDENTITY_LOST: Final = frozenset({"OUT_OF_ORDER_SEQUENCE_NUMBER", "UNKNOWN_PRODUCER_ID", "INVALID_PRODUCER_EPOCH"})
_STALE_LEADER: Final = frozenset(
    {
        "NOT_LEADER_OR_FOLLOWER",
        "LEADER_NOT_AVAILABLE",
        "UNKNOWN_TOPIC_OR_PARTITION",
        "KAFKA_STORAGE_ERROR",
        "FENCED_LEADER_EPOCH",
    }
)


@dataclass(slots=True, eq=False)
class Outbox:
    """What a producer and its threads share, all of it guarded by the lock of `changed` and `lost`."""

    cluster: Cluster
    acks: int
    idempotent: bool
    codec: int
    linger_ms: float
    delivery_timeout_ms: float
    pool: BufferPool
    changed: threading.Condition = field(init=False)
    """Told of whatever a caller of the producer may wait for."""
    lost: threading.Condition = field(init=False)
    """Told of records whose partition has no leader, or none any more, and of the end. Of its own: woken for every
    acknowledgement, the thread that looks for leaders would take the GIL hundreds of times a second.
    """
    lanes: dict[TopicPartition, Lane] = field(default_factory=dict)
    held: int = 0
    """Bytes of batches that are not acknowledged."""
    acknowledged: int = 0
    """Records of batches that are; with `acks=0`, that were sent."""
    identity: Identity = NO_IDENTITY
    failure: DeliveryError | None = None
    flushing: int = 0
    """How many threads wait in `flush`: nothing lingers while there is one."""
    closed: bool = False
    wakes: dict[int, Wake] = field(default_factory=dict)
    """How to interrupt each sending thread, by its broker."""

    def __post_init__(self) -> None:
        lock = threading.RLock()
        self.changed = threading.Condition(lock)
        self.lost = threading.Condition(lock)

    def check(self) -> None:
        """Raise what ended the producer."""
        if self.failure is not None:
            raise self.failure
        if self.closed:
            raise DeliveryError("the producer is closed")

    def wake(self, partition: TopicPartition) -> None:
        """Tell the thread that sends this partition's records, or the one that looks for its leader."""
        leader = self.lanes[partition].leader
        wake = None if leader is None else self.wakes.get(leader.node)
        if wake is not None:
            wake.set()
        else:
            self.lost.notify_all()

    def wake_all(self) -> None:
        """Tell all threads that something has changed."""
        for wake in self.wakes.values():
            wake.set()
        self.changed.notify_all()
        self.lost.notify_all()

    def linger(self) -> float:
        return 0.0 if self.flushing or self.closed else self.linger_ms

    def fail(self, error: RiachoError, partition: TopicPartition | None = None) -> None:
        """End the producer: drop what it holds, and raise this from now on."""
        with self.changed:
            if self.failure is None:
                where = error.where if partition is None else str(partition)
                self.failure = DeliveryError(f"records were not produced: {error.what}", where=where, mend=error.mend)
                self.failure.__cause__ = error
            self.lanes.clear()
            self.held = 0
            self.wake_all()

    def expire(self) -> None:
        """End the producer where records wait longer than the delivery time-out."""
        now = self.cluster.config.clock.monotonic_ms()
        with self.changed:
            late = [lane for lane in self.lanes.values() if lane.oldest_ms() + self.delivery_timeout_ms < now]
        if late:
            waited = f"the broker did not take them within {self.delivery_timeout_ms:.0f} ms{_reason(late)}"
            self.fail(DeliveryError(waited), late[0].partition)

    def known_identity(self, node: int | None = None) -> Identity:
        """The producer's id and epoch, asked for where there is none yet. Raises `RiachoError`."""
        with self.changed:
            identity = self.identity
        return identity if identity is not NO_IDENTITY else self.new_identity(node)

    def new_identity(self, node: int | None = None) -> Identity:
        """Another id and epoch, from a broker. Raises `RiachoError`."""
        response = self.cluster.call(
            "InitProducerId",
            node=node,
            transactional_id=None,
            transaction_timeout=timedelta(milliseconds=self.cluster.config.request_timeout_ms),
            producer_id=NO_IDENTITY.producer_id,
            producer_epoch=NO_IDENTITY.epoch,
        )
        check(response.error_code, "the broker gives no producer id")
        identity = Identity(response.producer_id, response.producer_epoch)
        with self.changed:
            self.identity = identity
        return identity

    def reason(self) -> str:
        """Why records wait, as far as a broker has said: the end of a sentence. The lock is held."""
        return _reason(self.lanes.values())

    def release(self, batch: Batch) -> None:
        """Forget a batch that is acknowledged."""
        self.held -= batch.size
        self.acknowledged += batch.count
        self.pool.put(batch.buffer)


def _reason(lanes: Iterable[Lane]) -> str:
    return next((f": {lane.refusal.reason}" for lane in lanes if lane.refusal is not None), "")


class _Sent(NamedTuple):
    """A request under way: its batches by partition, and when it is given up."""

    correlation: int
    batches: dict[TopicPartition, tuple[Lane, Batch]]
    deadline_ms: float


class SendLoop:
    """Sends to one broker, several requests at a time, until the connection breaks or the producer ends."""

    def __init__(self, out: Outbox, node: int) -> None:
        self._out = out
        self._node = node
        self._clock = out.cluster.config.clock
        self._sent: deque[_Sent] = deque()
        self._wake = Wake()
        out.wakes[node] = self._wake
        self.ended = False
        self._thread = start_broker_thread(f"riacho-produce-{node}", self._send_until_closed, self._release)

    def close(self) -> None:
        """Wait for the thread's end, which `Outbox.closed` has brought about."""
        self._thread.join(self._out.cluster.config.request_timeout_ms / 1000)

    def _release(self, failure: RiachoError | None) -> None:
        """Queue what is under way again, and leave the partitions to be routed."""
        out = self._out
        if failure is not None:
            out.fail(failure)
        with out.changed:
            self.ended = True
            if out.wakes.get(self._node) is self._wake:
                del out.wakes[self._node]
            self._wake.close()
            for sent in self._sent:
                for lane, batch in sent.batches.values():
                    lane.fail(batch, self._retry_at(lane))
            self._sent.clear()
            for lane in self._mine():
                lane.leader = None
            out.changed.notify_all()
            out.lost.notify_all()

    def _send_until_closed(self) -> None:
        connection = self._out.cluster.connect(self._node)
        try:
            while True:
                while len(self._sent) < MAX_REQUESTS and self._send(connection):
                    pass
                with self._out.changed:
                    if self._out.closed or self._out.failure is not None:
                        return
                    due = self._next_event_ms()
                if connection.wait(self._wake, due - self._clock.monotonic_ms()):
                    self._receive(connection)
                elif self._sent and self._sent[0].deadline_ms <= self._clock.monotonic_ms():
                    raise UnreachableError("the broker does not answer", where=connection.address)
        finally:
            connection.close()

    def _mine(self) -> list[Lane]:
        return [lane for lane in self._out.lanes.values() if lane.leader is not None and lane.leader.node == self._node]

    def _next_event_ms(self) -> float:
        """When there will be something to do that no one wakes this thread for."""
        due = [sent.deadline_ms for sent in self._sent]
        if len(self._sent) < MAX_REQUESTS:
            due += [lane.due_ms(self._out.linger()) for lane in self._mine()]
        idle = self._clock.monotonic_ms() + self._out.cluster.config.request_timeout_ms
        return min([*due, idle])

    def _send(self, connection: Connection) -> bool:
        """Send one request with a batch of every partition that has one to send: whether there was any."""
        out = self._out
        taken: dict[TopicPartition, tuple[Lane, Batch]] = {}
        size = 0
        with out.changed:
            now = self._clock.monotonic_ms()
            for lane in self._mine():
                if len(taken) == MAX_REQUEST_BATCHES or size >= MAX_REQUEST_BYTES:
                    break
                if lane.sendable(now, out.linger()):
                    batch = lane.take()
                    size += batch.size
                    taken[lane.partition] = (lane, batch)
        if not taken:
            return False
        # Noted before anything may fail, so that no batch is lost with the thread.
        self._sent.append(_Sent(-1, taken, float("inf")))
        for lane, batch in taken.values():
            self._prepare(lane, batch)
        timeout_ms = out.cluster.config.request_timeout_ms
        views = {partition: batch.sealed for partition, (_, batch) in taken.items() if batch.sealed is not None}
        body = encode_produce(views, acks=out.acks, timeout_ms=timeout_ms)
        correlation = connection.send("Produce", connection.version("Produce"), body)
        self._sent.pop()
        if out.acks:
            self._sent.append(_Sent(correlation, taken, self._clock.monotonic_ms() + timeout_ms))
        else:
            with out.changed:
                for lane, batch in taken.values():
                    lane.acknowledge(batch)
                    out.release(batch)
                out.changed.notify_all()
        return True

    def _prepare(self, lane: Lane, batch: Batch) -> None:
        """Seal a batch that is sent for the first time; number one that has no sequence number."""
        first = batch.sealed is None
        if first:
            batch.seal(self._out.codec)
        if not self._out.idempotent:
            if first:
                batch.stamp(NO_IDENTITY, -1)
        elif batch.sequence < 0:
            if lane.identity is NO_IDENTITY:
                lane.identity = self._out.known_identity(self._node)
            batch.stamp(lane.identity, lane.assign_sequence(batch))

    def _receive(self, connection: Connection) -> None:
        response = connection.receive()
        if not self._sent:
            raise UnreachableError("the broker sent what was not asked for", where=connection.address)
        sent = self._sent.popleft()
        answered: set[TopicPartition] = set()
        try:
            connection.expect(sent.correlation, response)
            for produced in decode_produce(response.body):
                if produced.partition in sent.batches:
                    answered.add(produced.partition)
                    self._settle(*sent.batches[produced.partition], produced)
        finally:
            left = {partition: pair for partition, pair in sent.batches.items() if partition not in answered}
            if left:
                with self._out.changed:
                    for lane, batch in left.values():
                        lane.fail(batch, self._retry_at(lane))

    def _settle(self, lane: Lane, batch: Batch, produced: Produced) -> None:
        """What an answer means for its batch."""
        out = self._out
        error = kafka_error(produced.error, produced.message or None) if produced.error else None
        renewed = None
        if error is not None and error.name in _IDENTITY_LOST and out.idempotent:
            with out.changed:
                renew = lane.in_flight and lane.in_flight[0] is batch
            # A batch behind one that failed is refused for the gap, and is in order when both are sent again.
            renewed = out.new_identity(self._node) if renew else None
        elif error is not None and error.name != _DUPLICATE_SEQUENCE and not error.retriable:
            out.fail(error, lane.partition)
            return
        with out.changed:
            if out.failure is not None:
                return
            if error is None or error.name == _DUPLICATE_SEQUENCE:
                lane.acknowledge(batch)
                out.release(batch)
                self._note_end_of_refusal(lane)
            else:
                lane.fail(batch, self._retry_at(lane))
                self._note_refusal(lane, error)
                if renewed is not None:
                    lane.renew(renewed)
                if error.name in _STALE_LEADER:
                    lane.leader = None
                    out.lost.notify_all()
            out.changed.notify_all()
        if error is not None:
            out.expire()

    def _note_refusal(self, lane: Lane, error: KafkaError) -> None:
        """Tell the log why records wait, once it lasts: silence would look like a hang."""
        now = self._clock.monotonic_ms()
        if lane.refusal is None:
            lane.refusal = Refusal(error.what, now)
        refusal = lane.refusal
        refusal.reason = error.what
        if not refusal.told and now - refusal.since_ms >= AFTER_MS:
            refusal.told = True
            log.warning("%s takes no records for now: %s", lane.partition, error.what)

    def _note_end_of_refusal(self, lane: Lane) -> None:
        if lane.refusal is not None:
            if lane.refusal.told:
                log.warning("%s takes records again", lane.partition)
            lane.refusal = None

    def _retry_at(self, lane: Lane) -> float:
        config = self._out.cluster.config
        doublings = min(lane.failures, 10)  # any more is past the maximum
        pause = min(config.retry_backoff_ms << doublings, config.retry_backoff_max_ms)
        return self._clock.monotonic_ms() + pause
