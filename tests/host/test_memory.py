"""Memory that is backed before it is needed: resident without a touch, and what it held is still there."""

from __future__ import annotations

import ctypes
import mmap
import sys

import pytest

from job_process import until
from riacho.host.memory import back_memory

PAGES = 64
SIZE = PAGES * mmap.PAGESIZE

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems back memory at its first touch alone")


def mapped(content: bytes) -> tuple[mmap.mmap, int]:
    """New memory that begins with these bytes, and its address."""
    memory = mmap.mmap(-1, SIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory[: len(content)] = content
    return memory, ctypes.addressof(ctypes.c_char.from_buffer(memory))


def resident(address: int) -> int:
    """How many of the pages from an address on are in memory."""
    states = (ctypes.c_ubyte * PAGES)()
    assert ctypes.CDLL(None).mincore(ctypes.c_void_p(address), ctypes.c_size_t(SIZE), states) == 0
    return sum(state & 1 for state in states)


def test_memory_is_resident_without_a_touch_and_keeps_what_it_held() -> None:
    memory, address = mapped(b"riacho")
    assert resident(address) < PAGES
    back_memory(address, SIZE)
    until(lambda: resident(address) == PAGES, "all pages are in memory")
    assert memory[:6] == b"riacho"


def test_memory_that_is_gone_is_passed_over() -> None:
    gone, address = mapped(b"")
    gone.close()
    back_memory(address, SIZE)
    memory, address = mapped(b"riacho")
    back_memory(address, SIZE)
    until(lambda: resident(address) == PAGES, "all pages are in memory")
    assert memory[:6] == b"riacho"
