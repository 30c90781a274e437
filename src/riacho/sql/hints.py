"""Table hints: `/*+ OPTIONS('key' = 'value', …) */` behind a table's name. Source: Flink, "SQL Hints"."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from riacho.errors import RiachoError
from riacho.plan.tables import Table
from riacho.sql.source import SourceText

CheckTable = Callable[[Table], None]
"""Validates a table's connector options. Raises `RiachoError`, whose message quotes what is wrong."""

_OPTION = r"\s*'((?:[^']|'')*)'\s*=\s*'((?:[^']|'')*)'\s*"
_HINT = re.compile(rf"\s*OPTIONS\s*\(({_OPTION}(?:,{_OPTION})*)\)\s*", re.IGNORECASE)


def with_hint(table: Table, text: str, source: SourceText, start: int, check_table: CheckTable | None) -> Table:
    """The table with the hint's options over its own. Raises `SqlError` at `start` for anything but OPTIONS(…)."""
    match = _HINT.fullmatch(text.lstrip("+"))
    if match is None:
        source.fail("this hint is not supported", start, "only OPTIONS('key' = 'value', …) is")
    given = {key.replace("''", "'"): value.replace("''", "'") for key, value in re.findall(_OPTION, match.group(1))}
    if "connector" in given:
        source.fail("the connector cannot be changed by a hint", start)
    changed = replace(table, options=tuple(sorted({**dict(table.options), **given}.items())))
    if check_table is not None:
        try:
            check_table(changed)
        except RiachoError as error:
            source.fail(error.what, start, error.mend)
    return changed
