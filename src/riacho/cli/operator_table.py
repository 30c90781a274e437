"""The operators of a running job for the terminal: what each has read and given, and what it keeps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from riacho.cli.phrases import byte_count
from riacho.cli.tables import print_table


def print_operators(measured: Sequence[dict[str, Any]]) -> None:
    """Print the lines of a job's tree, as its measurements have them."""
    print_table(["rows in", "rows out", "late", "state", "operator"], [_row(line) for line in measured])


def _row(line: dict[str, Any]) -> list[str]:
    """Figures are empty where an earlier line has them."""
    counts = ("" if line[name] is None else f"{line[name]:,}" for name in ("rows_in", "rows_out", "late_rows"))
    state = "" if line["state_bytes"] is None else byte_count(line["state_bytes"])
    return [*counts, state, f"{line['margin']}{line['name']}"]
