"""A console process for tests, its HTTP API and its stream of changes."""

from __future__ import annotations

import http.client
import json
import os
import select
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import quote

from forked import Forked

DEADLINE_SECONDS = 90.0
START_DEADLINE_SECONDS = 180.0
"""The first command after a change of the kernels compiles them."""


class Answer(NamedTuple):
    """What the API answered."""

    status: int
    body: Any


class RunningConsole:
    """One `riacho console` over a broker."""

    def __init__(self, kafka: str, log: Path, *options: str) -> None:
        reading, writing = os.pipe()
        with open(writing, "wb") as stdout, log.open("ab") as stderr:
            command = ["console", "--kafka", kafka, "--http", "127.0.0.1:0", *options]
            self._process = Forked(command, stdout=stdout, stderr=stderr)
        with open(reading) as said:
            readable, _, _ = select.select([said], [], [], START_DEADLINE_SECONDS)
            line = said.readline() if readable else ""
        assert line.startswith("ready "), f"the console said {line!r}:\n{log.read_text()}"
        self.address = line.strip().rpartition("http=")[2]

    def get(self, path: str, **headers: str) -> Answer:
        return self.request("GET", path, headers=headers)

    def post(self, path: str, body: object, **headers: str) -> Answer:
        return self.request("POST", path, json.dumps(body), {"Content-Type": "application/json", **headers})

    def request(self, method: str, path: str, body: str | None = None, headers: Mapping[str, str] = {}) -> Answer:
        """Any request. The answer must be JSON."""
        connection = http.client.HTTPConnection(self.address, timeout=DEADLINE_SECONDS)
        try:
            connection.request(method, path, body, dict(headers))
            response = connection.getresponse()
            assert response.headers.get_content_type() == "application/json", response.headers
            return Answer(response.status, json.loads(response.read()))
        finally:
            connection.close()

    def watch(self, *views: str, overview: bool = False) -> EventStream:
        """Open a stream of changes."""
        parameters = "&".join([*(f"view={quote(view)}" for view in views), *(["overview=1"] if overview else [])])
        return EventStream(self.address, f"/api/events?{parameters}")

    def close(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(DEADLINE_SECONDS)
        finally:
            self._process.kill()


class EventStream:
    """Server-sent events, and the rows of the views that they tell of."""

    def __init__(self, address: str, path: str) -> None:
        self._connection = http.client.HTTPConnection(address, timeout=DEADLINE_SECONDS)
        self._connection.request("GET", path)
        self._response = self._connection.getresponse()
        assert self._response.status == 200, self._response.read()
        self.rows: dict[str, dict[str, str]] = {}
        self.exists: dict[str, bool] = {}
        self.bytes_read = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()
        self._response.close()

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        """Events as (name, content); what they tell of views is noted."""
        event = ""
        while True:
            line = self._response.readline()
            assert line, "the stream ended"
            self.bytes_read += len(line)
            field, _, value = line.decode().strip().partition(": ")
            if field == "event":
                event = value
            elif field == "data":
                content = json.loads(value)
                if event == "view":
                    self._note(content)
                yield event, content

    def next(self, event: str) -> Any:
        """The content of the next event of this name."""
        return next(content for name, content in self if name == event)

    def wait(self, condition: Callable[[EventStream], bool]) -> None:
        """Read until the condition holds."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        for _ in self:
            if condition(self):
                return
            assert time.monotonic() < deadline, f"it never came to this: {self.rows}"[:2_000]

    def _note(self, change: dict[str, Any]) -> None:
        rows = self.rows.setdefault(change["view"], {})
        self.exists[change["view"]] = change["exists"]
        if change["reset"]:
            rows.clear()
        rows.update(change["set"])
        for key in change["del"]:
            rows.pop(key, None)
