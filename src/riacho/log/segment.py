"""One segment file of a log, and its look-ups by offset, by size and by time."""

from __future__ import annotations

import logging
from array import array
from bisect import bisect_left, bisect_right
from pathlib import Path
from typing import Final

from riacho.host import Disk
from riacho.log import files
from riacho.log.errors import DamagedSegment
from riacho.log.header import HEADER_BYTES, NO_TIMESTAMP, BatchHeader
from riacho.log.index import SegmentIndex
from riacho.log.records import first_at_or_after
from riacho.log.walk import SCAN_CHUNK_BYTES, walk

logger = logging.getLogger(__name__)

LOG_SUFFIX: Final = ".log"
INDEX_SUFFIX: Final = ".index"
TIME_INDEX_SUFFIX: Final = ".timeindex"

TAIL_BATCHES: Final = 1024
"""So many of the newest batches are known exactly, without reading the file: what a consumer that keeps up asks for."""

KNOWN_CUTS: Final = 64
"""So many ends of earlier reads are remembered: a consumer goes on where it was cut, without a look into the file."""

MAX_RELATIVE_OFFSET: Final = 2**31 - 1
"""An index entry has four bytes for an offset's distance from the segment's base, signed in Kafka."""


class SegmentFile:
    """An open segment file: closed when the last one who refers to it lets go, be it a reader of a deleted segment."""

    __slots__ = ("_disk", "fd")

    def __init__(self, disk: Disk, fd: int) -> None:
        self._disk = disk
        self.fd = fd

    def __del__(self) -> None:
        self._disk.close(self.fd)


