"""The thread that fetches from one broker."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from riacho.client import fetch_message
from riacho.client.assignment import Assigned, Demand, FetchConfig
from riacho.client.broker_thread import start_broker_thread
from riacho.client.cluster import LEADERSHIP_ERRORS, Cluster, TopicPartition
from riacho.client.connection import Connection, Response
from riacho.client.errors import CorruptRecordsError, kafka_error
from riacho.client.fetch_message import Answer, FetchFrom, decode_fetch, encode_fetch
from riacho.client.records import decode_batches, list_batches
from riacho.client.routing import reset
from riacho.errors import RiachoError
from riacho.kernels import batch as layout

Bytes = NDArray[np.uint8]
Int64s = NDArray[np.int64]

RECHECK_MS = 20
"""How long a broker holds a fetch while a partition of it is left out for want of room: it may have room again."""

SMALL_ANSWER_BYTES = 1 << 16
"""An answer with less costs what its calls cost: where records trickle, thousands of them would take a core."""

SMALLEST_SHARE = 1 << 16
"""Of a response each partition has its share, so that all are read alike, but no fewer bytes than these."""

ASKED_WITHIN_S = 0.01
"""After a small answer the taker is waited for so long. One that takes longer over what it took finds more at once."""

_OFFSET_OUT_OF_RANGE = 1


@dataclass(frozen=True, slots=True)
class _Asked:
    """A partition in the request under way."""

    assigned: Assigned
    offset: int
    seeks: int


@dataclass(frozen=True, slots=True)
class _Received:
    """Batches of a partition that wait to be decoded."""

    asked: _Asked
    answer: Answer
    data: Bytes
    batches: Int64s


class FetchLoop:
    """Keeps one fetch under way to a broker, for the partitions that it leads; decodes while the next one waits.

    Ends when the connection breaks, which sends the partitions back to the router, and when none is left to it.
    """

    def __init__(
        self,
        cluster: Cluster,
        config: FetchConfig,
        node: int,
        changed: threading.Condition,
        lost: threading.Condition,
        demand: Demand,
        assigned: dict[TopicPartition, Assigned],
    ) -> None:
        self._cluster = cluster
        self._config = config
        self._node = node
        self._changed = changed
        self._lost = lost
        self._demand = demand
        self._assigned = assigned
        self._closing = threading.Event()
        self._connection: Connection | None = None
        self._asked: dict[TopicPartition, _Asked] = {}
        """The request under way. Guarded by `changed`."""
        self._turn = 0
        self.ended = False
        """Whether the loop asks for nothing more. Guarded by `changed`."""
        self._thread = start_broker_thread(f"riacho-fetch-{node}", self._fetch, self._release)

    def close(self) -> None:
        """End the thread, whatever it waits for."""
        with self._changed:
            self._closing.set()
            connection = self._connection
            self._changed.notify_all()
            self._demand.asked.notify_all()
        if connection is not None:
            connection.interrupt()
        self._thread.join(self._cluster.config.connect_timeout_ms / 1000)

    def _release(self, failure: RiachoError | None) -> None:
        """Leave the partitions to the router, or to the taker with what went wrong."""
        with self._changed:
            connection, self._connection = self._connection, None
            for one in self._asked.values():
                one.assigned.in_flight = False
            mine = [] if self.ended else self._mine()  # after the end they may be another loop's
            self.ended = True
            for assigned in mine:
                assigned.leader = None
                if failure is not None and assigned.error is None:
                    assigned.error = failure
            self._changed.notify_all()
            self._lost.notify_all()
        if connection is not None:
            connection.close()

    def _fetch(self) -> None:
        connection = self._cluster.connect(self._node)
        with self._changed:
            self._connection = connection
        version = connection.version("Fetch")
        assert version == fetch_message.VERSION
        timeout_ms = self._config.max_wait_ms + self._cluster.config.request_timeout_ms
        received: list[_Received] = []
        while True:
            asked, request = self._next_request(wait=not received)
            if asked:
                correlation = connection.send("Fetch", version, [request])
            self._decode(received)
            received = []
            if asked:
                response = connection.receive(timeout_ms)
                connection.expect(correlation, response)
                received = self._accept(asked, response)
                if received and response.frame.size < SMALL_ANSWER_BYTES:
                    self._decode(received)
                    received = []
                    self._gather()
            elif self.ended:
                return

    def _gather(self) -> None:
        """Leave records at the broker until the taker asks for some, and for a moment at least.

        What is fetched while it works on others would be old when it takes it, and takes the interpreter's lock from
        that work.
        """
        began = time.monotonic()
        with self._changed:
            self._demand.asked.wait_for(lambda: self._demand.unmet or self._closing.is_set(), ASKED_WITHIN_S)
        self._closing.wait(max(began + self._config.gathering_ms / 1000 - time.monotonic(), 0))

    def _mine(self) -> list[Assigned]:
        return [
            assigned
            for assigned in self._assigned.values()
            if assigned.leader is not None and assigned.leader.node == self._node
        ]

    def _next_request(self, *, wait: bool) -> tuple[dict[TopicPartition, _Asked], bytes]:
        """What to ask for next; nothing where there is no room (unless `wait`) or the loop is to end."""
        with self._changed:
            while True:
                mine = self._mine()
                if self._closing.is_set() or (wait and not mine):
                    self.ended = True
                    return {}, b""
                wanted = [assigned for assigned in mine if assigned.wanted]
                room = [assigned for assigned in wanted if self._has_room(assigned)]
                if room or not wait:
                    break
                self._changed.wait()
            if not room:
                return {}, b""
            for assigned in room:
                assigned.in_flight = True
            asked = {one.partition: _Asked(one, one.position, one.seeks) for one in room}
            self._asked = asked
            self._turn = (self._turn + 1) % len(room)
            room = room[self._turn :] + room[: self._turn]  # the broker fills a response from the first one on
            room.sort(key=lambda one: one.partition.topic)
            share = max(self._config.max_bytes // len(room), SMALLEST_SHARE)
            request = encode_fetch(
                [
                    FetchFrom(
                        one.partition,
                        one.leader.epoch if one.leader else -1,
                        one.position,
                        min(self._config.max_partition_bytes, share),
                    )
                    for one in room
                ],
                max_wait_ms=self._config.max_wait_ms if len(room) == len(wanted) else RECHECK_MS,
                min_bytes=self._config.min_bytes,
                max_bytes=self._config.max_bytes,
                read_committed=self._config.read_committed,
            )
        return asked, request

    def _has_room(self, assigned: Assigned) -> bool:
        allowed = self._config.max_partition_bytes * self._config.buffered_responses
        total = sum(one.buffered for one in self._assigned.values())
        return assigned.buffered < allowed and total < self._config.max_buffered_bytes

    def _accept(self, asked: dict[TopicPartition, _Asked], response: Response) -> list[_Received]:
        """Note the positions that the response brings each partition to, so that the next fetch may be sent."""
        error, answers = decode_fetch(response.frame.data, 5)
        if error:
            raise kafka_error(error, where=f"broker {self._node}")
        received = []
        failed: list[tuple[_Asked, Answer]] = []
        broken: list[tuple[_Asked, CorruptRecordsError]] = []
        for answer in answers:
            one = asked.get(answer.partition)
            if one is None:
                continue
            if answer.error:
                failed.append((one, answer))
                continue
            data = response.frame[answer.start : answer.end]
            try:
                received.append(_Received(one, answer, data, list_batches(data)))
            except CorruptRecordsError as corrupt:
                broken.append((one, corrupt))
        with self._changed:
            for one in asked.values():
                one.assigned.in_flight = False
            self._asked = {}
            for item in received:
                assigned = item.asked.assigned
                if assigned.seeks != item.asked.seeks:
                    continue
                assigned.high_watermark = item.answer.high_watermark
                assigned.log_start_offset = item.answer.log_start_offset
                if len(item.batches):
                    last = item.batches[-1]
                    assigned.advance(int(last[layout.NEXT_OFFSET]), int(last[layout.LEADER_EPOCH]), item.data.size)
            for one, answer in failed:
                if one.assigned.seeks == one.seeks:
                    self._handle(one.assigned, answer)
            for one, fault in broken:
                if one.assigned.seeks == one.seeks:
                    one.assigned.error = _located(fault, one)
            self._changed.notify_all()
            if failed:
                self._lost.notify_all()
        return [item for item in received if len(item.batches)]

    def _handle(self, assigned: Assigned, answer: Answer) -> None:
        """What an error means for a partition. The lock is held."""
        if answer.error == _OFFSET_OUT_OF_RANGE:
            start = answer.log_start_offset
            reason = "it is not in the log" + (f", which begins at {start}" if start >= 0 else "")
            reset(assigned, self._config.offset_reset, reason)
            return
        error = kafka_error(answer.error, where=str(assigned.partition))
        if error.retriable or error.name in LEADERSHIP_ERRORS:
            assigned.leader = None
        else:
            assigned.error = error

    def _decode(self, received: list[_Received]) -> None:
        """Decode, without the lock, and queue the records; nothing of what a seek has made obsolete."""
        for item in received:
            one = item.asked
            assigned = one.assigned
            columns = None
            failure = None
            try:
                columns = decode_batches(
                    assigned.partition.topic,
                    assigned.partition.partition,
                    item.data,
                    item.batches,
                    from_offset=one.offset,
                    until_offset=layout.NO_END if assigned.until is None else assigned.until,
                    aborted=item.answer.aborted,
                    producer_id=self._config.producer_id,
                )
            except CorruptRecordsError as corrupt:
                failure = _located(corrupt, one)
            with self._changed:
                if assigned.seeks != one.seeks:
                    continue
                if columns is None:
                    assigned.error = failure
                else:
                    assigned.deliver(columns, item.data.size)
                self._changed.notify_all()


def _located(error: CorruptRecordsError, asked: _Asked) -> CorruptRecordsError:
    where = f"{asked.assigned.partition}, fetched from offset {asked.offset}"
    return CorruptRecordsError(error.what, where=where)
