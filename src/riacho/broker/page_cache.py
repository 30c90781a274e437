"""Is it in the page cache? Sending a file range that is not would block the loop on the disk.

`preadv2(RWF_NOWAIT)` answers without reading from the disk. A range is probed at steps, not byte by byte: the kernel
reads ahead and evicts in larger pieces than a step. Where a file system does not support the flag, ranges count
as cached: a cold read then stalls the loop for as long as the disk takes.
"""

from __future__ import annotations

import errno
import os

from riacho.log.partition import Slice

PROBE_STEP = 256 * 1024
"""Twice the read-ahead window: what lies between two cached probes is rarely cold. A probe takes about 1 µs."""
SMALL_RANGE = 16 * 1024
"""Up to here the probe itself reads the range: one system call less than a probe and a sendfile."""
READ_STEP = 256 * 1024

_UNSUPPORTED = frozenset({errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS})
_NOWAIT = getattr(os, "RWF_NOWAIT", 0)
_PROBE = (bytearray(1),)
"""Where probes read to; nobody looks at it."""


def is_cached(fd: int, position: int, length: int) -> bool:
    """Whether a range of a file can be read without the disk, as far as probes tell."""
    last = position + length - 1
    try:
        for at in range(position, last, PROBE_STEP):
            os.preadv(fd, _PROBE, at, _NOWAIT)
        os.preadv(fd, _PROBE, last, _NOWAIT)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
    return True


def read_if_small(part: Slice) -> Slice | bytearray:
    """The bytes of a short range if they are cached, else the range as it is."""
    if part.length > SMALL_RANGE:
        return part
    data = bytearray(part.length)
    try:
        read = os.preadv(part.fd, [data], part.position, _NOWAIT)
    except BlockingIOError:
        return part
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
        return part
    return data if read == part.length else part


def read_through(fd: int, position: int, length: int) -> None:
    """Read a range from the disk into the page cache. Blocks: for a disk thread."""
    scratch = memoryview(bytearray(min(length, READ_STEP)))
    end = position + length
    while position < end:
        read = os.preadv(fd, [scratch[: end - position]], position)
        if read == 0:
            return
        position += read