class Segment:
    """Batches from `base_offset` on. The newest segment of a log grows by `add`; older ones no longer change."""

    __slots__ = (
        "_bytes_since_entry",
        "_cuts",
        "_damage",
        "_disk",
        "_file",
        "_index",
        "_interval_bytes",
        "_max_timestamp",
        "_max_timestamp_offset",
        "_tail_offsets",
        "_tail_positions",
        "base_offset",
        "created_ms",
        "first_timestamp",
        "index_is_stored",
        "path",
        "size",
        "synced_size",
    )

    def __init__(self, disk: Disk, directory: Path, base_offset: int, interval_bytes: int, created_ms: int) -> None:
        self._disk = disk
        self._interval_bytes = interval_bytes
        self._file: SegmentFile | None = None
        self._index: SegmentIndex | None = None
        self._max_timestamp: int | None = None
        self._max_timestamp_offset = -1
        self._tail_offsets: array[int] = array("q")
        self._tail_positions: array[int] = array("q")
        self._bytes_since_entry = 0
        self._cuts: dict[int, int] = {}
        self._damage: str | None = None
        """What kept the indexes from being built: it is not looked for again, as the segment no longer changes."""
        self.path = directory / f"{base_offset:020d}{LOG_SUFFIX}"
        self.base_offset = base_offset
        self.created_ms = created_ms
        self.first_timestamp = NO_TIMESTAMP
        self.size = 0
        self.synced_size = 0
        self.index_is_stored = False

    @classmethod
    def create(cls, disk: Disk, directory: Path, base_offset: int, interval_bytes: int, created_ms: int) -> Segment:
        """A new, empty file. Its name is durable once the directory is synced."""
        segment = cls(disk, directory, base_offset, interval_bytes, created_ms)
        segment._file = SegmentFile(disk, disk.open(segment.path, create=True))
        segment._index = SegmentIndex()
        segment._max_timestamp = NO_TIMESTAMP
        return segment

    @classmethod
    def open(cls, disk: Disk, directory: Path, base_offset: int, interval_bytes: int, created_ms: int) -> Segment:
        """A file that is there already, taken to be whole and durable; `rewind` and `add` check it again."""
        segment = cls(disk, directory, base_offset, interval_bytes, created_ms)
        segment.size = segment.synced_size = disk.size(segment.file.fd)
        segment.index_is_stored = True
        segment.release()
        return segment

    @property
    def file(self) -> SegmentFile:
        """The open file, opened at first use. Another thread may `release` it: who reads it keeps it meanwhile."""
        file = self._file
        if file is None:
            file = self._file = SegmentFile(self._disk, self._disk.open(self.path))
        return file

    @property
    def index(self) -> SegmentIndex:
        """The indexes, read at first use, or built where they are missing or cannot be right."""
        index = self._index
        if index is None:
            index = self._load_index()
            if index is None or index.covered_bytes != self.size:
                index = self.rebuild_index()
            self._index = index
        return index

    @property
    def is_at_hand(self) -> bool:
        """Whether a look-up by offset takes no more than a few short reads; else `load` belongs on a disk thread."""
        return self._index is not None or self._is_small or self._damage is not None

    @property
    def knows_its_times(self) -> bool:
        """Whether `largest_timestamp` reads nothing."""
        return self._max_timestamp is not None

    def load(self) -> None:
        """Have the indexes in memory. Reads their files or, where they are missing, the headers of the whole segment.

        May be called on another thread than look-ups are, of a segment that no longer grows. Raises `DamagedSegment`.
        """
        _ = self.index

    def release(self) -> None:
        """Let go of the file and the indexes of a segment that no longer grows; both come back at their next use."""
        self._file = None
        if self.index_is_stored:
            self._index = None

    # Growing

    def add(self, size: int, last_offset: int, max_timestamp: int) -> None:
        """Account for a batch of `size` bytes that now ends the file, and index it where it is due."""
        assert self._index is not None
        assert self._max_timestamp is not None
        position = self.size
        if position == 0:
            self.first_timestamp = max_timestamp
        if max_timestamp > self._max_timestamp:
            self._max_timestamp = max_timestamp
            self._max_timestamp_offset = last_offset
        if self._bytes_since_entry > self._interval_bytes:
            self._index.add(last_offset - self.base_offset, position)
            self._index.add_time(self._max_timestamp, self._max_timestamp_offset - self.base_offset)
            self._bytes_since_entry = 0
        self._bytes_since_entry += size
        tail = self._tail_offsets
        tail.append(last_offset)
        self._tail_positions.append(position)
        if len(tail) >= 2 * TAIL_BATCHES:
            del tail[:TAIL_BATCHES], self._tail_positions[:TAIL_BATCHES]
        self.size = position + size

    def is_full(self, size: int, last_offset: int, max_timestamp: int, now_ms: int, limits: tuple[int, int]) -> bool:
        """Whether a batch must open the next segment: by bytes, by age, or by the reach of the index's offsets.

        `limits` are `segment.bytes` and `segment.ms`. Age is measured between timestamps of records, as in Kafka;
        by the clock where records have none.
        """
        if self.size == 0:
            return False
        segment_bytes, segment_ms = limits
        if self.size + size > segment_bytes or last_offset - self.base_offset > MAX_RELATIVE_OFFSET:
            return True
        if self.first_timestamp >= 0:
            return max_timestamp - self.first_timestamp > segment_ms
        return now_ms - self.created_ms > segment_ms

    def seal(self) -> None:
        """No batch follows: complete the time index."""
        self.note_largest_timestamp()
        del self._tail_offsets[:], self._tail_positions[:]

    def note_largest_timestamp(self) -> None:
        """Let the time index end with the segment's largest timestamp."""
        assert self._max_timestamp is not None
        self.index.add_time(self._max_timestamp, self._max_timestamp_offset - self.base_offset)
        self.index_is_stored = False

    # Looking up

    def position_of(self, offset: int) -> int:
        """Where the batch begins that holds `offset`, which must lie within this segment.

        Raises `DamagedSegment`.
        """
        at = bisect_left(self._tail_offsets, offset)
        if 0 < at < len(self._tail_offsets):
            return self._tail_positions[at]
        known = self._cuts.get(offset)
        if known is not None:
            return known
        file = self.file
        for position, header in walk(self._disk, file.fd, self._entry_before(offset), self.size):
            if header.last_offset >= offset:
                return position
        raise self._damaged(f"offset {offset}")

    def cut(self, start: int, limit: int, offset: int, segment_end: int) -> tuple[int, int]:
        """The last boundary between batches in (start, limit], and the offset that follows it.

        `offset` is the one that was asked for: where not even the first batch ends by `limit`, the answer is
        `(start, offset)`. `segment_end` is the offset after the segment's last record.
        """
        if self.size <= limit:
            return self.size, segment_end
        at = bisect_right(self._tail_positions, limit) - 1
        if at > 0 and self._tail_positions[at] > start:
            return self._tail_positions[at], self._tail_offsets[at - 1] + 1
        end, next_offset = self._cut_by_file(start, limit, offset)
        if end > start:
            if len(self._cuts) == KNOWN_CUTS:
                del self._cuts[next(iter(self._cuts))]  # the oldest
            self._cuts[next_offset] = end
        return end, next_offset

    def _cut_by_file(self, start: int, limit: int, offset: int) -> tuple[int, int]:
        """`cut`, where the newest batches do not tell: by an index entry, or by walking along the headers."""
        boundary = self._entry_at_position(limit)
        if boundary is not None and boundary[0] > start:
            return boundary
        end, next_offset = start, offset
        file = self.file
        for position, header in walk(self._disk, file.fd, start, self.size):
            if position + header.size > limit:
                break
            end, next_offset = position + header.size, header.last_offset + 1
        return end, next_offset

    def header_at(self, position: int) -> BatchHeader:
        """The header of the batch at `position`. Raises `DamagedSegment`."""
        file = self.file
        for _, header in walk(self._disk, file.fd, position, self.size, chunk_bytes=HEADER_BYTES):
            return header
        raise self._damaged(f"the batch at byte {position}")

    def largest_timestamp(self) -> tuple[int, int]:
        """The largest timestamp of the segment's batches and the last offset of the batch that has it; or (−1, −1)."""
        if self._max_timestamp is None:
            was_at_hand = self._index is not None
            index = self.index
            timestamp, offset = NO_TIMESTAMP, -1
            if index.timestamps:
                timestamp, offset = index.timestamps[-1], self.base_offset + index.time_offsets[-1]
            self._max_timestamp_offset = offset
            self._max_timestamp = timestamp
            if self.index_is_stored and not was_at_hand:
                self._index = None
        return self._max_timestamp, self._max_timestamp_offset

    def find_time(self, timestamp_ms: int, start_offset: int) -> tuple[int, int, int] | None:
        """Offset, timestamp and leader epoch of the first record from `start_offset` on that is not older."""
        file = self.file
        begin = self._time_entry_before(timestamp_ms, start_offset)
        for position, header in walk(self._disk, file.fd, begin, self.size):
            if header.max_timestamp >= timestamp_ms and header.last_offset >= start_offset:
                batch = self._disk.read(file.fd, position, header.size)
                found = first_at_or_after(batch, timestamp_ms, start_offset)
                if found is not None:
                    return *found, header.leader_epoch
        return None

    # Indexes

    def store_index(self) -> None:
        """Write both index files; durable once the directory is synced, too. A small segment has none: it is read."""
        if self._is_small:
            self.index_is_stored = True
            return
        files.replace(
            self._disk, self.path.with_suffix(INDEX_SUFFIX), self.index.encode_offsets(self.base_offset, self.size)
        )
        files.replace(
            self._disk, self.path.with_suffix(TIME_INDEX_SUFFIX), self.index.encode_times(self.base_offset, self.size)
        )
        self.index_is_stored = True

    @property
    def _is_small(self) -> bool:
        """Whether an index would spare no more than one read."""
        return self.size <= self._interval_bytes

    def rebuild_index(self) -> SegmentIndex:
        """Build both indexes from the batches' headers, and keep them.

        Raises `DamagedSegment` where the headers do not lead to the segment's end.
        """
        if self._damage is not None:
            raise self._damaged(self._damage)
        if not self._is_small:
            logger.warning("building the indexes of %s anew", self.path)
        file = self.file
        scratch = Segment(self._disk, self.path.parent, self.base_offset, self._interval_bytes, self.created_ms)
        scratch._index = SegmentIndex()
        scratch._max_timestamp = NO_TIMESTAMP
        for _, header in walk(self._disk, file.fd, 0, self.size, chunk_bytes=SCAN_CHUNK_BYTES):
            scratch.add(header.size, header.last_offset, header.max_timestamp)
        if scratch.size != self.size:
            self._damage = f"the batch at byte {scratch.size}"
            raise self._damaged(self._damage)
        scratch.note_largest_timestamp()
        self._max_timestamp_offset = scratch._max_timestamp_offset
        self._max_timestamp = scratch._max_timestamp
        self._index = scratch._index
        self.index_is_stored = False
        return scratch._index

    def rewind(self, offset: int) -> int:
        """Forget what follows the last index entry before `offset`, so that its batches are added again.

        Leaves `size` at the position from which to go on; returns an offset that the batch there holds.
        """
        index = self._load_index()
        if index is None or index.covered_bytes > self.size:
            index = SegmentIndex()
        entry = index.before_offset(offset - self.base_offset - 1)
        index.keep(entry + 1)
        self._index = index
        self.index_is_stored = False
        self._bytes_since_entry = 0
        del self._tail_offsets[:], self._tail_positions[:]
        self._cuts.clear()
        self._max_timestamp, self._max_timestamp_offset = NO_TIMESTAMP, -1
        if index.timestamps:
            self._max_timestamp = index.timestamps[-1]
            self._max_timestamp_offset = self.base_offset + index.time_offsets[-1]
        self.first_timestamp = self.header_at(0).max_timestamp if entry >= 0 else NO_TIMESTAMP
        self.size = index.positions[entry] if entry >= 0 else 0
        return self.base_offset + index.offsets[entry] if entry >= 0 else self.base_offset

    def remove_files(self) -> None:
        """Delete the segment and its indexes; who still reads the file may go on."""
        for suffix in (LOG_SUFFIX, INDEX_SUFFIX, TIME_INDEX_SUFFIX):
            path = self.path.with_suffix(suffix)
            if self._disk.exists(path):
                self._disk.unlink(path)

    def _load_index(self) -> SegmentIndex | None:
        offsets = files.load(self._disk, self.path.with_suffix(INDEX_SUFFIX))
        times = files.load(self._disk, self.path.with_suffix(TIME_INDEX_SUFFIX))
        if offsets is None or times is None:
            return None
        return SegmentIndex.decode(offsets, times, self.base_offset)

    def _entry_before(self, offset: int) -> int:
        """A position at or before the batch that holds `offset`, from the index."""
        index = self.index
        entry = index.before_offset(offset - self.base_offset)
        return index.positions[entry] if entry >= 0 else 0

    def _entry_at_position(self, limit: int) -> tuple[int, int] | None:
        """The last indexed batch that begins at or before `limit`: its position and base offset."""
        index = self.index
        entry = index.before_position(limit)
        if entry < 0:
            return None
        position = index.positions[entry]
        return position, self.header_at(position).base_offset

    def _time_entry_before(self, timestamp_ms: int, start_offset: int) -> int:
        """A position before which every record is older than `timestamp_ms` or lies before `start_offset`."""
        index = self.index
        start = max(start_offset, self.base_offset)
        entry = index.before_time(timestamp_ms)
        if entry >= 0:
            start = max(start, self.base_offset + index.time_offsets[entry])
        return self.position_of(start)

    def _damaged(self, what: str) -> DamagedSegment:
        return DamagedSegment(
            f"{what} is not where it was written",
            where=str(self.path),
            mend="the disk has lost or changed data: restore the file from a backup",
        )
