"""One query in a process of its own: the child's side."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, NamedTuple

from riacho.bench.measurements import Meter
from riacho.bench.nexmark.child import Measured
from riacho.bench.process import peak_rss_mb
from riacho.errors import RiachoError
from riacho.host.parent import die_with_parent


class Ran(NamedTuple):
    """How many events a run has read, and how many MB of state it held at most, if that is known."""

    events: int
    state_mb: float | None = None


def answer(run: Callable[[dict[str, Any]], Ran]) -> None:
    """Read the request, warm up and run; tell the parent what it took, or why it did not go.

    `run` is called twice: first with `warm` true, for what a process does only once.
    """
    die_with_parent()
    request = json.load(sys.stdin)
    try:
        run({**request, "warm": True})
        meter = Meter(time.process_time)
        ran = run({**request, "warm": False})
        spent = meter.spent()
    except RiachoError as error:
        say({"error": str(error)})
        return
    measured = Measured(ran.events, spent.elapsed_s, spent.cpu_s, peak_rss_mb(os.getpid()), ran.state_mb)
    say(asdict(measured))


def say(what: dict[str, Any]) -> None:
    """A line for the parent."""
    sys.stdout.write(f"{json.dumps(what)}\n")
    sys.stdout.flush()
