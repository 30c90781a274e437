"""Costly functions of a string, computed once for each string that comes again."""

from __future__ import annotations

import numpy as np
import polars as pl

from riacho.dataflow.evaluation.failures import RowError
from riacho.dataflow.evaluation.settings import Settings
from riacho.dataflow.expressions.evaluator import Evaluator
from riacho.dataflow.programs.crossing import Path, columns_of, path_of, rows_of
from riacho.dataflow.state.strings import StringPool
from riacho.formats.arrow import Column, strings, views_of
from riacho.formats.buffered import BufferedColumns, concatenated, gathered_column
from riacho.kernels.strings import place_views
from riacho.plan.expressions import Call, Expression
from riacho.plan.expressions import Column as Field
from riacho.plan.relations import Schema
from riacho.plan.relations import schema as fields
from riacho.plan.types import is_text

COSTLY = frozenset(
    {
        "INITCAP",
        "JSON_EXISTS",
        "JSON_QUERY",
        "JSON_VALUE",
        "LOWER",
        "MD5",
        "PARSE_URL",
        "REGEXP",
        "REGEXP_COUNT",
        "REGEXP_EXTRACT",
        "REGEXP_INSTR",
        "REGEXP_REPLACE",
        "REGEXP_SUBSTR",
        "REPLACE",
        "REVERSE",
        "SHA1",
        "SHA2",
        "SHA224",
        "SHA256",
        "SHA384",
        "SHA512",
        "SIMILAR TO",
        "TRANSLATE",
        "UPPER",
        "URL_DECODE",
        "URL_ENCODE",
    }
)
"""Functions that take longer than finding a string among those that are known: some 40 ns."""

MAX_BYTES = 16 * 1024 * 1024
"""What is known is forgotten when its strings take so much: then most of them do not come again."""

REST = 32
"""So many batches are computed as they are after one that had mostly new strings, where many are known."""

MANY = 32_768
"""Of fewer strings it cannot be said that they do not come again."""


def memo_of(expression: Expression, settings: Settings) -> Memo | None:
    """The memo of a costly expression that reads one string; None for another."""
    if not any(isinstance(part, Call) and part.function in COSTLY for part in _parts(expression)):
        return None
    read = {part for part in _parts(expression) if path_of(part) is not None}
    if len(read) != 1 or not is_text((text := read.pop()).type):
        return None
    path = path_of(text)
    assert path is not None
    return Memo(path, _over(expression, text), text, settings)


def _parts(expression: Expression) -> list[Expression]:
    """The expression and what it is made of, down to what the input has."""
    if path_of(expression) is not None:
        return [expression]
    return [expression, *(part for operand in expression.operands for part in _parts(operand))]


def _over(expression: Expression, text: Expression) -> Expression:
    """The expression over a schema with nothing but the text."""
    if expression == text:
        return Field(text.type, 0, "")
    if not expression.operands:
        return expression
    return expression.with_operands(tuple(_over(operand, text) for operand in expression.operands))


class Memo:
    """The values of an expression for the strings that have come."""

    def __init__(self, path: Path, expression: Expression, text: Expression, settings: Settings) -> None:
        self.path = path
        self._evaluator = Evaluator([expression], [""], Schema((fields.Field("", text.type),)), settings)
        self._resting = 0
        self._forget()

    def _forget(self) -> None:
        self._pool = StringPool()
        self._results = StringPool()
        """The values that are strings, in one buffer however often some are added."""
        of_null = self._evaluator.evaluate_frame(pl.DataFrame({"": [None]}, schema={"": pl.String}))
        self._values = self._kept(columns_of(of_null)[0])

    def columns(self, texts: Column) -> list[Column]:
        """The expression's values for these strings, of which there are some. Raises `RowError`."""
        if self._resting:
            self._resting -= 1
            return columns_of(self._evaluator.evaluate_frame(rows_of(texts).frame))
        before = len(self._pool)
        numbers = self._pool.intern_views(views_of(texts), texts.length) + 1
        new = len(self._pool) - before
        if new:
            self._learn(before, new)
        values = [gathered_column(self._values, numbers)]
        if len(self._pool) >= MANY and new > texts.length // 2:
            self._resting = REST
        if self._pool.bytes + self._results.bytes > MAX_BYTES:
            self._forget()
        return values

    def _learn(self, before: int, new: int) -> None:
        ids = np.arange(before, before + new, dtype=np.int64)
        try:
            made = self._evaluator.evaluate_frame(rows_of(self._pool.column(ids, None, text=True)).frame)
        except RowError:
            self._forget()
            raise
        self._values = self._added(self._kept(columns_of(made)[0]))

    def _kept(self, made: Column) -> Column:
        """The values, strings as views into the buffer that has them all."""
        if made.format not in ("vu", "vz"):
            return made
        ids = np.maximum(self._results.intern_views(views_of(made), made.length), 0)
        starts, lengths, arena = self._results.storage
        views = np.zeros(4 * made.length, np.int32)
        rows = np.arange(made.length) if made.valid is None else np.flatnonzero(made.valid)
        place_views(arena, starts[ids[rows]], lengths[ids[rows]].astype(np.int32), rows, 0, views)
        return strings(views.view(np.uint8), [arena], made.valid, text=made.format == "vu")

    def _added(self, new: Column) -> Column:
        """What is known and these values, which come after it."""
        both = concatenated([rows_of(self._values), rows_of(new)])
        assert isinstance(both, BufferedColumns)
        (column,) = both.columns
        if new.format not in ("vu", "vz"):
            return column
        views = np.concatenate((self._values.buffers[0], new.buffers[0]))
        return strings(views, [self._results.storage[2]], column.valid, text=new.format == "vu")
