"""The log against a disk that crashes at every single operation, is unplugged, fills up and fails."""

from __future__ import annotations

import contextlib
import errno
import random
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from log_batches import NOW_MS, TOPIC_ID, batch_of

from riacho.host import ManualClock
from riacho.log import (
    BatchHeader,
    LogConfig,
    LogDirectory,
    NoSpace,
    OutOfOrderSequence,
    Partition,
    PartitionOffline,
    check_batch,
)
from simulated_disk import CrashError, SimulatedDisk

pytestmark = pytest.mark.no_cover  # the same lines many thousand times: tracing them triples the time

DIRECTORY = Path("/data")
CONFIG = LogConfig(segment_bytes=3000, index_interval_bytes=300, retention_ms=-1)
PRODUCER_ID = 7


@dataclass
class History:
    """What a producer knows: every batch it sent, and how far it was told that they are safe."""

    sent: list[bytes] = field(default_factory=list)
    """The records, one after another: the offset is the index, as only this producer writes."""
    batches: list[tuple[int, int]] = field(default_factory=list)
    """(base offset, records) of each batch that was sent, whether or not its append returned."""
    appended: int = 0
    """Every offset below belongs to a batch whose append returned."""
    synced: int = 0
    """Every offset below was acknowledged after a sync."""
    start: int = 0
    """Every offset below may be gone: its deletion was asked for."""
    epochs: list[int] = field(default_factory=list)


def open_log(disk: SimulatedDisk) -> tuple[LogDirectory, Partition]:
    directory = LogDirectory.open(DIRECTORY, disk=disk, clock=ManualClock(wall_ms=NOW_MS))
    return directory, directory.open_partition("flights", 0, TOPIC_ID, CONFIG)


def send(log: Partition, history: History, rng: random.Random) -> None:
    count = rng.randint(1, 4)
    base = len(history.sent)
    values = [b"%06d" % (base + i) + bytes(rng.randint(0, 400)) for i in range(count)]
    history.sent += values
    batch = batch_of(values, producer=(PRODUCER_ID, 0, base))
    history.batches.append((base, count))
    appended = log.append(batch, check_batch(batch))
    assert appended.base_offset == base
    history.appended = base + count


def acknowledge(log: Partition, history: History) -> None:
    history.synced = max(history.synced, log.sync())


def workload(disk: SimulatedDisk, seed: int, history: History) -> None:
    """Appends and syncs over several segments, two clean restarts, deletion of old records."""
    rng = random.Random(seed)
    for life in range(3):
        directory, log = open_log(disk)
        history.epochs.append(log.leader_epoch)
        for step in range(14):
            send(log, history, rng)
            if rng.random() < 0.4:
                acknowledge(log, history)
            if life == 1 and step == 7:
                acknowledge(log, history)
                history.start = log.end_offset // 2
                log.delete_records_before(history.start)
        directory.close()
        history.synced = len(history.sent)


def check_recovered(log: Partition, history: History, *, at_least: int) -> None:
    """Nothing acknowledged is lost, nothing is out of order, and every batch is as it was sent."""
    assert log.end_offset >= at_least
    assert log.end_offset <= len(history.sent)
    assert log.log_start_offset <= history.start
    expected = log.log_start_offset
    offset = log.log_start_offset
    while offset < log.end_offset:
        part = log.read(offset, 1500)
        data = log.load(part)
        while data:
            header = BatchHeader.parse(data)
            assert header.base_offset <= expected <= header.last_offset, "a gap, or an overlap"
            sent = history.sent[header.base_offset : header.last_offset + 1]
            again = batch_of(sent, producer=(PRODUCER_ID, 0, header.base_offset))
            assert data[16 : header.size] == bytes(again[16:]), "a batch is not what was sent"
            expected = header.last_offset + 1
            data = data[header.size :]
        assert part.next_offset == expected
        offset = part.next_offset
    assert expected == log.end_offset


def check_sequences(log: Partition, history: History) -> None:
    """The producer may repeat its last batches and go on, but leave nothing out."""
    surviving = [(base, count) for base, count in history.batches if base + count <= log.end_offset]
    for base, count in surviving[-5:]:
        batch = batch_of(history.sent[base : base + count], producer=(PRODUCER_ID, 0, base))
        repeated = log.append(batch, check_batch(batch))
        assert repeated.duplicate
        assert (repeated.base_offset, repeated.last_offset) == (base, base + count - 1)
    end = log.end_offset
    if surviving:
        ahead = batch_of([b"ahead"], producer=(PRODUCER_ID, 0, end + 1))
        with pytest.raises(OutOfOrderSequence):
            log.append(ahead, check_batch(ahead))
    following = batch_of([b"next"], producer=(PRODUCER_ID, 0, end))
    assert log.append(following, check_batch(following)).base_offset == end


def size_on_disk(disk: SimulatedDisk, log: Partition) -> int:
    return disk.size(log.read(log.end_offset, 1).fd)


def operations_of_workload(seed: int) -> int:
    disk = SimulatedDisk(seed)
    workload(disk, seed, History())
    return len(disk.operations)


