"""The memory that responses are received into, used again and again."""

from __future__ import annotations

import mmap
import threading
import weakref
from collections import deque
from typing import Final

import numpy as np
from numpy.typing import NDArray

from riacho.host.memory import map_memory

Bytes = NDArray[np.uint8]

LARGE: Final = 1 << 20
"""Bytes of a frame whose memory is kept, and what such memory is a multiple of."""
MOST_KEPT: Final = 64 << 20
"""So many bytes wait to be used again, at most."""


class Frames:
    """Arrays for frames. New memory costs a large one as much as its checksums: every page of it is cleared first.

    Memory is used again when no array, nor anything made of one, refers to it any more, whichever thread let go last.

    >>> frames = Frames()
    >>> first = frames.take(2_000_000)
    >>> part, address = first[10:], first.ctypes.data
    >>> del first
    >>> other = frames.take(2_000_000)
    >>> del part
    >>> frames.take(2_000_000).ctypes.data == address
    True
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        """May be asked for by whoever has it: what is collected while it is held gives memory back."""
        self._free: deque[mmap.mmap] = deque()
        self.kept = 0
        """Bytes that wait to be used again."""

    def take(self, size: int) -> Bytes:
        """An array of so many bytes, whatever they are.

        After a small one nothing is kept: whoever receives little has caught up.
        """
        if size < LARGE:
            with self._lock:
                self._free.clear()
                self.kept = 0
            return np.empty(size, np.uint8)
        memory = self._room(size)
        frame = np.frombuffer(memory, np.uint8, size)
        weakref.finalize(frame, self._give, memory).atexit = False
        return frame

    def _room(self, size: int) -> mmap.mmap:
        """The first that is free and large enough; those before it are no longer kept."""
        with self._lock:
            while self._free:
                memory = self._free.popleft()
                self.kept -= len(memory)
                if len(memory) >= size:
                    return memory
        return map_memory(-(-size // LARGE) * LARGE)

    def _give(self, memory: mmap.mmap) -> None:
        with self._lock:
            self._free.append(memory)
            self.kept += len(memory)
            while self.kept > MOST_KEPT:
                self.kept -= len(self._free.popleft())
