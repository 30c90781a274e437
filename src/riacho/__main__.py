"""The process's beginning: `riacho` and `python -m riacho`."""

from __future__ import annotations

import os
import signal
import sys

STANDARD_STREAMS = ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w"))


def main() -> None:
    """Run the command line."""
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while imports run ends the process, without a trace
    _open_closed_streams()
    from riacho.cli import main as run

    signal.signal(signal.SIGINT, before)
    run()


def _open_closed_streams() -> None:
    """Put the null device where a standard stream was closed: a socket would take its number, and get what we print."""
    for descriptor, name, mode in STANDARD_STREAMS:
        if getattr(sys, name) is None and os.open(os.devnull, os.O_RDWR) == descriptor:
            setattr(sys, name, open(descriptor, mode, closefd=False))  # noqa: SIM115 - for as long as we live


if __name__ == "__main__":
    main()
