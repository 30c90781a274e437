"""Fetches assigned partitions in the background and hands their records over as columns."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Self

from riacho.client.assignment import Assigned, Demand, FetchConfig
from riacho.client.cluster import Cluster, TopicPartition
from riacho.client.columns import RecordColumns
from riacho.client.fetch_loop import FetchLoop
from riacho.client.routing import Router

DEFAULT_MAX_ROWS = 1 << 20
DEFAULT_MAX_BYTES = 64 << 20


class Fetcher:
    """Reads partitions from their leaders: one thread a broker keeps one fetch under way and decodes what came.

    Each partition's records are handed over in the order of their offsets; partitions take turns. What is fetched
    and not taken yet is bounded by `FetchConfig`. Methods may be called from any thread.

        fetcher = Fetcher(cluster)
        fetcher.assign({TopicPartition("bids", 0): EARLIEST})
        for columns in fetcher.fetch(max_wait_ms=100): ...
    """

    def __init__(
        self, cluster: Cluster, config: FetchConfig | None = None, *, on_arrival: Callable[[], None] | None = None
    ) -> None:
        """`on_arrival` is called by a background thread when there is something to take; it must not wait."""
        self._cluster = cluster
        self._on_arrival = on_arrival
        self._config = FetchConfig() if config is None else config
        lock = threading.RLock()
        self._changed = threading.Condition(lock)
        self._lost = threading.Condition(lock)
        """Of its own: woken for every fetch, the routing thread would take the GIL a thousand times a second."""
        self._demand = Demand(lock)
        self._assigned: dict[TopicPartition, Assigned] = {}
        self._turn = 0
        self._woken = False
        self._closed = False
        self._loops: dict[int, FetchLoop] = {}
        self._router = Router(cluster, self._config, self._changed, self._lost, self._assigned, self._start_loop)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def assign(
        self,
        positions: Mapping[TopicPartition, int],
        *,
        until: Mapping[TopicPartition, int] | None = None,
    ) -> None:
        """Add partitions, from an offset or from `EARLIEST` or `LATEST`.

        Those in `until` end before that offset; `finished` then tells when all are read. Raises `KafkaError` where
        a topic or partition does not exist.
        """
        for partition in positions:
            self._cluster.require(partition)
        ends = until or {}
        with self._changed:
            for partition, offset in positions.items():
                assert partition not in self._assigned, f"{partition} is assigned already"
                self._assigned[partition] = Assigned(
                    partition, offset, ends.get(partition), on_arrival=self._on_arrival
                )
            self._lost.notify_all()

    def unassign(self, partitions: Iterable[TopicPartition]) -> None:
        """Read these no longer; what was fetched of them is dropped."""
        with self._changed:
            for partition in partitions:
                self._assigned.pop(partition).seeks += 1
            self._changed.notify_all()

    def fetch(
        self,
        *,
        max_rows: int = DEFAULT_MAX_ROWS,
        max_bytes: int = DEFAULT_MAX_BYTES,
        max_wait_ms: float = 0,
        multiple_of: int = 1,
    ) -> list[RecordColumns]:
        """What has arrived, at most so many records and (but for one record) bytes; waits only while nothing has.

        Where as many as `multiple_of` records have arrived, and the bytes allow it, they are a multiple of that.
        Empty after `max_wait_ms` milliseconds, after `wakeup`, or where nothing more is wanted. Raises what ended
        the fetching of a partition, once its earlier records are taken.
        """
        clock = self._cluster.config.clock
        deadline = clock.monotonic_ms() + max_wait_ms
        with self._changed:
            while True:
                taken = self._take(max_rows, max_bytes, multiple_of)
                if taken:
                    self._demand.unmet = False
                    self._changed.notify_all()
                    return taken
                self._demand.ask()
                for assigned in self._assigned.values():
                    if assigned.error is not None and not assigned.blocks:
                        raise assigned.error
                left = deadline - clock.monotonic_ms()
                if self._woken or self._closed or left <= 0 or self._finished():
                    self._woken = False
                    return []
                self._changed.wait(left / 1000)

    def wakeup(self) -> None:
        """Make the `fetch` that waits, or else the next one that would, return at once."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def pause(self, partitions: Iterable[TopicPartition]) -> None:
        """Neither fetch these nor hand over what was fetched, until `resume`."""
        self._set_paused(partitions, paused=True)

    def resume(self, partitions: Iterable[TopicPartition]) -> None:
        """Go on with paused partitions."""
        self._set_paused(partitions, paused=False)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Go on from another offset, or from `EARLIEST` or `LATEST`."""
        with self._changed:
            assigned = self._assigned[partition]
            assigned.move(offset)
            assigned.leader = None
            self._changed.notify_all()
            self._lost.notify_all()

    def positions(self) -> dict[TopicPartition, int]:
        """Where the taker goes on: after the last record taken, gaps included. What to commit.

        `EARLIEST` or `LATEST` where nothing was taken and the leader has not yet said which offset that is.
        """
        with self._changed:
            return {partition: assigned.consumed for partition, assigned in self._assigned.items()}

    def high_watermarks(self) -> dict[TopicPartition, int]:
        """The offset after the last record in each log, as the last response said; -1 before the first one."""
        with self._changed:
            return {partition: assigned.high_watermark for partition, assigned in self._assigned.items()}

    def lag(self) -> dict[TopicPartition, int]:
        """How many offsets there are between each position and its high watermark; only of partitions that answered."""
        with self._changed:
            return {
                partition: max(assigned.high_watermark - assigned.consumed, 0)
                for partition, assigned in self._assigned.items()
                if assigned.high_watermark >= 0 and assigned.consumed >= 0
            }

    @property
    def waiting(self) -> int:
        """How many records have arrived and are not taken."""
        with self._changed:
            return sum(assigned.waiting for assigned in self._assigned.values())

    @property
    def finished(self) -> bool:
        """Whether every partition has an end and was taken up to it."""
        with self._changed:
            return self._finished()

    def close(self) -> None:
        """End the threads and drop what was not taken."""
        with self._changed:
            self._closed = True
            loops = list(self._loops.values())
            self._changed.notify_all()
        self._router.close()
        for loop in loops:
            loop.close()
        with self._changed:
            self._assigned.clear()

    def _finished(self) -> bool:
        return all(assigned.finished for assigned in self._assigned.values())

    def _set_paused(self, partitions: Iterable[TopicPartition], *, paused: bool) -> None:
        with self._changed:
            for partition in partitions:
                self._assigned[partition].paused = paused
            self._changed.notify_all()

    def _take(self, max_rows: int, max_bytes: int, multiple_of: int) -> list[RecordColumns]:
        """Blocks of the partitions in turn, until there are no more or a limit is reached."""
        order = [assigned for assigned in self._assigned.values() if assigned.blocks and not assigned.paused]
        if multiple_of > 1 and (waiting := sum(assigned.waiting for assigned in order)) > multiple_of:
            max_rows = min(max_rows, waiting // multiple_of * multiple_of)
        taken: list[RecordColumns] = []
        if order:
            self._turn = (self._turn + 1) % len(order)
            order = order[self._turn :] + order[: self._turn]
        while order:
            for assigned in list(order):
                columns, size = assigned.take(max_rows, max_bytes)
                if columns is None:
                    order.remove(assigned)
                    continue
                taken.append(columns)
                max_rows -= len(columns)
                max_bytes -= size
                if max_rows <= 0 or max_bytes <= 0:
                    return taken
        return taken

    def _start_loop(self, node: int) -> None:
        """Make sure that a thread fetches from this broker. The lock is held."""
        loop = self._loops.get(node)
        if not self._closed and (loop is None or loop.ended):
            self._loops[node] = FetchLoop(
                self._cluster, self._config, node, self._changed, self._lost, self._demand, self._assigned
            )
