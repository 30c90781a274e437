"""How a process that was told to end does so: in order, and in time."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue

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


@contextmanager
def stopping_at_signals(stop: Callable[[], None], left_undone: str) -> Iterator[None]:
    """Ctrl-C and SIGTERM call `stop` within, and begin the countdown of `end_in_time`.

    `stop` has a thread of its own. A signal's handler interrupts the main thread anywhere, also where that holds a
    lock: to stop it there by a `threading.Event` that it waits for would be to wait for that lock for ever.
    """
    asked: SimpleQueue[bool] = SimpleQueue()  # its `put` takes no lock of Python's

    def listen() -> None:
        countdown: threading.Timer | None = None
        while asked.get():
            if countdown is None:
                countdown = end_in_time(left_undone)
                stop()
        if countdown is not None:
            countdown.cancel()

    listener = threading.Thread(target=listen, name="riacho-stop", daemon=True)
    listener.start()
    before = {
        number: signal.signal(number, lambda _number, _frame: asked.put(True))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        asked.put(False)
        listener.join()


@contextmanager
def interrupted_by_signals() -> Iterator[None]:
    """Ctrl-C and SIGTERM raise `KeyboardInterrupt` within, in place of ending the process at once.

    Only around work that has something to say or to put in order when it is interrupted, and only once what it needs
    is imported: an import may swallow the exception.
    """
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
