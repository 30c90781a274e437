"""A progress bar on stderr for commands that move records."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Protocol, Self


class RecordProgress(Protocol):
    """Told how far a command is; a context manager that clears what it showed."""

    def show(self, done: int, records: int) -> None:
        """`done` of the total, in the total's unit, and so many records."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class NoProgress:
    """Shows nothing: where nobody looks."""

    def show(self, done: int, records: int) -> None:
        del done, records

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class ProgressBar:
    """A bar with the records done and their rate; a total of None shows that something moves."""

    def __init__(self, title: str, total: int | None) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

        self._progress = Progress(
            TextColumn("{task.description}"),
            *([SpinnerColumn()] if total is None else [BarColumn(), TaskProgressColumn()]),
            TextColumn("{task.fields[records]}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._progress.add_task(title, total=total, records="")

    def show(self, done: int, records: int) -> None:
        elapsed = self._progress.tasks[0].elapsed
        rate = f", {records / elapsed:,.0f}/s" if elapsed else ""
        self._progress.update(self._task, completed=done, records=f"{records:,} records{rate}")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()


def progress_bar(title: str, total: int | None, *, wanted: bool = True) -> RecordProgress:
    """A bar where stderr is a terminal and it is wanted."""
    return ProgressBar(title, total) if wanted and sys.stderr.isatty() else NoProgress()
