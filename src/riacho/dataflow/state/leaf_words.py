"""Some fields of a batch as words, as a kept row has them: for keys and orders of values with a fixed width."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from riacho.dataflow.state.leaves import Leaves, leaf_kind
from riacho.dataflow.state.rows import Located
from riacho.kernels.order_words import MADE_BIT, MADE_COLUMNS, MADE_FLIPPED, MADE_OF, order_words
from riacho.kernels.row_words import (
    LEAF_KIND,
    LEAF_NULL_BIT,
    LEAF_NULL_WORD,
    LEAF_WORD,
    PRESENCE,
    VIEW,
    WIDE_DECIMAL,
)
from riacho.kernels.rows import read_fields
from riacho.plan.ordering import SortKey
from riacho.plan.relations import Schema

Int64Array = npt.NDArray[np.int64]

_SIGN = -(2**63)

_AS_THEY_ARE: Int64Array = np.empty(0, np.int64)
"""To the kernel: each leaf's line is its own."""


class LeafWords:
    """Rows of some fields of a relation as rows of 64-bit words: equal exactly where the values are.

    Not for strings: a view's words say where its bytes are.
    """

    def __init__(self, schema: Schema, fields: Sequence[int]) -> None:
        self._fields = list(fields)
        self._lines = np.array(fields, np.int64)
        self.leaves = Leaves([schema[index] for index in fields])
        self.width = self.leaves.width
        self.exact = not len(self.leaves.views)
        """Whether all values have a fixed width."""

    def read(self, located: Located) -> Int64Array:
        """A row of words for each row."""
        assert self.exact
        words = np.empty((located.height, self.width), np.int64)
        if not self._fields:
            words[:] = 0
            return words
        leaves = self.leaves
        if located.tables is not None and leaves.flat:
            sources, buffers = located.tables
            lines, first = self._lines, located.first
        else:
            sources, buffers, first = leaves.locate_columns([located.column(index) for index in self._fields])
            lines = _AS_THEY_ARE
        read_fields(first, words, leaves.table, lines, sources, buffers, leaves.null_words)
        return words


class OrderWords:
    """Rows of words that are less, compared word by word as integers, as rows come earlier in an order.

    `texts` are the words of strings, which the caller makes (`text_ranks`): they hold among some rows only.
    """

    def __init__(self, schema: Schema, order: Sequence[SortKey]) -> None:
        fixed = [key.column for key in order if leaf_kind(schema[key.column].type) != VIEW]
        self._words = LeafWords(schema, fixed)
        self.texts: list[tuple[int, SortKey]] = []
        made: list[list[int]] = []
        starts = iter(self._words.leaves.starts)
        for key in order:
            if leaf_kind(schema[key.column].type) == VIEW:
                self.texts.append((len(made), key))
                made.append([-1, -1, 0])
                continue
            leaf = self._words.leaves.table[next(starts)].tolist()
            flipped = -1 if key.descending else 0
            if schema[key.column].type.nullable:
                made.append([leaf[LEAF_NULL_WORD], leaf[LEAF_NULL_BIT], int(key.nulls_first)])
            if leaf[LEAF_KIND] != PRESENCE:
                made.append([leaf[LEAF_WORD], -1, flipped])
            if leaf[LEAF_KIND] == WIDE_DECIMAL:
                made.append([leaf[LEAF_WORD] + 1, -1, flipped ^ _SIGN])
        self._made = np.zeros((len(made), MADE_COLUMNS), np.int64)
        if made:
            self._made[:, [MADE_OF, MADE_BIT, MADE_FLIPPED]] = made
        self.width = len(made)

    def read(self, located: Located) -> Int64Array:
        """A row of words for each row."""
        out = np.empty((located.height, self.width), np.int64)
        if self.width:
            order_words(self._words.read(located), self._made, out)
        return out


def text_ranks(texts: pl.Series, key: SortKey) -> Int64Array:
    """A number for each string or byte string, as they are ordered among each other.

    >>> text_ranks(pl.Series(["b", None, "a", "b"]), SortKey(0, descending=True, nulls_first=False)).tolist()
    [-2, 5, -1, -2]
    """
    ranks = texts.rank("dense").cast(pl.Int64)
    if key.descending:
        ranks = -ranks
    return ranks.fill_null(-len(texts) - 1 if key.nulls_first else len(texts) + 1).to_numpy()
