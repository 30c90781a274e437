"""Mutates the statements of the tests, and runs each: it must give a result or a `SqlError`, and end.

`python tools/fuzz_statements.py --count 1000000 --seed 7` reports every statement that does anything else, and says how
far it is. The tests run a part of it. A failure is replayed by its seed and its number.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import re
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import FrameType

from riacho.sql.catalog import Catalog, NamedCatalog
from riacho.sql.errors import SqlError
from riacho.sql.session import Session
from riacho.user_functions.declarations import Declaration
from riacho.user_functions.loading import FunctionNotFoundError, PythonModules

TESTS = Path(__file__).parent.parent / "tests"
FOLDERS = ("sql", "sql_errors", "sql_statements")
"""Where the statements are that are mutated."""

LONGEST_S = 20
"""No statement takes longer: one that does hangs."""

_TOKEN = re.compile(r"'(?:[^']|'')*'|`[^`]*`|\w+|[^\s\w]")

_ODD = (
    *("'", "`", '"', "(", ")", "[", "]", "<", ">", ",", ";", ".", "*", "=>", "/*", "*/", "/*+", "--", "${X}", "\x00"),
    *(
        "é",
        "x'0",
        "''",
        "-1",
        "1e999",
        "1.5.5",
        "9" * 41,
        "SELECT",
        "FROM",
        "AS",
        "NOT",
        "NULL",
        "TRUE",
        "IN",
        "EXISTS",
    ),
    *("OVER", "CAST", "INTERVAL", "TIMESTAMP", "DISTINCT", "ROW", "ARRAY", "MAP", "LATERAL", "TRUE"),
)


class HangError(Exception):
    """A statement took longer than `LONGEST_S`."""


class NoModules(PythonModules):
    """A mutated name must not import whatever it happens to name."""

    def load(self, target: str) -> Declaration:
        raise FunctionNotFoundError(f"there is no function '{target}'")


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of a script, as its tokens."""

    script: Path
    tokens: tuple[str, ...]


@cache
def corpus() -> tuple[Statement, ...]:
    """Every statement of the tests."""
    found: dict[tuple[str, ...], Statement] = {}
    for folder in FOLDERS:
        for path in sorted((TESTS / folder).glob("*.sql")):
            for part in _statements(path):
                tokens = tuple(_TOKEN.findall(part))
                found.setdefault(tokens, Statement(path, tokens))
    return tuple(found.values())


def _statements(path: Path) -> list[str]:
    text = re.sub(r"--[^\n]*", "", path.read_text(encoding="utf-8"))
    return [part for part in text.split(";") if part.strip()]


@cache
def _vocabulary() -> tuple[str, ...]:
    return tuple(sorted({token for statement in corpus() for token in statement.tokens}))


def mutated(seed: int, number: int) -> tuple[Path, str]:
    """The statement of this seed and number, and the script whose tables it is for."""
    dice = random.Random(f"{seed}/{number}")
    statement = dice.choice(corpus())
    tokens = list(statement.tokens)
    for _ in range(dice.choice((1, 1, 1, 2, 2, 3, 5))):
        _mutate(tokens, dice)
    return statement.script, " ".join(tokens)


def _mutate(tokens: list[str], dice: random.Random) -> None:
    place = dice.randrange(len(tokens)) if tokens else 0
    match dice.randrange(9):
        case 0 if tokens:
            del tokens[place]
        case 1 if tokens:
            tokens.insert(place, tokens[dice.randrange(len(tokens))])
        case 2 if tokens:
            other = dice.randrange(len(tokens))
            tokens[place], tokens[other] = tokens[other], tokens[place]
        case 3 if tokens:
            tokens[place] = dice.choice(_vocabulary())
        case 4:
            tokens.insert(place, dice.choice(_vocabulary()))
        case 5:
            tokens.insert(place, dice.choice(_ODD))
        case 6 if tokens:
            tokens[place] = tokens[place][: dice.randrange(len(tokens[place]) + 1)]
        case 7:
            donor = dice.choice(corpus()).tokens
            start = dice.randrange(len(donor))
            tokens[place:place] = donor[start : start + dice.randrange(1, 12)]
        case _:
            del tokens[place : place + dice.randrange(1, 6)]


@cache
def _prepared(script: Path) -> Session:
    """The tables and views that a script makes; those of `tables.sql` where its folder has one."""
    shared = script.parent / "tables.sql"
    session = Session(modules=NoModules())
    for statement in _statements(shared if shared.exists() else script):
        if statement.lstrip().startswith("CREATE"):
            with contextlib.suppress(SqlError):
                session.execute(statement)
    return session


def run(script: Path, text: str) -> None:
    """Run a statement on tables like a script's. Raises whatever it raises but for `SqlError`."""
    prepared = _prepared(script)
    catalogs = {
        name: NamedCatalog(
            {key: replace(database, permanent=dict(database.permanent)) for key, database in known.databases.items()},
            known.default_database,
        )
        for name, known in prepared.catalog.catalogs.items()
    }
    session = Session(catalog=Catalog(catalogs), modules=NoModules())
    try:
        for _ in session.steps(text):
            pass
    except SqlError as error:
        str(error)


@contextmanager
def limited(seconds: int) -> Iterator[None]:
    """Raise `HangError` in what takes longer. Only in the main thread."""

    def hang(_number: int, _frame: FrameType | None) -> None:
        raise HangError(f"not within {seconds} s")

    before = signal.signal(signal.SIGALRM, hang)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@dataclass(frozen=True, slots=True)
class Finding:
    """A statement that gave neither a result nor a `SqlError`."""

    seed: int
    number: int
    text: str
    trace: str

    def __str__(self) -> str:
        return f"seed {self.seed}, number {self.number}:\n{self.text}\n{self.trace}"


def findings(seed: int, first: int, count: int) -> Iterator[Finding]:
    """What goes wrong among some of the statements of a seed."""
    for number in range(first, first + count):
        script, text = mutated(seed, number)
        try:
            with limited(LONGEST_S):
                run(script, text)
        except Exception:  # noqa: BLE001 - whatever it is, it is what is looked for
            yield Finding(seed, number, text, traceback.format_exc(limit=-6))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    arguments = parser.parse_args()
    wrong = 0
    step = 1_000
    for first in range(arguments.first, arguments.first + arguments.count, step):
        for finding in findings(arguments.seed, first, min(step, arguments.first + arguments.count - first)):
            wrong += 1
            print(f"{finding}\n")
        print(f"{first + step:,} statements, {wrong} wrong", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
