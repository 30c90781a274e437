"""A batch's columns as Arrow buffers, made a Polars frame when somebody asks for one.

What a kernel wrote goes to the next kernel by its addresses; crossing into Polars and back would cost a small batch
more than the work on it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from riacho.formats.arrow import Buffers, Column, column_buffers, frame_buffers, to_frame


@dataclass(slots=True, eq=False)
class BufferedColumns:
    """Columns of one height under the names of a relation's fields."""

    names: tuple[str, ...]
    columns: tuple[Column, ...]
    height: int
    _frame: pl.DataFrame | None = field(default=None, init=False)

    @property
    def frame(self) -> pl.DataFrame:
        """The columns as a frame that shares their memory."""
        if self._frame is None:
            self._frame = to_frame(list(zip(self.names, self.columns, strict=True)), self.height)
        return self._frame


Columnar = pl.DataFrame | BufferedColumns
"""The rows of a batch in one of the two forms."""


def frame_of(rows: Columnar) -> pl.DataFrame:
    """The rows as a Polars frame."""
    return rows if isinstance(rows, pl.DataFrame) else rows.frame


def column_of(rows: Columnar, index: int) -> Column | pl.Series:
    """One of the columns, as it is."""
    return rows.to_series(index) if isinstance(rows, pl.DataFrame) else rows.columns[index]


def buffers_of(rows: Columnar, places: list[int]) -> tuple[list[Buffers], object]:
    """Where the columns at these places are in memory, and what keeps that memory alive. There must be rows."""
    if not places:
        return [], None
    if isinstance(rows, pl.DataFrame):
        buffers, owner = frame_buffers(rows[:, places] if len(places) < rows.width else rows)
        return list(buffers), owner
    found = [column_buffers(rows.columns[place]) for place in places]
    return [buffers for buffers, _ in found], (rows.columns, found)
