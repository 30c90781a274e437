"""Memory that the machine has backed, kept until a measurement is about to use it.

In a virtual machine the first write into a page costs about 2 CPU seconds per GB, whoever writes, since the host must
find the page first; and pages that stay free for some seconds go back to the host (free page reporting). So touching
memory once before a long measurement is not enough: it is held in a file without a disk, and given back piece by piece
just before the process under measurement asks for as much.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from riacho.bench.background import background
from riacho.bench.process import resident_bytes

AHEAD_BYTES = 16 << 20
"""Given back at once, against what others take meanwhile; more could lie free for so long that the host takes it."""
FOLLOWED_BYTES = 256 << 20
"""The same where what a process takes is only looked at now and then: more than it takes between two looks."""
LOOK_S = 0.01
_BLOCK = bytes(1 << 20)


class BackedMemory:
    """A file of `size` bytes in memory, which shrinks as memory is given back; `ahead` bytes at once."""

    def __init__(self, size: int, ahead: int = AHEAD_BYTES) -> None:
        self._fd = os.memfd_create("backed-memory")
        self._left = 0
        while self._left < size + ahead:
            self._left += os.pwrite(self._fd, _BLOCK, self._left)
        self.give_back(ahead)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._fd)

    def give_back(self, size: int) -> None:
        """Free `size` bytes of backed memory for whoever asks next."""
        self._left = max(0, self._left - size)
        os.ftruncate(self._fd, self._left)


def available_bytes() -> int:
    """Memory that can be taken without another process losing any."""
    found = re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text())
    assert found is not None, "Linux 3.14 and later say so"
    return int(found[1]) * 1024


@contextmanager
def backed_for(pid: int, size: int) -> Iterator[None]:
    """Meanwhile the memory that a process comes to take, up to `size` bytes, has been backed just before."""
    with BackedMemory(size, FOLLOWED_BYTES) as memory:

        def follow(stopped: threading.Event) -> None:
            most = resident_bytes(pid)
            while not stopped.wait(LOOK_S):
                taken = resident_bytes(pid)
                if taken > most:
                    memory.give_back(taken - most)
                    most = taken

        with background("backed-memory", follow):
            yield
