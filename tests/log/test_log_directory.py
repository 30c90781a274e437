from __future__ import annotations

import errno
from pathlib import Path
from uuid import UUID

import pytest
from log_batches import NOW_MS, TOPIC_ID
from simulated_log import append

from riacho.errors import RiachoError
from riacho.host import ManualClock, SystemDisk
from riacho.log import LogConfig, LogDirectory, PartitionOffline
from simulated_disk import CrashError, SimulatedDisk

PATH = Path("/data")
CONFIG = LogConfig()
OTHER_ID = UUID(int=2)
"""Of a topic that was made again under the same name."""


def open_directory(disk: SimulatedDisk | SystemDisk, path: Path = PATH) -> LogDirectory:
    return LogDirectory.open(path, disk=disk, clock=ManualClock(wall_ms=NOW_MS))


def refusal(path: Path) -> RiachoError:
    with pytest.raises(RiachoError) as caught:
        open_directory(SystemDisk(), path)
    assert caught.value.where is not None
    assert caught.value.mend is not None
    return caught.value


def test_a_directory_keeps_its_cluster_id_and_raises_its_leader_epoch(tmp_path: Path) -> None:
    seen = []
    for _ in range(3):
        directory = open_directory(SystemDisk(), tmp_path / "data")
        seen.append((directory.cluster_id, directory.leader_epoch, directory.clean))
        directory.close()
    assert len(seen[0][0]) == 22
    assert seen == [(seen[0][0], epoch, True) for epoch in range(3)]


def test_a_second_process_is_refused_while_the_first_runs(tmp_path: Path) -> None:
    directory = open_directory(SystemDisk(), tmp_path)
    assert "another process" in refusal(tmp_path).what
    directory.close()
    open_directory(SystemDisk(), tmp_path).close()


def test_a_directory_with_other_files_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    assert "not a log of Riacho's" in refusal(tmp_path).what
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_kafkas_own_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "meta.properties").write_text("#\nversion=1\ncluster.id=abc\nnode.id=1\n")
    assert "Apache Kafka" in refusal(tmp_path).what


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "meta.properties").write_text("riacho.format.version=2\n")
    assert "newer Riacho" in refusal(tmp_path).what


def test_a_damaged_meta_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "meta.properties").write_text("riacho.format.version=1\ncluster.id=x\n")
    assert "damaged" in refusal(tmp_path).what
    (tmp_path / "meta.properties").write_text("riacho.format.version=one\n")
    assert "damaged" in refusal(tmp_path).what


def test_a_crash_is_noticed_at_the_next_start() -> None:
    disk = SimulatedDisk(0)
    directory = open_directory(disk)
    assert directory.clean, "a new directory has nothing to recover"
    disk.crash_process()
    directory = open_directory(disk)
    assert not directory.clean
    directory.close()
    assert open_directory(disk).clean


def test_a_failed_partition_keeps_the_stop_from_being_called_clean() -> None:
    disk = SimulatedDisk(0)
    directory = open_directory(disk)
    append(directory.open_partition("a", 0, TOPIC_ID, CONFIG), b"x")
    other = directory.open_partition("b", 0, TOPIC_ID, CONFIG)
    append(other, b"y")
    disk.fail_next("sync", errno.EIO)
    directory.close()
    directory = open_directory(disk)
    assert not directory.clean
    assert directory.open_partition("b", 0, TOPIC_ID, CONFIG).end_offset == 1


def test_partitions_are_found_again_and_opened_once() -> None:
    disk = SimulatedDisk(0)
    directory = open_directory(disk)
    log = directory.open_partition("my-topic.v-1", 12, TOPIC_ID, CONFIG)
    assert directory.open_partition("my-topic.v-1", 12, TOPIC_ID, CONFIG) is log
    directory.open_partition("other", 0, TOPIC_ID, CONFIG)
    directory.close()
    directory = open_directory(disk)
    assert directory.partitions_on_disk() == [("my-topic.v-1", 12), ("other", 0)]
    assert directory.opened() == {}


