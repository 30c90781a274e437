"""Groups of commands: their help shows the summary of each to its end, and each may be piped to `head`."""

from __future__ import annotations

import os
import select
import sys
from typing import TYPE_CHECKING, Any

from typer.core import TyperGroup

from riacho.errors import RiachoError

if TYPE_CHECKING:
    from typer._click.core import Context
    from typer._click.formatting import HelpFormatter


class CommandGroup(TyperGroup):
    """Wraps the summaries where Typer breaks them off, in the middle of a sentence, at the width of the terminal.

    A command whose output nobody reads any more has done enough.
    """

    def invoke(self, ctx: Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            if not _nobody_reads():
                raise RiachoError(f"a connection was lost: {error.strerror}") from error
            # Python would still flush what it cannot write.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return None

    def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:
        commands = [(name, self.commands[name]) for name in self.list_commands(ctx)]
        rows = [(name, command.get_short_help_str(sys.maxsize)) for name, command in commands if not command.hidden]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _nobody_reads() -> bool:
    """Whether the other end of standard output is closed."""
    asked = select.poll()
    asked.register(sys.stdout.fileno(), 0)
    return any(event & select.POLLERR for _, event in asked.poll(0))
