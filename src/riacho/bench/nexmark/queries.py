"""The queries by name, and the scripts that are made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from riacho.errors import UsageError

_HERE = Path(__file__).parent

NAMES = tuple(f"q{number}" for number in range(24))

SIDE_INPUT_ROWS = 10_000
"""Of the file that q13 looks its auctions up in: a number and the same as text."""

Options = Mapping[str, str]


def chosen(names: str | None) -> Sequence[str]:
    """The queries of a list such as `q0,q1`; all where there is none. Raises `UsageError`.

    >>> chosen("q3, q5")
    ['q3', 'q5']
    """
    if names is None:
        return NAMES
    found = [name.strip() for name in names.split(",") if name.strip()]
    mend = f"the queries are {NAMES[0]} to {NAMES[-1]}"
    if not found:
        raise UsageError("the list names no query", mend=mend)
    for name in found:
        if name not in NAMES:
            raise UsageError(f"there is no query '{name}'", mend=mend)
    return found


def query(name: str) -> str:
    """The statements of a query: its sink and what else it needs, then the INSERT."""
    return (_HERE / "queries" / f"{name}.sql").read_text()


def script(name: str, source: Options, settings: Options | None = None) -> str:
    """A whole script: settings, the table of events with these options, its views, the query."""
    sets = "".join(f"SET '{key}' = '{value}';\n" for key, value in (settings or {}).items())
    return f"{sets}{events_table('events', source)}\n{(_HERE / 'views.sql').read_text()}\n{query(name)}"


def events_table(name: str, options: Options) -> str:
    """The statement that creates the suite's table."""
    columns = (_HERE / "events.sql").read_text()
    listed = ",\n".join(f"  '{key}' = '{value}'" for key, value in options.items())
    return f"CREATE TABLE {name} (\n{columns}) WITH (\n{listed}\n);\n"


def one_shot(name: str) -> str:
    """The query for DuckDB, over `person`, `auction`, `bid` and `side_input`."""
    return (_HERE / "duckdb" / f"{name}.sql").read_text()


def statements(text: str) -> list[str]:
    """The statements of one of these scripts, in which a semicolon ends a line only where it ends a statement.

    >>> statements("SET 'a' = 'b;c';\\nSELECT 1;\\n")
    ["SET 'a' = 'b;c'", 'SELECT 1']
    """
    return [part.strip() for part in f"{text}\n".split(";\n") if part.strip()]


def write_side_input(directory: Path) -> None:
    """The file `side_input.txt` of q13."""
    lines = "".join(f"{number},{number}\n" for number in range(SIDE_INPUT_ROWS))
    (directory / "side_input.txt").write_text(lines)