def crash_and_check(seed: int, operation: int, *, power: bool, crash_in_recovery: bool = False) -> None:
    disk = SimulatedDisk(seed * 100_003 + operation)
    history = History()
    disk.crash_at(operation)
    with pytest.raises(CrashError):
        workload(disk, seed, history)
    at_least = history.synced if power else max(history.synced, history.appended)
    disk.lose_power() if power else disk.crash_process()
    if crash_in_recovery:
        disk.crash_at(disk.random.randint(1, 30))
        with contextlib.suppress(CrashError):
            open_log(disk)
        disk.lose_power() if power else disk.crash_process()

    _, log = open_log(disk)
    assert all(log.leader_epoch > epoch for epoch in history.epochs)
    check_recovered(log, history, at_least=at_least)
    recovered = log.end_offset
    check_sequences(log, history)
    disk.lose_power()  # what recovery has promised holds from then on
    _, log = open_log(disk)
    del history.batches[:]
    history.sent[recovered:] = [b"next"]
    check_recovered(log, history, at_least=recovered)


SEEDS = (1, 2)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_process_that_dies_at_any_operation_loses_nothing_it_appended(seed: int) -> None:
    for operation in range(1, operations_of_workload(seed) + 1):
        crash_and_check(seed, operation, power=False)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_power_loss_at_any_operation_loses_nothing_that_was_acknowledged(seed: int) -> None:
    for operation in range(1, operations_of_workload(seed) + 1):
        crash_and_check(seed, operation, power=True)


@pytest.mark.parametrize("power", [True, False])
def test_a_second_crash_during_recovery_loses_nothing_either(power: bool) -> None:
    for operation in range(1, operations_of_workload(3) + 1, 2):
        crash_and_check(3, operation, power=power, crash_in_recovery=True)


def test_a_seed_replays_the_same_run() -> None:
    def run() -> tuple[list[str], int]:
        disk = SimulatedDisk(5)
        disk.crash_at(150)
        with pytest.raises(CrashError):
            workload(disk, 5, History())
        disk.lose_power()
        return disk.operations, open_log(disk)[1].end_offset

    assert run() == run()


def test_a_failed_sync_takes_the_partition_offline_and_is_not_tried_again() -> None:
    disk = SimulatedDisk(1)
    _, log = open_log(disk)
    history, rng = History(), random.Random(1)
    send(log, history, rng)
    acknowledge(log, history)
    send(log, history, rng)
    disk.fail_next("sync", errno.EIO)
    with pytest.raises(PartitionOffline):
        log.sync()
    before = len(disk.operations)
    with pytest.raises(PartitionOffline):
        send(log, history, rng)
    with pytest.raises(PartitionOffline):
        log.sync()
    log.close()
    assert len(disk.operations) == before, "the failed partition was touched again"
    assert log.flushed_offset == history.synced


def test_what_a_restart_after_a_failed_sync_calls_durable_survives_a_power_loss() -> None:
    """The kernel calls the pages clean that it failed to write: recovery has to write them again."""
    disk = SimulatedDisk(1)
    directory, log = open_log(disk)
    history, rng = History(), random.Random(1)
    for _ in range(3):
        send(log, history, rng)
    disk.fail_next("sync", errno.EIO)
    with pytest.raises(PartitionOffline):
        log.sync()
    directory.close()

    directory, log = open_log(disk)
    assert not directory.clean
    assert log.flushed_offset == log.end_offset == len(history.sent)
    disk.lose_power()
    _, log = open_log(disk)
    check_recovered(log, history, at_least=len(history.sent))


def test_a_full_disk_keeps_nothing_of_a_refused_batch_and_goes_on_when_there_is_room() -> None:
    disk = SimulatedDisk(1)
    _, log = open_log(disk)
    history, rng = History(), random.Random(2)
    send(log, history, rng)
    acknowledge(log, history)
    size = log.size
    disk.capacity = disk.used() + 100
    batch = bytes(batch_of([bytes(500)], producer=(PRODUCER_ID, 0, len(history.sent))))
    with pytest.raises(NoSpace):
        log.append(batch, check_batch(batch))
    assert log.size == size == size_on_disk(disk, log)
    assert not log.failed
    disk.capacity = None
    assert log.append(batch, check_batch(batch)).base_offset == len(history.sent)
    history.sent.append(bytes(500))
    acknowledge(log, history)
    disk.lose_power()
    _, log = open_log(disk)
    check_recovered(log, history, at_least=len(history.sent))


@pytest.mark.parametrize("seed", range(8))
def test_a_disk_without_room_for_a_checkpoint_still_keeps_what_it_acknowledges(seed: int) -> None:
    disk = SimulatedDisk(seed)
    _, log = open_log(disk)
    history, rng = History(), random.Random(2)
    send(log, history, rng)
    log.roll()
    send(log, history, rng)
    disk.capacity = disk.used()
    acknowledge(log, history)
    assert history.synced == log.end_offset
    assert log.recovery_point == 0
    disk.lose_power()
    disk.capacity = None
    _, log = open_log(disk)
    check_recovered(log, history, at_least=history.synced)
    assert log.recovery_point == log.end_offset


def test_a_write_error_takes_the_partition_offline_and_leaves_no_half_batch() -> None:
    disk = SimulatedDisk(1)
    _, log = open_log(disk)
    history, rng = History(), random.Random(1)
    send(log, history, rng)
    acknowledge(log, history)
    disk.fail_next("write", errno.EIO)
    with pytest.raises(PartitionOffline):
        send(log, history, rng)
    assert log.failed
    assert size_on_disk(disk, log) == log.size
    disk.crash_process()
    _, log = open_log(disk)
    check_recovered(log, history, at_least=history.synced)
    assert log.end_offset == history.synced
