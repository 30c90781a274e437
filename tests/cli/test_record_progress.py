"""`riacho produce` and `riacho consume` on a terminal: a progress bar, and nothing of it elsewhere."""

from __future__ import annotations

import os
import pty
import subprocess
from pathlib import Path

import pytest
from commands import DEADLINE_S, Commands

from running_broker import RIACHO, RunningBroker

LINES = 50_000


def on_a_terminal(command: list[str]) -> str:
    """What a command shows on a terminal, its standard output aside."""
    ours, theirs = pty.openpty()
    try:
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=theirs, env={**os.environ, "TERM": "xterm", "COLUMNS": "100"}
        )
    finally:
        os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(ours, 1 << 16):
            shown += chunk
    except OSError:  # how Linux says that the other end is closed
        pass
    finally:
        os.close(ours)
    assert process.wait(DEADLINE_S) == 0, shown
    return shown.decode()


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "lines"
    path.write_text("".join(f"line {number}\n" for number in range(LINES)))
    return str(path)


def test_a_terminal_is_shown_how_far_writing_and_reading_are(
    riacho: Commands, kafka: RunningBroker, topic: str, file: str
) -> None:
    written = on_a_terminal([str(RIACHO), "produce", topic, "--file", file, "--kafka", kafka.bootstrap])
    read = on_a_terminal([str(RIACHO), "consume", topic, "--kafka", kafka.bootstrap])

    for shown, doing in ((written, "writing"), (read, "reading")):
        assert f"{doing} {topic}" in shown
        assert "100%" in shown
        assert f"{LINES:,} records" in shown
    assert f"wrote {LINES:,} records to {topic}" in written


def test_what_is_no_terminal_is_shown_no_bar(riacho: Commands, topic: str, file: str) -> None:
    assert "100%" not in riacho.succeed("produce", topic, "--file", file).stderr
    assert riacho.succeed("consume", topic).stderr == ""
