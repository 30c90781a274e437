"""The metadata log: what is durable, what a crash may tear, and what must not be trusted."""

from __future__ import annotations

import asyncio
import errno
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riacho.broker.group_commit import DiskThreads
from riacho.broker.metadata.log import RECORDS_BETWEEN_SNAPSHOTS, MetadataDamageError, MetadataLog
from riacho.broker.metadata.state import (
    Metadata,
    Record,
    partitions_record,
    producer_ids_record,
    topic_deleted_record,
    topic_overrides_record,
    topic_record,
)
from riacho.broker.metadata.store import MetadataStore
from simulated_disk import CrashError, SimulatedDisk

DIRECTORY = Path("/data/metadata")


def _disk(seed: int = 1) -> SimulatedDisk:
    """A disk with a durable data directory."""
    disk = SimulatedDisk(seed)
    disk.make_directory(DIRECTORY.parent)
    disk.sync_directory(DIRECTORY.parent.parent)
    return disk


def _topic(number: int) -> Record:
    return topic_record(f"topic-{number}", UUID(int=number + 100), 1 + number % 3, {"retention.ms": str(number)})


def _append(log: MetadataLog, *records: Record) -> None:
    log.append(records)
    for record in records:
        log.state.apply(record)


def test_records_are_there_after_a_restart() -> None:
    disk = _disk()
    log = MetadataLog(DIRECTORY, disk)
    _append(log, _topic(1), _topic(2))
    _append(log, partitions_record("topic-1", 7), topic_overrides_record("topic-2", {}))
    _append(log, topic_deleted_record("topic-2"), producer_ids_record(3000))
    disk.lose_power()
    state = MetadataLog(DIRECTORY, disk).state
    assert state == log.state
    assert state.topics["topic-1"].partitions == 7
    assert state.next_producer_id == 3000


def test_a_snapshot_takes_the_place_of_the_records_before_it() -> None:
    disk = _disk()
    log = MetadataLog(DIRECTORY, disk)
    for number in range(RECORDS_BETWEEN_SNAPSHOTS):
        log.state.apply(_topic(number % 50))
    log.append([_topic(number % 50) for number in range(RECORDS_BETWEEN_SNAPSHOTS)])
    assert log.wants_snapshot
    log.write_snapshot(list(log.state.snapshot()))
    assert not log.wants_snapshot
    _append(log, _topic(51))
    base = f"{RECORDS_BETWEEN_SNAPSHOTS:020d}"
    assert disk.list(DIRECTORY) == [f"{base}.log", f"{base}.snapshot"]
    disk.lose_power()
    assert MetadataLog(DIRECTORY, disk).state == log.state


@given(seed=st.integers(0, 10_000), crash_at=st.integers(1, 60))
@settings(max_examples=150, deadline=None)
def test_after_a_power_loss_at_any_operation_exactly_what_was_answered_is_there(seed: int, crash_at: int) -> None:
    disk = _disk(seed)
    disk.crash_at(crash_at)
    answered = Metadata()
    pending: list[Record] = []
    try:
        log = MetadataLog(DIRECTORY, disk)
        for number in range(12):
            pending = [_topic(2 * number), _topic(2 * number + 1)]
            log.append(pending)
            for record in pending:
                answered.apply(record)
                log.state.apply(record)
            pending = []
            if number % 4 == 3:
                log.write_snapshot(list(log.state.snapshot()))
    except CrashError:
        disk.lose_power()
    recovered = MetadataLog(DIRECTORY, disk).state
    with_pending = Metadata()
    for record in [*answered.snapshot(), *pending]:
        with_pending.apply(record)
    assert recovered in (answered, with_pending), "an entry that was not answered is there as a whole or not at all"


def test_damage_before_the_end_is_refused() -> None:
    disk = _disk()
    log = MetadataLog(DIRECTORY, disk)
    for number in range(3):
        _append(log, _topic(number))
    log.close()
    fd = disk.open(DIRECTORY / f"{0:020d}.log")
    disk.write(fd, 20, [b"\xff"])
    disk.close(fd)
    with pytest.raises(MetadataDamageError, match="damaged at byte 0, before its end"):
        MetadataLog(DIRECTORY, disk)


def test_a_full_disk_refuses_a_change_and_takes_the_next_one() -> None:
    disk = _disk()
    log = MetadataLog(DIRECTORY, disk)
    _append(log, _topic(1))
    disk.fail_next("write", errno.ENOSPC)
    with pytest.raises(OSError, match="space"):
        log.append([_topic(2)])
    _append(log, _topic(3))
    assert list(MetadataLog(DIRECTORY, disk).state.topics) == ["topic-1", "topic-3"]


def test_after_a_failed_fsync_no_change_is_taken() -> None:
    disk = _disk()
    log = MetadataLog(DIRECTORY, disk)
    disk.fail_next("sync", errno.EIO)
    with pytest.raises(OSError, match=r"."):
        log.append([_topic(1)])
    with pytest.raises(OSError, match="takes no more changes until a restart"):
        log.append([_topic(2)])


def test_what_a_restart_after_a_failed_fsync_shows_survives_a_power_loss() -> None:
    """The kernel calls the pages clean that it failed to write: the next start has to write them again."""
    disk = _disk()
    log = MetadataLog(DIRECTORY, disk)
    disk.fail_next("sync", errno.EIO)
    with pytest.raises(OSError, match=r"."):
        log.append([_topic(1)])
    disk.crash_process()
    shown = MetadataLog(DIRECTORY, disk)
    _append(shown, _topic(2))
    disk.lose_power()
    assert MetadataLog(DIRECTORY, disk).state == shown.state


@pytest.mark.parametrize("operation", ["create", "write", "sync", "rename", "sync_directory"])
def test_a_change_stands_where_the_snapshot_after_it_cannot_be_written(operation: str) -> None:
    async def body() -> None:
        disk = _disk()
        threads = DiskThreads(asyncio.get_running_loop(), defects.append)
        log = MetadataLog(DIRECTORY, disk)
        log.append([_topic(number % 50) for number in range(RECORDS_BETWEEN_SNAPSHOTS)])
        log = MetadataLog(DIRECTORY, disk)
        store = MetadataStore(log, threads)
        skipped = {"write": 1, "sync": 1}  # of the change itself
        async with store.changing:
            if operation in skipped:
                disk.fail_after(operation, skipped[operation], errno.ENOSPC)
            else:
                disk.fail_next(operation, errno.ENOSPC)
            await store.commit([_topic(51)])
        assert "topic-51" in store.state.topics
        async with store.changing:
            try:
                await store.commit([_topic(52)])
            except OSError:
                assert operation == "sync_directory", "elsewhere it is known which log the next start finds"
                assert "topic-52" not in store.state.topics
        threads.close()
        disk.lose_power()
        assert MetadataLog(DIRECTORY, disk).state == store.state

    defects: list[BaseException] = []
    asyncio.run(body())
    assert not defects
