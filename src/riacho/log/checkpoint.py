"""What a log stores beside its segments: recovery point, start, leader epochs, and what it knows of producers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from riacho.host import Disk
from riacho.log import files
from riacho.log.epochs import LeaderEpochs
from riacho.log.producers import Producers

RECOVERY_POINT_FILE: Final = "recovery-point-offset-checkpoint"
LOG_START_FILE: Final = "log-start-offset-checkpoint"
LEADER_EPOCH_FILE: Final = "leader-epoch-checkpoint"
SNAPSHOT_SUFFIX: Final = ".snapshot"

KEPT_SNAPSHOTS: Final = 2
"""The newest one, and one in case that cannot be read."""


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """The small files in one partition's directory. Each is replaced whole; every method blocks on the disk."""

    disk: Disk
    directory: Path

    def recovery_point(self) -> int:
        """Every record below it is durable, and so are the indexes, epochs and producers up to it."""
        return files.load_offset(self.disk, self.directory / RECOVERY_POINT_FILE) or 0

    def log_start(self) -> int:
        """The start that deletion and retention have set; 0 where they never did."""
        return files.load_offset(self.disk, self.directory / LOG_START_FILE) or 0

    def state(self, first_offset: int) -> tuple[LeaderEpochs, Producers, int]:
        """Epochs and producers as last stored, and the offset from which batches are to be replayed into them."""
        stored = files.load(self.disk, self.directory / LEADER_EPOCH_FILE)
        epochs = LeaderEpochs.decode(stored) if stored is not None else None
        if epochs is None:
            return LeaderEpochs(), Producers(), first_offset
        for name in reversed(self._snapshots()):
            offset = _offset_of(name)
            producers = Producers.decode(files.load(self.disk, self.directory / name) or b"", offset)
            if producers is not None:
                return epochs, producers, max(offset, first_offset)
        return epochs, Producers(), first_offset

    def store(self, end_offset: int, epochs: LeaderEpochs, producers: Producers) -> None:
        """Move the recovery point to `end_offset`; records and indexes below it are already synced.

        Where a power loss keeps only some of these files, recovery reads more of the log, from the newest snapshot on.
        """
        snapshot = self.directory / f"{end_offset:020d}{SNAPSHOT_SUFFIX}"
        files.replace(self.disk, snapshot, producers.encode(end_offset))
        encoded = epochs.encode()
        if files.load(self.disk, self.directory / LEADER_EPOCH_FILE) != encoded:
            files.replace(self.disk, self.directory / LEADER_EPOCH_FILE, encoded)
        files.replace_offset(self.disk, self.directory / RECOVERY_POINT_FILE, end_offset)
        self.disk.sync_directory(self.directory)
        for name in self._snapshots()[:-KEPT_SNAPSHOTS]:
            self.disk.unlink(self.directory / name)

    def store_log_start(self, offset: int) -> None:
        files.replace_offset(self.disk, self.directory / LOG_START_FILE, offset)
        self.disk.sync_directory(self.directory)

    def remove_snapshots_after(self, end_offset: int) -> bool:
        """Remove snapshots that speak of records the log no longer has; whether there were any."""
        stale = [name for name in self._snapshots() if _offset_of(name) > end_offset]
        for name in stale:
            self.disk.unlink(self.directory / name)
        return bool(stale)

    def _snapshots(self) -> list[str]:
        """The names of the producer snapshots, oldest first."""
        return [
            name
            for name in self.disk.list(self.directory)
            if name.endswith(SNAPSHOT_SUFFIX) and name.removesuffix(SNAPSHOT_SUFFIX).isdigit()
        ]


def _offset_of(snapshot: str) -> int:
    return int(snapshot.removesuffix(SNAPSHOT_SUFFIX))
