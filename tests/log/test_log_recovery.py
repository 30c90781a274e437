from __future__ import annotations

from pathlib import Path

import pytest
from log_batches import batch_of
from simulated_log import ANY_TIME, BATCH_BYTES, DIRECTORY, append, open_log

from riacho.errors import RiachoError
from riacho.log import DamagedSegment, LogConfig, OutOfOrderSequence, PartitionOffline, check_batch
from riacho.log.checkpoint import RECOVERY_POINT_FILE
from simulated_disk import SimulatedDisk


def segment(base_offset: int) -> Path:
    return DIRECTORY / f"{base_offset:020d}.log"


def overwrite(disk: SimulatedDisk, path: Path, position: int, data: bytes) -> None:
    fd = disk.open(path)
    disk.write(fd, position, [data])
    disk.close(fd)


def cut_by(disk: SimulatedDisk, path: Path, length: int) -> None:
    fd = disk.open(path)
    disk.truncate(fd, disk.size(fd) - length)
    disk.close(fd)


def crashed_log(disk: SimulatedDisk, batches: int, config: LogConfig = ANY_TIME) -> None:
    """Batches of one record of 100 bytes, all alike, never synced, by a process that was killed."""
    log = open_log(disk, config)
    for _ in range(batches):
        append(log, bytes(100))
    assert log.size == batches * BATCH_BYTES
    disk.crash_process()


def test_a_batch_cut_short_is_removed_and_the_log_goes_on_before_it() -> None:
    disk = SimulatedDisk(0)
    crashed_log(disk, 5)
    cut_by(disk, segment(0), 1)
    log = open_log(disk)
    assert (log.end_offset, log.size) == (4, 4 * BATCH_BYTES)
    assert append(log, b"next").base_offset == 4
    assert [header.base_offset for header in log.headers(0)] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("position", "data"),
    [
        (BATCH_BYTES - 1, b"\1"),  # the last byte of the records
        (16, b"\0"),  # the magic
        (8, b"\0\0\0\0"),  # the length
        (8, b"\x7f\0\0\0"),
        (17, b"\0\0\0\0"),  # the checksum
        (0, bytes(8)),  # the base offset, which no checksum covers
        (6, b"\1"),
        (12, b"\0\0\0\0"),  # the leader epoch, which no checksum covers either
        (0, bytes(BATCH_BYTES)),
    ],
)
def test_an_unsynced_batch_with_a_damaged_field_ends_the_log_before_it(position: int, data: bytes) -> None:
    disk = SimulatedDisk(0)
    log = open_log(disk, leader_epoch=9)
    for _ in range(5):
        append(log, bytes(100))
    disk.crash_process()
    overwrite(disk, segment(0), 3 * BATCH_BYTES + position, data)
    assert open_log(disk).end_offset == 3


def test_a_torn_base_offset_right_at_the_recovery_point_does_not_pass_for_an_old_batch() -> None:
    disk = SimulatedDisk(0)
    log = open_log(disk)
    for _ in range(3):
        append(log, bytes(100))
    log.close()
    log = open_log(disk)
    append(log, bytes(100))
    disk.crash_process()
    overwrite(disk, segment(0), 3 * BATCH_BYTES, bytes(8))
    assert open_log(disk).end_offset == 3


def test_segments_after_a_torn_one_are_removed_for_good() -> None:
    disk = SimulatedDisk(0)
    config = LogConfig(segment_bytes=500)
    crashed_log(disk, 8, config)
    cut_by(disk, segment(2), 100)
    log = open_log(disk, config)
    assert log.end_offset == 3
    assert log.segment_base_offsets == [0, 2]
    for _ in range(8):
        append(log, bytes(90))
    disk.crash_process()
    log = open_log(disk, config)
    assert [header.base_offset for header in log.headers(0)] == list(range(11))