@pytest.mark.parametrize("seed", range(10))
def test_a_new_partition_is_there_after_a_power_loss(seed: int) -> None:
    disk = SimulatedDisk(seed)
    log = open_directory(disk).open_partition("t", 0, TOPIC_ID, CONFIG)
    append(log, b"a")
    log.sync()
    disk.lose_power()
    assert open_directory(disk).open_partition("t", 0, TOPIC_ID, CONFIG).end_offset == 1


def test_a_deleted_partition_never_comes_back_wherever_the_power_fails() -> None:
    operation = 0
    finished = False
    while not finished:
        operation += 1
        disk = SimulatedDisk(operation)
        directory = open_directory(disk)
        log = directory.open_partition("t", 0, TOPIC_ID, CONFIG)
        append(log, b"a")
        log.sync()
        disk.crash_at(operation)
        try:
            directory.delete_partition("t", 0)
            finished = True
        except CrashError:
            finished = False
        disk.lose_power()
        directory = open_directory(disk)
        found = directory.partitions_on_disk()
        assert found in ([], [("t", 0)])
        if finished:
            assert found == []
        end = directory.open_partition("t", 0, TOPIC_ID, CONFIG).end_offset
        assert end == (1 if found else 0), "half of a deleted log came back"
        assert not [name for name in disk.list(PATH) if name.endswith("-delete")]


def test_a_topic_with_the_longest_name_can_be_deleted(tmp_path: Path) -> None:
    directory = open_directory(SystemDisk(), tmp_path)
    directory.open_partition("t" * 249, 3, TOPIC_ID, CONFIG)
    directory.delete_partition("t" * 249, 3)
    assert directory.partitions_on_disk() == []
    directory.delete_partition("t" * 249, 3)
    directory.close()


def test_a_partition_that_fails_at_its_close_does_not_keep_the_others_open() -> None:
    disk = SimulatedDisk(0)
    directory = open_directory(disk)
    first, second = (directory.open_partition("t", number, TOPIC_ID, CONFIG) for number in range(2))
    append(first, b"a")
    append(second, b"b")
    disk.fail_next("sync", errno.EIO)
    directory.close()
    assert (first.failed, second.failed) == (True, False)
    assert second.flushed_offset == 1
    with pytest.raises(PartitionOffline):
        first.sync()


def test_a_deleted_log_takes_no_append_but_its_slices_can_still_be_read(tmp_path: Path) -> None:
    directory = open_directory(SystemDisk(), tmp_path)
    log = directory.open_partition("t", 0, TOPIC_ID, CONFIG)
    append(log, b"a")
    part = log.read(0, 1000)
    directory.delete_partition("t", 0)
    assert len(log.load(part)) == part.length
    with pytest.raises(PartitionOffline):
        append(log, b"b")
    with pytest.raises(OSError, match="No such file"):
        log.read(0, 1000)
    assert directory.open_partition("t", 0, TOPIC_ID, CONFIG).end_offset == 0
    directory.close()


@pytest.mark.parametrize("seed", range(10))
def test_a_partition_that_could_not_be_made_at_first_is_there_after_a_power_loss(seed: int) -> None:
    disk = SimulatedDisk(seed)
    directory = open_directory(disk)
    disk.fail_next("create", errno.ENOSPC)
    with pytest.raises(OSError, match="No space"):
        directory.open_partition("t", 0, TOPIC_ID, CONFIG)
    log = directory.open_partition("t", 0, TOPIC_ID, CONFIG)
    append(log, b"a")
    log.sync()
    disk.lose_power()
    assert open_directory(disk).open_partition("t", 0, TOPIC_ID, CONFIG).end_offset == 1


def test_a_stop_that_finds_no_room_for_its_mark_is_recovered_as_a_crash_is(caplog: pytest.LogCaptureFixture) -> None:
    disk = SimulatedDisk(0)
    directory = open_directory(disk)
    append(directory.open_partition("t", 0, TOPIC_ID, CONFIG), b"a")
    directory.open_partition("t", 0, TOPIC_ID, CONFIG).close()
    disk.fail_next("create", errno.ENOSPC)
    directory.close()
    assert "could not be marked as closed in order" in caplog.text
    directory = open_directory(disk)
    assert not directory.clean
    assert directory.open_partition("t", 0, TOPIC_ID, CONFIG).end_offset == 1


