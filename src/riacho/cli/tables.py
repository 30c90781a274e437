"""Tables for the terminal: aligned columns, numbers to the right, no borders to copy around."""

from __future__ import annotations

from collections.abc import Sequence

import typer


def print_table(titles: Sequence[str], rows: Sequence[Sequence[str]], *, empty: str = "nothing to show") -> None:
    """Print rows under their titles; a column of numbers is right-aligned."""
    if not rows:
        typer.echo(empty)
        return
    columns = list(zip(titles, *rows, strict=True))
    widths = [max(len(cell) for cell in column) for column in columns]
    numeric = [all(_is_number(cell) for cell in column[1:]) for column in columns]
    for row in (titles, *rows):
        cells = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        ]
        typer.echo("  ".join(cells).rstrip())


def _is_number(cell: str) -> bool:
    """Whether a cell is a number, with or without a unit before or after it; an empty one may be any."""
    return not cell or cell.strip("-+$").replace(",", "").replace(".", "")[:1].isdigit()
