"""Groups of commands, whose help shows the summary of each command to its end."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from typer.core import TyperGroup

if TYPE_CHECKING:
    from typer._click.core import Context
    from typer._click.formatting import HelpFormatter


class CommandGroup(TyperGroup):
    """Wraps the summaries where Typer breaks them off, in the middle of a sentence, at the width of the terminal."""

    def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:
        commands = [(name, self.commands[name]) for name in self.list_commands(ctx)]
        rows = [(name, command.get_short_help_str(sys.maxsize)) for name, command in commands if not command.hidden]
        with formatter.section("Commands"):
            formatter.write_dl(rows)