def test_many_logs_are_recovered_at_once_and_one_that_cannot_be_is_left_to_who_opens_it() -> None:
    disk = SimulatedDisk(0)
    directory = open_directory(disk)
    for number in range(40):
        append(directory.open_partition("t", number, TOPIC_ID, CONFIG), b"x")
    disk.crash_process()
    disk.unlink(PATH / "t-7" / f"{0:020d}.log")
    directory = open_directory(disk)
    fd = disk.open(PATH / "t-7" / "recovery-point-offset-checkpoint", create=True)
    disk.write(fd, 0, [b"0\n1\n"])
    directory.recover([("t", number, TOPIC_ID, CONFIG) for number in range(40)])
    assert sorted(number for _, number in directory.opened()) == [number for number in range(40) if number != 7]
    with pytest.raises(PartitionOffline, match="no segment file is there"):
        directory.open_partition("t", 7, TOPIC_ID, CONFIG)
    disk.lose_power()
    directory = open_directory(disk)
    assert directory.open_partition("t", 39, TOPIC_ID, CONFIG).end_offset == 1


def test_a_full_disk_does_not_keep_a_directory_from_being_opened() -> None:
    disk = SimulatedDisk(0)
    directory = open_directory(disk)
    append(directory.open_partition("t", 0, TOPIC_ID, CONFIG), b"a")
    directory.close()
    disk.fail_next("create", errno.ENOSPC)
    directory = open_directory(disk)
    assert (directory.clean, directory.leader_epoch) == (True, 1)
    assert directory.open_partition("t", 0, TOPIC_ID, CONFIG).end_offset == 1
    disk.lose_power()
    assert open_directory(disk).leader_epoch == 2, "two starts share a leader epoch"


class StoppedWhileReading(SimulatedDisk):
    """A disk on which the process is asked to end while a log is read."""

    directory: LogDirectory | None = None

    def read(self, fd: int, position: int, length: int) -> bytes:
        if self.directory is not None:
            self.directory.stop_recovery()
        return super().read(fd, position, length)


def test_a_recovery_that_is_stopped_is_done_by_the_next_start() -> None:
    disk = StoppedWhileReading(0)
    directory = open_directory(disk)
    for number in range(3):
        append(directory.open_partition("t", number, TOPIC_ID, CONFIG), b"x")
    disk.crash_process()
    disk.directory = directory = open_directory(disk)
    directory.recover([("t", number, TOPIC_ID, CONFIG) for number in range(3)])
    assert directory.opened() == {}
    directory.close()
    disk.directory = None
    directory = open_directory(disk)
    assert not directory.clean, "what was not recovered was called clean"
    directory.recover([("t", number, TOPIC_ID, CONFIG) for number in range(3)])
    assert [log.end_offset for log in directory.opened().values()] == [1, 1, 1]


def topic_id_file(disk: SimulatedDisk) -> Path:
    path = PATH / "t-0" / "partition.metadata"
    assert disk.exists(path)
    return path


def test_a_partitions_directory_says_of_which_topic_it_is_as_kafkas_does(tmp_path: Path) -> None:
    directory = open_directory(SystemDisk(), tmp_path)
    directory.open_partition("t", 0, TOPIC_ID, CONFIG)
    directory.close()
    assert (tmp_path / "t-0" / "partition.metadata").read_text() == "version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ"


def test_what_is_left_of_a_deleted_topic_is_set_aside_from_a_new_one(caplog: pytest.LogCaptureFixture) -> None:
    disk = SimulatedDisk(0)
    directory = open_directory(disk)
    append(directory.open_partition("t", 0, TOPIC_ID, CONFIG), b"old")
    directory.close()
    directory = open_directory(disk)
    log = directory.open_partition("t", 0, OTHER_ID, CONFIG)
    assert log.end_offset == 0
    append(log, b"new", b"records")
    directory.close()
    directory = open_directory(disk)
    assert directory.open_partition("t", 0, OTHER_ID, CONFIG).end_offset == 2
    assert directory.partitions_on_disk() == [("t", 0)]
    (stray,) = [name for name in disk.list(PATH) if name.endswith("-stray")]
    assert disk.exists(PATH / stray / f"{0:020d}.log")
    assert f"set aside as {stray}" in caplog.text
    assert "id AAAAAAAAAAAAAAAAAAAAAQ" in caplog.text


