"""Finds the leader of each partition that has none, and the offset to begin with; checks for truncations."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from riacho.client.assignment import NO_EPOCH, Assigned, FetchConfig, OffsetReset
from riacho.client.cluster import NO_LEADER, Cluster, TopicPartition
from riacho.client.errors import OffsetOutOfRangeError
from riacho.client.offsets import EARLIEST, LATEST, epoch_ends, list_offsets
from riacho.client.retry import Backoff
from riacho.errors import RiachoError

log = logging.getLogger(__name__)


def reset(assigned: Assigned, policy: OffsetReset, reason: str, truncated_to: int | None = None) -> None:
    """Apply the policy to a partition whose position is not in the log, or no longer what was read."""
    if policy is OffsetReset.FAIL:
        assigned.error = OffsetOutOfRangeError(
            f"reading cannot go on at offset {assigned.position}: {reason}",
            where=str(assigned.partition),
            mend="begin again at another offset, or set scan.startup.mode / auto.offset.reset",
        )
        return
    log.warning("%s: offset %d: %s; resetting", assigned.partition, assigned.position, reason)
    start = EARLIEST if policy is OffsetReset.EARLIEST else LATEST
    assigned.position = start if truncated_to is None else truncated_to
    assigned.epoch = NO_EPOCH
    assigned.leader = None


class Router:
    """A thread that waits for partitions without a leader and asks the cluster for one."""

    def __init__(
        self,
        cluster: Cluster,
        config: FetchConfig,
        changed: threading.Condition,
        lost: threading.Condition,
        assigned: dict[TopicPartition, Assigned],
        start_loop: Callable[[int], None],
    ) -> None:
        """`lost`, over the lock of `changed`, tells of a partition that has no leader any more, or none yet."""
        self._cluster = cluster
        self._config = config
        self._changed = changed
        self._lost = lost
        self._assigned = assigned
        self._start_loop = start_loop
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="riacho-fetch-router", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread, whatever it waits for."""
        self._stop.set()
        with self._lost:
            self._lost.notify_all()
        self._thread.join(self._cluster.config.request_timeout_ms / 1000)

    def _run(self) -> None:
        failure: RiachoError | None = RiachoError("the routing thread ended; its traceback is on stderr")
        try:
            while self._wait_for_work():
                self._work()
            failure = None
        finally:
            if failure is not None:
                self._fail(failure)

    def _wait_for_work(self) -> bool:
        """Wait until a partition has no leader: false where the thread is to end."""
        with self._lost:
            while not self._stop.is_set() and not self._unrouted():
                self._lost.wait()
        return not self._stop.is_set()

    def _work(self) -> None:
        """Find leaders until all partitions have one, or the API time-out has passed."""
        backoff = Backoff(self._cluster.config)
        while True:
            with self._changed:
                unrouted = self._unrouted()
            if not unrouted:
                # A leader that the metadata names may be gone: then the next round must not follow at once.
                self._stop.wait(self._cluster.config.retry_backoff_ms / 1000)
                return
            try:
                self._route(unrouted)
            except RiachoError as error:
                self._fail(error)
            with self._changed:
                left = self._unrouted()
            if left and not backoff.pause(self._stop):
                self._give_up(left)

    def _unrouted(self) -> list[Assigned]:
        return [assigned for assigned in self._assigned.values() if assigned.unrouted]

    def _fail(self, error: RiachoError) -> None:
        with self._changed:
            for assigned in self._unrouted():
                assigned.error = error
            self._changed.notify_all()

    def _give_up(self, partitions: list[Assigned]) -> None:
        names = ", ".join(str(assigned.partition) for assigned in partitions)
        self._fail(RiachoError(f"no broker leads {names}", mend="see whether the topic still exists"))

    def _route(self, unrouted: list[Assigned]) -> None:
        """One round: whatever finds no leader in it stays for the next one."""
        self._cluster.refresh({assigned.partition.topic for assigned in unrouted}, stop=self._stop)
        led = []
        for assigned in unrouted:
            leader = self._cluster.leader(assigned.partition)
            if leader is not None and leader.node != NO_LEADER:
                led.append((assigned, leader, assigned.seeks))
        starts = {one.partition: one.position for one, _, _ in led if one.position < 0}
        found = list_offsets(self._cluster, starts, read_committed=self._config.read_committed, stop=self._stop)
        checks = {
            one.partition: one.epoch
            for one, leader, _ in led
            if one.position >= 0 and one.epoch != NO_EPOCH and leader.epoch > one.checked_epoch
        }
        ends = epoch_ends(self._cluster, checks, stop=self._stop)
        with self._changed:
            for assigned, leader, seeks in led:
                if assigned.seeks != seeks:
                    continue  # it was moved in the meantime: the next round is for it
                end = ends.get(assigned.partition)
                if assigned.partition in found:
                    assigned.position = found[assigned.partition].offset
                    if not assigned.blocks:
                        assigned.consumed = assigned.position
                elif end is not None and 0 <= end.offset < assigned.position:
                    reset(
                        assigned,
                        self._config.offset_reset,
                        f"the log was truncated to offset {end.offset} by a new leader",
                        truncated_to=end.offset,
                    )
                    if assigned.error is not None:
                        continue
                assigned.leader = leader
                assigned.checked_epoch = leader.epoch
                self._start_loop(leader.node)
            self._changed.notify_all()