def test_what_lies_below_the_recovery_point_is_not_read_again() -> None:
    disk = SimulatedDisk(0)
    log = open_log(disk, LogConfig(segment_bytes=500))
    for _ in range(6):
        append(log, bytes(100))
    log.sync()
    assert log.recovery_point == 6
    disk.crash_process()
    overwrite(disk, segment(0), 100, b"damage that recovery must not look for")
    log = open_log(disk, LogConfig(segment_bytes=500))
    assert log.end_offset == 6
    assert log.read(0, 1000).length > 0


def test_producers_are_known_again_after_a_crash_from_snapshot_and_batches() -> None:
    disk = SimulatedDisk(0)
    log = open_log(disk)
    for sequence in range(6):
        batch = batch_of([b"a"], producer=(7, 0, sequence))
        log.append(batch, check_batch(batch))
        if sequence == 2:
            log.roll()
            log.sync()
    disk.crash_process()
    log = open_log(disk)
    repeat = batch_of([b"a"], producer=(7, 0, 1))
    assert log.append(repeat, check_batch(repeat))[:4] == (1, 1, -1, True)
    gap = batch_of([b"a"], producer=(7, 0, 7))
    with pytest.raises(OutOfOrderSequence):
        log.append(gap, check_batch(gap))


def test_producers_are_known_without_any_snapshot_by_reading_the_log() -> None:
    disk = SimulatedDisk(0)
    log = open_log(disk)
    for sequence in range(3):
        batch = batch_of([b"a"], producer=(7, 0, sequence))
        log.append(batch, check_batch(batch))
        log.roll()
    log.close()
    for name in disk.list(DIRECTORY):
        if name.endswith((".snapshot", "leader-epoch-checkpoint")):
            disk.unlink(DIRECTORY / name)
    log = open_log(disk, leader_epoch=1)
    repeat = batch_of([b"a"], producer=(7, 0, 0))
    assert log.append(repeat, check_batch(repeat)).duplicate
    assert log.end_offset_for_epoch(0) == (0, 3)


def test_a_consumer_past_a_torn_tail_is_told_where_its_epoch_ended() -> None:
    disk = SimulatedDisk(0)
    log = open_log(disk, leader_epoch=4)
    append(log, bytes(100))
    log.close()
    log = open_log(disk, leader_epoch=5)
    for _ in range(4):
        append(log, bytes(100))
    disk.crash_process()
    cut_by(disk, segment(0), BATCH_BYTES + 5)
    log = open_log(disk, leader_epoch=6)
    assert log.end_offset == 3
    append(log, b"new", b"records", b"in its place")
    assert log.end_offset_for_epoch(5) == (5, 3)
    assert log.leader_epoch == 6


def test_an_epoch_is_never_used_twice_even_where_the_caller_repeats_it() -> None:
    disk = SimulatedDisk(0)
    for expected in (0, 1, 2):
        log = open_log(disk, leader_epoch=0)
        assert log.leader_epoch == expected
        append(log, b"a")
        log.close()


def closed_log(disk: SimulatedDisk, batches: int, config: LogConfig = ANY_TIME) -> None:
    """Batches of one record of 100 bytes, all alike, and all of them below the recovery point."""
    log = open_log(disk, config)
    for _ in range(batches):
        append(log, bytes(100))
    log.close()


def refused(disk: SimulatedDisk, config: LogConfig = ANY_TIME) -> PartitionOffline:
    """Why the log is not opened; nothing of it may be changed."""
    before = len(disk.operations)
    with pytest.raises(PartitionOffline) as caught:
        open_log(disk, config, leader_epoch=1)
    assert [name for name in disk.operations[before:] if name != "sync_directory"] == []
    assert caught.value.where is not None
    assert caught.value.mend is not None
    return caught.value


