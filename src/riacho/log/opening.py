"""From a partition's directory to what its log holds: files found, checkpoints read, the end recovered."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from riacho.host import Disk
from riacho.log import files
from riacho.log.checkpoint import Checkpoints
from riacho.log.config import LogConfig
from riacho.log.epochs import LeaderEpochs
from riacho.log.errors import PartitionOffline
from riacho.log.producers import Producers
from riacho.log.recovery import Recovery, make_durable
from riacho.log.segment import LOG_SUFFIX, Segment


@dataclass(frozen=True, slots=True)
class OpenedLog:
    """What a log's directory holds.

    recovery_point: the offset below which everything was known to be durable.
    is_new: nothing was there, and an empty log was begun, durably.
    cut: whether bytes or segments that could not be trusted were removed.
    """

    segments: list[Segment]
    epochs: LeaderEpochs
    producers: Producers
    log_start_offset: int
    end_offset: int
    recovery_point: int
    is_new: bool
    cut: bool

    @property
    def is_checkpointed(self) -> bool:
        """Whether what is stored beside the segments says all that they hold."""
        return not self.cut and self.end_offset == self.recovery_point

    def make_durable(self, disk: Disk, directory: Path, stop: threading.Event) -> None:
        """Put what lies past the recovery point on stable storage. Blocks. Raises `RecoveryStopped`, `OSError`."""
        make_durable(disk, self.segments, min(self.recovery_point, self.end_offset), self.end_offset, stop)
        disk.sync_directory(directory)


def open_log(disk: Disk, directory: Path, config: LogConfig, now_ms: int, stop: threading.Event) -> OpenedLog:
    """Recover the log in `directory`, which exists; an empty directory becomes an empty log.

    Blocks on the disk. Raises `PartitionOffline` where durable records are damaged or missing, `RecoveryStopped`,
    and `OSError` where the disk fails.
    """
    interval = config.index_interval_bytes
    checkpoints = Checkpoints(disk, directory)
    bases = _tidy(disk, directory)
    recovery_point, log_start = checkpoints.recovery_point(), checkpoints.log_start()
    if not bases and max(recovery_point, log_start) > 0:
        raise PartitionOffline(
            f"the log has records up to offset {max(recovery_point, log_start)}, but no segment file is there",
            where=str(directory),
            mend="restore the directory from a backup, or remove it to begin anew",
        )
    while len(bases) > 1 and bases[1] <= log_start:
        Segment(disk, directory, bases.pop(0), interval, now_ms).remove_files()
    if bases:
        segments = [Segment.open(disk, directory, base, interval, now_ms) for base in bases]
    else:
        segments = [Segment.create(disk, directory, 0, interval, now_ms)]
        disk.sync_directory(directory)
    log_start = max(log_start, segments[0].base_offset)
    epochs, producers, replay_from = checkpoints.state(segments[0].base_offset)
    recovered = Recovery(disk, epochs, producers, replay_from, recovery_point, now_ms, stop).run(segments)
    end = recovered.end_offset
    if checkpoints.remove_snapshots_after(end):
        return open_log(disk, directory, config, now_ms, stop)
    epochs.truncate_from_end(end)
    epochs.truncate_from_start(log_start)
    return OpenedLog(
        recovered.segments,
        epochs,
        producers,
        log_start_offset=min(log_start, end),
        end_offset=end,
        recovery_point=recovery_point,
        is_new=not bases,
        cut=recovered.cut,
    )


def _tidy(disk: Disk, directory: Path) -> list[int]:
    """Remove what an interrupted replacement left; the base offsets of the segments that are there, rising."""
    bases = []
    for name in disk.list(directory):
        stem, _, suffix = name.partition(".")
        if name.endswith(files.TEMPORARY_SUFFIX):
            disk.unlink(directory / name)
        elif f".{suffix}" == LOG_SUFFIX and len(stem) == 20 and stem.isdigit():
            bases.append(int(stem))
    return sorted(bases)
