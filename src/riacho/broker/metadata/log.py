"""The metadata log: checksummed change records on disk, and snapshots that cut it short.

Two files in one directory, named by the number of the first record that they do not cover:

- `<number>.snapshot`: records that build the state before record `number`; written aside, synced, renamed.
- `<number>.log`: the records from `number` on.

What is written at once is one entry: its length (4 bytes), its CRC-32C (4 bytes) and a JSON list of records. Each
entry is synced before the next is written, so what a crash tore can only be the last one: it was never answered and
is cut off. Damage before the end means that the disk lost what it had promised: the broker refuses it.
"""

from __future__ import annotations

import errno
import json
import struct
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from crc32c import crc32c

from riacho.broker.metadata.state import Metadata, Record
from riacho.errors import RiachoError
from riacho.host import Disk

_FRAME = struct.Struct(">II")
LARGEST_ENTRY = 1 << 26
"""A longer one is damage, not an entry: the largest holds the topics of one CreateTopics request."""
RECORDS_BETWEEN_SNAPSHOTS = 4096
"""So that a start reads little, and a snapshot's cost is spread over many changes."""


class MetadataDamageError(RiachoError):
    """The metadata log cannot be trusted."""


class MetadataLog:
    """The metadata and the log that keeps it. Its methods block: they are called at start and on a disk thread."""

    def __init__(self, directory: Path, disk: Disk) -> None:
        """Read the newest snapshot and the log after it. Raises `MetadataDamageError`."""
        self.state = Metadata()
        self._directory = directory
        self._disk = disk
        if not disk.exists(directory):
            disk.make_directory(directory)
            disk.sync_directory(directory.parent)
        self.is_new = not disk.list(directory)
        """There was no metadata: this is the first start, or somebody removed it."""
        base = self._load_snapshot()
        path = self._path(base, "log")
        self._fd = disk.open(path, create=True)
        self._end = 0
        self._base = base
        self._count = 0
        self._failed = False
        sound = self._read_log(path)
        # After a failed fsync the kernel may call pages clean that are not on the disk: written again, they are.
        disk.write(self._fd, 0, [sound])
        disk.truncate(self._fd, self._end)
        disk.sync(self._fd)
        disk.sync_directory(directory)
        self._remove_superseded()

    def append(self, records: Sequence[Record]) -> None:
        """Make records durable. They are not applied: that is for the loop, by `state.apply`. Raises `OSError`."""
        if self._failed:
            raise OSError(errno.EIO, "the metadata log takes no more changes until a restart: its disk failed")
        entry = _entry(records)
        try:
            self._disk.write(self._fd, self._end, [entry])
        except OSError:
            self._disk.truncate(self._fd, self._end)  # a full disk may have taken a part of it
            raise
        try:
            self._disk.sync(self._fd)
        except OSError:
            self._failed = True  # what is on disk now is unknown, and a second fsync would not tell
            raise
        self._end += len(entry)
        self._count += len(records)

    @property
    def wants_snapshot(self) -> bool:
        return self._count >= RECORDS_BETWEEN_SNAPSHOTS

    def write_snapshot(self, records: Iterable[Record]) -> None:
        """Begin a new log after a snapshot of `records`, which build the state as it stands. Raises `OSError`."""
        base = self._base + self._count
        aside = self._path(base, "snapshot.new")
        for path, contents in (
            (self._path(base, "log"), b""),
            (aside, b"".join(_entry([record]) for record in records)),
        ):
            self._write_whole(path, contents)
        log = self._disk.open(self._path(base, "log"))
        try:
            self._disk.rename(aside, self._path(base, "snapshot"))
            self._failed = True  # until it is known which of the two logs the next start will find
            self._disk.sync_directory(self._directory)
            self._failed = False
        except OSError:
            self._disk.close(log)
            raise
        self._disk.close(self._fd)
        self._fd, self._base, self._count, self._end = log, base, 0, 0
        self._remove_superseded()

    def close(self) -> None:
        self._disk.close(self._fd)

    def _write_whole(self, path: Path, contents: bytes) -> None:
        """A synced file of these contents. Its name is durable once the directory is synced."""
        fd = self._disk.open(path, create=True)
        try:
            self._disk.truncate(fd, 0)
            self._disk.write(fd, 0, [contents])
            self._disk.sync(fd)
        finally:
            self._disk.close(fd)

    def _path(self, base: int, kind: str) -> Path:
        return self._directory / f"{base:020d}.{kind}"

    def _load_snapshot(self) -> int:
        names = [name for name in self._disk.list(self._directory) if name.endswith(".snapshot")]
        if not names:
            return 0
        path = self._directory / names[-1]
        data = self._contents(path)
        end = 0
        for records, end in _entries(data):  # noqa: B007 - the last end is what was readable
            for record in records:
                self.state.apply(record)
        if end != len(data):
            raise MetadataDamageError(
                f"the metadata snapshot is damaged after byte {end}",
                where=str(path),
                mend="restore the data directory from a copy",
            )
        return int(names[-1].partition(".")[0])

    def _read_log(self, path: Path) -> bytes:
        """Apply the log's records; the bytes that hold them."""
        data = self._contents(path)
        for records, end in _entries(data):
            for record in records:
                self.state.apply(record)
            self._count += len(records)
            self._end = end
        if _has_entry_after(data, self._end):
            raise MetadataDamageError(
                f"the metadata log is damaged at byte {self._end}, before its end",
                where=str(path),
                mend="restore the data directory from a copy",
            )
        return data[: self._end]

    def _contents(self, path: Path) -> bytes:
        fd = self._disk.open(path)
        try:
            return self._disk.read(fd, 0, self._disk.size(fd))
        finally:
            self._disk.close(fd)

    def _remove_superseded(self) -> None:
        keep = {self._path(self._base, "log").name, self._path(self._base, "snapshot").name}
        for name in self._disk.list(self._directory):
            if name not in keep:
                self._disk.unlink(self._directory / name)


def _entry(records: Sequence[Record]) -> bytes:
    body = json.dumps(records, ensure_ascii=False, separators=(",", ":")).encode()
    assert len(body) <= LARGEST_ENTRY, "an entry is larger than any that would be read back"
    return _FRAME.pack(len(body), crc32c(body)) + body


def _entries(data: bytes) -> Iterator[tuple[list[Record], int]]:
    """The records of each sound entry from the beginning of `data`, with the position after it."""
    position = 0
    while (end := _sound_entry(data, position)) is not None:
        yield json.loads(data[position + _FRAME.size : end]), end
        position = end


def _sound_entry(data: bytes, position: int) -> int | None:
    """Where the entry at `position` ends; None where there is none, or its checksum is wrong."""
    start = position + _FRAME.size
    if start > len(data):
        return None
    length: int
    length, checksum = _FRAME.unpack_from(data, position)
    end = start + length
    if not 0 < length <= LARGEST_ENTRY or end > len(data) or crc32c(data[start:end]) != checksum:
        return None
    return end


def _has_entry_after(data: bytes, position: int) -> bool:
    """Whether a sound entry follows the unreadable bytes at `position`: then these are not a torn end."""
    if len(data) - position < _FRAME.size:
        return False
    (length, _checksum) = _FRAME.unpack_from(data, position)
    return length <= LARGEST_ENTRY and _sound_entry(data, position + _FRAME.size + length) is not None
