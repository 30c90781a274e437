"""How a terminal or notebook sees that a query works: a bar that moves while topics are read."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichBar


class _Bar(Protocol):
    def show(self, rows: int, total: int | None, rate: float) -> None: ...

    def remove(self) -> None: ...


class Progress:
    """Rows read, of those that the topics had when the query began as far as that is known.

    A worker measures itself once a second: a query that is faster shows nothing.
    """

    def __init__(self, *, shown: bool) -> None:
        self._shown = shown
        self._bar: _Bar | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.remove()

    def show(self, measured: dict[str, Any]) -> None:
        """Show a worker's newest measurements."""
        if not self._shown:
            return
        if self._bar is None:
            console = Console(stderr=True)
            self._bar = _NotebookBar() if console.is_jupyter else _TerminalBar(console)
        total = None if measured["lag"] is None else measured["rows_in"] + measured["lag"]
        self._bar.show(measured["rows_in"], total, measured["rows_in_per_s"])


class _TerminalBar:
    def __init__(self, console: Console) -> None:
        columns = (
            BarColumn(),
            TextColumn("{task.completed:,.0f} rows, {task.fields[rate]:,.0f}/s"),
            TimeElapsedColumn(),
        )
        self._bar = RichBar(TextColumn("reading"), *columns, console=console, transient=True)
        self._bar.start()
        self._task = self._bar.add_task("reading", total=None, rate=0)

    def show(self, rows: int, total: int | None, rate: float) -> None:
        self._bar.update(self._task, completed=rows, total=total, rate=rate)

    def remove(self) -> None:
        self._bar.stop()


class _NotebookBar:
    """In an output of its own: what Rich draws in a notebook needs ipywidgets."""

    def __init__(self) -> None:
        from IPython.display import display

        self._output = display(_shown("", "reading"), raw=True, display_id=True)

    def show(self, rows: int, total: int | None, rate: float) -> None:
        text = f"reading: {rows:,} rows, {rate:,.0f}/s"
        known = "" if total is None else f'value="{rows}" max="{total}"'
        self._output.update(_shown(f"<progress {known}></progress> {text}", text), raw=True)

    def remove(self) -> None:
        self._output.update(_shown("", ""), raw=True)


def _shown(html: str, text: str) -> dict[str, str]:
    """What a notebook shows: HTML in a browser, text elsewhere."""
    return {"text/html": html, "text/plain": text}
