"""A test as files: `<name>.sql` with the script, and beside it `.input`, `.expected` and maybe `.py`.

`.expected` has, in any order, `<table> <row as JSON>` for each row that the sinks end up with; `late <n>` where rows
came behind the watermark; `skipped <n>`; `dead-letter <topic>/<partition>@<offset> <reason>`; or one line `error
<text>` where the job fails with this text in its message. Lines that begin with `#` are comments.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from riacho.errors import UsageError

ERROR = "error "
"""How the line of a job that fails begins."""


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
        """What the sinks are to end up with, sorted; None where nobody has said so yet."""
        if not self.expected.exists():
            return None
        lines = self.expected.read_text(encoding="utf-8").splitlines()
        return sorted(line for line in lines if line.strip() and not line.startswith("#"))

    def accept(self, lines: list[str]) -> None:
        """Write what the sinks ended up with as what they are to."""
        self.expected.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def cases_in(directory: Path, names: list[str] | None = None) -> list[Case]:
    """The tests of a folder, by name; those of `names`, if given. Raises `UsageError`."""
    found = {path.stem: Case(path) for path in sorted(directory.glob("*.sql"))}
    if not found:
        raise UsageError("there is no test", where=str(directory), mend="a test is NAME.sql, NAME.input, NAME.expected")
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
    """
    if len(expected) == len(lines) == 1 and all(line.startswith(ERROR) for line in (*expected, *lines)):
        if expected[0].removeprefix(ERROR) in lines[0]:
            return []
        return [f"- {expected[0]}", f"+ {lines[0]}"]
    wanted, given = Counter(expected), Counter(lines)
    missing = [f"- {line}" for line in (wanted - given).elements()]
    return missing + [f"+ {line}" for line in (given - wanted).elements()]
