"""Memory that the machine has backed, kept until a measurement is about to use it.

In a virtual machine the first write into a page costs about 2 CPU seconds per GB, whoever writes, since the host must
find the page first; and pages that stay free for some seconds go back to the host (free page reporting). So touching
memory once before a long measurement is not enough: it is held in the page cache, and given back piece by piece just
before the process under measurement asks for as much.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Self

AHEAD_BYTES = 16 << 20
"""Given back at once, against what others take meanwhile; more could lie free for so long that the host takes it."""
_BLOCK = bytes(1 << 20)


class BackedMemory:
    """A nameless file of `size` bytes in the page cache, which shrinks as memory is given back."""

    def __init__(self, directory: Path, size: int) -> None:
        path = directory / "backed-memory"
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC)
        path.unlink()
        self._left = 0
        while self._left < size + AHEAD_BYTES:
            self._left += os.pwrite(self._fd, _BLOCK, self._left)
        self.give_back(AHEAD_BYTES)

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
