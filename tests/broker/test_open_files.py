"""Every segment and every connection is an open file: the broker may have as many as its user may."""

from __future__ import annotations

import subprocess
from pathlib import Path

from running_broker import RIACHO


def test_the_soft_limit_of_open_files_is_raised_to_the_hard_one(tmp_path: Path) -> None:
    command = [str(RIACHO), "broker", "--dir", str(tmp_path / "data"), "--listen", "127.0.0.1:0"]
    limited = ["sh", "-c", 'ulimit -Sn 64 && exec "$@"', "sh", *command]
    process = subprocess.Popen(limited, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline().startswith("ready kafka=")
        limits = Path(f"/proc/{process.pid}/limits").read_text()
    finally:
        process.terminate()
        process.communicate(timeout=60)

    soft, hard = next(line for line in limits.splitlines() if line.startswith("Max open files")).split()[3:5]
    assert soft == hard != "64"
