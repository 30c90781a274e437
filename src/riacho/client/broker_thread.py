"""What a thread does that talks to one broker: its work, and then it lets go, whatever ended it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from riacho.client.errors import UnreachableError
from riacho.errors import RiachoError


def start_broker_thread(
    name: str, work: Callable[[], None], release: Callable[[RiachoError | None], None]
) -> threading.Thread:
    """Run `work` in a thread, then `release` with what went wrong.

    A broker that cannot be reached is nothing wrong: what was its business is routed again.
    """

    def run() -> None:
        failure: RiachoError | None = RiachoError(f"the thread {name} ended; its traceback is on stderr")
        try:
            work()
            failure = None
        except UnreachableError:
            failure = None
        except RiachoError as error:
            failure = error
        finally:
            release(failure)

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread
