"""A script of SQL on the command line: its text, and what fills the `${NAME}`s in it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

import typer

from riacho.cli.kernels import KernelCommand
from riacho.errors import UsageError

if TYPE_CHECKING:
    from typer._click.core import Context

    from riacho.user_functions.loading import PythonModules

KAFKA_VARIABLE = "KAFKA"
"""The variable that `--kafka` fills."""


@dataclass(frozen=True, slots=True)
class ScriptFile:
    """A script's text, and the file that has it."""

    path: Path
    text: str

    @classmethod
    def read(cls, name: str) -> Self:
        """Raises `UsageError` where it cannot be read."""
        path = Path(name)
        return cls(path, read_script(path))


Script = Annotated[ScriptFile, typer.Argument(parser=ScriptFile.read, metavar="FILE", help="A script of Flink SQL.")]
Assignments = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Fills ${NAME}, as the environment does. Repeatable."),
]

PythonFiles = Annotated[
    list[Path] | None,
    typer.Option("--py", metavar="FILE", help="A Python file whose functions the script names. Repeatable."),
]


class ScriptCommand(KernelCommand):
    """A command with a script, or with `statements`: a mistake of grammar is told before kernels are compiled."""

    def check(self, ctx: Context) -> None:
        from riacho.sql import statement_grammar
        from riacho.sql.source import SourceText

        variables = all_variables(ctx.params["kafka"], ctx.params["assignments"])
        for name, text in texts_of(ctx.params["file"], ctx.params.get("statements")):
            for _ in statement_grammar.read_script(SourceText.read(text, name, variables)):
                pass


def texts_of(file: ScriptFile | None, statements: Iterable[str] | None) -> list[tuple[str, str]]:
    """What is to be run, each text with the name of where it was found."""
    script = [(str(file.path), file.text)] if file is not None else []
    return script + [("-e", text) for text in statements or ()]


_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def read_script(file: Path) -> str:
    """A script's text. Raises `UsageError` where it cannot be read."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        what = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"cannot read the script: {what}", where=str(file)) from error


def python_modules(files: Iterable[Path] | None) -> PythonModules:
    """The modules of `--py`. Raises `UsageError` for what is no Python file."""
    from riacho.user_functions.loading import PythonModules

    return PythonModules(list(files or ()))


def all_variables(kafka: str | None, assignments: Iterable[str] | None) -> dict[str, str]:
    """What a script that runs here may use: the environment, the cluster, `--set`; the last one holds."""
    cluster = {KAFKA_VARIABLE: kafka} if kafka is not None else {}
    return {**os.environ, **cluster, **parse_assignments(assignments)}


def used_variables(sql: str, assignments: Iterable[str] | None) -> dict[str, str]:
    """What a script takes from here to a platform, which has another environment and fills in its own cluster."""
    from riacho.sql.source import variable_names

    taken = {name: os.environ[name] for name in variable_names(sql) if name in os.environ and name != KAFKA_VARIABLE}
    return {**taken, **parse_assignments(assignments)}


def parse_assignments(assignments: Iterable[str] | None) -> dict[str, str]:
    """The assignments by name; the last one of a name holds. Raises `UsageError`.

    >>> parse_assignments(["TOPIC=bids", "FILTER=price = 3"])
    {'TOPIC': 'bids', 'FILTER': 'price = 3'}
    """
    variables = {}
    for text in assignments or ():
        name, equals, value = text.partition("=")
        if not equals or _NAME.fullmatch(name) is None:
            raise UsageError(f"--set {text}: this is no assignment", mend="write --set NAME=VALUE")
        variables[name] = value
    return variables
