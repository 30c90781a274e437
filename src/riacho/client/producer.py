"""Produces columns of records: partitioned, batched, compressed, sent by background threads, in order."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from riacho.client.batches import NO_PRODUCER, RECORD_OVERHEAD, Batch, BufferPool, record_size
from riacho.client.cluster import NO_LEADER, Cluster, TopicPartition
from riacho.client.columns import ProduceColumns
from riacho.client.compression import codec_number
from riacho.client.errors import DeliveryError, UnreachableError
from riacho.client.lane import Lane
from riacho.client.send_loop import Outbox, SendLoop
from riacho.errors import RiachoError, UsageError
from riacho.kernels.partition import NO_PARTITION, partition_by_key, partition_in_turn, rows_by_partition

Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]

MAX_IN_FLIGHT: Final = 5
"""Batches a partition under way: as many as a broker remembers of each idempotent producer."""


@dataclass(frozen=True, slots=True)
class ProducerConfig:
    """How a producer produces. Names follow Kafka's producer; times are in milliseconds."""

    acks: int = -1
    """-1: the broker answers when the records are as safe as it can make them; 1: when it has them; 0: never."""
    idempotent: bool = True
    """No repeats when a request is sent again; only with `acks=-1`."""
    compression: str = "none"
    batch_size: int = 1_000_000
    """Bytes of a batch before compression; below Kafka's default `max.message.bytes`."""
    linger_ms: float = 0
    """How long a batch waits for more records while a request could be sent."""
    buffer_memory: int = 64 << 20
    """Bytes that may wait for their acknowledgement before `produce` blocks."""
    max_block_ms: float = 60_000
    delivery_timeout_ms: float = 120_000
    create_topics: bool = True
    """Let the broker make a missing topic, if its `auto.create.topics.enable` says so."""


