"""The stream of changes: what a viewer is sent, encoded once however many watch.

Every viewer first gets the rows of each view that it watches, then what changed, soon after it did. A viewer that
does not keep up is not sent a growing backlog: it gets the whole view anew when it reads again.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from riacho.serve.background import lasting
from riacho.serve.views import Changes, View, Views

TICK_S = 0.05
"""How long further changes are gathered after some were sent: a person sees no delay, and a burst is one message."""

OVERVIEW_S = 1.0
"""How often the overview is sent."""

KEEP_ALIVE_S = 15.0
"""A comment after so long a silence: a connection that is dead is found out, and no proxy takes it for idle."""

RETRY_MS = 1_000
"""How soon a browser connects again after the stream broke."""

MAX_BACKLOG_BYTES = 4 << 20
"""What waits for a slow viewer before it is dropped for a fresh start."""

PICTURE_ROWS = 2_000
"""Rows of one message of a first picture: the event loop serves others in between."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A view that a viewer watches, and how many rows of it: those of the newest keys, or all."""

    view: View
    newest: int | None = None


@dataclass(eq=False, slots=True)
class Viewer:
    """One open connection and the messages that wait for it."""

    wants_overview: bool
    waiting: deque[bytes] = field(default_factory=deque)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    pictured: set[str] = field(default_factory=set)
    """The views whose first picture was begun: what changes from then on is sent."""
    behind: bool = False
    """It missed something, and gets every view anew."""
    _size: int = 0

    def send(self, message: bytes) -> None:
        """Queue a message; where too much waits, drop it all for a fresh start."""
        self._size += len(message)
        if self._size > MAX_BACKLOG_BYTES:
            self.begin_anew()
        else:
            self.waiting.append(message)
            self.arrived.set()

    def begin_anew(self) -> None:
        """Forget what waits and was sent: every view comes whole again."""
        self.behind = True
        self.pictured.clear()
        self.waiting.clear()
        self._size = 0
        self.arrived.set()

    def take(self) -> bytes:
        """Everything that waits."""
        content = b"".join(self.waiting)
        self.waiting.clear()
        self.arrived.clear()
        self._size = 0
        return content


class Feed:
    """Tells all viewers what changed."""

    def __init__(self, views: Views, overview: Callable[[], object]) -> None:
        self._views = views
        self._overview = overview
        self._viewers: set[Viewer] = set()

    async def run(self) -> None:
        """Send changes until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(lasting(self._send_changes, "sending changes"))
            group.create_task(lasting(self._send_overview, "sending the overview"))

    async def watch(self, watched: Sequence[Watched], *, overview: bool, pause_s: float = 0.0) -> AsyncIterator[bytes]:
        """The messages of one viewer, as server-sent events, until the caller stops.

        After each change that it was sent it is left in peace for `pause_s`; what comes meanwhile comes together.
        """
        viewer = Viewer(wants_overview=overview)
        self._viewers.add(viewer)
        try:
            yield f"retry: {RETRY_MS}\n\n".encode()
            if overview:
                yield encoded("overview", self._overview())
            while True:
                viewer.behind = False
                for item in watched:
                    async for message in self._picture(viewer, item):
                        yield message
                while not viewer.behind:
                    yield await self._next(viewer)
                    await asyncio.sleep(pause_s)
        finally:
            self._viewers.discard(viewer)

    async def _picture(self, viewer: Viewer, item: Watched) -> AsyncIterator[bytes]:
        """All rows of a view, once it has been read; what changes from then on is sent, too."""
        await item.view.settled.wait()
        self._tell([item.view])  # to those who have a picture; this one's is newer
        viewer.pictured.add(item.view.name)
        for message in picture(item):
            yield message
            await asyncio.sleep(0)

    async def _next(self, viewer: Viewer) -> bytes:
        try:
            async with asyncio.timeout(KEEP_ALIVE_S):  # wait_for would make a task for each message
                await viewer.arrived.wait()
        except TimeoutError:
            return b": still here\n\n"
        return viewer.take()

    async def _send_changes(self) -> None:
        for viewer in self._viewers:
            viewer.begin_anew()  # where this begins again, changes were taken that nobody was sent
        while True:
            await self._views.changed.wait()
            self._views.changed.clear()
            self._tell(self._views)
            await asyncio.sleep(TICK_S)

    def _tell(self, views: Iterable[View]) -> None:
        """Send what has changed to those who know what was before."""
        watched = {name for viewer in self._viewers for name in viewer.pictured}
        messages = {}
        for view in views:
            if view.has_changes and view.settled.is_set():
                changes = view.take_changes()
                if view.name in watched:
                    messages[view.name] = change_message(view, changes)
        for viewer in self._viewers:
            mine = [messages[name] for name in viewer.pictured if name in messages]
            if mine:
                viewer.send(b"".join(mine))

    async def _send_overview(self) -> None:
        while True:
            viewers = [viewer for viewer in self._viewers if viewer.wants_overview]
            if viewers:
                message = encoded("overview", self._overview())
                for viewer in viewers:
                    viewer.send(message)
            await asyncio.sleep(OVERVIEW_S)


def picture(item: Watched) -> Iterator[bytes]:
    """All rows of a view in messages of bounded size; the first one clears what the viewer had."""
    view = item.view
    rows = view.newest(item.newest)
    for first in range(0, max(len(rows), 1), PICTURE_ROWS):
        part = rows[first : first + PICTURE_ROWS]
        yield change_message(view, Changes(first == 0, part, []), last=first + PICTURE_ROWS >= len(rows))


def change_message(view: View, changes: Changes, *, last: bool = True) -> bytes:
    """What became of a view; with `last` false, more of the same picture follows."""
    return encoded(
        "view",
        {
            "view": view.name,
            "exists": view.exists,
            "reset": changes.reset,
            "more": not last,
            "set": [(_text(key), _text(value)) for key, value in changes.rows],
            "del": [_text(key) for key in changes.deleted],
        },
    )


def encoded(event: str, content: object) -> bytes:
    """A server-sent event. Source: HTML Living Standard, section 9.2."""
    return f"event: {event}\ndata: {json.dumps(content, separators=(',', ':'))}\n\n".encode()


def _text(content: bytes) -> str:
    """Bytes as text: a view's values are JSON or text; what is neither is shown as well as can be."""
    return content.decode(errors="replace")
