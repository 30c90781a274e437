"""Rows on which an expression failed: found during evaluation, told with the row, the reason and the place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from riacho.dataflow.batch import Int64Array
from riacho.errors import RiachoError
from riacho.plan.expressions import Expression, Position

MOST_CHARACTERS = 1 << 24
"""Of a text that a function makes of a length that it is told: a typing error in it must not take the memory."""


class ValueFailure(Exception):  # noqa: N818 - not an error of the program: one row's value is refused
    """Raised by a function of single values for a value that it cannot take."""


def too_long(function: str, characters: int) -> str:
    """Why a function does not make a text of more than `MOST_CHARACTERS`."""
    return f"{function} would make a text of {characters} characters, and {MOST_CHARACTERS} are the most"


@dataclass(frozen=True, slots=True)
class RowFailure:
    """Why one row failed. `row` is its position in the batch."""

    row: int
    message: str
    expression: Expression

    @property
    def position(self) -> Position | None:
        return self.expression.position


class RowError(RiachoError):
    """An expression failed on some rows of a batch; the other rows are fine.

    `failures` has the first failure of each such row, rows ascending. Who knows the source's policy drops them (and
    counts, or sends them to the dead-letter topic) and evaluates the rest, or lets the error end the job.
    """

    def __init__(self, failures: tuple[RowFailure, ...]) -> None:
        first = failures[0]
        more = len(failures) - 1
        others = f" (and {more} more row{'s' if more > 1 else ''})" if more else ""
        super().__init__(
            f"{first.message} in {first.expression}{others}",
            where=None if first.position is None else str(first.position),
        )
        self.failures = failures

    @property
    def rows(self) -> Int64Array:
        """The failed rows' positions in the batch, ascending."""
        return np.array([failure.row for failure in self.failures], np.int64)


class FailureLog:
    """Collects failures while a batch is evaluated; the evaluator empties it before and reads it after."""

    __slots__ = ("_first",)

    def __init__(self) -> None:
        self._first: dict[int, RowFailure] = {}

    def add(self, row: int, message: str, expression: Expression) -> None:
        self._first.setdefault(row, RowFailure(row, message, expression))

    def clear(self) -> None:
        self._first.clear()

    def __bool__(self) -> bool:
        return bool(self._first)

    @property
    def failures(self) -> tuple[RowFailure, ...]:
        """The first failure of each row, rows ascending."""
        return tuple(self._first[row] for row in sorted(self._first))

    def raise_if_any(self) -> None:
        """Raises `RowError` if something was added since the last `clear`."""
        if self._first:
            raise RowError(self.failures)
