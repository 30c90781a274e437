"""What tests of commands share: running one to its end, or beside the test."""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from dataclasses import dataclass
from typing import IO, Any

import forked
from running_broker import RIACHO, RunningBroker

DEADLINE_S = 240.0
"""Long: the first command on a machine compiles the kernels."""


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    code: int
    stdout: bytes
    stderr: str

    @property
    def text(self) -> str:
        return self.stdout.decode()

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @property
    def json_lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]


class Commands:
    """Runs `riacho` against one broker."""

    def __init__(self, broker: RunningBroker) -> None:
        self._address = ("--kafka", broker.bootstrap)

    def run(self, *arguments: str, given: bytes = b"") -> Ended:
        """Run a command to its end, whatever its exit code."""
        done = forked.run(*arguments, *self._address, timeout=DEADLINE_S, given=given)
        return Ended(done.returncode, done.stdout, done.stderr.decode())

    def succeed(self, *arguments: str, given: bytes = b"") -> Ended:
        """Run a command that must succeed."""
        ended = self.run(*arguments, given=given)
        assert ended.code == 0, ended.stderr
        return ended

    def start(
        self, *arguments: str, stdout: int | IO[bytes] = subprocess.PIPE, closed: bool = False
    ) -> subprocess.Popen[bytes]:
        """Start a command with pipes, or with all standard streams closed; the caller ends it."""
        command = [str(RIACHO), *arguments, *self._address]
        if closed:
            return subprocess.Popen(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *command])
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=stdout, stderr=subprocess.PIPE)


def read_until(process: subprocess.Popen[bytes], wanted: bytes) -> bytes:
    """What a command prints up to and with `wanted`."""
    assert process.stdout is not None
    deadline = time.monotonic() + DEADLINE_S
    got = b""
    while wanted not in got:
        left = deadline - time.monotonic()
        readable, _, _ = select.select([process.stdout], [], [], max(left, 0))
        assert readable, f"{wanted!r} did not come, but {got!r}"
        chunk = os.read(process.stdout.fileno(), 1 << 16)
        assert chunk, f"it ended with {got!r}"
        got += chunk
    return got
