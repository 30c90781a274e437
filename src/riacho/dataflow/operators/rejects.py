"""Rows that an expression refuses: set aside where their source's policy applies, fatal elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from riacho.dataflow.batch import Batch
from riacho.dataflow.expressions import RowError, RowFailure
from riacho.dataflow.watermark import BEFORE_ALL_ROWS

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A source row, known by its sequence number, that an operator dropped, and why."""

    sequence: int
    failure: RowFailure


@dataclass(slots=True)
class Rejects:
    """Collects the rejected rows of a pass."""

    rows: list[RejectedRow] = field(default_factory=list)

    def take(self) -> list[RejectedRow]:
        """Hand over what was collected, in order of sequence, each row once."""
        if not self.rows:
            return []
        taken: dict[int, RejectedRow] = {}
        for row in sorted(self.rows, key=lambda row: row.sequence):
            taken.setdefault(row.sequence, row)
        self.rows = []
        return list(taken.values())


def evaluate_rows(batch: Batch, evaluate: Callable[[Batch], T], rejects: Rejects | None) -> tuple[Batch, T]:
    """The batch without the rows that fail, and what `evaluate` made of it.

    Raises `RowError` where `rejects` is None: past a join or an aggregate no row has a source any more. So it does for
    literal rows, which never had one.
    """
    while True:
        try:
            return batch, evaluate(batch)
        except RowError as error:
            if rejects is None or np.any(batch.sequence[error.rows] == BEFORE_ALL_ROWS):
                raise
            rejects.rows += [RejectedRow(int(batch.sequence[part.row]), part) for part in error.failures]
            kept = np.ones(len(batch), np.bool_)
            kept[error.rows] = False
            batch = batch.take(np.flatnonzero(kept))