class Producer:
    """Sends records to their partitions' leaders; each partition's in the order in which they were produced.

    The first failure that trying again cannot mend ends the producer: it raises `DeliveryError` from then on, and
    what it had not acknowledged may or may not be in the log. Methods may be called from any thread.
    """

    def __init__(self, cluster: Cluster, config: ProducerConfig | None = None) -> None:
        self._config = ProducerConfig() if config is None else config
        if self._config.acks not in (-1, 0, 1):
            raise UsageError(f"acks cannot be {self._config.acks}", mend="one of: -1 (all), 0, 1")
        self._cluster = cluster
        self._clock = cluster.config.clock
        self._out = Outbox(
            cluster=cluster,
            acks=self._config.acks,
            idempotent=self._config.idempotent and self._config.acks == -1,
            codec=codec_number(self._config.compression),
            linger_ms=self._config.linger_ms,
            delivery_timeout_ms=self._config.delivery_timeout_ms,
            pool=BufferPool(self._config.batch_size, self._config.buffer_memory // self._config.batch_size),
        )
        self._turns: dict[str, tuple[int, int]] = {}
        self._stop = threading.Event()
        self._loops: dict[int, SendLoop] = {}
        self._router = threading.Thread(target=self._run_router, name="riacho-produce-router", daemon=True)
        self._router.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(0 if kind is not None else self._config.delivery_timeout_ms)

    @property
    def acknowledged(self) -> int:
        """How many records the brokers have acknowledged so far; with `acks=0`, how many were sent."""
        with self._out.changed:
            return self._out.acknowledged

    @property
    def producer_id(self) -> int:
        """The id in the batches of this producer from now on (KIP-98); −1 where it is not idempotent.

        The first call may ask a broker for one. Raises `RiachoError` where that fails.
        """
        return self._out.known_identity().producer_id if self._out.idempotent else NO_PRODUCER

    def produce(self, topic: str, columns: ProduceColumns) -> None:
        """Queue records. The columns are copied: they may change after the call.

        Waits while `buffer_memory` is used up, at most `max_block_ms`. Raises `KafkaError` where the topic cannot be
        used, `DeliveryError` where sending has failed.
        """
        count = len(columns)
        if not count:
            return
        timestamp = columns.timestamp
        if timestamp is None:
            timestamp = np.full(count, self._clock.now_ms(), np.int64)
        for partition, rows in self._split(topic, columns).items():
            first = 0
            while first < rows.size:
                with self._out.changed:
                    self._wait_for_room()
                    first += self._append(partition, columns, timestamp, rows, first)
                    self._out.wake(partition)

    def flush(self, timeout_ms: float | None = None) -> None:
        """Return once all that was produced is acknowledged. Raises `DeliveryError`, also after `timeout_ms`.

        The default time-out is `delivery_timeout_ms`.
        """
        limit = self._config.delivery_timeout_ms if timeout_ms is None else timeout_ms
        deadline = self._clock.monotonic_ms() + limit
        out = self._out
        with out.changed:
            out.flushing += 1
            out.wake_all()
            try:
                while out.held:
                    out.check()
                    left = deadline - self._clock.monotonic_ms()
                    if left <= 0:
                        waiting = ", ".join(str(lane.partition) for lane in out.lanes.values() if not lane.idle)
                        raise DeliveryError(
                            f"records are not acknowledged after {limit:.0f} ms{out.reason()}", where=waiting
                        )
                    out.changed.wait(left / 1000)
                out.check()
            finally:
                out.flushing -= 1

    def close(self, timeout_ms: float | None = None) -> None:
        """Flush, then end the threads; with 0 milliseconds what is not acknowledged is dropped."""
        try:
            if timeout_ms != 0:
                self.flush(timeout_ms)
        finally:
            self._stop.set()
            with self._out.changed:
                self._out.closed = True
                self._out.wake_all()
                loops = list(self._loops.values())
            for loop in loops:
                loop.close()
            self._router.join(self._cluster.config.request_timeout_ms / 1000)

    def _split(self, topic: str, columns: ProduceColumns) -> dict[TopicPartition, Int64s]:
        """The rows of each partition, in order."""
        leaders = self._cluster.partitions(topic, create=self._config.create_topics)
        total = max(leaders) + 1
        count = len(columns)
        given = columns.partition
        if given is None and total == 1:
            return {TopicPartition(topic, 0): np.arange(count, dtype=np.int64)}
        if isinstance(given, int):
            if given not in leaders:
                raise _no_partition(topic, given, total)
            return {TopicPartition(topic, given): np.arange(count, dtype=np.int64)}
        if given is not None:
            chosen = given
        else:
            chosen = np.full(count, NO_PARTITION, np.int32)
            if columns.key is not None:
                key = columns.key
                partition_by_key(key.data, key.start, key.length, total, chosen)
            self._stick(topic, columns, chosen)
        ends = np.empty(total, np.int64)
        rows = np.empty(count, np.int64)
        wrong = rows_by_partition(chosen, ends, rows)
        if wrong >= 0:
            raise _no_partition(topic, int(chosen[wrong]), total)
        starts = [0, *ends[:-1].tolist()]
        return {
            TopicPartition(topic, index): rows[start:end]
            for index, (start, end) in enumerate(zip(starts, ends.tolist(), strict=True))
            if start < end
        }

    def _stick(self, topic: str, columns: ProduceColumns, chosen: Int32s) -> None:
        """Choose for records without a key: a partition that has a leader, until a batch of it is full."""
        leaders = self._cluster.partitions(topic)
        available = [index for index, leader in leaders.items() if leader.node != NO_LEADER] or list(leaders)
        with self._out.changed:
            turn, filled = self._turns.get(topic, (random.randrange(len(available)), 0))
            self._turns[topic] = partition_in_turn(
                np.array(available, np.int32),
                columns.value.length,
                turn % len(available),
                filled,
                self._config.batch_size,
                chosen,
            )

    def _append(
        self, partition: TopicPartition, columns: ProduceColumns, timestamp: Int64s, rows: Int64s, first: int
    ) -> int:
        """Append to the partition's batch, or to a new one where it is full: how many rows."""
        lane = self._out.lanes.get(partition)
        if lane is None:
            in_flight = MAX_IN_FLIGHT if self._out.idempotent or self._config.acks == 0 else 1
            lane = self._out.lanes[partition] = Lane(partition, in_flight)
        while True:
            batch = lane.filling
            if batch is None:
                size = record_size(columns, int(rows[first]))
                buffer = (
                    self._out.pool.get()
                    if size < self._config.batch_size - RECORD_OVERHEAD
                    else np.empty(size + RECORD_OVERHEAD, np.uint8)
                )
                batch = lane.filling = Batch(buffer, self._clock.monotonic_ms())
                self._out.held += batch.size
            before = batch.size
            written = batch.append(columns, timestamp, rows, first)
            self._out.held += batch.size - before
            if first + written < rows.size:
                lane.close_filling()
            if written:
                return written

    def _wait_for_room(self) -> None:
        out = self._out
        deadline = self._clock.monotonic_ms() + self._config.max_block_ms
        while out.held >= self._config.buffer_memory:
            out.check()
            left = deadline - self._clock.monotonic_ms()
            if left <= 0:
                raise DeliveryError(
                    f"{out.held} bytes of records wait for acknowledgement since {self._config.max_block_ms:.0f} ms",
                    mend="see whether the broker is up, or give the producer more buffer_memory",
                )
            out.changed.wait(left / 1000)
        out.check()

    def _run_router(self) -> None:
        failure: RiachoError | None = RiachoError("the routing thread ended; its traceback is on stderr")
        try:
            self._route()
            failure = None
        finally:
            if failure is not None:
                self._out.fail(failure)

    def _route(self) -> None:
        """Find the leader of each lane that has records but none, and give up what waited too long."""
        out = self._out
        while True:
            with out.lost:
                unrouted = [lane for lane in out.lanes.values() if lane.unrouted]
                while not out.closed and (not unrouted or out.failure is not None):
                    out.lost.wait()
                    unrouted = [lane for lane in out.lanes.values() if lane.unrouted]
                if out.closed:
                    return
            try:
                self._cluster.refresh({lane.partition.topic for lane in unrouted}, stop=self._stop)
            except UnreachableError:
                out.expire()
                continue
            except RiachoError as error:
                out.fail(error)
                continue
            with out.changed:
                for lane in unrouted:
                    leader = self._cluster.leader(lane.partition)
                    if leader is not None and leader.node != NO_LEADER:
                        lane.leader = leader
                        self._start_loop(leader.node)
                out.wake_all()
            out.expire()
            # A leader that the metadata names may be gone: then the next round must not follow at once.
            self._stop.wait(self._cluster.config.retry_backoff_ms / 1000)

    def _start_loop(self, node: int) -> None:
        """Make sure that a thread sends to this broker. The lock is held."""
        loop = self._loops.get(node)
        if not self._out.closed and (loop is None or loop.ended):
            self._loops[node] = SendLoop(self._out, node)


def _no_partition(topic: str, index: int, total: int) -> RiachoError:
    return RiachoError(f"the topic has no partition {index}; it has {total}", where=topic)
