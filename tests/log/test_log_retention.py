from __future__ import annotations

import errno
from dataclasses import replace

import pytest
from log_batches import NOW_MS
from simulated_log import BATCH_BYTES, DIRECTORY, append, open_log

from riacho.log import LogConfig, NoSpace, OffsetOutOfRange, Partition
from simulated_disk import CrashError, SimulatedDisk

DAY = 86_400_000
KEEP_ALL = LogConfig(retention_ms=-1, segment_ms=2**40)


def log_of_segments(disk: SimulatedDisk, config: LogConfig, stamps: list[int]) -> Partition:
    """One segment of one record for each timestamp."""
    log = open_log(disk, KEEP_ALL)
    for number, stamp in enumerate(stamps):
        if number:
            log.roll()
        append(log, bytes(100), timestamps=[stamp])
    log.sync()
    log.reconfigure(config)
    return log


def test_segments_past_retention_ms_go_oldest_first() -> None:
    disk = SimulatedDisk(0)
    config = replace(KEEP_ALL, retention_ms=DAY)
    log = log_of_segments(disk, config, [NOW_MS - 3 * DAY, NOW_MS - 2 * DAY, NOW_MS - DAY, NOW_MS])
    assert log.retain(NOW_MS) == 2
    assert (log.log_start_offset, log.segment_base_offsets) == (2, [2, 3])
    assert not [name for name in disk.list(DIRECTORY) if name.startswith(f"{0:020d}.")]


def test_an_old_segment_behind_a_younger_one_waits_for_it() -> None:
    log = log_of_segments(SimulatedDisk(0), replace(KEEP_ALL, retention_ms=DAY), [NOW_MS, NOW_MS - 3 * DAY, NOW_MS])
    assert log.retain(NOW_MS) == 0


def test_where_everything_is_past_retention_an_empty_segment_remains() -> None:
    disk = SimulatedDisk(0)
    config = replace(KEEP_ALL, retention_ms=DAY)
    log = log_of_segments(disk, config, [NOW_MS - 3 * DAY] * 3)
    assert log.retain(NOW_MS) == 3
    assert (log.log_start_offset, log.end_offset, log.size) == (3, 3, 0)
    log.close()
    log = open_log(disk, config, leader_epoch=1)
    assert (log.log_start_offset, log.end_offset) == (3, 3)
    assert append(log, b"a").base_offset == 3


def test_retention_bytes_keeps_at_least_as_much_as_it_says() -> None:
    log = log_of_segments(SimulatedDisk(0), replace(KEEP_ALL, retention_bytes=2 * BATCH_BYTES), [NOW_MS] * 5)
    assert log.retain(NOW_MS) == 3
    assert log.size == 2 * BATCH_BYTES
    log.reconfigure(replace(KEEP_ALL, retention_bytes=BATCH_BYTES + 1))
    assert log.retain(NOW_MS) == 0


def test_a_compacted_log_forgets_nothing_by_age() -> None:
    config = replace(KEEP_ALL, retention_ms=DAY, cleanup_policy=frozenset({"compact"}))
    assert log_of_segments(SimulatedDisk(0), config, [0] * 3).retain(NOW_MS) == 0


def test_deleted_records_stay_deleted_after_a_power_loss() -> None:
    for seed in range(20):
        disk = SimulatedDisk(seed)
        log = log_of_segments(disk, KEEP_ALL, [NOW_MS] * 6)
        assert log.delete_records_before(4) == 4
        disk.lose_power()
        log = open_log(disk, KEEP_ALL, leader_epoch=1)
        assert (log.log_start_offset, log.end_offset) == (4, 6)
        assert log.segment_base_offsets == [4, 5]
        assert [header.base_offset for header in log.headers(4)] == [4, 5]


def test_records_are_deleted_within_a_segment_by_moving_the_start_only() -> None:
    disk = SimulatedDisk(0)
    log = open_log(disk, KEEP_ALL)
    append(log, b"a", b"b", b"c")
    log.sync()
    assert log.delete_records_before(2) == 2
    assert log.delete_records_before(1) == 2
    assert log.size > 0
    found = log.find_by_time(0)
    assert found is not None
    assert found.offset == 2
    with pytest.raises(OffsetOutOfRange):
        log.delete_records_before(4)


def test_retention_makes_room_on_a_full_disk() -> None:
    disk = SimulatedDisk(0)
    log = log_of_segments(disk, replace(KEEP_ALL, retention_bytes=BATCH_BYTES), [NOW_MS] * 4)
    disk.capacity = disk.used()
    with pytest.raises(NoSpace):
        append(log, bytes(100))
    assert log.retain(NOW_MS) == 3
    assert append(log, bytes(100)).base_offset == 4


def test_where_the_newest_segment_cannot_make_way_for_want_of_room_the_older_ones_go_first() -> None:
    disk = SimulatedDisk(0)
    log = log_of_segments(disk, replace(KEEP_ALL, retention_ms=DAY), [NOW_MS - 3 * DAY] * 3)
    disk.fail_next("create", errno.ENOSPC)
    with pytest.raises(NoSpace):
        log.retain(NOW_MS)
    assert log.segment_base_offsets == [2]
    assert log.retain(NOW_MS) == 1
    assert (log.log_start_offset, log.size) == (3, 0)


@pytest.mark.parametrize("synced", [True, False])
@pytest.mark.parametrize("age", [1, 3])
def test_a_power_loss_at_any_moment_of_retention_leaves_no_gap_and_no_log_without_a_segment(
    synced: bool, age: int
) -> None:
    operation, finished = 0, False
    while not finished:
        operation += 1
        disk = SimulatedDisk(operation)
        log = open_log(disk, KEEP_ALL)
        for day in (3, 3, 3, age):
            append(log, bytes(100), timestamps=[NOW_MS - day * DAY])
            log.roll()
        if synced:
            log.sync()
        log.reconfigure(replace(KEEP_ALL, retention_ms=2 * DAY))
        disk.crash_at(operation)
        try:
            log.retain(NOW_MS)
            finished = True
        except CrashError:
            finished = False
        disk.lose_power()
        log = open_log(disk, KEEP_ALL, leader_epoch=1)
        assert [header.base_offset for header in log.headers(log.log_start_offset)] == list(
            range(log.log_start_offset, log.end_offset)
        )
        if synced or finished:
            assert log.end_offset == 4
        if finished:
            assert log.log_start_offset == (3 if age == 1 else 4)


def test_records_deleted_before_they_were_durable_do_not_hide_later_ones_after_a_power_loss() -> None:
    for seed in range(20):
        disk = SimulatedDisk(seed)
        log = open_log(disk, KEEP_ALL)
        for _ in range(4):
            append(log, bytes(100))
        log.delete_records_before(4)
        disk.lose_power()
        log = open_log(disk, KEEP_ALL, leader_epoch=1)
        assert (log.log_start_offset, log.end_offset) == (4, 4)
