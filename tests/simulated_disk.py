"""A disk in memory that keeps apart what was written and what was synced, and fails on command, by a seed."""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path, PurePath
from typing import Final

from riacho.host import Buffer

SECTOR_BYTES: Final = 512
"""What a disk writes whole or not at all."""


class CrashError(BaseException):
    """The process ends here. Not an `Exception`: no handler of the code under test may survive it."""


@dataclass(eq=False, slots=True)
class _File:
    """A file's bytes as processes see them, as the platter has them, and the writes that lie between."""

    cached: bytearray = field(default_factory=bytearray)
    durable: bytearray = field(default_factory=bytearray)
    unsynced: list[tuple[int, bytes] | int] = field(default_factory=list)
    """Writes as (position, bytes), truncations as the new length, oldest first."""


@dataclass(eq=False, slots=True)
class _Directory:
    """Names as processes see them, as the platter has them, and the changes that lie between."""

    cached: dict[str, _File | _Directory] = field(default_factory=dict)
    durable: dict[str, _File | _Directory] = field(default_factory=dict)
    unsynced: list[dict[str, _File | _Directory]] = field(default_factory=list)
    """All names after each change, oldest first."""


class SimulatedDisk:
    """A `Disk`. Every operation that changes something is counted; see `crash_at` and `fail_next`.

    crash_process: what was written stays in the cache. lose_power: of each write that was not synced, all, some
    sectors, zeros or nothing remain, and of the changes of a directory that was not synced only the first few.
    """

    def __init__(self, seed: int, *, capacity: int | None = None) -> None:
        self.random = random.Random(seed)
        self.capacity = capacity
        self.operations: list[str] = []
        self._crash_at: int | None = None
        self._dead = False
        self._root = _Directory()
        self._open: dict[int, _File] = {}
        self._locks: dict[int, _File] = {}
        self._next_fd = 1000
        self._failures: dict[str, list[int]] = {}
        """What is to come of the next operations of a name: an error, or 0."""

    # Commands of the test

    def crash_at(self, operation: int) -> None:
        """Raise `CrashError` in the n-th operation from now on, counted from 1; a write may have begun."""
        self._crash_at = len(self.operations) + operation

    def fail_next(self, operation: str, error: int) -> None:
        """Let the next operation of this name raise `OSError(error)`."""
        self.fail_after(operation, 0, error)

    def fail_after(self, operation: str, count: int, error: int) -> None:
        """Let an operation of this name raise `OSError(error)`, after `count` more that succeed."""
        self._failures.setdefault(operation, []).extend([0] * count + [error])

    def crash_process(self) -> None:
        """End the process: descriptors and locks go, the cache stays."""
        self._open.clear()
        self._locks.clear()
        self._failures.clear()
        self._crash_at = None
        self._dead = False

    def lose_power(self) -> None:
        """End the process, and lose what was not synced, as chance will have it."""
        self.crash_process()
        self._lose(self._root)

    def used(self) -> int:
        """Bytes in all files, as processes see them."""
        return _used(self._root)

    def _lose(self, directory: _Directory) -> None:
        states = [directory.durable, *directory.unsynced]
        directory.cached = dict(self.random.choice(states))
        directory.durable = dict(directory.cached)
        directory.unsynced.clear()
        for node in directory.cached.values():
            if isinstance(node, _Directory):
                self._lose(node)
            else:
                self._lose_writes(node)

    def _lose_writes(self, file: _File) -> None:
        content = bytearray(file.durable)
        once_durable = len(content)
        for change in file.unsynced:
            fate = self.random.choice(("kept", "kept", "lost", "torn", "zeros"))
            if isinstance(change, int):
                if fate == "kept":
                    _resize(content, change)
                continue
            position, data = change
            if fate == "kept":
                _put(content, position, data)
            elif fate == "torn":
                for start, end in _sectors(position, len(data)):
                    if self.random.random() < 0.5:
                        _put(content, start, data[start - position : end - position])
            elif fate == "zeros":  # the size was written, the blocks were not
                start = max(position, once_durable)
                if start < position + len(data):
                    _put(content, start, bytes(position + len(data) - start))
        file.cached = bytearray(content)
        file.durable = content
        file.unsynced.clear()

    # Disk

    def open(self, path: Path, *, create: bool = False) -> int:
        directory, name = self._parent(path)
        node = directory.cached.get(name)
        if isinstance(node, _Directory):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if node is None:
            if not create:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
            self._count("create")
            node = _File()
            self._change(directory, {**directory.cached, name: node})
        self._alive()
        self._next_fd += 1
        self._open[self._next_fd] = node
        return self._next_fd

    def close(self, fd: int) -> None:
        self._open.pop(fd, None)
        self._locks.pop(fd, None)

    def size(self, fd: int) -> int:
        return len(self._file(fd).cached)

    def read(self, fd: int, position: int, length: int) -> bytes:
        return bytes(self._file(fd).cached[position : position + length])

    def write(self, fd: int, position: int, buffers: Sequence[Buffer]) -> None:
        file = self._file(fd)
        data = b"".join(bytes(buffer) for buffer in buffers)
        try:
            self._count("write")
        except CrashError:
            self._apply(file, position, data[: self.random.randint(0, len(data))])
            raise
        except OSError:
            self._apply(file, position, data[: len(data) // 2])
            raise
        if self.capacity is not None:
            room = self.capacity - self.used() + max(0, len(file.cached) - position)
            if len(data) > room:
                self._apply(file, position, data[: max(room, 0)])
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._apply(file, position, data)

    def truncate(self, fd: int, length: int) -> None:
        file = self._file(fd)
        self._count("truncate")
        _resize(file.cached, length)
        file.unsynced.append(length)

    def sync(self, fd: int) -> None:
        file = self._file(fd)
        try:
            self._count("sync")
        except OSError:
            file.unsynced.clear()  # the kernel calls the pages clean, though the platter never got them
            raise
        for change in file.unsynced:
            if isinstance(change, int):
                _resize(file.durable, change)
            else:
                _put(file.durable, *change)
        file.unsynced.clear()

    def sync_directory(self, path: Path) -> None:
        directory = self._directory(path)
        self._count("sync_directory")
        directory.durable = dict(directory.cached)
        directory.unsynced.clear()

    def make_directory(self, path: Path) -> None:
        directory = self._root
        for name in path.parts[1:]:
            node = directory.cached.get(name)
            if node is None:
                self._count("make_directory")
                node = _Directory()
                self._change(directory, {**directory.cached, name: node})
            assert isinstance(node, _Directory)
            directory = node

    def list(self, path: Path) -> list[str]:
        self._alive()
        return sorted(self._directory(path).cached)

    def exists(self, path: Path) -> bool:
        self._alive()
        try:
            directory, name = self._parent(path)
        except FileNotFoundError:
            return False
        return name in directory.cached

    def rename(self, source: Path, target: Path) -> None:
        assert source.parent == target.parent, "only renames within one directory are atomic here"
        directory, name = self._parent(source)
        self._count("rename")
        names = dict(directory.cached)
        names[target.name] = names.pop(name)
        self._change(directory, names)

    def unlink(self, path: Path) -> None:
        directory, name = self._parent(path)
        if name not in directory.cached:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
        self._count("unlink")
        self._change(directory, {other: node for other, node in directory.cached.items() if other != name})

    def remove_directory(self, path: Path) -> None:
        directory, name = self._parent(path)
        node = directory.cached[name]
        assert isinstance(node, _Directory)
        if node.cached:
            raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), str(path))
        self._count("remove_directory")
        self._change(directory, {other: node for other, node in directory.cached.items() if other != name})

    def lock(self, path: Path) -> int | None:
        fd = self.open(path, create=True)
        file = self._open[fd]
        if file in self._locks.values():
            self.close(fd)
            return None
        self._locks[fd] = file
        return fd

    # Within

    def _alive(self) -> None:
        if self._dead:
            raise CrashError

    def _count(self, operation: str) -> None:
        self._alive()
        self.operations.append(operation)
        if len(self.operations) == self._crash_at:
            self._dead = True
            raise CrashError
        failures = self._failures.get(operation)
        if failures and (error := failures.pop(0)):
            raise OSError(error, os.strerror(error))

    def _file(self, fd: int) -> _File:
        self._alive()
        if fd not in self._open:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return self._open[fd]

    def _directory(self, path: PurePath) -> _Directory:
        directory = self._root
        for name in path.parts[1:]:
            node = directory.cached.get(name)
            if not isinstance(node, _Directory):
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
            directory = node
        return directory

    def _parent(self, path: Path) -> tuple[_Directory, str]:
        return self._directory(path.parent), path.name

    @staticmethod
    def _change(directory: _Directory, names: dict[str, _File | _Directory]) -> None:
        directory.cached = names
        directory.unsynced.append(dict(names))

    @staticmethod
    def _apply(file: _File, position: int, data: bytes) -> None:
        if data:
            _put(file.cached, position, data)
            file.unsynced.append((position, data))


def _put(content: bytearray, position: int, data: bytes) -> None:
    if len(content) < position:
        _resize(content, position)
    content[position : position + len(data)] = data


def _resize(content: bytearray, length: int) -> None:
    del content[length:]
    content.extend(bytes(length - len(content)))


def _sectors(position: int, length: int) -> list[tuple[int, int]]:
    end = position + length
    edges = [
        position,
        *range((position // SECTOR_BYTES + 1) * SECTOR_BYTES, end, SECTOR_BYTES),
        end,
    ]
    return list(pairwise(edges))


def _used(directory: _Directory) -> int:
    return sum(_used(node) if isinstance(node, _Directory) else len(node.cached) for node in directory.cached.values())
