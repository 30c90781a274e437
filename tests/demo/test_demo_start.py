"""`riacho demo` where others are already: its ports are taken, and there is a display with a browser."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from job_process import until
from running_broker import RIACHO

STOP_DEADLINE_S = 30.0
"""It has 5 s, on a machine of its own."""

pytestmark = pytest.mark.xdist_group("demo")  # one demo at a time: two on two processors starve each other

BROWSER = """#!/bin/sh
echo $$ "$1" > {opened}.new && mv {opened}.new {opened}
exec sleep 1000
"""


def test_it_takes_the_next_free_ports_says_so_and_opens_a_browser_that_it_does_not_wait_for(tmp_path: Path) -> None:
    opened = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(BROWSER.format(opened=opened))
    browser.chmod(0o755)
    with socket.create_server(("127.0.0.1", 0)) as kafka, socket.create_server(("127.0.0.1", 0)) as http:
        wanted = [f"127.0.0.1:{taken.getsockname()[1]}" for taken in (kafka, http)]
        command = [str(RIACHO), "demo", "--dir", str(tmp_path / "data"), "--listen", wanted[0], "--http", wanted[1]]
        with (tmp_path / "stderr").open("w") as stderr:
            process = subprocess.Popen(
                [*command, "--days", "2013-01-01:2013-01-01"],
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                env={**os.environ, "DISPLAY": ":99", "BROWSER": str(browser)},
            )
        try:
            assert process.stdout is not None
            ready = process.stdout.readline()
            until(lambda: opened.exists() or process.poll() is not None, "a browser is opened")
            browser_id, address = opened.read_text().split()
            process.send_signal(signal.SIGINT)
            code = process.wait(STOP_DEADLINE_S)
            os.kill(int(browser_id), signal.SIGTERM)
        finally:
            process.kill()
            process.communicate()

    said = (tmp_path / "stderr").read_text()
    taken = dict(part.split("=") for part in ready.split()[1:])
    assert set(taken.values()).isdisjoint(wanted)
    assert f"{wanted[0]} is taken; using {taken['kafka']}\n" in said
    assert f"{wanted[1]} is taken; using {taken['http']}\n" in said
    assert address == f"http://{taken['http']}/"
    assert code == 0
