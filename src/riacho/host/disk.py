"""The disk as a parameter: few operations, so that a simulation can stand in for the machine."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

Buffer = bytes | bytearray | memoryview


class Disk(Protocol):
    """What a store may ask of a file system. Errors are `OSError`.

    A file is addressed by its descriptor. Only what was passed to `sync` (contents and size) or
    `sync_directory` (names) survives a power loss; everything written survives `kill -9`.
    """

    def open(self, path: Path, *, create: bool = False) -> int:
        """Open for reading and writing. Raises `FileNotFoundError` unless `create`."""
        ...

    def close(self, fd: int) -> None: ...

    def size(self, fd: int) -> int:
        """The file's length in bytes."""
        ...

    def read(self, fd: int, position: int, length: int) -> bytes:
        """At most `length` bytes from `position`; fewer only at the end of the file."""
        ...

    def write(self, fd: int, position: int, buffers: Sequence[Buffer]) -> None:
        """Write all buffers, one after another, at `position`. Whole or `OSError`."""
        ...

    def truncate(self, fd: int, length: int) -> None: ...

    def sync(self, fd: int) -> None:
        """Return once contents and size are on stable storage. A failed sync is never to be retried."""
        ...

    def sync_directory(self, path: Path) -> None:
        """Return once the directory's entries are on stable storage."""
        ...

    def make_directory(self, path: Path) -> None:
        """Create it and its parents; no error when it exists."""
        ...

    def list(self, path: Path) -> list[str]:
        """The names in a directory, sorted."""
        ...

    def exists(self, path: Path) -> bool: ...

    def rename(self, source: Path, target: Path) -> None:
        """Atomically replace `target`."""
        ...

    def unlink(self, path: Path) -> None: ...

    def remove_directory(self, path: Path) -> None:
        """Remove an empty directory."""
        ...

    def lock(self, path: Path) -> int | None:
        """Create `path` and lock it: its descriptor, or None where another process holds it."""
        ...


class SystemDisk:
    """The machine's file system."""

    __slots__ = ()

    def open(self, path: Path, *, create: bool = False) -> int:
        return os.open(path, os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if create else 0), 0o644)

    def close(self, fd: int) -> None:
        os.close(fd)

    def size(self, fd: int) -> int:
        return os.fstat(fd).st_size

    def read(self, fd: int, position: int, length: int) -> bytes:
        chunk = os.pread(fd, length, position)
        if len(chunk) == length or not chunk:
            return chunk
        chunks = [chunk]
        while chunk:  # a signal or a full pipe of the kernel's may shorten one read
            position += len(chunk)
            length -= len(chunk)
            chunk = os.pread(fd, length, position) if length else b""
            chunks.append(chunk)
        return b"".join(chunks)

    def write(self, fd: int, position: int, buffers: Sequence[Buffer]) -> None:
        written = os.pwritev(fd, buffers, position)
        total = sum(len(buffer) for buffer in buffers)
        if written == total:
            return
        rest = memoryview(b"".join(buffers))
        while written < total:
            written += os.pwrite(fd, rest[written:], position + written)

    def truncate(self, fd: int, length: int) -> None:
        os.ftruncate(fd, length)

    def sync(self, fd: int) -> None:
        os.fdatasync(fd)

    def sync_directory(self, path: Path) -> None:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def make_directory(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)

    def list(self, path: Path) -> list[str]:
        return sorted(os.listdir(path))

    def exists(self, path: Path) -> bool:
        return path.exists()

    def rename(self, source: Path, target: Path) -> None:
        os.replace(source, target)

    def unlink(self, path: Path) -> None:
        os.unlink(path)

    def remove_directory(self, path: Path) -> None:
        os.rmdir(path)

    def lock(self, path: Path) -> int | None:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return None
        return fd
