"""Columns that are computed before a program runs, of expressions that programs do not know.

Some functions of strings have kernels. Costly ones are computed once for each string that comes again. Everything else
goes to Polars, all in one call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from riacho.dataflow.batch import Batch
from riacho.dataflow.evaluation.settings import Settings
from riacho.dataflow.expressions.evaluator import Evaluator
from riacho.dataflow.programs.crossing import Path, column_at, columns_of, path_of
from riacho.dataflow.programs.memo import memo_of
from riacho.formats.arrow import Column, strings, views_of
from riacho.kernels import text_parts as kernel
from riacho.plan.expressions import Call, Expression, Literal
from riacho.plan.relations import Schema
from riacho.plan.types import is_text

NO_NULLS = np.empty(0, np.bool_)
"""To a kernel: every row has a value."""

OfText = Callable[[Column], Column]


class DerivedColumns:
    """Expressions over one schema, each a column."""

    def __init__(self, expressions: Sequence[Expression], schema: Schema, settings: Settings) -> None:
        self._count = len(expressions)
        self._of_texts: list[tuple[int, Path, OfText]] = []
        self._others: list[int] = []
        for place, expression in enumerate(expressions):
            path, make = _of_text(expression, settings)
            if make is None:
                self._others.append(place)
            else:
                self._of_texts.append((place, path, make))
        others = [expressions[place] for place in self._others]
        self._evaluator = Evaluator(others, [f"${place}" for place in self._others], schema, settings)

    def of(self, batch: Batch) -> list[Column]:
        """The columns for the rows of a batch, which has some. Raises `RowError`."""
        made: dict[int, Column] = {}
        texts: dict[Path, Column] = {}
        for place, path, make in self._of_texts:
            if path not in texts:
                texts[path] = column_at(batch.rows, path)
            made[place] = make(texts[path])
        if self._others:
            found = columns_of(self._evaluator.evaluate(batch))
            made |= dict(zip(self._others, found, strict=True))
        return [made[place] for place in range(self._count)]


def _of_text(expression: Expression, settings: Settings) -> tuple[Path, OfText | None]:
    """What computes an expression from the one string that it reads; None where something else must."""
    if isinstance(expression, Call) and expression.arguments:
        text, *rest = expression.arguments
        path = path_of(text)
        if path is not None and is_text(text.type) and all(isinstance(part, Literal) for part in rest):
            make = _by_kernel(expression.function, [part for part in rest if isinstance(part, Literal)])
            if make is not None:
                return path, make
    memo = memo_of(expression, settings)
    return ((), None) if memo is None else (memo.path, memo.column)


def _by_kernel(function: str, constants: list[Literal]) -> OfText | None:
    values = [constant.value for constant in constants]
    match function, values:
        case "SPLIT_INDEX", [str() as delimiter, int() as index] if len(delimiter) == 1 and delimiter.isascii():
            return lambda texts: _split(texts, ord(delimiter), index)
        case "com.github.nexmark.flink.udf.CountChar", [str() as character] if character and character[0].isascii():
            return lambda texts: _counted(texts, ord(character[0]))
    return None


def _split(texts: Column, delimiter: int, index: int) -> Column:
    views = views_of(texts)
    out, valid = np.empty(2 * texts.length, np.uint64), np.empty(texts.length, np.bool_)
    given = NO_NULLS if views.valid is None else views.valid
    without = kernel.split_parts(views.views, views.addresses, given, delimiter, index, out, valid)
    return strings(out.view(np.uint8), list(texts.buffers[1:-1]), valid if without else None)


def _counted(texts: Column, byte: int) -> Column:
    views = views_of(texts)
    out = np.empty(texts.length, np.int64)
    kernel.count_byte(views.views, views.addresses, NO_NULLS if views.valid is None else views.valid, byte, out)
    return Column("l", texts.length, (out,))
