"""Columns that are computed before a program runs, of expressions that programs do not know.

Some functions of strings have kernels. Costly ones are computed once for each string that comes again, dates are
written once for each day. Everything else goes to Polars, all in one call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from riacho.dataflow.batch import Batch
from riacho.dataflow.evaluation.settings import Settings
from riacho.dataflow.expressions.evaluator import Evaluator
from riacho.dataflow.programs.crossing import Path, column_at, columns_of, path_of
from riacho.dataflow.programs.memo import memo_of
from riacho.dataflow.programs.moments import is_now, now, texts_of
from riacho.formats.arrow import Column, views_of
from riacho.kernels import text_parts as kernel
from riacho.plan.expressions import Call, Expression, Literal, LiteralValue
from riacho.plan.relations import Schema
from riacho.plan.types import is_text

NO_NULLS = np.empty(0, np.bool_)
"""To a kernel: every row has a value."""

MOST_PARTS = 1000
"""The kernel remembers where so many of a string's parts end."""

OfOne = Callable[[Column], Sequence[Column]]
"""Columns that are computed together from one column."""


class DerivedColumns:
    """Expressions over one schema, each a column."""

    def __init__(self, expressions: Sequence[Expression], schema: Schema, settings: Settings) -> None:
        self._count = len(expressions)
        self._of_one: list[tuple[Path, list[int], OfOne]] = []
        self._others: list[int] = []
        self._settings = settings
        self._now: list[int] = []
        splits: dict[tuple[Path, int], dict[int, int]] = {}
        for place, expression in enumerate(expressions):
            if is_now(expression):
                self._now.append(place)
            elif (moments := texts_of(expression, settings)) is not None:
                self._of_one.append((moments.path, [place], moments.columns))
            elif (split := _split_of(expression)) is not None:
                path, delimiter, index = split
                splits.setdefault((path, delimiter), {})[place] = index
            elif (count := _count_of(expression)) is not None:
                self._of_one.append((count[0], [place], partial(_counted, byte=count[1])))
            elif (memo := memo_of(expression, settings)) is not None:
                self._of_one.append((memo.path, [place], memo.columns))
            else:
                self._others.append(place)
        for (path, delimiter), indexes in splits.items():
            numbers = np.array(list(indexes.values()), np.int64)
            self._of_one.append((path, list(indexes), partial(_split, delimiter=delimiter, indexes=numbers)))
        others = [expressions[place] for place in self._others]
        self._evaluator = Evaluator(others, [f"${place}" for place in self._others], schema, settings)

    @property
    def tell_time(self) -> bool:
        """Whether some depend on when they are computed."""
        return bool(self._now)

    def of(self, batch: Batch) -> list[Column]:
        """The columns for the rows of a batch, which has some. Raises `RowError`."""
        made: dict[int, Column] = {}
        read: dict[Path, Column] = {}
        for path, places, make in self._of_one:
            if path not in read:
                read[path] = column_at(batch.rows, path)
            made |= zip(places, make(read[path]), strict=True)
        if self._now:
            made |= dict.fromkeys(self._now, now(self._settings, len(batch)))
        if self._others:
            found = columns_of(self._evaluator.evaluate(batch))
            made |= zip(self._others, found, strict=True)
        return [made[place] for place in range(self._count)]


def _constants(expression: Expression, function: str) -> tuple[Path, list[LiteralValue]] | None:
    """The string that a call of this function reads as the input has it, and the constants that follow it."""
    if not isinstance(expression, Call) or expression.function != function:
        return None
    text, *rest = expression.arguments
    path = path_of(text)
    if path is None or not is_text(text.type):
        return None
    constants = [part.value for part in rest if isinstance(part, Literal)]
    return (path, constants) if len(constants) == len(rest) else None


def _split_of(expression: Expression) -> tuple[Path, int, int] | None:
    """The string, the byte between its parts and the number of the part."""
    match _constants(expression, "SPLIT_INDEX"):
        case path, [str() as byte, int() as index] if len(byte) == 1 and byte.isascii() and index < MOST_PARTS:
            return path, ord(byte), index
    return None


def _count_of(expression: Expression) -> tuple[Path, int] | None:
    """The string and the byte that Nexmark's function counts."""
    match _constants(expression, "com.github.nexmark.flink.udf.CountChar"):
        case path, [str() as character] if character and character[0].isascii():
            return path, ord(character[0])
    return None


def _split(texts: Column, delimiter: int, indexes: npt.NDArray[np.int64]) -> list[Column]:
    views = views_of(texts)
    out = np.empty((len(indexes), 2 * texts.length), np.uint64)
    valid = np.empty((len(indexes), texts.length), np.bool_)
    given = NO_NULLS if views.valid is None else views.valid
    kernel.split_parts(views.views, views.addresses, given, delimiter, indexes, out, valid)
    whole = [bool(np.all(line)) for line in valid]
    return [
        Column("vu", texts.length, (line.view(np.uint8), *texts.buffers[1:]), None if every else there)
        for line, there, every in zip(out, valid, whole, strict=True)
    ]


def _counted(texts: Column, byte: int) -> list[Column]:
    views = views_of(texts)
    out = np.empty(texts.length, np.int64)
    kernel.count_byte(views.views, views.addresses, NO_NULLS if views.valid is None else views.valid, byte, out)
    return [Column("l", texts.length, (out,))]
