"""What a log does when it is opened: bring its end, its epochs and its producers to what the segments hold.

Everything below the recovery point is known to be on stable storage and is not read, save for the few batches
between there and the last producer snapshot or index entry. Where one of those is damaged or gone, the log is refused
as it is: to cut it would throw away what was acknowledged. What lies past the recovery point was written, but perhaps
never synced: it is checked batch by batch, and cut at the first that is not whole.
"""

from __future__ import annotations

import logging
import threading
from bisect import bisect_right
from dataclasses import dataclass
from typing import Final

from riacho.host import Disk
from riacho.log.checkpoint import RECOVERY_POINT_FILE
from riacho.log.epochs import LeaderEpochs
from riacho.log.errors import DamagedSegment, PartitionOffline, RecoveryStopped
from riacho.log.header import BatchHeader, checksum
from riacho.log.producers import Producers
from riacho.log.segment import Segment
from riacho.log.walk import SCAN_CHUNK_BYTES, walk

logger = logging.getLogger(__name__)

REWRITE_CHUNK_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Recovered:
    """The segments that remain, oldest first, and the offset after their last record.

    cut: whether bytes or segments that could not be trusted were removed.
    """

    segments: list[Segment]
    end_offset: int
    cut: bool


@dataclass(frozen=True, slots=True)
class Recovery:
    """Replays the end of a log into its indexes, `epochs` and `producers`.

    replay_from: the offset up to which `producers` is known.
    recovery_point: every record below it is durable.
    stop: set by another thread, it ends the recovery by `RecoveryStopped`; what was done until then may stay.
    """

    disk: Disk
    epochs: LeaderEpochs
    producers: Producers
    replay_from: int
    recovery_point: int
    now_ms: int
    stop: threading.Event

    def run(self, segments: list[Segment]) -> Recovered:
        """Check and replay what must be; cut what follows the first batch that is not whole.

        Raises `PartitionOffline`, and changes nothing, where that batch lies below the recovery point.
        """
        durable = self.recovery_point
        bases = [segment.base_offset for segment in segments]
        begin = min(self.replay_from, durable)
        first = max(bisect_right(bases, begin) - 1, 0)
        end = segments[first].base_offset
        for number in range(first, len(segments)):
            segment = segments[number]
            if end >= durable and number > first and segment.base_offset != end:
                return self._cut(segments, number, end)
            file_size = segment.size
            try:
                known = segment.rewind(max(begin, segment.base_offset))
            except DamagedSegment as error:  # the first header, which lies below the index entries that were kept
                raise self._refusal(segment, 0, segment.base_offset) from error
            end = self._replay(segment, file_size, max(known, end))
            if segment.size < file_size:
                if end < durable:
                    raise self._refusal(segment, segment.size, end)
                logger.warning(
                    "%s: cut %d bytes that were not written whole, from offset %d on",
                    segment.path,
                    file_size - segment.size,
                    end,
                )
                self.disk.truncate(segment.file.fd, segment.size)
                return self._cut(segments, number + 1, end, truncated=True)
            if number < len(segments) - 1:
                segment.seal()
        if end < durable:
            raise self._refusal(segments[-1], segments[-1].size, end)
        return Recovered(segments, end, cut=False)

    def _refusal(self, segment: Segment, position: int, offset: int) -> PartitionOffline:
        return PartitionOffline(
            f"at byte {position} there is no sound batch of offset {offset}, though the log was on stable storage "
            f"up to offset {self.recovery_point - 1}: the disk has lost or changed data",
            where=str(segment.path),
            mend=f"restore the file from a backup; or, to go on without the records from there on, remove "
            f"{RECOVERY_POINT_FILE} beside it: the log is then cut at its first batch that is not whole",
        )

    def _replay(self, segment: Segment, file_size: int, end: int) -> int:
        """Add the segment's sound batches; the offset after the last one."""
        fd = segment.file.fd
        for position, header in walk(self.disk, fd, segment.size, file_size, chunk_bytes=SCAN_CHUNK_BYTES):
            raise_if_stopped(self.stop, segment)
            if self._is_past_recovery_point(header, end) and not self._is_sound(fd, position, header, end):
                break
            segment.add(header.size, header.last_offset, header.max_timestamp)
            self.epochs.assign(header.leader_epoch, header.base_offset)
            if header.has_producer and header.base_offset >= self.replay_from:
                self.producers.record(header, header.base_offset, header.max_timestamp, self.now_ms)
            end = header.last_offset + 1
        return end

    def _is_past_recovery_point(self, header: BatchHeader, end: int) -> bool:
        """A batch whose base offset was torn must not pass for an old one: its place counts, too."""
        return end >= self.recovery_point or header.last_offset >= self.recovery_point

    def _is_sound(self, fd: int, position: int, header: BatchHeader, expected_offset: int) -> bool:
        """Whether a batch is whole: its checksum, and the two fields that the checksum does not cover."""
        return (
            header.base_offset == expected_offset
            and header.leader_epoch >= self.epochs.epoch_at(expected_offset)
            and checksum(self.disk.read(fd, position, header.size)) == header.checksum
        )

    def _cut(self, segments: list[Segment], keep: int, end: int, *, truncated: bool = False) -> Recovered:
        for segment in segments[keep:]:
            logger.warning("%s: removed, since what comes before it ends at offset %d", segment.path, end)
            segment.remove_files()
        return Recovered(segments[:keep], end, cut=truncated or keep < len(segments))


def raise_if_stopped(stop: threading.Event, segment: Segment) -> None:
    """Raises `RecoveryStopped` where the process is to end: a recovery can read for longer than a stop may take."""
    if stop.is_set():
        raise RecoveryStopped("its recovery was stopped", where=str(segment.path.parent))


def make_durable(
    disk: Disk, segments: list[Segment], recovery_point: int, end_offset: int, stop: threading.Event
) -> None:
    """Write everything past the recovery point again and sync it.

    After a failed fsync the kernel may hold pages that are not on the disk, and yet call them clean; a sync
    alone would then promise what is not so.
    """
    for number, segment in enumerate(segments):
        if number + 1 < len(segments) and segments[number + 1].base_offset <= recovery_point:
            continue
        fd = segment.file.fd
        position = 0
        if segment.base_offset < recovery_point:
            position = segment.position_of(recovery_point) if recovery_point < end_offset else segment.size
        while position < segment.size:
            raise_if_stopped(stop, segment)
            chunk = disk.read(fd, position, min(REWRITE_CHUNK_BYTES, segment.size - position))
            disk.write(fd, position, (chunk,))
            position += len(chunk)
        disk.sync(fd)
        segment.synced_size = segment.size
