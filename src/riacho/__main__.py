"""The process's beginning: `riacho` and `python -m riacho`."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import NoReturn

FAILED = 1

ONE_THREAD = {"POLARS_MAX_THREADS": "1"}
"""Unless the user says otherwise. Polars hands even a call over a few rows to its threads and waits for them: with one
of them a small pass costs a quarter less, and a large one no more, its cores being the other parts' too.
"""

STANDARD_STREAMS = ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w"))


def main() -> None:
    """Run the command line."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:  # whoever started us may not want them: nohup
            signal.signal(number, _end_at_once)
    _open_closed_streams()
    _speak_utf8()
    os.environ.update({name: value for name, value in ONE_THREAD.items() if name not in os.environ})
    from riacho.cli import main as run

    run()


def _end_at_once(_number: int, _frame: object) -> NoReturn:
    """End here and now, until a command puts in its own handlers: so far there is nothing to put in order.

    Not by an exception: what is imported meanwhile runs finalizers and callbacks, in which Python prints an exception
    and forgets it. The interrupt would be lost, and a job would go on for ever.
    """
    try:
        with contextlib.suppress(OSError):  # nobody reads stderr any more
            show_cursor = b"\x1b[?25h" if os.isatty(2) else b""  # a progress bar may have hidden it
            os.write(2, show_cursor + b"error: interrupted\n")
    finally:
        os._exit(FAILED)


def _open_closed_streams() -> None:
    """Put the null device where a standard stream was closed: a socket would take its number, and get what we print."""
    for descriptor, name, mode in STANDARD_STREAMS:
        if getattr(sys, name) is None and os.open(os.devnull, os.O_RDWR) == descriptor:
            setattr(sys, name, open(descriptor, mode, closefd=False))  # noqa: SIM115 - for as long as we live


def _speak_utf8() -> None:
    """Begin anew in Python's UTF-8 mode where the locale says otherwise: SQL, records and what we print are UTF-8.

    Where the user asks for another encoding of the standard streams, what that lacks is printed as an escape.
    """
    wanted = {}
    if sys.getfilesystemencoding() != "utf-8":
        wanted["PYTHONUTF8"] = "1"
    asked = os.environ.get("PYTHONIOENCODING", "")
    if asked and ":" not in asked and sys.stdout.encoding != "utf-8":
        wanted["PYTHONIOENCODING"] = f"{asked}:backslashreplace"
    if any(os.environ.get(name) != value for name, value in wanted.items()):
        os.environ.update(wanted)
        os.execv(sys.executable, sys.orig_argv)


if __name__ == "__main__":
    main()
