"""Memory held back for a process under measurement is given back as that process takes some."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from riacho.bench.backed_memory import backed_for

TAKES_MEMORY_WHEN_TOLD = """
import sys
sys.stdin.readline()
taken = b"x" * (64 << 20)
sys.stdin.readline()
"""


def held_bytes() -> int:
    """The size of the file that holds the memory, which is open in this process; 0: there is none."""
    held = 0
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the directory that is being read
            if "backed-memory" in os.readlink(entry):
                held += entry.stat().st_size
    return held


def test_as_much_is_given_back_as_a_process_takes() -> None:
    child = subprocess.Popen([sys.executable, "-c", TAKES_MEMORY_WHEN_TOLD], stdin=subprocess.PIPE, text=True)
    assert child.stdin is not None
    with child, backed_for(child.pid, 256 << 20):
        before = held_bytes()
        child.stdin.write("\n")
        child.stdin.flush()
        deadline = time.monotonic() + 30
        while held_bytes() > before - (32 << 20) and time.monotonic() < deadline:
            os.sched_yield()
        left = held_bytes()
        child.stdin.close()

    assert before <= 256 << 20
    assert 0 < left <= before - (32 << 20)
    assert held_bytes() == 0
