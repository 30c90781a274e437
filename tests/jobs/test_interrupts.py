"""Ctrl-C and SIGTERM at any moment of a command's start: it ends, soon, and says so in a line at most."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
from pathlib import Path

import pytest

from job_process import until
from running_broker import RIACHO

MOMENTS_S = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.9, 1.2, 2.0, 4.0]
"""After our first line of Python: from within the imports to long after a job's first passes."""

INTERRUPTS = [*((signal.SIGINT, moment) for moment in MOMENTS_S), *((signal.SIGTERM, moment) for moment in (0, 0.4, 3))]

END_WITHIN_S = 5.0
NOBODY = "127.0.0.1:1"

ENDLESS = """
CREATE TABLE generated (id BIGINT, k INT, moment TIMESTAMP(3), WATERMARK FOR moment AS moment)
    WITH ('connector' = 'datagen', 'rows-per-second' = '1000', 'fields.k.min' = '1', 'fields.k.max' = '9');
CREATE TABLE counted (k INT, n BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO counted SELECT k, COUNT(*) FROM TABLE(TUMBLE(TABLE generated, DESCRIPTOR(moment), INTERVAL '1' SECOND))
    GROUP BY window_start, window_end, k;
"""


def catches(pid: int, number: signal.Signals) -> bool:
    """Whether the process has put something in place of a signal's default."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = re.search(r"SigCgt:\s*([0-9a-f]+)", status)
    assert caught is not None, "the kernel tells which signals a process catches"
    return bool(int(caught.group(1), 16) >> (number - 1) & 1)


def ended(command: list[str], folder: Path, ending: signal.Signals, moment_s: float) -> tuple[int, str]:
    """Start a command, send it a signal so long after its first line, and return its exit code and stderr."""
    process = subprocess.Popen(
        [str(RIACHO), *command], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        until(lambda: process.poll() is not None or catches(process.pid, signal.SIGTERM), "our first line has run")
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(moment_s)
        process.send_signal(ending)
        stderr = process.communicate(timeout=END_WITHIN_S)[1]
    finally:
        process.kill()
        process.wait()
    return process.returncode, stderr.decode()


@pytest.mark.parametrize(("ending", "moment_s"), INTERRUPTS)
def test_a_job_ends_whenever_it_is_interrupted(tmp_path: Path, ending: signal.Signals, moment_s: float) -> None:
    (tmp_path / "job.sql").write_text(ENDLESS)
    code, stderr = ended(["run", "job.sql"], tmp_path, ending, moment_s)
    assert code in (0, 1), stderr
    assert "Traceback" not in stderr
    assert "Exception ignored" not in stderr
    assert ("error: interrupted\n" if code else "job stopped: ") in stderr


@pytest.mark.parametrize(
    "command",
    [
        ["run", "job.sql", "--kafka", NOBODY],
        ["up", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"],
        ["demo", "--dir", "demo"],
        ["broker", "--listen", "127.0.0.1:0"],
        ["console", "--kafka", NOBODY, "--http", "127.0.0.1:0"],
        ["jobs", "--kafka", NOBODY],
        ["check", "--kafka", NOBODY],
        ["replay", "--kafka", NOBODY],
        ["consume", "topic", "--kafka", NOBODY],
        ["produce", "topic", "--kafka", NOBODY],
        ["sql", "-e", "SELECT 1"],
        ["bench", "log"],
    ],
    ids=lambda command: command[0],
)
@pytest.mark.parametrize("moment_s", [0, 0.6])
def test_every_command_ends_while_it_starts(tmp_path: Path, command: list[str], moment_s: float) -> None:
    (tmp_path / "job.sql").write_text(ENDLESS)
    code, stderr = ended(command, tmp_path, signal.SIGINT, moment_s)
    assert code in (0, 1), stderr
    assert "Traceback" not in stderr
    assert "Exception ignored" not in stderr
