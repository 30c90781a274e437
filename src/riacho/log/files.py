"""Small files that are always replaced whole, so that a crash leaves the old one or the new one."""

from __future__ import annotations

from pathlib import Path

from riacho.host import Buffer, Disk

TEMPORARY_SUFFIX = ".tmp"


def replace(disk: Disk, path: Path, contents: Buffer) -> None:
    """Put `contents` in the place of the file. It survives a power loss once its directory is synced, too."""
    temporary = path.with_name(path.name + TEMPORARY_SUFFIX)
    fd = disk.open(temporary, create=True)
    try:
        disk.truncate(fd, 0)
        disk.write(fd, 0, (contents,))
        disk.sync(fd)
    finally:
        disk.close(fd)
    disk.rename(temporary, path)


def load(disk: Disk, path: Path) -> bytes | None:
    """The whole file, or None where there is none."""
    try:
        fd = disk.open(path)
    except FileNotFoundError:
        return None
    try:
        return disk.read(fd, 0, disk.size(fd))
    finally:
        disk.close(fd)


def replace_offset(disk: Disk, path: Path, offset: int) -> None:
    """Write one offset as a checkpoint: a version line, then the number."""
    replace(disk, path, b"0\n%d\n" % offset)


def load_offset(disk: Disk, path: Path) -> int | None:
    """The offset in a checkpoint, or None where there is none or it cannot be read."""
    match (load(disk, path) or b"").split(b"\n"):
        case [b"0", number, b""] if number.isdigit():
            return int(number)
        case _:
            return None
