"""A test as files: `<name>.sql` with the script, and beside it `.input`, `.expected` and maybe `.py`.

`.expected` has, in any order, `<table> <row as JSON>` for each row that the sinks end up with; `late <n>` where rows
came behind the watermark; `skipped <n>`; `dead-letter <topic>/<partition>@<offset> <reason>`; or one line `error
<text>` where the job fails with this text in its message. Lines that begin with `#` are comments.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from riacho.errors import UsageError

ERROR = "error "
"""How the line of a job that fails begins."""

REPORTS = ("error", "late", "skipped", "dead-letter")
"""What a line begins with that is no row of a table."""


@dataclass(frozen=True, slots=True)
class Case:
    """One test, known by its script."""

    sql: Path

    @property
    def name(self) -> str:
        return self.sql.stem

    @property
    def input(self) -> Path:
        return self.sql.with_suffix(".input")

    @property
    def expected(self) -> Path:
        return self.sql.with_suffix(".expected")

    @property
    def python(self) -> Path:
        return self.sql.with_suffix(".py")

    def expected_lines(self) -> list[str] | None:
        """What the sinks are to end up with, sorted; None where nobody has said so yet. Raises `UsageError`."""
        if not self.expected.exists():
            return None
        return sorted(line for _, line in _lines_of(self.expected))

    def check_expected(self, written: Collection[str]) -> None:
        """Refuse lines that no outcome has: of tables that are not `written` to, and rows that are no JSON objects."""
        for number, line in _lines_of(self.expected) if self.expected.exists() else []:
            name, _, row = line.partition(" ")
            if name in REPORTS:
                continue
            where = f"{self.expected.name}:{number}"
            if name not in written:
                tables = f"the tables are {', '.join(sorted(written))}; " if written else ""
                raise UsageError(
                    f"no statement writes to a table '{name}'",
                    where=where,
                    mend=f"{tables}or write {', '.join(REPORTS)}",
                )
            try:
                is_row = isinstance(json.loads(row), dict)
            except ValueError:
                is_row = False
            if not is_row:
                raise UsageError(f"this is no row: {row}", where=where, mend=f'write it like: {name} {{"city":"Faro"}}')

    def accept(self, lines: list[str]) -> None:
        """Write what the sinks ended up with as what they are to."""
        self.expected.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def cases_in(directory: Path, names: list[str] | None = None) -> list[Case]:
    """The tests of a folder, by name; those of `names`, if given. Raises `UsageError`."""
    found = {path.stem: Case(path) for path in sorted(directory.glob("*.sql"))}
    if not found:
        raise UsageError("there is no test", where=str(directory), mend="a test is NAME.sql, NAME.input, NAME.expected")
    for path in () if names else sorted(directory.glob("*.expected")):
        if path.stem not in found:
            raise UsageError(
                f"there is no {path.stem}.sql", where=str(path), mend="name both files alike, or take this one away"
            )
    for name in names or ():
        if name not in found:
            raise UsageError(f"there is no test '{name}'", where=str(directory), mend=f"they are {', '.join(found)}")
    return [found[name] for name in names] if names else list(found.values())


def difference(expected: list[str], lines: list[str]) -> list[str]:
    """What is missing (`-`) and what is too much (`+`); nothing where the lines are as expected.

    >>> difference(["o 1", "o 2"], ["o 2", "o 3"])
    ['- o 1', '+ o 3']
    >>> difference(["error too large"], ["error the row is too large"])
    []
    >>> difference(['o {"a": 1, "b": 2.5}'], ['o {"b":2.5,"a":1}'])
    []
    """
    if len(expected) == len(lines) == 1 and all(line.startswith(ERROR) for line in (*expected, *lines)):
        if expected[0].removeprefix(ERROR) in lines[0]:
            return []
        return [f"- {expected[0]}", f"+ {lines[0]}"]
    return [f"- {line}" for line in _beyond(expected, lines)] + [f"+ {line}" for line in _beyond(lines, expected)]


def _beyond(lines: list[str], others: list[str]) -> list[str]:
    """The lines that the others do not have, or not so often."""
    left = Counter(map(_meaning, others))
    beyond = []
    for line in lines:
        meaning = _meaning(line)
        if left[meaning]:
            left[meaning] -= 1
        else:
            beyond.append(line)
    return beyond


def _meaning(line: str) -> str:
    """A line with its row written in one way: spaces, escapes and the order of fields say nothing, but digits do."""
    name, _, row = line.partition(" ")
    try:
        value = json.loads(row, parse_int=_digits, parse_float=_digits)
    except ValueError:
        return line
    return f"{name} {json.dumps(value, sort_keys=True)}"


def _digits(number: str) -> list[str]:
    """A number as it stands: 3.5 is not 3.50, a DECIMAL of another scale."""
    return ["\0", number]


def _lines_of(file: Path) -> list[tuple[int, str]]:
    """The lines that say something, with their numbers. Raises `UsageError`."""
    lines = enumerate(read_utf8(file).splitlines(), 1)
    return [(number, line) for number, line in lines if line.strip() and not line.startswith("#")]


def read_utf8(file: Path) -> str:
    """The text of a test's file. Raises `UsageError`."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"the file cannot be read: {reason}", where=str(file)) from None
