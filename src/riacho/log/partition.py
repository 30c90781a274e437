"""One partition's log: appending, syncing, reading, looking up, retaining.

Threads: `sync`, `retain` and `delete_records_before` block on the disk and belong on a disk thread, as does the work
that `loading_for` and `loading_for_time` name; everything else is called on one thread, the loop's. Nothing may be
appended while one of the first three runs; reads may go on.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal, NamedTuple

from riacho.host import Buffer, Clock, Disk
from riacho.log.checkpoint import Checkpoints
from riacho.log.config import LogConfig
from riacho.log.epochs import EpochEnd
from riacho.log.errors import NoSpace, OffsetOutOfRange, PartitionOffline, is_full
from riacho.log.header import HEADER_BYTES, BatchHeader, check_for_topic, place, stamp
from riacho.log.opening import OpenedLog, open_log
from riacho.log.retention import expendable
from riacho.log.segment import Segment, SegmentFile
from riacho.log.segments import Segments, Work

logger = logging.getLogger(__name__)

Origin = Literal["client", "coordinator"]

CHECKPOINT_BYTES: Final = 64 << 20
"""A recovery point is written after so many synced bytes, which bounds what a restart after a crash must check."""


class Appended(NamedTuple):
    """Where a batch is stored.

    log_append_time_ms: −1 where the topic keeps its producers' timestamps.
    duplicate: an idempotent producer's repeat; the offsets are those of the first time.
    rolled: a new segment was begun, so that `sync` should soon run even where nobody waits for it.
    """

    base_offset: int
    last_offset: int
    log_append_time_ms: int
    duplicate: bool
    rolled: bool


class Slice(NamedTuple):
    """Whole batches, one after another, in one segment file: what `sendfile` takes.

    The descriptor stays open as long as the slice is referenced, even where the segment is deleted meanwhile.
    `next_offset` follows the last record of the slice.
    """

    fd: int
    position: int
    length: int
    next_offset: int
    file: SegmentFile


class TimestampedOffset(NamedTuple):
    """An answer of ListOffsets; the timestamp is −1 where the question was not about time."""

    offset: int
    timestamp_ms: int
    leader_epoch: int


class Partition:
    """The log of one partition, open in its directory.

    end_offset: the offset of the next record; with one node this is the high watermark, too.
    flushed_offset: every record below it is on stable storage.
    failed: the disk let a write or sync down; whatever writes raises `PartitionOffline` until a restart.
    """

    def __init__(
        self,
        directory: Path,
        config: LogConfig,
        disk: Disk,
        clock: Clock,
        opened: OpenedLog,
        leader_epoch: int,
    ) -> None:
        """Use `Partition.open`."""
        self.directory = directory
        self.config = config
        self.leader_epoch = leader_epoch
        self.log_start_offset = opened.log_start_offset
        self.end_offset = opened.end_offset
        self.flushed_offset = opened.end_offset
        self.recovery_point = opened.recovery_point
        self.failed = False
        self._disk = disk
        self._clock = clock
        self._segments = Segments(opened.segments)
        self._epochs = opened.epochs
        self._epochs.assign(leader_epoch, opened.end_offset)
        self._producers = opened.producers
        self._checkpoints = Checkpoints(disk, directory)
        self._roll_limits = (config.segment_bytes, config.segment_ms)
        self._bytes_since_checkpoint = 0
        self._checkpoint_is_due = False
        self._directory_is_dirty = not opened.is_new
        self._disk_is_busy = False
        self._is_closed = False

    # Opening and closing

    @classmethod
    def open(
        cls,
        directory: Path,
        config: LogConfig,
        *,
        disk: Disk,
        clock: Clock,
        leader_epoch: int,
        stop: threading.Event | None = None,
    ) -> Partition:
        """Open the log in `directory`, which exists, and recover it; an empty directory becomes an empty log.

        leader_epoch: the epoch under which this process appends. It is raised past any that the log holds.
        stop: set by another thread, it ends a recovery that takes long.

        Blocks on the disk. Raises `PartitionOffline` where durable records are damaged or missing, `RecoveryStopped`,
        and `OSError` where the disk fails.
        """
        stop = stop or threading.Event()
        opened = open_log(disk, directory, config, clock.now_ms(), stop)
        partition = cls(directory, config, disk, clock, opened, max(leader_epoch, opened.epochs.latest + 1))
        if not opened.is_checkpointed:
            opened.make_durable(disk, directory, stop)
            partition._checkpoint()
        return partition

    def close(self) -> None:
        """Make everything durable and let go of the files; a failed partition is left for recovery.

        Raises `PartitionOffline` where the disk fails only now. Slices that were handed out can still be read.
        """
        if not self.failed and self.end_offset != self.recovery_point:
            self._segments.active.note_largest_timestamp()
            self._checkpoint_is_due = True
            self.sync()
        self._is_closed = True
        self._segments.release_all()

    def discard(self) -> None:
        """Let go of the files of a log that was deleted: they are freed here, unless slices still refer to them.

        Blocks, as a large file takes its time. Whoever comes too late gets an `OSError`.
        """
        self.failed = True
        self._segments.release_all()

    def reconfigure(self, config: LogConfig) -> None:
        """Obey the topic's changed settings from now on."""
        self.config = config
        self._roll_limits = (config.segment_bytes, config.segment_ms)

    @property
    def size(self) -> int:
        """Bytes in all segments, indexes not counted."""
        return sum(segment.size for segment in self._segments)

    @property
    def segment_base_offsets(self) -> list[int]:
        return [segment.base_offset for segment in self._segments]

    # Appending

    def append(
        self,
        batch: Buffer,
        header: BatchHeader,
        *,
        origin: Origin = "client",
    ) -> Appended:
        """Write one batch, which `check_batch` has passed, at the end of the log; nothing is synced.

        A writable `batch` is patched in place: base offset and leader epoch.

        Raises `BatchError` (the topic's limits), `OutOfOrderSequence`, `InvalidProducerEpoch`, `NoSpace` (send it
        again later), `PartitionOffline`.
        """
        assert not self._disk_is_busy, "nothing may be appended while a sync runs"
        assert not self._is_closed, "the log is closed"
        if self.failed:
            raise self._offline()
        now_ms = self._clock.now_ms()
        if origin == "client":
            check_for_topic(header, self.config, now_ms)
        log_append_time = self.config.message_timestamp_type == "LogAppendTime"
        has_producer = header.producer_id >= 0
        if has_producer:
            stored = self._producers.check(header)
            if stored is not None:
                time_ms = stored.timestamp_ms if log_append_time else -1
                return Appended(stored.base_offset, stored.last_offset, time_ms, duplicate=True, rolled=False)
        max_timestamp = header.max_timestamp
        if log_append_time:
            batch = stamp(batch, now_ms)
            max_timestamp = now_ms

        base_offset = self.end_offset
        last_offset = base_offset + header.last_offset_delta
        size = header.size
        segment = self._segments.active
        rolled = segment.is_full(size, last_offset, max_timestamp, now_ms, self._roll_limits)
        if rolled:
            self.roll()
            segment = self._segments.active
        buffers = place(batch, header.batch_length, base_offset, self.leader_epoch)
        try:
            self._disk.write(segment.file.fd, segment.size, buffers)
        except OSError as error:
            raise self._after_failed_write(error) from error
        segment.add(size, last_offset, max_timestamp)
        if has_producer:
            self._producers.record(header, base_offset, max_timestamp, now_ms)
        self._bytes_since_checkpoint += size
        self.end_offset = last_offset + 1
        return Appended(base_offset, last_offset, now_ms if log_append_time else -1, duplicate=False, rolled=rolled)

    def roll(self) -> None:
        """Begin a new segment at the end of the log; one that is empty stays. Raises `NoSpace`, `PartitionOffline`."""
        if self.failed:
            raise self._offline()
        if self._segments.active.size == 0:
            return
        interval, now_ms = self.config.index_interval_bytes, self._clock.now_ms()
        try:
            segment = Segment.create(self._disk, self.directory, self.end_offset, interval, now_ms)
        except OSError as error:
            if is_full(error):
                raise self._no_space() from error
            raise self._fail(error) from error
        self._segments.active.seal()
        self._directory_is_dirty = True
        self._checkpoint_is_due = True
        self._segments.begin(segment)

    def _after_failed_write(self, error: OSError) -> PartitionOffline | NoSpace:
        """Take back what was written of a batch: nothing of it may be read, or stay behind the next one."""
        try:
            self._disk.truncate(self._segments.active.file.fd, self._segments.active.size)
        except OSError as second:
            return self._fail(second)
        if is_full(error):
            return self._no_space()
        return self._fail(error)

    # Durability

    def sync(self) -> int:
        """Put everything appended so far on stable storage; returns the new `flushed_offset`.

        Now and then this also moves the recovery point. Blocks. Raises `PartitionOffline`: a sync that failed is
        never tried again, since the kernel may have forgotten what it could not write.
        """
        if self.failed:
            raise self._offline()
        self._disk_is_busy = True
        end = self.end_offset
        try:
            for segment in self._segments.unsynced():
                size = segment.size
                self._disk.sync(segment.file.fd)
                segment.synced_size = size
            if self._directory_is_dirty:
                self._disk.sync_directory(self.directory)
                self._directory_is_dirty = False
        except OSError as error:
            raise self._fail(error) from error
        finally:
            self._disk_is_busy = False
        self.flushed_offset = end
        if self._checkpoint_is_due or self._bytes_since_checkpoint >= CHECKPOINT_BYTES:
            self._disk_is_busy = True
            try:
                self._checkpoint()
            finally:
                self._disk_is_busy = False
        return end

    def _checkpoint(self) -> None:
        """Store indexes, producers, epochs, and then the recovery point: everything below it is durable.

        Where there is no room for that, the old recovery point stands, and the next sync tries again.
        """
        end = self.end_offset
        self._producers.expire(self._clock.now_ms() - self.config.producer_id_expiration_ms)
        try:
            for segment in self._segments:
                if segment is self._segments.active or not segment.index_is_stored:
                    segment.store_index()
            self._checkpoints.store(end, self._epochs, self._producers)
        except OSError as error:
            if not is_full(error):
                raise self._fail(error) from error
            self._checkpoint_is_due = True
            logger.warning("%s: no room to move the recovery point on", self.directory)
            return
        self.recovery_point = end
        self._checkpoint_is_due = False
        self._bytes_since_checkpoint = 0
        self._segments.release_older()

    def _fail(self, error: OSError) -> PartitionOffline:
        self.failed = True
        logger.error("%s takes no more writes until a restart: %s", self.directory, error)
        return self._offline()

    def _offline(self) -> PartitionOffline:
        return PartitionOffline(
            "the disk failed under this partition, which takes no writes",
            where=str(self.directory),
            mend="see to the disk, then restart the broker: it recovers the log",
        )

    def _no_space(self) -> NoSpace:
        return NoSpace("the disk is full", where=str(self.directory), mend="make room: writes then go on")

    # Reading

    def read(self, offset: int, max_bytes: int, *, at_least_one: bool = True) -> Slice:
        """The batches from the one that holds `offset` on, of one segment, in at most `max_bytes`.

        at_least_one: the first batch comes whole, even where it is larger. At the end of the log the slice is empty.

        Raises `OffsetOutOfRange`, and `DamagedSegment` where the disk lost data.
        """
        if not self.log_start_offset <= offset <= self.end_offset:
            raise self._out_of_range(offset)
        if offset == self.end_offset:
            active = self._segments.active
            return Slice(active.file.fd, active.size, 0, offset, active.file)
        segment, segment_end = self._segment_of(offset)
        file = segment.file
        position = segment.position_of(offset)
        end, next_offset = segment.cut(position, position + max_bytes, offset, segment_end)
        if end == position and at_least_one:
            header = segment.header_at(position)
            end, next_offset = position + header.size, header.last_offset + 1
        return Slice(file.fd, position, end - position, next_offset, file)

    def loading_for(self, offset: int) -> Work | None:
        """What a disk thread should do before `read(offset)`; None where that reads little itself.

        Without it `read` does the same: an older segment's indexes are read or, where they are missing, built anew
        from all its headers.
        """
        return self._segments.loading_for(offset)

    def loading_for_time(self, timestamp_ms: int | None) -> Work | None:
        """The same before `find_by_time(timestamp_ms)` or, for None, before `max_timestamp`."""
        return self._segments.loading_for_time(timestamp_ms)

    def load(self, part: Slice) -> bytes:
        """A slice's bytes."""
        return self._disk.read(part.fd, part.position, part.length)

    def headers(self, offset: int) -> Iterator[BatchHeader]:
        """The header of each batch from the one that holds `offset` to the end of the log."""
        while offset < self.end_offset:
            part = self.read(offset, 1 << 20)
            data = self.load(part)
            position = 0
            while position + HEADER_BYTES <= len(data):
                header = BatchHeader.parse(data, position)
                yield header
                position += header.size
            offset = part.next_offset

    def find_by_time(self, timestamp_ms: int) -> TimestampedOffset | None:
        """The first record that is not older than `timestamp_ms`; None where all are."""
        for segment in self._segments:
            if segment.largest_timestamp()[0] < timestamp_ms:
                continue
            start = max(self.log_start_offset, segment.base_offset)
            self._segments.keep_at_hand(segment)
            found = segment.find_time(timestamp_ms, start)
            if found is not None:
                return TimestampedOffset(*found)
        return None

    def max_timestamp(self) -> TimestampedOffset | None:
        """The first record with the log's largest timestamp (KIP-734); None where no record has one."""
        timestamp, segment = max(
            ((segment.largest_timestamp()[0], segment) for segment in self._segments),
            key=lambda pair: (pair[0], -pair[1].base_offset),
        )
        if timestamp < 0:
            return None
        found = segment.find_time(timestamp, max(self.log_start_offset, segment.base_offset))
        return TimestampedOffset(*found) if found is not None else None

    def earliest(self) -> TimestampedOffset:
        """The log's start."""
        return TimestampedOffset(self.log_start_offset, -1, self._epochs.epoch_at(self.log_start_offset))

    def latest(self) -> TimestampedOffset:
        """The log's end."""
        return TimestampedOffset(self.end_offset, -1, self.leader_epoch)

    def end_offset_for_epoch(self, epoch: int) -> EpochEnd:
        """What OffsetForLeaderEpoch answers: the largest epoch not above `epoch`, and where it ended."""
        return self._epochs.end_offset(epoch, log_end=self.end_offset)

    def _segment_of(self, offset: int) -> tuple[Segment, int]:
        """The segment that holds `offset`, and the offset after its last record."""
        found = self._segments.find(offset, self.end_offset)
        if found is None:  # retention, on its own thread, has just deleted it
            raise self._out_of_range(offset)
        return found

    def _out_of_range(self, offset: int) -> OffsetOutOfRange:
        return OffsetOutOfRange(
            f"offset {offset} is outside of {self.log_start_offset} to {self.end_offset}", where=str(self.directory)
        )

    # Retention

    def delete_records_before(self, offset: int) -> int:
        """Move the log's start up to `offset`, durably, and delete the segments before it; returns the start.

        Blocks. Raises `OffsetOutOfRange` past the log's end, `PartitionOffline`.
        """
        if self.failed:
            raise self._offline()
        if not 0 <= offset <= self.end_offset:
            raise OffsetOutOfRange(f"offset {offset} is past the end, {self.end_offset}", where=str(self.directory))
        if offset > self.log_start_offset:
            self._make_durable(offset)
            with self._busy_disk():
                self._checkpoints.store_log_start(offset)
            self.log_start_offset = offset
            self._delete_oldest(self._segments.count_before(offset))
        return self.log_start_offset

    def retain(self, now_ms: int) -> int:
        """Delete the oldest segments that retention no longer asks for; returns how many. Blocks.

        Where even the newest one has to go, an empty one is begun in its place, as in Kafka.
        """
        if self.failed:
            raise self._offline()
        count = expendable(self._segments.all, self.config, now_ms)
        older = min(count, len(self._segments) - 1)
        self._delete_oldest(older)
        if count == older or not self._segments.active.size:
            return older
        self.roll()
        self._delete_oldest(1)
        return count

    def _make_durable(self, start_offset: int) -> None:
        """What a log is to begin with must not be lost after what came before it was deleted."""
        if self._directory_is_dirty or self.flushed_offset < start_offset:
            self.sync()

    def _delete_oldest(self, count: int) -> None:
        """Delete segments one after another, each for good, so that a crash leaves no gap between those that remain.

        Nothing need be written: this is what makes room on a full disk.
        """
        if not count:
            return
        self._make_durable(self._segments.all[count].base_offset)
        with self._busy_disk():
            for _ in range(count):
                self.log_start_offset = max(self.log_start_offset, self._segments.all[1].base_offset)
                self._segments.forget_oldest().remove_files()
                self._disk.sync_directory(self.directory)
        self._epochs.truncate_from_start(self.log_start_offset)

    @contextmanager
    def _busy_disk(self) -> Iterator[None]:
        """Nothing may be appended meanwhile; a failure other than of room takes the partition offline."""
        self._disk_is_busy = True
        try:
            yield
        except OSError as error:
            raise (self._no_space() if is_full(error) else self._fail(error)) from error
        finally:
            self._disk_is_busy = False
