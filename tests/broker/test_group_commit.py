"""Group commit: who shares an fsync, and what waits for one."""

from __future__ import annotations

import asyncio
import errno
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

from riacho.broker.group_commit import DiskThreads, GroupCommit
from riacho.broker.hosted_partition import HostedPartition, WriteRules
from riacho.broker.record_batch import encode_batch
from riacho.host import ManualClock
from riacho.log.config import LogConfig
from riacho.log.header import BatchHeader
from riacho.log.partition import Appended, Partition
from simulated_disk import SimulatedDisk

DEADLINE_SECONDS = 60.0


def _run(test: Callable[[DiskThreads], Awaitable[None]]) -> None:
    async def body() -> None:
        defects: list[BaseException] = []
        threads = DiskThreads(asyncio.get_running_loop(), defects.append)
        try:
            await asyncio.wait_for(test(threads), DEADLINE_SECONDS)
        finally:
            threads.close()
        assert not defects

    asyncio.run(body())


class _SlowSync:
    """A sync that ends when the test lets it."""

    def __init__(self) -> None:
        self.count = 0
        self.begun = threading.Event()
        self.may_end = threading.Event()
        self.error: OSError | None = None

    def __call__(self) -> None:
        self.count += 1
        self.begun.set()
        assert self.may_end.wait(DEADLINE_SECONDS)
        if self.error is not None:
            raise self.error


async def _until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0)


def test_all_who_wait_in_one_turn_share_one_sync_and_later_ones_the_next() -> None:
    async def body(threads: DiskThreads) -> None:
        sync = _SlowSync()
        commit = GroupCommit(threads, sync)
        told: list[str] = []
        for name in "abc":
            commit.after_sync(lambda error, name=name: told.append(name))
        await _until(sync.begun.is_set)
        for name in "de":
            commit.after_sync(lambda error, name=name: told.append(name))
        assert told == []
        sync.may_end.set()
        await _until(lambda: len(told) == 5)
        assert told == list("abcde")
        assert sync.count == 2

    _run(body)


def test_nothing_is_written_while_a_sync_runs() -> None:
    async def body(threads: DiskThreads) -> None:
        sync = _SlowSync()
        commit = GroupCommit(threads, sync)
        events: list[str] = []
        assert not commit.busy
        commit.after_sync(lambda error: events.append("durable"))
        await _until(lambda: commit.busy)
        for number in range(3):
            commit.enqueue(lambda number=number: events.append(f"write {number}"))
        assert events == []
        sync.may_end.set()
        await _until(lambda: len(events) == 4)
        assert events == ["durable", "write 0", "write 1", "write 2"]
        assert not commit.busy

    _run(body)


def test_work_alone_waits_for_the_sync_and_holds_the_next() -> None:
    async def body(threads: DiskThreads) -> None:
        sync = _SlowSync()
        commit = GroupCommit(threads, sync)
        events: list[str] = []
        commit.run_alone(lambda: events.append("alone"), lambda error: events.append("told"))
        commit.after_sync(lambda error: events.append("durable"))
        await _until(sync.begun.is_set)
        assert events == []
        sync.may_end.set()
        await _until(lambda: len(events) == 3)
        assert events == ["durable", "alone", "told"]

    _run(body)


def test_work_alone_has_its_turn_on_a_partition_where_somebody_always_waits_for_a_sync() -> None:
    async def body(threads: DiskThreads) -> None:
        commit = GroupCommit(threads, lambda: None)
        syncs = 0
        done = False

        def wait_again(_error: OSError | None) -> None:
            nonlocal syncs
            syncs += 1
            if not done:
                commit.after_sync(wait_again)

        def finished(_error: OSError | None) -> None:
            nonlocal done
            done = True

        commit.after_sync(wait_again)
        await _until(lambda: syncs > 0)
        commit.run_alone(lambda: None, finished)
        before = syncs
        await _until(lambda: done or syncs > before + 10)
        assert done

    _run(body)


def test_a_failed_sync_is_told_to_all_who_waited() -> None:
    async def body(threads: DiskThreads) -> None:
        sync = _SlowSync()
        sync.error = OSError(errno.EIO, "input/output error")
        sync.may_end.set()
        commit = GroupCommit(threads, sync)
        told: list[OSError | None] = []
        for _ in range(3):
            commit.after_sync(told.append)
        await _until(lambda: len(told) == 3)
        assert told == [sync.error] * 3

    _run(body)


def _hosted(threads: DiskThreads, disk: SimulatedDisk, rules: WriteRules) -> HostedPartition:
    directory = Path("/data/t-0")
    disk.make_directory(directory)
    log = Partition.open(directory, LogConfig(), disk=disk, clock=ManualClock(), leader_epoch=0)
    return HostedPartition("t", 0, log, rules, threads, disk)


def _append(
    hosted: HostedPartition, *, durable: bool, told: list[Appended | Exception | None], records: int = 1
) -> None:
    batch = encode_batch([(b"k", b"v")] * records, 0)
    hosted.append(
        batch,
        BatchHeader.parse(batch),
        durable=durable,
        done=lambda appended, error: told.append(appended or error),
    )


def _syncs(disk: SimulatedDisk) -> int:
    return disk.operations.count("sync")


def test_acks_all_is_answered_after_the_sync_and_acks_1_before() -> None:
    async def body(threads: DiskThreads) -> None:
        disk = SimulatedDisk(seed=1)
        hosted = _hosted(threads, disk, WriteRules())
        told: list[Appended | Exception | None] = []
        before = _syncs(disk)
        _append(hosted, durable=False, told=told)
        assert len(told) == 1
        assert _syncs(disk) == before
        for _ in range(5):
            _append(hosted, durable=True, told=told)
        assert len(told) == 1
        await _until(lambda: len(told) == 6)
        assert hosted.log.flushed_offset == 6

    _run(body)


def test_a_failed_fsync_refuses_those_who_waited_and_all_later_writes() -> None:
    async def body(threads: DiskThreads) -> None:
        disk = SimulatedDisk(seed=1)
        hosted = _hosted(threads, disk, WriteRules())
        told: list[Appended | Exception | None] = []
        disk.fail_next("sync", errno.EIO)
        _append(hosted, durable=True, told=told)
        await _until(lambda: len(told) == 1)
        assert isinstance(told[0], OSError)
        _append(hosted, durable=False, told=told)
        assert isinstance(told[1], Exception)
        assert hosted.log.failed

    _run(body)


def test_kafkas_rule_syncs_by_the_number_of_records() -> None:
    async def body(threads: DiskThreads) -> None:
        disk = SimulatedDisk(seed=1)
        hosted = _hosted(threads, disk, WriteRules(sync_before_acks_all=False, flush_messages=3))
        told: list[Appended | Exception | None] = []
        _append(hosted, durable=True, told=told, records=2)
        assert len(told) == 1, "flush.messages is not reached: nothing to wait for"
        _append(hosted, durable=False, told=told, records=1)
        await _until(lambda: len(told) == 2)
        assert hosted.log.flushed_offset == 3

    _run(body)


def test_kafkas_rule_syncs_by_time() -> None:
    async def body(threads: DiskThreads) -> None:
        disk = SimulatedDisk(seed=1)
        hosted = _hosted(threads, disk, WriteRules(sync_before_acks_all=False, flush_ms=1))
        told: list[Appended | Exception | None] = []
        _append(hosted, durable=True, told=told)
        assert len(told) == 1
        await _until(lambda: hosted.log.flushed_offset == 1)

    _run(body)
