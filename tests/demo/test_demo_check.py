"""The demo through its front door: the replay agrees with DuckDB, also when its parts are killed on the way."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

DEADLINE_S = 300.0
AGREES = "the stream's answer equals the batch's"


pytestmark = pytest.mark.xdist_group("demo")  # as the page's tests: one demo at a time


@contextmanager
def demo_check(directory: Path, days: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "riacho", "demo", "--check", "--days", days, "--dir", str(directory)]
    command += ["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--no-browser"]
    with (directory.parent / "log.txt").open("a") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(DEADLINE_S)


def finish(process: subprocess.Popen[str], directory: Path) -> str:
    output, _ = process.communicate(timeout=DEADLINE_S)
    log = (directory.parent / "log.txt").read_text()
    assert process.returncode == 0, f"{output}\n{log[-4000:]}"
    return output


def part_of(directory: Path, *words: str) -> int:
    """The pid of the running part whose command line has all these words; waits until there is one."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                line = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
            except (FileNotFoundError, ProcessLookupError):
                continue
            if any(str(directory) in word for word in line) and all(word in line for word in words):
                return int(entry.name)
    pytest.fail(f"no part {words} appeared in time")


def wait_for_file(path: Path) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not appear in time"
        time.sleep(0.05)  # a file system has no condition to wait on


def snapshot_of(directory: Path, job: str, number: int) -> Path:
    return directory / "jobs" / job / "snapshots" / f"{number:08d}" / "manifest.json"


def test_the_replay_of_february_agrees_with_duckdb_in_every_cell(tmp_path: Path) -> None:
    directory = tmp_path / "demo"
    with demo_check(directory, "2013-02-01:2013-02-28") as process:
        output = finish(process, directory)
    assert AGREES in output
    assert "24,951 sent" in output
    assert re.search(r"^flights.departures +24,951 .* 0$", output, re.MULTILINE), "the events are those of the files"
    assert "leaked" not in (tmp_path / "log.txt").read_text()


def test_the_replay_agrees_after_every_part_was_killed_on_the_way(tmp_path: Path) -> None:
    directory = tmp_path / "demo"
    days = "2013-02-01:2013-02-28"
    with demo_check(directory, days) as process:
        wait_for_file(directory / "jobs" / "flights-delays" / "delays.sql")
        os.kill(part_of(directory, "run", "flights-delays"), signal.SIGKILL)
        os.kill(part_of(directory, "run", "flights-in-the-air"), signal.SIGKILL)
        os.kill(part_of(directory, "broker"), signal.SIGKILL)
        wait_for_file(snapshot_of(directory, "flights-delays", 1))
        process.kill()
        process.wait(DEADLINE_S)
    with demo_check(directory, days) as process:
        os.kill(part_of(directory, "run", "flights-enriched"), signal.SIGKILL)
        output = finish(process, directory)
    assert AGREES in output
