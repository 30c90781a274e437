"""What a process costs, read from /proc: CPU seconds and resident memory."""

from __future__ import annotations

import os
import re
import select
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from riacho.errors import RiachoError
from riacho.host.child import riacho_command
from riacho.host.parent import DIE_WITH_PARENT

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
START_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 10.0


class ServedProcess:
    """A riacho command that serves, from its ready line to the end of its context, or to ours where we are killed."""

    def __init__(self, *arguments: str, log: Path) -> None:
        started = time.perf_counter()
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                riacho_command(*arguments),
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, DIE_WITH_PARENT: str(os.getpid())},
                start_new_session=True,  # a Ctrl-C reaches us alone, who end it after its clients
            )
        self.pid = self._process.pid
        with ExitStack() as undone:
            undone.callback(self._end)  # whatever ends the wait, a signal too, leaves no process
            self.addresses = self._wait_until_ready(log)
            """What its ready line said: `kafka` and, of a console, `http`."""
            undone.pop_all()
        self.address = self.addresses["kafka"]
        self.start_s = time.perf_counter() - started
        """From the start of the process to its ready line, seconds."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def cpu_s(self) -> float:
        """User and system time of all its threads so far."""
        return cpu_s(self.pid)

    def rss_mb(self) -> float:
        """Resident memory in MB, shared pages of files included."""
        return _memory_mb(self.pid, "VmRSS")

    def _wait_until_ready(self, log: Path) -> dict[str, str]:
        stdout = self._process.stdout
        assert stdout is not None
        readable, _, _ = select.select([stdout], [], [], START_TIMEOUT_S)
        line = stdout.readline().decode() if readable else ""
        addresses = dict(re.findall(r"(\w+)=(\S+)", line))
        if "kafka" not in addresses:
            raise RiachoError("the process under measurement did not start", where=str(log))
        return addresses

    def _end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def serve_broker(directory: Path, *, fsync: str = "kafka") -> ServedProcess:
    """A broker of our own, with its data and its log in `directory`, which is made where it is missing."""
    directory.mkdir(parents=True, exist_ok=True)
    data = str(directory / "broker")
    return ServedProcess(
        "broker", "--dir", data, "--listen", "127.0.0.1:0", "--fsync", fsync, log=directory / "broker.log"
    )


def cpu_s(pid: int) -> float:
    """User and system time of all threads of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def peak_rss_mb(pid: int) -> float:
    """The most resident memory that a process has had, in MB, shared pages of files included."""
    return _memory_mb(pid, "VmHWM")


def resident_bytes(pid: int) -> int:
    """Resident memory of a process, shared pages of files included; none once it has ended."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES


def _memory_mb(pid: int, line: str) -> float:
    found = re.search(rf"{line}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None, "the kernel tells every process's resident memory"
    return int(found.group(1)) * 1024 / 1e6


def descendants(pid: int) -> list[int]:
    """The processes that a process has started, and those that they have; its threads' all."""
    found = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, children.read_text().split()):
            found += [child, *descendants(child)]
    return found
