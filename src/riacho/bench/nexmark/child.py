"""One query in a process of its own, so that its CPU and its memory are its alone: the parent's side."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from riacho.errors import RiachoError
from riacho.host.parent import DIE_WITH_PARENT

Progress = Callable[[int, float], None]
"""Told how many events have been read, and the CPU seconds of the process until then."""

Beside = Callable[[int], AbstractContextManager[object]]
"""What goes on while a process, whose id it is given, is measured."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a query took over so many events. CPU seconds are of all threads, memory in MB of resident pages.

    `state_mb` is what the operators held at most, looked at once a second; None where the engine does not say.
    """

    events: int
    elapsed_s: float
    cpu_s: float
    peak_rss_mb: float
    state_mb: float | None = None

    @property
    def events_per_s(self) -> float:
        return self.events / self.elapsed_s


def measure(
    module: str, request: Mapping[str, Any], log: Path, progress: Progress, beside: Beside = nullcontext
) -> Measured:
    """Run a module as a child: it reads the request, a line of JSON, says how far it is, and what it has measured.

    Raises `RiachoError` with what the child says, where the query is refused or fails.
    """
    with log.open("ab") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**os.environ, DIE_WITH_PARENT: str(os.getpid())},
            start_new_session=True,  # a Ctrl-C reaches us alone, who end it
        )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        with beside(process.pid):
            process.stdin.write(json.dumps(request))
            process.stdin.close()
            for line in process.stdout:
                said = json.loads(line)
                if "error" in said:
                    raise RiachoError(said["error"])
                if "elapsed_s" in said:
                    return Measured(**said)
                progress(said["events"], said["cpu_s"])
        raise RiachoError("the process of a query has ended before its query", where=str(log))
    finally:
        process.terminate()
        process.wait()
