"""Ends in time: what a process that was told to end still waits for is bounded."""

from __future__ import annotations

import os
import sys
import threading

from riacho.errors import RiachoError

END_TIMEOUT_S = 4.0
"""A process is gone within 5 s of SIGTERM or Ctrl-C, also where the broker that it would take leave of has gone."""


def end_in_time(left_undone: str) -> threading.Timer:
    """Begin the countdown after which this process ends at once, with exit code 1 and these words on stderr.

    Cancel it where the process ends by itself.
    """

    def give_up() -> None:
        try:
            sys.stderr.write(f"error: not ended within {END_TIMEOUT_S:.0f} s: {left_undone}\n")
            sys.stderr.flush()
        finally:
            os._exit(RiachoError.exit_code)  # also where nobody reads stderr any more

    timer = threading.Timer(END_TIMEOUT_S, give_up)
    timer.daemon = True
    timer.start()
    return timer
