"""Work that goes on in a thread of its own while something is measured."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager


@contextmanager
def background(name: str, work: Callable[[threading.Event], None]) -> Iterator[None]:
    """Run `work` meanwhile. It returns once the event that it is given is set; what it raises is raised at the end."""
    stopped = threading.Event()
    with ThreadPoolExecutor(1, thread_name_prefix=name) as threads:
        running = threads.submit(work, stopped)
        try:
            yield
        finally:
            stopped.set()
        running.result()
