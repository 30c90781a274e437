"""Snapshots on a disk that crashes at every operation, is unplugged, fills up and fails."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from riacho.host import ManualClock
from riacho.jobs.snapshot import Snapshot, SnapshotError, SnapshotStore
from simulated_disk import CrashError, SimulatedDisk

pytestmark = pytest.mark.no_cover  # the same lines many thousand times: tracing them triples the time

DIRECTORY = Path("/job")
WRITTEN = 4
SEEDS = range(6)

End = Callable[[SimulatedDisk], None]
ENDS: list[End] = [SimulatedDisk.crash_process, SimulatedDisk.lose_power]


def store(disk: SimulatedDisk) -> SnapshotStore:
    return SnapshotStore(DIRECTORY, disk=disk, clock=ManualClock(wall_ms=1_000))


def write(snapshots: SnapshotStore, number: int) -> None:
    """A snapshot whose arrays and positions tell which one it is."""
    arrays = {"keys": np.arange(number * 100), "sums": np.full(5_000, number, np.int64)}
    snapshots.write("plan", {"at": number}, arrays)


def number_of(snapshot: Snapshot | None) -> int:
    """Which snapshot it is, 0 where there is none. It must be whole, and all of one."""
    if snapshot is None:
        return 0
    number = int(snapshot.positions["at"])
    assert snapshot.arrays["keys"].tolist() == list(range(number * 100))
    assert (snapshot.arrays["sums"] == number).all()
    assert len(snapshot.arrays["sums"]) == 5_000
    return number


def run_until_crash(disk: SimulatedDisk, written: list[int]) -> bool:
    """Write snapshots, noting those that are durable; whether the disk crashed before the last one."""
    try:
        snapshots = store(disk)
        for number in range(written[-1] + 1, WRITTEN + 1):
            write(snapshots, number)
            written.append(number)
    except CrashError:
        return True
    return False


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("seed", SEEDS)
def test_after_a_crash_at_any_operation_the_newest_or_the_next_snapshot_is_there_whole(seed: int, end: End) -> None:
    operation = 1
    crashed = True
    while crashed:
        disk = SimulatedDisk(seed * 1_000 + operation)
        disk.crash_at(operation)
        written = [0]
        crashed = run_until_crash(disk, written)
        end(disk)
        found = number_of(store(disk).newest())
        assert found in (written[-1], written[-1] + 1), f"a crash in operation {operation}"
        assert not run_until_crash(disk, [found]), "the job goes on from there"
        assert number_of(store(disk).newest()) == WRITTEN
        operation += 1
    assert operation > 40, "every operation of several snapshots was hit"


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_job_that_has_ended_never_comes_back_in_part(seed: int, end: End) -> None:
    operation = 1
    crashed = True
    while crashed:
        disk = SimulatedDisk(seed * 1_000 + operation)
        snapshots = store(disk)
        write(snapshots, 1)
        write(snapshots, 2)
        disk.crash_at(operation)
        try:
            snapshots.clear()
            crashed = False
        except CrashError:
            crashed = True
        end(disk)
        # What was half removed is none or whole: an older one in the place of a newer would repeat what is done.
        assert number_of(store(disk).newest()) in ((0, 2) if crashed else (0,)), f"operation {operation}"
        operation += 1


def test_a_full_disk_keeps_the_snapshots_that_are_there() -> None:
    disk = SimulatedDisk(1)
    snapshots = store(disk)
    write(snapshots, 1)
    disk.fail_next("write", errno.ENOSPC)
    with pytest.raises(SnapshotError, match="cannot be written: No space left"):
        write(snapshots, 2)
    assert number_of(snapshots.newest()) == 1
    write(store(disk), 3)
    assert number_of(snapshots.newest()) == 3


def test_a_failed_sync_is_no_snapshot() -> None:
    disk = SimulatedDisk(1)
    snapshots = store(disk)
    write(snapshots, 1)
    disk.fail_next("sync", errno.EIO)
    with pytest.raises(SnapshotError, match="cannot be written: Input/output error"):
        write(snapshots, 2)
    disk.lose_power()
    assert number_of(store(disk).newest()) == 1