@pytest.mark.parametrize("lost", [1, 200, BATCH_BYTES, 2 * BATCH_BYTES, 5 * BATCH_BYTES])
def test_a_durable_tail_that_the_disk_lost_is_refused(lost: int) -> None:
    disk = SimulatedDisk(0)
    closed_log(disk, 5)
    cut_by(disk, segment(0), lost)
    whole = 5 - -(-lost // BATCH_BYTES)
    error = refused(disk)
    assert f"at byte {whole * BATCH_BYTES} there is no sound batch of offset {whole}" in error.what
    assert "up to offset 4" in error.what
    assert error.where == str(segment(0))


def test_a_durable_segment_that_is_gone_is_refused() -> None:
    disk = SimulatedDisk(0)
    config = LogConfig(segment_bytes=500)
    closed_log(disk, 6, config)
    disk.unlink(segment(4))
    error = refused(disk, config)
    assert "no sound batch of offset 4" in error.what
    assert error.where == str(segment(2))


def index_of_every_batch() -> LogConfig:
    return LogConfig(index_interval_bytes=1)


@pytest.mark.parametrize(("position", "data"), [(16, b"\0"), (8, b"\0\0\0\0"), (8, b"\x7f\0\0\0")])
@pytest.mark.parametrize("batch", [0, 9])
def test_a_damaged_header_below_the_recovery_point_of_the_newest_segment_is_refused(
    batch: int, position: int, data: bytes
) -> None:
    disk = SimulatedDisk(0)
    closed_log(disk, 10, index_of_every_batch())
    overwrite(disk, segment(0), batch * BATCH_BYTES + position, data)
    error = refused(disk, index_of_every_batch())
    assert f"at byte {batch * BATCH_BYTES} there is no sound batch of offset {batch}" in error.what
    assert error.where == str(segment(0))


def test_a_damaged_header_in_an_old_segment_is_refused_by_a_replay_and_nothing_is_cut() -> None:
    disk = SimulatedDisk(0)
    config = LogConfig(segment_bytes=500)
    closed_log(disk, 8, config)
    for name in disk.list(DIRECTORY):
        if name.endswith(".snapshot"):
            disk.unlink(DIRECTORY / name)
    overwrite(disk, segment(2), 8, bytes(4))
    error = refused(disk, config)
    assert "no sound batch of offset 2" in error.what
    assert disk.exists(segment(6))


def test_a_refused_log_is_cut_where_its_recovery_point_is_taken_away() -> None:
    disk = SimulatedDisk(0)
    closed_log(disk, 10)
    overwrite(disk, segment(0), 7 * BATCH_BYTES + 8, bytes(4))
    assert RECOVERY_POINT_FILE in (refused(disk).mend or "")
    disk.unlink(DIRECTORY / RECOVERY_POINT_FILE)
    log = open_log(disk, leader_epoch=1)
    assert log.end_offset == 7
    assert append(log, b"next").base_offset == 7
    log.close()
    assert open_log(disk, leader_epoch=2).end_offset == 8


def test_damage_in_an_old_segment_is_an_error_for_its_reader_and_for_no_one_else() -> None:
    disk = SimulatedDisk(0)
    config = LogConfig(segment_bytes=800)
    log = open_log(disk, config)
    for _ in range(12):
        append(log, bytes(100))
    log.close()
    overwrite(disk, segment(0), BATCH_BYTES, bytes(100))
    log = open_log(disk, config, leader_epoch=1)
    with pytest.raises(DamagedSegment):
        log.read(3, 100)
    assert log.read(11, 1000).next_offset == 12


def test_a_log_whose_segments_are_gone_is_refused_with_the_way_out() -> None:
    disk = SimulatedDisk(0)
    log = open_log(disk)
    append(log, b"a")
    log.close()
    disk.unlink(segment(0))
    with pytest.raises(RiachoError, match="no segment file is there") as caught:
        open_log(disk)
    assert caught.value.mend is not None


def test_a_clean_stop_leaves_nothing_to_do() -> None:
    disk = SimulatedDisk(0)
    log = open_log(disk)
    append(log, b"a")
    log.close()
    before = len(disk.operations)
    log = open_log(disk, leader_epoch=1)
    log.close()
    assert disk.operations[before:] == ["sync_directory"], "only the test's own"
