"""The calls of one pass that a row is applied to together: the shell around `kernels.aggregate.apply_calls`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from riacho.dataflow.aggregates.contract import BoolArray, Int8Array, Int64Array, Rows
from riacho.formats.arrow import address_of
from riacho.kernels.aggregate import CALL_COLUMNS, COUNT, apply_calls


class Call(NamedTuple):
    """A kind of `kernels.aggregate`, its first cell, its argument's words (None: it has none) and the rows that count.

    `chosen` is empty where all rows do.
    """

    kind: int
    at: int
    words: Int64Array | None
    chosen: BoolArray


def apply(calls: Sequence[Call], slots: Int64Array, signs: Int8Array, ledger: Int64Array) -> None:
    """Apply a pass's rows to the cells of their groups; `signs` is empty where all rows are added."""
    lines: list[int] = []
    for kind, at, words, chosen in calls:
        lines += (kind, at, 0 if words is None else address_of(words), address_of(chosen) if len(chosen) else 0)
    # By way of a list, as setting an array's elements one by one takes longer than a small batch.
    table = np.array(lines, np.int64).reshape(-1, CALL_COLUMNS)
    apply_calls(slots, signs, table, ledger)


def apply_one(kind: int, rows: Rows, ledger: Int64Array, at: int) -> None:
    """The same for one call alone."""
    words = None if kind == COUNT else np.ascontiguousarray(rows.words)
    apply([Call(kind, at, words, rows.chosen)], rows.slots, rows.signs, ledger)
