"""However a benchmark ends, it leaves nothing running."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from job_process import DEADLINE_S, RIACHO, until
from processes import alive
from riacho.bench.process import descendants

BROWSER = """
import signal
from riacho.bench.browser import Browser
browser = Browser()
browser.open("about:blank")
print("ready", flush=True)
signal.pause()
"""


def brokers(pid: int) -> list[int]:
    """The brokers among what a process has started."""
    found = []
    for child in descendants(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # another one that has ended meanwhile
            if "riacho\0broker" in Path(f"/proc/{child}/cmdline").read_text():
                found.append(child)
    return found


def logged(directory: Path) -> str:
    return "".join(log.read_text() for log in directory.glob("riacho-bench-*/broker.log"))


@pytest.mark.parametrize("serving", [False, True], ids=["starts", "serves"])
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_a_benchmarks_broker_ends_with_it(tmp_path: Path, ending: signal.Signals, serving: bool) -> None:
    command = [str(RIACHO), "bench", "log", "--megabytes", "1", "--seconds", "600"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
    try:
        (broker,) = until(lambda: brokers(process.pid), "the broker has begun")
        until(lambda: not serving or "serving" in logged(tmp_path), "the broker serves")
        process.send_signal(ending)
        _, said = process.communicate(timeout=DEADLINE_S)
    finally:
        process.kill()
    until(lambda: not alive(broker), "the broker has ended")
    if ending is signal.SIGTERM:
        assert process.returncode == 1
        assert "error: interrupted" in said.decode()
        assert not list(tmp_path.iterdir()), "its scratch is gone"


@pytest.mark.skipif(shutil.which("chromedriver") is None, reason="Chromium and its driver are not installed")
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_a_benchmarks_browser_ends_with_it(ending: signal.Signals) -> None:
    process = subprocess.Popen([sys.executable, "-c", BROWSER], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        below = descendants(process.pid)
        assert len(below) > 1
        process.send_signal(ending)
        process.wait(DEADLINE_S)
    finally:
        process.kill()
    until(lambda: not any(map(alive, below)), "the driver and all of Chromium have ended")
