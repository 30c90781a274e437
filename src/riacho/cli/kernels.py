"""`riacho kernels`: compile the kernels now, which otherwise the first command that needs them does."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand

if TYPE_CHECKING:
    from typer._click.core import Context

app = typer.Typer()


@app.command(hidden=True)
def kernels() -> None:
    """Compile the kernels into the user's cache directory, if that was not done yet."""
    ensure_compiled()


class KernelCommand(TyperCommand):
    """A command that needs kernels: they are compiled once its arguments are understood and its script is read."""

    def invoke(self, ctx: Context) -> Any:
        ensure_compiled(lambda: self.check(ctx))
        return super().invoke(ctx)

    def check(self, ctx: Context) -> None:
        """Raise `RiachoError` for a mistake that can be told without kernels. Called where they are to be compiled."""


def ensure_compiled(before: Callable[[], None] = lambda: None) -> None:
    """Compile the kernels once, showing how far it is. Raises `RiachoError` where they cannot be stored.

    Calls `before` first where there is something to compile.
    """
    from riacho.kernels.compile import is_compiled, use_cache_directory

    use_cache_directory()
    if is_compiled():
        return
    before()
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from riacho.cli.ending import interrupted_by_signals
    from riacho.kernels.compile import compile_all

    console = Console(stderr=True)
    if not console.is_terminal:
        sys.stderr.write("compiling kernels, once for this machine: a minute or two\n")
    columns = (
        TextColumn("compiling kernels, once for this machine"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with (
        interrupted_by_signals(),
        Progress(*columns, console=console, disable=not console.is_terminal) as progress,
    ):
        task = progress.add_task("kernels", total=None)
        compile_all(lambda done, total: progress.update(task, completed=done, total=total))
