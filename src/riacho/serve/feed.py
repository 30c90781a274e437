"""The stream of changes: what a viewer is sent, encoded once however many watch.

Every viewer first gets the rows of each view that it watches, then what changed, at most four times a second. A
viewer that does not keep up is not sent a growing backlog: it gets the whole view anew when it reads again.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

from riacho.serve.views import View

TICK_S = 0.25
"""How often changes are sent: as often as people can follow, seldom enough to cost little."""

OVERVIEW_TICKS = 4
"""Every how many ticks the overview is sent."""

MAX_BACKLOG = 40
"""Messages that wait for a slow viewer before they are dropped for a fresh start."""

SNAPSHOT_ROWS = 5_000
"""Rows of one message of a first picture: the event loop serves others in between."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Watched:
    """A view that a viewer watches, and how many rows of it: those of the newest keys, or all."""

    view: View
    newest: int | None = None


@dataclass(eq=False, slots=True)
class Viewer:
    """One open connection."""

    watched: Sequence[Watched]
    wants_overview: bool
    queue: asyncio.Queue[bytes] = field(default_factory=lambda: asyncio.Queue(MAX_BACKLOG))
    fresh: bool = True
    """Whether the next thing to send is the whole of every view."""

    def send(self, message: bytes) -> None:
        """Queue a message, or start afresh where too many wait."""
        if self.fresh:
            return
        try:
            self.queue.put_nowait(message)
        except asyncio.QueueFull:
            self.fresh = True


class Feed:
    """Tells all viewers what changed."""

    def __init__(self, views: Callable[[], Sequence[View]], overview: Callable[[], object]) -> None:
        self._views = views
        self._overview = overview
        self._viewers: set[Viewer] = set()
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Send changes until cancelled."""
        tick = 0
        while True:
            await asyncio.sleep(TICK_S)
            tick += 1
            for view in self._views():
                if not view.changed:
                    continue
                rows, deleted = view.take_changes()
                watching = [viewer for viewer in self._viewers if any(item.view is view for item in viewer.watched)]
                if watching:
                    message = _view_message(view.name, rows, deleted, reset=False)
                    for viewer in watching:
                        viewer.send(message)
            if tick % OVERVIEW_TICKS == 0:
                self._send_overview()

    async def watch(self, watched: Sequence[Watched], *, overview: bool) -> AsyncIterator[bytes]:
        """The messages of one viewer, as server-sent events, until the caller stops."""
        viewer = Viewer(watched, overview)
        self._viewers.add(viewer)
        try:
            if overview:
                yield _message("overview", self._overview())
            while True:
                if viewer.fresh:
                    while not viewer.queue.empty():
                        viewer.queue.get_nowait()
                    # Changes of this very tick may come again after the picture: rows are set, not added.
                    viewer.fresh = False
                    for item in watched:
                        for message in _picture(item):
                            yield message
                            await asyncio.sleep(0)
                yield await viewer.queue.get()
        finally:
            self._viewers.discard(viewer)

    def _send_overview(self) -> None:
        viewers = [viewer for viewer in self._viewers if viewer.wants_overview]
        if viewers:
            message = _message("overview", self._overview())
            for viewer in viewers:
                viewer.send(message)


def _picture(item: Watched) -> list[bytes]:
    """All rows of a view in messages of bounded size; the first one clears what the viewer had."""
    rows = item.view.newest(item.newest)
    parts = [rows[first : first + SNAPSHOT_ROWS] for first in range(0, len(rows), SNAPSHOT_ROWS)] or [[]]
    return [_view_message(item.view.name, part, [], reset=number == 0) for number, part in enumerate(parts)]


def _view_message(name: str, rows: Sequence[tuple[bytes, bytes]], deleted: Sequence[bytes], *, reset: bool) -> bytes:
    return _message(
        "view",
        {
            "view": name,
            "reset": reset,
            "set": [(_text(key), _text(value)) for key, value in rows],
            "del": [_text(key) for key in deleted],
        },
    )


def _text(content: bytes) -> str:
    """Bytes as text: a view's values are JSON or text; what is neither is shown as well as can be."""
    return content.decode(errors="replace")


def _message(event: str, content: object) -> bytes:
    return f"event: {event}\ndata: {json.dumps(content, separators=(',', ':'))}\n\n".encode()
