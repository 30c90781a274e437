"""A broker process for tests: the command that a user types."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from forked import Forked

START_DEADLINE_SECONDS = 60.0
STOP_DEADLINE_SECONDS = 30.0
RIACHO = Path(sys.executable).with_name("riacho")


class RunningBroker:
    """One `riacho broker` with its own directory. Start it, stop it, kill it, start it again at the same port.

    It is a fork of a process that has imported much more, unless it is `executed`.
    """

    def __init__(self, directory: Path, log: Path, *options: str, executed: bool = False) -> None:
        self.directory = directory
        self.host = "127.0.0.1"
        self.port = 0
        self._log = log
        self._options = options
        self._executed = executed
        self._process: subprocess.Popen[bytes] | Forked | None = None
        self._said: IO[str] | None = None

    @property
    def bootstrap(self) -> str:
        """What clients call `bootstrap.servers`."""
        return f"{self.host}:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None, "the broker is not running"
        return self._process.pid

    def start(self) -> RunningBroker:
        """Start the process and wait until it serves."""
        assert self._process is None, "the broker is running already"
        command = ["broker", "--dir", str(self.directory), "--listen", self.bootstrap, *self._options]
        reading, writing = os.pipe()
        self._said = open(reading)  # noqa: SIM115 - until the process has ended
        with open(writing, "wb") as stdout, self._log.open("ab") as log:
            if self._executed:
                self._process = subprocess.Popen([str(RIACHO), *command], stdout=stdout, stderr=log)
            else:
                self._process = Forked(command, stdout=stdout, stderr=log)
        line = self._first_line(self._said)
        ready, _, address = line.strip().partition(" kafka=")
        assert ready == "ready", f"the broker said {line!r} instead of ready:\n{self.log_text()}"
        self.port = int(address.rpartition(":")[2])
        return self

    def _first_line(self, said: IO[str]) -> str:
        readable, _, _ = select.select([said], [], [], START_DEADLINE_SECONDS)
        assert readable, f"the broker was not ready in {START_DEADLINE_SECONDS} s:\n{self.log_text()}"
        return said.readline()

    def kill(self) -> None:
        """As a crash of the process: SIGKILL."""
        self._end(signal.SIGKILL)

    def terminate(self) -> int:
        """As an operator stops it: SIGTERM. Returns the exit code."""
        return self._end(signal.SIGTERM)

    def restart(self) -> RunningBroker:
        """Stop it in order, if it runs, and start it again at the same port."""
        if self._process is not None:
            self.terminate()
        return self.start()

    def log_text(self) -> str:
        """What it has logged so far."""
        return self._log.read_text() if self._log.exists() else ""

    def wait_for_log(self, text: str, seconds: float = 10.0) -> None:
        """Wait until `text` has been logged."""
        deadline = time.monotonic() + seconds
        while text not in self.log_text():
            assert time.monotonic() < deadline, f"{text!r} was not logged:\n{self.log_text()}"
            time.sleep(0.01)  # the file can only be looked at again

    def close(self) -> None:
        """End the process, whatever its state."""
        if self._process is not None:
            self.kill()

    def _end(self, number: signal.Signals) -> int:
        process = self._process
        assert process is not None, "the broker is not running"
        self._process = None
        process.send_signal(number)
        try:
            code = process.wait(STOP_DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"the broker did not end on {number.name}:\n{self.log_text()}") from None
        finally:
            assert self._said is not None
            self._said.close()
        return code


StartBroker = Callable[..., RunningBroker]
"""What the fixture `broker` is: start a broker of the test's own."""
