"""The command line: one module per command, imported when the command is named.

Each module has an `app`, a `typer.Typer` with one command or a group of them. A command fails by raising a
`RiachoError`: `main` prints it and exits with its code.
"""

from __future__ import annotations

import atexit
import errno
import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final, NoReturn

import typer

from riacho import __version__
from riacho.cli.groups import CommandGroup
from riacho.cli.kernels import KernelCommand
from riacho.errors import RiachoError, UsageError
from riacho.host.parent import die_with_parent

COMMANDS: Final = {
    "up": "Start broker, jobs and page, and keep them alive.",
    "demo": "Watch a year of real flights stream through it all.",
    "broker": "Serve Kafka's protocol from one directory.",
    "console": "Serve the page alone, over any Kafka cluster.",
    "run": "Run a script of Flink SQL in the foreground.",
    "job": "Submit, list, show, stop and start a platform's jobs.",
    "sql": "Query topics with Flink SQL, as they are now.",
    "test": "Run a folder of scripts over their input, and compare.",
    "topic": "List, create, describe, alter and delete topics.",
    "produce": "Write lines, JSON lines or a file to a topic.",
    "consume": "Print the records of topics as lines or JSON.",
    "bench": "Measure the log and the SQL engine on this machine.",
}
"""In the order in which the help lists them; each is a module of this package. A line each, of 80 columns at most."""

PARTS: Final = ("jobs", "replay", "check", "kernels")
"""Commands that others start; the help does not list them."""

WITHOUT_KERNELS: Final = frozenset({"broker", "topic", "kernels"})
"""Commands that start without Numba."""

INTERRUPTED: Final = 130
"""With this code Typer ends a command at Ctrl-C."""


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"riacho {__version__}")
        raise typer.Exit


def _riacho(
    version: bool = typer.Option(
        False, "--version", help="Print the version and exit.", callback=_show_version, is_eager=True
    ),
) -> None:
    """Kafka's protocol, Flink's SQL and live views of the results, in one Python package.

    \b
        riacho demo     everything at once, with real flights
        riacho up       broker, jobs and page in this folder
        echo hello | riacho produce greetings
        riacho consume greetings --follow
        riacho job submit job.sql

    Each command has examples: riacho COMMAND --help.
    """


def command_line(arguments: Sequence[str]) -> typer.Typer:
    """The application as far as these arguments need it: the command that they name, and the names of the others."""
    named = named_command(arguments)
    app = typer.Typer(
        cls=CommandGroup,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        name="riacho",
    )
    app.callback()(_riacho)
    for name, summary in COMMANDS.items():
        if name == named:
            _add(app, name)
        else:
            app.command(name, help=summary)(_not_named)
    if named in PARTS:
        _add(app, named)
    return app


def _add(app: typer.Typer, name: str) -> None:
    """Import a command and add it."""
    command: typer.Typer = import_module(f"riacho.cli.{name}").app
    if name not in WITHOUT_KERNELS:
        for each in command.registered_commands:
            if each.cls is None or not issubclass(each.cls, KernelCommand):
                each.cls = KernelCommand
    if command.info.help is None or not isinstance(command.info.help, str):  # one command, not a group of them
        (only,) = command.registered_commands
        assert only.callback is not None, "a command has a function"
        app.command(name, cls=only.cls, hidden=only.hidden)(only.callback)
    else:
        app.add_typer(command, name=name)


def _not_named() -> None:
    """Stands for a command that the arguments do not name, in the help and among what a misspelt one may mean."""


def named_command(arguments: Sequence[str]) -> str | None:
    """The command that the arguments name, if they name one that exists."""
    named = next((argument for argument in arguments if not argument.startswith("-")), None)
    return named if named in COMMANDS or named in PARTS else None


def asked_to_complete() -> list[str] | None:
    """The words so far where a shell asks how they may go on: Typer's scripts hand them over in the environment."""
    if "_RIACHO_COMPLETE" not in os.environ:
        return None
    return (os.environ.get("COMP_WORDS") or os.environ.get("_TYPER_COMPLETE_ARGS") or "").split()[1:]


DEEPEST_RECURSION = 5_000
"""Calls of Python on each other, for expressions that nest: a sum is as deep as it is long, and walking it takes up to
five calls for each of its terms. A fifth of it is Python's own limit."""


def main() -> None:
    """Run the command that the process's arguments name."""
    die_with_parent()
    sys.setrecursionlimit(DEEPEST_RECURSION)
    # At its end the interpreter collects everything that was ever imported, several times over: three quarters of a
    # second for a job, and all parts of a platform end at once. What is frozen is not looked at.
    atexit.register(gc.freeze)
    # A job's batches are small, and a platform runs a process per job: handing a column to a pool of threads costs
    # more than the threads save (a sum of 200 rows: 26 µs with one, 104 µs with two). Polars reads this when imported.
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    words = asked_to_complete()
    arguments = sys.argv[1:] if words is None else words
    try:
        _check_text(arguments)
        command_line(arguments)()
    except RiachoError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except RecursionError:
        nested = RiachoError("an expression nests too deeply", mend="name its parts: CREATE VIEW … AS SELECT …")
        typer.echo(f"error: {nested}", err=True)
        sys.exit(RiachoError.exit_code)
    except OSError as error:  # a full disk, a directory that cannot be written: told as any other failure
        where = error.filename or ("standard output" if error.errno in (errno.ENOSPC, errno.EDQUOT) else None)
        typer.echo(f"error: {RiachoError(error.strerror or str(error), where=where)}", err=True)
        sys.exit(RiachoError.exit_code)
    except KeyboardInterrupt:
        _end_interrupted()
    except SystemExit as ended:
        if ended.code != INTERRUPTED:
            raise
        _end_interrupted()


def _check_text(arguments: Sequence[str]) -> None:
    """Raise `UsageError` for what is not UTF-8: Python has put surrogates in its place, which nothing can encode."""
    for argument in arguments:
        try:
            argument.encode()
        except UnicodeEncodeError as error:
            shown = os.fsencode(argument).decode(errors="backslashreplace")
            raise UsageError("an argument is not UTF-8", where=shown, mend="write it in UTF-8") from error


def _end_interrupted() -> NoReturn:
    typer.echo("error: interrupted", err=True)
    sys.exit(RiachoError.exit_code)
