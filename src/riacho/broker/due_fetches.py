"""The fetches that waited and have enough to answer now."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable


class DueFetches:
    """They are answered once the request that brought their records has appended all of them, before its own answer:
    its producer has what it wants already, their consumers wait. Else in the loop's next turn.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._due: deque[Callable[[], None]] = deque()
        self._answering = False

    def add(self, finish: Callable[[], None]) -> None:
        """Have one answered soon."""
        if not self._due:
            self._loop.call_soon(self.answer)
        self._due.append(finish)

    def answer(self) -> None:
        """Answer all. Connections go on with what they have read; what becomes due by that is answered as well."""
        if self._answering:
            return
        self._answering = True
        try:
            while self._due:
                self._due.popleft()()
        finally:
            self._answering = False
