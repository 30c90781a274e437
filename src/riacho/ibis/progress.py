"""How a notebook or terminal sees that a query works: a line that moves while topics are read."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

SHOWN_AFTER = 1
"""Measurements come once a second; a query that is faster shows nothing."""


class Progress:
    """Rows read, of those that the topics had when the query began as far as that is known."""

    def __init__(self, *, shown: bool) -> None:
        self._bar = Bar(
            TextColumn("reading"),
            BarColumn(),
            TextColumn("{task.completed:,.0f} rows, {task.fields[rate]:,.0f}/s"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
            disable=not shown,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._bar.stop()

    def show(self, measured: dict[str, Any]) -> None:
        """Show a worker's newest measurements."""
        if self._task is None:
            self._bar.start()
            self._task = self._bar.add_task("reading", total=None, rate=0)
        total = None if measured["lag"] is None else measured["rows_in"] + measured["lag"]
        self._bar.update(self._task, completed=measured["rows_in"], total=total, rate=measured["rows_in_per_s"])