def test_a_new_topic_never_serves_an_old_ones_records_wherever_the_power_fails() -> None:
    operation = 0
    finished = False
    while not finished:
        operation += 1
        disk = SimulatedDisk(operation)
        directory = open_directory(disk)
        log = directory.open_partition("t", 0, TOPIC_ID, CONFIG)
        append(log, b"old")
        log.sync()
        acknowledged = 0
        disk.crash_at(operation)
        try:
            disk.fail_next("rename", errno.EIO)
            with pytest.raises(OSError, match="Input/output"):
                directory.delete_partition("t", 0)
            log = directory.open_partition("t", 0, OTHER_ID, CONFIG)
            append(log, b"new", b"records")
            log.sync()
            acknowledged = 2
            finished = True
        except CrashError:
            finished = False
        disk.lose_power()
        log = open_directory(disk).open_partition("t", 0, OTHER_ID, CONFIG)
        assert log.end_offset in (acknowledged, 2), "the old topic's one record is served"


def test_a_directory_of_an_earlier_version_is_opened_and_says_from_then_on_whose_it_is() -> None:
    disk = SimulatedDisk(0)
    directory = open_directory(disk)
    append(directory.open_partition("t", 0, TOPIC_ID, CONFIG), b"a")
    directory.close()
    disk.unlink(topic_id_file(disk))
    directory = open_directory(disk)
    assert directory.open_partition("t", 0, TOPIC_ID, CONFIG).end_offset == 1
    disk.lose_power()
    assert disk.exists(topic_id_file(disk))
    assert open_directory(disk).open_partition("t", 0, OTHER_ID, CONFIG).end_offset == 0


def test_a_full_disk_does_not_keep_a_directory_of_an_earlier_version_from_being_opened() -> None:
    disk = SimulatedDisk(0)
    directory = open_directory(disk)
    append(directory.open_partition("t", 0, TOPIC_ID, CONFIG), b"a")
    directory.close()
    disk.unlink(topic_id_file(disk))
    directory = open_directory(disk)
    disk.fail_next("create", errno.ENOSPC)
    assert directory.open_partition("t", 0, TOPIC_ID, CONFIG).end_offset == 1
    directory.close()
    directory = open_directory(disk)
    directory.open_partition("t", 0, TOPIC_ID, CONFIG)
    assert disk.exists(topic_id_file(disk))


def test_a_directory_whose_topic_cannot_be_read_is_refused_with_the_way_out() -> None:
    disk = SimulatedDisk(0)
    directory = open_directory(disk)
    append(directory.open_partition("t", 0, TOPIC_ID, CONFIG), b"a")
    directory.close()
    fd = disk.open(topic_id_file(disk))
    disk.write(fd, 0, [b"damage"])
    directory = open_directory(disk)
    with pytest.raises(PartitionOffline, match="is damaged") as caught:
        directory.open_partition("t", 0, TOPIC_ID, CONFIG)
    assert caught.value.where == str(topic_id_file(disk))
    assert caught.value.mend is not None
    disk.unlink(topic_id_file(disk))
    assert directory.open_partition("t", 0, TOPIC_ID, CONFIG).end_offset == 1


def test_what_cannot_be_removed_of_a_deleted_partition_does_not_keep_a_broker_from_its_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    directory = open_directory(SystemDisk(), tmp_path)
    directory.open_partition("t", 0, TOPIC_ID, CONFIG)
    (tmp_path / "t-0" / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        directory.delete_partition("t", 0)
    directory.close()
    directory = open_directory(SystemDisk(), tmp_path)
    assert directory.partitions_on_disk() == []
    assert "is left of a deleted partition and cannot be removed" in caplog.text
    directory.close()
