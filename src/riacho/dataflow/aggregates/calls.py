"""The calls of one pass that a row is applied to together: the shell around `kernels.aggregate.apply_calls`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from riacho.dataflow.aggregates.contract import BoolArray, Int8Array, Int64Array, Rows
from riacho.dataflow.aggregates.inputs import Inputs
from riacho.formats.arrow import address_of
from riacho.kernels.aggregate import CALL_AT, CALL_COLUMNS, CALL_KIND, CALL_WORDS, COUNT, apply_calls


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


Mask = tuple[tuple[int, ...], int | None]
"""The rows where these arguments are not null and a filter is true."""


class FixedCall(NamedTuple):
    """The same by the fields of the input: the argument, and which rows count."""

    kind: int
    at: int
    argument: int | None
    mask: Mask


class Together:
    """Calls that are applied to every pass: of their table only addresses change."""

    def __init__(self, calls: Sequence[FixedCall]) -> None:
        self._arguments = list(dict.fromkeys(call.argument for call in calls if call.argument is not None))
        self._masks = list(dict.fromkeys(call.mask for call in calls))
        self._table = np.zeros((len(calls), CALL_COLUMNS), np.int64)
        self._sources = np.zeros((len(calls), 2), np.int64)
        """Which of the addresses of a pass are those of each call's words and mask; the first address is 0."""
        self._addresses: list[int] = []
        """Those that the table has."""
        for place, call in enumerate(calls):
            self._table[place, [CALL_KIND, CALL_AT]] = call.kind, call.at
            words = 0 if call.argument is None else 1 + self._arguments.index(call.argument)
            self._sources[place] = words, 1 + len(self._arguments) + self._masks.index(call.mask)

    def apply(self, inputs: Inputs, slots: Int64Array, signs: Int8Array, ledger: Int64Array) -> None:
        """Apply a pass's rows to the cells of their groups; `signs` is empty where all rows are added."""
        if not len(self._table):
            return
        addresses = [0]
        for index in self._arguments:
            addresses.append(address_of(inputs.argument(index).words))
        for present, filtered in self._masks:
            chosen = inputs.chosen(present, filtered)
            addresses.append(address_of(chosen) if len(chosen) else 0)
        if addresses != self._addresses:  # those of calls that read nothing stay
            self._addresses = addresses
            self._table[:, CALL_WORDS:] = np.array(addresses)[self._sources]
        apply_calls(slots, signs, self._table, ledger)
