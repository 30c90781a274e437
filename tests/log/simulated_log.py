"""A log on a simulated disk, and the shortest way to append to it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from log_batches import NOW_MS, batch_of

from riacho.host import ManualClock
from riacho.log import Appended, LogConfig, Partition, check_batch
from simulated_disk import SimulatedDisk

DIRECTORY: Final = Path("/log")
BATCH_BYTES: Final = len(batch_of([bytes(100)]))
"""The size of a batch with one record of 100 bytes."""

ANY_TIME: Final = LogConfig(message_timestamp_after_max_ms=2**62)


def open_log(
    disk: SimulatedDisk, config: LogConfig = ANY_TIME, *, clock: ManualClock | None = None, leader_epoch: int = 0
) -> Partition:
    disk.make_directory(DIRECTORY)
    disk.sync_directory(DIRECTORY.parent)
    clock = clock or ManualClock(wall_ms=NOW_MS)
    return Partition.open(DIRECTORY, config, disk=disk, clock=clock, leader_epoch=leader_epoch)


def append(log: Partition, *values: bytes, timestamps: list[int] | None = None) -> Appended:
    batch = batch_of(list(values), timestamps=timestamps)
    return log.append(batch, check_batch(batch))
