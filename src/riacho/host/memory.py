"""What the process does with memory that it has freed, and with memory that it is going to need."""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import threading
from queue import SimpleQueue

_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
"""The names of glibc's <malloc.h>."""

KEPT_BYTES = 1 << 30
"""Blocks up to this size come from the heap, and go back to it: it shrinks only by more than that."""


def keep_freed_memory() -> None:
    """Use freed blocks again instead of giving their pages back and touching new ones.

    A job takes and frees a few megabytes of columns with every pass. By default each of them is mapped anew, and the
    first touch of its pages costs more than the work on them. Does nothing where the C library is not glibc.
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "gnu_get_libc_version"):
        library.mallopt(_M_MMAP_THRESHOLD, KEPT_BYTES)
        library.mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES)


_MADV_POPULATE_WRITE = 23
"""Of Linux 5.14 and later: give pages their memory as a first write would, and leave what they hold."""

_BACKED_AT_ONCE = 2 << 20
"""What wants to move or free memory meanwhile waits for one such piece: some milliseconds."""


class _Backing:
    """A thread that has the system give pages their memory, so that those who write to them first need not wait.

    A first touch costs some 2 ns a byte where the machine itself has to find the memory: as much as the work on state
    that grows, and it can be done on another core. Ranges that are gone by then are passed over.
    """

    def __init__(self) -> None:
        self._ranges: SimpleQueue[tuple[int, int]] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._madvise = getattr(ctypes.CDLL(None, use_errno=True), "madvise", None)

    def ask(self, address: int, size: int) -> None:
        """Put a range of memory on the list."""
        if self._madvise is None or size <= 0:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="memory", daemon=True)
            self._thread.start()
        self._ranges.put((address, size))

    def _run(self) -> None:
        page = os.sysconf("SC_PAGESIZE")
        while self._madvise is not None:
            address, size = self._ranges.get()
            start, end = address // page * page, address + size
            while start < end:
                piece = min(_BACKED_AT_ONCE, -(-(end - start) // page) * page)
                if self._madvise(ctypes.c_void_p(start), ctypes.c_size_t(piece), _MADV_POPULATE_WRITE):
                    if ctypes.get_errno() == errno.EINVAL:
                        self._madvise = None  # an older system
                    break
                start += piece


_backing = _Backing()


def _renew() -> None:
    global _backing
    _backing = _Backing()


os.register_at_fork(after_in_child=_renew)


def back_memory(address: int, size: int) -> None:
    """Have this memory, which is to be written to soon, backed by pages in another thread. What it holds stays."""
    _backing.ask(address, size)


def map_memory(size: int) -> mmap.mmap:
    """Zeros that nothing else uses.

    In pages of the usual size: a large one is memory that nobody has used for long, which the host of a virtual machine
    has taken back by then and has to find anew, at ten times what a first touch costs otherwise.
    """
    return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
