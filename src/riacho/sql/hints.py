"""Table hints: `/*+ OPTIONS('key' = 'value', …) */` behind a table's name. Source: Flink, "SQL Hints"."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from riacho.errors import RiachoError
from riacho.plan.tables import Table
from riacho.sql.query_hints import read_hints
from riacho.sql.source import SourceText

CheckTable = Callable[[Table], None]
"""Validates a table's connector options. Raises `RiachoError`, whose message quotes what is wrong."""


def with_hint(table: Table, text: str, source: SourceText, start: int, check_table: CheckTable | None) -> Table:
    """The table with the hint's options over its own. Raises `SqlError` at `start` for anything but OPTIONS(…)."""
    given: dict[str, str] = {}
    for hint in read_hints(text, source, start):
        if hint.name != "OPTIONS" or hint.items or not hint.options:
            source.fail(f"the hint {hint.name} cannot stand here", start, "only OPTIONS('key' = 'value', …) can")
        given |= dict(hint.options)
    if "connector" in given:
        source.fail("the connector cannot be changed by a hint", start)
    changed = replace(table, options=tuple(sorted({**dict(table.options), **given}.items())))
    if check_table is not None:
        try:
            check_table(changed)
        except RiachoError as error:
            source.fail(error.what, start, error.mend)
    return changed
