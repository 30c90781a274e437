"""Commands of riacho for tests, forked from a process that has imported them, as `riacho up` starts its workers.

A test that runs the same command for the twentieth time need not wait for its imports once more; that they work is
seen by the tests that type the command.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import forked_command
from riacho.cli.kernels import ensure_compiled
from riacho.cli.platform import PART_IMPORTS
from riacho.host import fork_server

FORKED_FROM = (*PART_IMPORTS, "riacho.broker.serve")
"""What the process that is forked from has imported."""


class Forked:
    """A command under way, as `subprocess.Popen` has it. It runs in our folder, with nothing to read, or as told."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        stdout: IO[bytes],
        stderr: IO[bytes],
        cwd: Path | None = None,
        stdin: Path | None = None,
    ) -> None:
        self.args = ["riacho", *arguments]
        self.returncode: int | None = None
        command = self.args
        if cwd is not None or stdin is not None:
            command = [forked_command.__name__, str(cwd or Path.cwd()), str(stdin or os.devnull), *arguments]
        self.pid = _server().fork(command, os.environ, stdout.fileno(), stderr.fileno())

    def poll(self) -> int | None:
        """The exit code, once it has ended."""
        if self.returncode is None:
            self.returncode = _server().ends(0).get(self.pid)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Raises `subprocess.TimeoutExpired`."""
        deadline = time.monotonic() + (timeout if timeout is not None else 1e9)
        while self.poll() is None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
            _server().ends(left)
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            _server().say({"signal": int(number), "to": self.pid})

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def run(
    *arguments: str, timeout: float, cwd: Path | None = None, given: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run a command to its end, as `subprocess.run` does."""
    with (
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
        tempfile.NamedTemporaryFile() as content,
    ):
        content.write(given)
        content.flush()
        process = Forked(arguments, stdout=out, stderr=err, cwd=cwd, stdin=Path(content.name) if given else None)
        try:
            code = process.wait(timeout)
        finally:
            process.kill()
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(process.args, code, out.read(), err.read())


class _Server:
    """The process that is forked from: one for all tests, to the end of the tests' own process."""

    def __init__(self) -> None:
        ensure_compiled()  # else the first command does it, and says so where a test reads what else it says
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._ends: dict[int, int] = {}
        with theirs:
            command = [sys.executable, "-m", fork_server.__name__, str(theirs.fileno()), *FORKED_FROM]
            path = os.pathsep.join([str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])])
            environment = {**os.environ, **fork_server.ENVIRONMENT, "PYTHONPATH": path}
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()], env=environment)
        atexit.register(process.wait)
        atexit.register(self._control.close)

    def fork(self, command: Sequence[str], environment: Mapping[str, str], stdout: int, stderr: int) -> int:
        self.say({"command": list(command), "environment": dict(environment)}, [stderr, stdout])
        while "forked" not in (told := self._hear()):
            pass
        pid: int = told["forked"]
        return pid

    def say(self, message: Mapping[str, Any], descriptors: Sequence[int] = ()) -> None:
        socket.send_fds(self._control, [json.dumps(message).encode()], descriptors)

    def ends(self, seconds: float) -> dict[int, int]:
        """The exit codes told so far, after waiting so long for one more."""
        while select.select([self._control], [], [], seconds)[0]:
            self._hear()
            seconds = 0
        return self._ends

    def _hear(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self._control.recv(fork_server.LARGEST_MESSAGE))
        if "ended" in told:
            self._ends[told["ended"]] = told["code"]
        return told


_running: list[_Server] = []


def _server() -> _Server:
    if not _running:
        _running.append(_Server())
    return _running[0]
