"""From batch to batch through a segment file, by their headers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from riacho.host import Disk
from riacho.log.header import HEADER_BYTES, MAGIC, BatchHeader

LOOKUP_CHUNK_BYTES: Final = 4096
"""One read of a look-up: about what lies between two index entries."""

SCAN_CHUNK_BYTES: Final = 64 * 1024
"""One read of a scan through a whole segment."""


def walk(
    disk: Disk, fd: int, position: int, end: int, *, chunk_bytes: int = LOOKUP_CHUNK_BYTES
) -> Iterator[tuple[int, BatchHeader]]:
    """Position and header of each batch from `position` on, which must be a batch's first byte.

    It stops before `end`, and at the first header that cannot be one: the caller sees where. Records are not read.
    """
    chunk = b""
    chunk_start = position
    while end - position >= HEADER_BYTES:
        at = position - chunk_start
        if at + HEADER_BYTES > len(chunk):
            chunk = disk.read(fd, position, min(chunk_bytes, end - position))
            chunk_start, at = position, 0
            if len(chunk) < HEADER_BYTES:
                return
        header = BatchHeader.parse(chunk, at)
        size = header.size
        if header.magic != MAGIC or size < HEADER_BYTES or position + size > end or header.last_offset_delta < 0:
            return
        yield position, header
        position += size
