"""What the process does with memory that it has freed."""

from __future__ import annotations

import ctypes

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
