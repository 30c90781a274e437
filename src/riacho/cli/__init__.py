"""The command line: one module per command, imported when the command is named.

Each module has an `app`, a `typer.Typer` with one command or a group of them. A command fails by raising a
`RiachoError`: `main` prints it and exits with its code.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

import typer

from riacho.errors import RiachoError
from riacho.host.child import die_with_parent

COMMANDS = (
    "up",
    "demo",
    "broker",
    "console",
    "run",
    "sql",
    "job",
    "topic",
    "produce",
    "consume",
    "bench",
    "jobs",
    "replay",
    "check",
    "kernels",
)
"""In the order in which the help lists them; each is a module of this package."""

WITHOUT_KERNELS = frozenset({"broker", "topic", "kernels"})
"""Commands that start without Numba."""


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"riacho {version('riacho')}")
        raise typer.Exit


def _riacho(
    version: bool = typer.Option(
        False, "--version", help="Print the version and exit.", callback=_show_version, is_eager=True
    ),
) -> None:
    """Kafka's protocol, Flink's SQL and live views of the results, in one Python package."""


def command_line(arguments: Sequence[str]) -> typer.Typer:
    """The application as far as these arguments need it: all commands, or the one that they name."""
    named = named_command(arguments)
    app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None, name="riacho")
    app.callback()(_riacho)
    for name in (named,) if named is not None else COMMANDS:
        command: typer.Typer = import_module(f"riacho.cli.{name}").app
        if command.info.help is None or not isinstance(command.info.help, str):  # one command, not a group of them
            (only,) = command.registered_commands
            assert only.callback is not None, "a command has a function"
            app.command(name, hidden=only.hidden)(only.callback)
        else:
            app.add_typer(command, name=name)
    return app


def named_command(arguments: Sequence[str]) -> str | None:
    """The command that the arguments name, if they name one that exists."""
    named = next((argument for argument in arguments if not argument.startswith("-")), None)
    return named if named in COMMANDS else None


def main() -> None:
    """Run the command that the process's arguments name."""
    die_with_parent()
    # A job's batches are small, and a platform runs a process per job: handing a column to a pool of threads costs
    # more than the threads save (a sum of 200 rows: 26 µs with one, 104 µs with two). Polars reads this when imported.
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    try:
        if named_command(sys.argv[1:]) not in WITHOUT_KERNELS | {None} and "--help" not in sys.argv:
            from riacho.cli.kernels import ensure_compiled

            ensure_compiled()
        command_line(sys.argv[1:])()
    except RiachoError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
